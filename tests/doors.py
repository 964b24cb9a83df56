# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb tunnel as somebody runs it, which stays until it is ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.server import ROOT, Droplet


@contextmanager
def tunnel(droplet: Droplet, command: list[str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A command that opens one, and what it says when it is open."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=droplet.environment, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None and process.stderr is not None
            said = ""
            while "sslmode " not in said:
                line = process.stdout.readline()
                assert line, process.stderr.read()
                said += line
            yield process, said
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def free_port() -> int:
    """One of this machine that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
