# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands and how long they take, databases to run them on, and what the server's log says of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.cluster import Cluster

OWNER = "erp_admin"
_NUMBER = count(1)
_LOGGED = re.compile(r"LOG:  duration: ([0-9.]+) ms  statement: (.*)")
_WRITES = re.compile(r"\b(?:INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|GRANT|REVOKE|COMMENT|TRUNCATE)\b")


@dataclass(frozen=True)
class Command:
    """One process."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: str = ""


@dataclass(frozen=True)
class Done:
    """How it went: wall time, exit code, and what it printed."""

    seconds: float
    code: int
    output: str


def _environment(command: Command) -> dict[str, str]:
    usual = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C.UTF-8"}
    return {**usual, **command.environment}


def run(command: Command) -> Done:
    """Run it to its end."""
    began = time.monotonic()
    with subprocess.Popen(
        command.argv,
        env=_environment(command),
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(command.stdin)
        process.stdin.close()
        output = process.stdout.read()
    return Done(time.monotonic() - began, process.returncode, output)


def peak_memory(command: Command) -> float:
    """MB that a process holds at most. The kernel's own sum for a child begins with what its parent held."""
    peak = 0
    with subprocess.Popen(
        command.argv,
        env=_environment(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        process.stdin.write(command.stdin.encode())
        process.stdin.close()
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text()
            peak = max(peak, *map(int, re.findall(r"^VmHWM:\s+([0-9]+) kB", status, re.MULTILINE)), 0)
            time.sleep(0.005)
    if process.returncode:
        sys.exit(f"bench: the process whose memory is measured failed (exit {process.returncode})")
    return peak / 1024


def succeed(what: str, command: Command) -> Done:
    """Run it; a failure ends the bench, as no figure would mean anything."""
    done = run(command)
    if done.code:
        sys.exit(f"bench: {what} failed (exit {done.code}):\n{done.output[-4000:]}")
    return done


def execute(
    cluster: Cluster, statement: str, database: str = "postgres", user: str = "postgres"
) -> list[tuple[object, ...]]:
    """One statement, committed; its rows."""
    connection = cluster.connect(user, database, autocommit=True)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


@contextmanager
def empty_database(cluster: Cluster) -> Iterator[str]:
    """A database of the owner with nothing in it."""
    name = f"bench{next(_NUMBER)}"
    execute(cluster, f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE template0 ENCODING 'UTF8'")
    try:
        yield name
    finally:
        execute(cluster, f"DROP DATABASE {name} WITH (FORCE)")


@dataclass(frozen=True)
class Logged:
    """What the server's log says of one command."""

    database_ms: float
    round_trips: int
    writes: int
    sessions: int


def logged(log: str) -> Logged:
    """Each statement line is one message of the client; a database at `log_min_duration_statement = 0`. Pure."""
    found = _LOGGED.findall(log)
    return Logged(
        sum(float(duration) for duration, _statement in found),
        len(found),
        sum(bool(_WRITES.search(statement)) for _duration, statement in found),
        log.count("connection authorized:"),
    )


def log_of(cluster: Cluster, command: Command) -> tuple[Done, Logged]:
    """Run a command and read what the server logged meanwhile."""
    begin = len(_log(cluster.log))
    done = succeed("a run whose statements are counted", command)
    return done, logged(_log(cluster.log)[begin:])


def _log(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
