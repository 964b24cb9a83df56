# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run of Ansible as a process of the control node, named so that nobody can be taken for it later.

Used on the control node only. Where /proc is missing (macOS) nothing is known, and so nobody is ever called gone.
"""

from __future__ import annotations

import getpass
import hashlib
import multiprocessing
import os
import socket
from collections.abc import Callable
from typing import Any

Reader = Callable[[str], str]
# What must be equal for two runs to have seen each other's processes.
SAME_MACHINE = ("machine", "host")


def read_text(path: str) -> str:
    """A file, or the target of a link in /proc; empty where there is none."""
    try:
        if os.path.islink(path):
            return os.readlink(path)
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read().strip()
    except OSError:
        return ""


def identity(read: Reader = read_text) -> dict[str, Any]:
    """This run. Tasks run in forked workers, so it is their parent that counts."""
    parent = multiprocessing.parent_process()
    pid = parent.pid if parent and parent.pid else os.getpid()
    host = socket.gethostname()
    return {"who": f"{_user()}@{host}", "host": host, "pid": pid, "started": start_time(pid, read), **_machine(read)}


def is_gone(holder: dict[str, Any], read: Reader = read_text) -> bool:
    """Whether that run was started here and its process is no more. In doubt it is not gone."""
    here = {"host": socket.gethostname(), **_machine(read)}
    if not holder.get("machine") or any(holder.get(key) != here[key] for key in SAME_MACHINE):
        return False
    if not holder.get("boot") or not here["boot"] or not holder.get("started"):
        return False
    if holder["boot"] != here["boot"]:
        return True
    # Another container of the same machine: its processes have numbers that mean nothing here.
    if not here["namespace"] or holder.get("namespace") != here["namespace"]:
        return False
    return start_time(int(holder["pid"]), read) != str(holder["started"])


def start_time(pid: int, read: Reader = read_text) -> str:
    """When a process was started, in clock ticks since the machine's start; empty for none and for a zombie."""
    # The second field is the name, which may hold spaces and parentheses: count from its end.
    fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else ""


def _machine(read: Reader) -> dict[str, str]:
    identifier = read("/etc/machine-id")
    return {
        # systemd asks not to publish the id itself.
        "machine": hashlib.sha256(f"portfolio {identifier}".encode()).hexdigest() if identifier else "",
        "boot": read("/proc/sys/kernel/random/boot_id"),
        "namespace": read("/proc/self/ns/pid"),
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
