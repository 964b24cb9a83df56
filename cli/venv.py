# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual environment of the control node: exactly the locked packages, made once."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from cli.call import ROOT, SILENCE, Refused, say

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


def wait(command: list[str], what: str, env: Mapping[str, str] | None = None) -> None:
    """Run a quiet command; say every few seconds that it is still at work, and show its output if it fails."""
    began = time.monotonic()
    nothing, pipe, merged = subprocess.DEVNULL, subprocess.PIPE, subprocess.STDOUT
    with subprocess.Popen(command, env=env, stdin=nothing, stdout=pipe, stderr=merged) as process:
        while True:
            try:
                output, _ = process.communicate(timeout=SILENCE)
                break
            except subprocess.TimeoutExpired:
                say(f"  … {what}, {time.monotonic() - began:.0f} s")
    if process.returncode:
        sys.stderr.buffer.write(output[-4000:])
        raise Refused(
            f"{what} failed (exit {process.returncode}); correct what is said above, then run: {shlex.join(command)}"
        )


def ensure_venv_module(python: str) -> None:
    if not subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True, check=False).returncode:
        return
    if os.geteuid() or not shutil.which("apt-get"):
        raise Refused(
            f"{python} has no ensurepip, which a virtual environment needs; run: sudo apt-get install python3-venv"
        )
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    wait(["apt-get", "update", "-q"], "reading the package lists", env=quiet)
    install = ["apt-get", "install", "-q", "-y", "--no-install-recommends", "python3-venv"]
    wait(install, "installing python3-venv", env=quiet)


def stamp_of(lock: Path) -> str:
    # The directory is part of it: a venv cannot be moved.
    return f"{ROOT} {hashlib.sha256(lock.read_bytes()).hexdigest()}\n"


def stamped(group: str) -> bool:
    stamp = VENV / f".{group}.stamp"
    return stamp.exists() and stamp.read_text() == stamp_of(ROOT / "requirements" / f"{group}.txt")


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    with (ROOT / "requirements" / "run.txt").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ensure_venv(group: str = "run") -> None:
    """Make .venv hold the locked packages of the group; `test` contains `run`. Costs two small reads when it does."""
    if stamped(group) or (group == "run" and stamped("test")):
        return
    with one_at_a_time():
        old = [stamp for stamp in VENV.glob(".*.stamp") if not stamp.read_text().startswith(f"{ROOT} ")]
        if old or not PYTHON.exists():
            ensure_venv_module(sys.executable)
            wait([sys.executable, "-m", "venv", "--clear", str(VENV)], "making .venv")
        if stamped(group):  # another run made it while this one waited
            return
        lock = ROOT / "requirements" / f"{group}.txt"
        say(f"setup: installing the packages of requirements/{lock.name} into .venv; once, about a minute")
        install = ["pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", "-r", str(lock)]
        wait([str(PYTHON), "-m", *install], "installing Python packages")
        (VENV / f".{group}.stamp").write_text(stamp_of(lock))
