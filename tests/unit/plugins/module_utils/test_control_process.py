"""Whether a run that started on this machine is still there. In doubt it is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils import control_process

# Recorded; a process whose name does its best to be misread.
STAT = (
    "4711 (a) b (c d) S 1 4711 4711 0 -1 4194560 2214 0 0 0 3 1 0 0 20 0 1 0 389620 9138176 1245 18446744073709551615"
)


def reader(**changes: str) -> Callable[[str], str]:
    files = {
        "/etc/machine-id": "3d1219c7c4c5404aaa1f6d2a48adfda4",
        "/proc/sys/kernel/random/boot_id": "77a8d353-0351-4f0c-bdc8-cb1eb0e32af8",
        "/proc/self/ns/pid": "pid:[4026531836]",
        f"/proc/{os.getpid()}/stat": STAT,
    }
    return lambda path: {**files, **changes}.get(path, "")


HOLDER: dict[str, Any] = control_process.identity(reader())
STAT_PATH = f"/proc/{os.getpid()}/stat"


def test_identity() -> None:
    assert (HOLDER["pid"], HOLDER["started"]) == (os.getpid(), "389620")
    assert HOLDER["who"].endswith("@" + HOLDER["host"])
    assert "3d1219c7" not in HOLDER["machine"]


@pytest.mark.parametrize(
    ("holder", "changes", "gone"),
    [
        ({}, {}, False),
        ({}, {STAT_PATH: ""}, True),
        ({}, {STAT_PATH: STAT.replace("389620", "389999")}, True),
        ({}, {STAT_PATH: STAT.replace(") S ", ") Z ")}, True),
        ({}, {"/proc/sys/kernel/random/boot_id": "another"}, True),
        # Nobody knows these: another machine, a clone of this one, another container, a system without /proc.
        ({}, {STAT_PATH: "", "/etc/machine-id": "another"}, False),
        ({"host": "clone"}, {STAT_PATH: ""}, False),
        ({"namespace": "pid:[1]"}, {STAT_PATH: ""}, False),
        ({"machine": "", "boot": "", "started": ""}, {STAT_PATH: ""}, False),
        ({}, {STAT_PATH: "", "/proc/self/ns/pid": ""}, False),
        ({}, {"/proc/sys/kernel/random/boot_id": ""}, False),
        ({"started": ""}, {}, False),
    ],
)
def test_is_gone(holder: dict[str, Any], changes: dict[str, str], gone: bool) -> None:
    assert control_process.is_gone({**HOLDER, **holder}, reader(**changes)) is gone


def test_a_lease_that_says_nothing_about_its_holder() -> None:
    assert control_process.is_gone({}, reader()) is False


def test_a_real_process() -> None:
    process = subprocess.Popen(["sleep", "60"])
    try:
        holder = {**control_process.identity(), "pid": process.pid, "started": control_process.start_time(process.pid)}
        assert not control_process.is_gone(holder)
    finally:
        process.kill()
    # A zombie is gone already.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert control_process.is_gone(holder)
    process.wait()
    assert control_process.is_gone(holder)
