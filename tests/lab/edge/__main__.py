# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the lab's account at Cloudflare up in a directory, and down again.

    python -m tests.lab.edge up DIRECTORY [--seed FILE] [--public HOST:PORT] [--connectors HOST:PORT]
    python -m tests.lab.edge down DIRECTORY

`up` returns when it listens: DIRECTORY/lab.json then says where, and calls.jsonl holds a line for each call of the API.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.lab.edge.doors import Address
from tests.lab.edge.lab import Place, run
from tests.lab.networks import bridge

ROOT = Path(__file__).resolve().parents[3]
START_S = 20


def address(text: str) -> Address:
    host, _colon, port = text.rpartition(":")
    return host, int(port)


def up(place: Place, words: list[str]) -> int:
    """In a session of its own, so that it outlives who called."""
    down(place)
    place.directory.mkdir(parents=True, exist_ok=True)
    place.told.unlink(missing_ok=True)
    place.calls.unlink(missing_ok=True)
    with (place.directory / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.lab.edge", "run", *words],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    place.pid.write_text(str(process.pid))
    deadline = time.monotonic() + START_S
    while not place.told.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            print(f"the lab did not start; its log is {place.directory / 'log'}", file=sys.stderr)
            return 1
        time.sleep(0.05)
    return 0


def down(place: Place) -> int:
    """Only a process that was started for this directory."""
    try:
        pid = int(place.pid.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return 0
    if b"tests.lab.edge" in command and str(place.directory).encode() in command:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        while Path(f"/proc/{pid}").exists() and b"tests.lab.edge" in _command(pid):
            time.sleep(0.02)
    place.pid.unlink()
    return 0


def _command(pid: int) -> bytes:
    """Empty for one that has ended and was not waited for."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=("up", "run", "down"))
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seed", type=Path, help="what the account holds, as JSON")
    parser.add_argument("--public", type=address, default=("127.0.0.1", 0), help="where everybody asks, by TLS")
    parser.add_argument(
        "--connectors", type=address, help="where connectors dial in; else this machine's address for containers"
    )
    given = parser.parse_args()
    place = Place(given.directory.resolve())
    if given.verb == "up":
        return up(place, [str(place.directory), *sys.argv[3:]])
    if given.verb == "down":
        return down(place)
    seed = json.loads(given.seed.read_text()) if given.seed else {}
    asyncio.run(run(place, seed, given.connectors or (bridge(), 0), given.public))
    return 0


if __name__ == "__main__":
    sys.exit(main())
