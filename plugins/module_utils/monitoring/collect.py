# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collector: looks, judges, and puts one file in place; then says aloud what became bad or well again."""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring import (
    alarm,
    counters,
    glance,
    judge_database,
    judge_server,
    look,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring.numbers import worst

Json = dict[str, Any]
VERSION = 1


def main(arguments: list[str]) -> None:
    """`CONFIG`, and `acknowledge` to begin counting anew, or `glance` for what the verb status asks."""
    with open(arguments[0], encoding="utf-8") as handle:
        config = json.load(handle)
    if arguments[1:] == ["glance"]:
        json.dump(glance.glance(config), sys.stdout)
    else:
        look_once(config, arguments[1:] == ["acknowledge"])
    sys.stdout.flush()
    # Not through the interpreter's end, which would wait for a thread that a disk holds.
    os._exit(0)


def look_once(config: Json, seen_by_somebody: bool) -> None:
    """Judge and publish what is found."""
    began, now = time.monotonic(), time.time()
    found = look.everything(config)
    with locked(config["runtime"]):
        state = remembered(config)
        counted = counters.counted(state.get("counters", {}), seen(found))
        if seen_by_somebody:
            counted = counters.acknowledged(counted)
        numbers = judge(found, config, counted, state.get("alarm", {}), now)
        status = {
            "version": VERSION,
            "at": stamp(now),
            "epoch": now,
            "host": config["host"],
            "level": worst(numbers),
            "seconds": round(time.monotonic() - began, 2),
            "numbers": numbers,
        }
        # Before anybody is told, which may take long.
        keep(config, {**state, "counters": counted})
        publish(config, status)
        said = speak(config, state.get("alarm", {}), status, found["lease"], now)
        keep(config, {"counters": counted, "alarm": said})


def seen(found: Json) -> dict[str, tuple[str, int]]:
    """What is counted: by name, what counts it, and how far it is."""
    counts: dict[str, tuple[str, int]] = {}
    for name, there in found["engine"]["containers"].items():
        if there and there["oom_kills"] is not None:
            counts[f"oom_kills {name}"] = (f"{there['id']} {there['started_at']}", there["oom_kills"])
        if there and there["restart_count"] is not None:
            counts[f"restarts {name}"] = (there["id"], there["restart_count"])
    if "error" not in found["database"]:
        counts["checksum_failures"] = ("database", int(found["database"]["checksum_failures"]))
    return counts


def judge(found: Json, config: Json, counted: dict[str, Json], said: Json, now: float) -> list[Json]:
    """Every number, what comes first causes what comes after it. Pure."""
    limits = config["limits"]
    numbers = [*judge_server.machine(found, limits), *judge_server.containers(found, config, counted)]
    numbers += judge_server.links(found, config)
    database = found["database"]
    if "error" not in database:
        numbers += judge_database.sessions(database, limits)
        numbers += judge_database.files(database, limits, counted)
        numbers += judge_database.schema(found["schema"])
        numbers += judge_database.archive(database, found["spool"], limits, now)
    numbers += judge_database.backups(found["states"], limits, now)
    numbers += judge_server.token(found, limits, now)
    numbers += judge_server.certificate(found, limits, now)
    numbers += judge_server.run(found, now)
    return numbers + list(judge_server.alarm(said))


def speak(config: Json, said: Json, status: Json, lease: Json | None, now: float) -> Json:
    """Post what differs from what was said last; what is to be remembered of it."""
    with open(config["webhook_file"], encoding="utf-8") as handle:
        url = handle.read().strip()
    now_bad = alarm.bad(status["numbers"])
    if not url:
        return {}
    if not alarm.due(said, now_bad, lease, now):
        # What could not be delivered may have gone by itself.
        return {**said, "error": ""} if now_bad == said.get("posted", {}) else said
    body = alarm.message(status["host"], status["at"], status["numbers"], said.get("posted", {}))
    return alarm.remembered(said, now_bad, alarm.post(url, body), now)


def stamp(now: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))


@contextmanager
def locked(runtime: str) -> Iterator[None]:
    """One at a time: somebody may say that a count was seen while the timer has its turn."""
    with open(f"{runtime}/lock", "a", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def remembered(config: Json) -> Json:
    """From memory, else from the disk, where it survives a restart of the machine."""
    for directory in (config["runtime"], config["directory"]):
        with suppress(OSError, ValueError), open(f"{directory}/state.json", encoding="utf-8") as handle:
            found: Json = json.load(handle)
            return found
    return {}


def keep(config: Json, state: Json) -> None:
    """In memory always; on the disk only what is new there, and a full disk is no reason to give up."""
    text = json.dumps(state, sort_keys=True)
    replace(f"{config['runtime']}/state.json", text)
    path = f"{config['directory']}/state.json"
    with suppress(OSError):
        if not os.path.exists(path) or read(path) != text:
            replace(path, text)


def publish(config: Json, status: Json) -> None:
    """The file lies in memory, so that a full disk does not stop it; on the disk is a link to it."""
    place = f"{config['runtime']}/status.json"
    replace(place, json.dumps(status, indent=1, ensure_ascii=False) + "\n")
    link = f"{config['directory']}/status.json"
    with suppress(OSError):
        if not os.path.islink(link) or os.readlink(link) != place:
            temporary = f"{link}.tmp"
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            os.symlink(place, temporary)
            os.replace(temporary, link)


def read(path: str) -> str:
    with open(path, encoding="utf-8") as handle:
        return handle.read()


def replace(path: str, text: str) -> None:
    temporary = f"{path}.tmp"
    with open(temporary, "w", encoding="utf-8") as handle:
        handle.write(text)
    os.replace(temporary, path)
