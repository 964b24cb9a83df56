# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick way of the verb status: one command on the server instead of a playbook, where that says as much.

A full look compares the server with the inventory. While nobody has changed either since one that found all well, only
what fails by itself can be wrong, and that the server's collector asks at once (module_utils/monitoring/glance.py).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cli.ansible import Host, role_default
from cli.cache import Memory
from cli.call import ROOT, Call
from cli.findings import Json

# What decides about a server beside its inventory.
CODE = ("ansible.cfg", "cli", "playbooks", "plugins", "roles", "site.yml", "sql")
SECONDS = 5.0  # for the answer; a server that takes longer is looked at in full


class Glance:
    """One look, and what the last one that found all well was about."""

    def __init__(self, call: Call, host: Host) -> None:
        self._memory = Memory("status", call.inventory)
        self._mark: Json | None = None
        self._report: Json | None = None
        # With an option somebody wants to see something else than usual.
        if call.extra or host.external or not (argv := command(host)):
            return
        control, found = control_mark(call), look(argv)
        if found and found["mark"]:
            self._mark, self._report = {"control": control, "server": found["mark"]}, found["report"]

    @property
    def all_well(self) -> bool:
        """Whether the server says so, whatever the inventory wants."""
        return self._report is not None

    def report(self) -> Json | None:
        """The report where all is well and nothing has changed since a full look found it so; else None."""
        return self._report if self._mark and self._memory.read() == self._mark else None

    def remember(self) -> None:
        """A full look, begun after this one, found all well."""
        if self._mark:
            self._memory.write(self._mark)


def after_run(call: Call, host: Host, asked: str) -> None:
    """A run ended well, and it left the server as `asked` (a mark without hidden files) wants it to be."""
    glance = Glance(call, host)
    if glance.all_well and control_mark(call, hidden=False) == asked:
        glance.remember()


def control_mark(call: Call, hidden: bool = True) -> str:
    """Of everything on the control node that says what the server is to be; no file is read.

    Hidden beside an inventory are the keys and registers, which a run may make.
    """
    told = sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith("ANSIBLE_"))
    paths = {path for path in _files(call) if "__pycache__" not in path.parts}
    found = [(str(path), *_state(path)) for path in paths if hidden or not path.name.startswith(".")]
    return hashlib.sha256(json.dumps([told, sorted(found)]).encode()).hexdigest()


def _files(call: Call) -> Iterator[Path]:
    beside = call.inventory_directory
    # A file's directory may hold anything; of that only what Ansible reads, and the keys.
    yield from beside.rglob("*") if call.inventory.is_dir() else beside.glob("*")
    for name in () if call.inventory.is_dir() else ("group_vars", "host_vars"):
        yield from (beside / name).rglob("*")
    for name in CODE:
        yield ROOT / name
        yield from (ROOT / name).rglob("*")


def _state(path: Path) -> tuple[int, ...]:
    with suppress(OSError):
        there = path.stat()
        return (there.st_mode, there.st_size, there.st_mtime_ns) if path.is_file() else (there.st_mode,)
    return ()


def command(host: Host) -> list[str]:
    """What runs the collector there without asking anybody for anything; nothing where its place is not plain."""
    place = str(host.variables.get("portfolio_directory", role_default("portfolio", "portfolio_directory")))
    if not re.fullmatch(r"/[\w./-]+", place):
        return []
    argv = ["python3", "-I", f"{place}/monitoring/collect.py", f"{place}/monitoring/config.json", "glance"]
    return host.unattended(argv)


def look(argv: list[str]) -> Json | None:
    """What the collector says; None where there is none, or no way to it. Why tells the full look."""
    with suppress(OSError, subprocess.SubprocessError, ValueError):
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=True)
        found: Json = json.loads(done.stdout)
        return found
    return None
