# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lease of a run: one file on the server that says who is changing it. Each of our modules renews it."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

DEFAULT_FILE = "/run/portfolio/lease.json"
RUN_VARIABLE = "PORTFOLIO_RUN_ID"
FILE_VARIABLE = "PORTFOLIO_LEASE_FILE"
LIFETIME = 600.0
FREE, OURS, TAKEN_OVER, REFUSED = "free", "ours", "taken over", "refused"
# Longer than the longest write of the file, short enough not to hang on a stopped process.
LOCK_WAIT = 5.0
LOCK_POLL = 0.05


class LeaseError(Exception):
    """Another run holds the server, or the lease cannot be kept."""


def lease_file() -> str:
    return os.environ.get(FILE_VARIABLE) or DEFAULT_FILE


def is_live(lease: dict[str, Any], now: float) -> bool:
    """A time in the future is a clock that was set back; such a lease must not live for ever."""
    return abs(now - float(lease["renewed"])) < LIFETIME


def judge(current: dict[str, Any] | None, run_id: str, take_over: str | None, now: float) -> str:
    """What a run that wants the server may do. `take_over` names the run whose holder is known to be gone."""
    if current is None:
        return FREE
    if current["run_id"] == run_id:
        return OURS
    if current["run_id"] == take_over or not is_live(current, now):
        return TAKEN_OVER
    return REFUSED


def renewed(
    current: dict[str, Any] | None, verdict: str, run_id: str, holder: dict[str, Any], now: float
) -> dict[str, Any]:
    """The lease of this run; one that it holds already keeps its beginning."""
    since = current["since"] if current and verdict == OURS else now
    who = str(holder.get("who") or "somebody")
    return {"run_id": run_id, "who": who, "since": since, "renewed": now, "holder": holder}


def held_sentence(lease: dict[str, Any]) -> str:
    return (
        f"{lease['who']} has been changing this server since {_since(lease)} (run {lease['run_id']}); "
        f"wait for its end, or {LIFETIME / 60:.0f} minutes after its last step"
    )


def taken_over_sentence(lease: dict[str, Any]) -> str:
    return (
        f"Run {lease['run_id']}, which {lease['who']} began at {_since(lease)}, did not end properly, "
        "and its lease is taken over; let this run end, which puts right what is half done."
    )


def _since(lease: dict[str, Any]) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(float(lease["since"])))


def read(path: str) -> dict[str, Any] | None:
    """The lease, or None. A file that nobody can read as one protects nobody."""
    try:
        with open(path, encoding="utf-8") as handle:
            found = json.load(handle)
        float(found["renewed"])
        float(found["since"])
        return {**found, "run_id": str(found["run_id"]), "who": str(found["who"])}
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        return None


def write(path: str, lease: dict[str, Any]) -> None:
    """Replaced as a whole. Without fsync: the file is on a memory file system and ends with the machine."""
    temporary = f"{path}.{os.getpid()}.tmp"
    with open(temporary, "w", encoding="utf-8") as handle:
        json.dump(lease, handle)
    os.replace(temporary, path)


@contextmanager
def locked(path: str) -> Iterator[None]:
    """Reading, deciding and writing are one step for everybody else."""
    with open(f"{path}.lock", "a", encoding="utf-8") as handle:
        deadline = time.monotonic() + LOCK_WAIT
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise LeaseError(f"{path}.lock stays locked; end its holder and run again") from error
                time.sleep(LOCK_POLL)
        yield


def renew_from_environment(check_mode: bool = False) -> None:
    """Called by each of our modules before it changes something. Raises LeaseError when another run has the server.

    Nothing happens outside a run of site.yml, in check mode, and where there is no lease any more (after a restart).
    """
    run_id, path = os.environ.get(RUN_VARIABLE), lease_file()
    if check_mode or not run_id or not os.path.exists(path):
        return
    try:
        with locked(path):
            _renew(path, run_id)
    except OSError as error:
        raise LeaseError(f"The lease {path} cannot be renewed ({error.strerror}); run as root") from error


def _renew(path: str, run_id: str) -> None:
    lease = read(path)
    if lease is None:
        return
    if lease["run_id"] == run_id:
        write(path, {**lease, "renewed": time.time()})
    elif is_live(lease, time.time()):
        raise LeaseError(f"This run has lost the server: {held_sentence(lease)}, and run again")
