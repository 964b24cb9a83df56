# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's memory as the kernel counts it, cgroup v1 and v2. The parsing is pure: text in, numbers out."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

ROOT = "/sys/fs/cgroup"
Reader = Callable[[str], str]


def parse_membership(text: str) -> tuple[int, str] | None:
    """Version and path of a process's memory cgroup, from /proc/PID/cgroup."""
    unified = None
    for line in text.splitlines():
        number, _colon, rest = line.partition(":")
        controllers, _colon, path = rest.partition(":")
        if "memory" in controllers.split(","):
            return 1, path
        if number == "0" and not controllers:
            unified = path
    return None if unified is None else (2, unified)


def parse_pairs(text: str) -> dict[str, int]:
    """`oom_kill 3`, a line each, as memory.events, memory.oom_control and memory.stat have it."""
    return {name: int(number) for name, number in re.findall(r"^(\w+) (\d+)$", text, re.M)}


def directory(version: int, path: str) -> str:
    """Where the kernel shows that cgroup."""
    return os.path.normpath(f"{ROOT}/memory/{path}" if version == 1 else f"{ROOT}/{path}")


def usage(version: int, path: str, read: Reader) -> dict[str, Any]:
    """`oom_kills` of the cgroup, and `used` bytes without the file cache that the kernel would give back."""
    there = directory(version, path)
    events, current, cache = (
        ("memory.oom_control", "memory.usage_in_bytes", "total_inactive_file")
        if version == 1
        else ("memory.events", "memory.current", "inactive_file")
    )
    counted = read(f"{there}/{current}").strip()
    used = None
    if counted.isdigit():
        used = max(0, int(counted) - parse_pairs(read(f"{there}/memory.stat")).get(cache, 0))
    return {"oom_kills": parse_pairs(read(f"{there}/{events}")).get("oom_kill"), "used": used}


def of_process(pid: int | None, read: Reader) -> dict[str, Any]:
    """The same for the cgroup that a process is in; nothing is known of one that does not run."""
    membership = parse_membership(read(f"/proc/{pid}/cgroup")) if pid else None
    return usage(*membership, read) if membership else {"oom_kills": None, "used": None}
