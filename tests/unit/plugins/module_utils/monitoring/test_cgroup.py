# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's memory: v1 from files recorded in the lab, v2 in the form that the kernel documents."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring import cgroup

RECORDED = Path(__file__).parent / "recorded"
V1 = "/sys/fs/cgroup/memory/docker/ce0eed294b9d0452f649eafbb9b3fcbac0767043d0ee6c5af963dffdeee2f90a"
V2 = "/sys/fs/cgroup/system.slice/docker-1a54de1027866895a0c257f2ef2b98ba7f17b7a3392470a9bfb8ff37fe8db9db.scope"
FILES = {
    1: {
        "/proc/7/cgroup": "membership_v1",
        f"{V1}/memory.oom_control": "memory.oom_control",
        f"{V1}/memory.usage_in_bytes": "memory.usage_in_bytes",
        f"{V1}/memory.stat": "memory.stat_v1",
    },
    2: {
        "/proc/7/cgroup": "membership_v2",
        f"{V2}/memory.events": "memory.events",
        f"{V2}/memory.current": "memory.current",
        f"{V2}/memory.stat": "memory.stat_v2",
    },
}


@pytest.mark.parametrize(
    ("version", "kills", "used"), [(1, 3, 53698560 - 8687616), (2, 2, 43208704 - 1646592)], ids=["v1", "v2"]
)
def test_kills_and_memory_in_use(version: int, kills: int, used: int) -> None:
    def read(path: str) -> str:
        return (RECORDED / FILES[version][path]).read_text()

    assert cgroup.of_process(7, read) == {"oom_kills": kills, "used": used}


def test_what_the_kernel_does_not_show_is_not_known() -> None:
    nothing = {"oom_kills": None, "used": None}
    assert cgroup.of_process(None, lambda _path: "0::/x") == nothing
    assert cgroup.of_process(0, lambda _path: "0::/x") == nothing
    assert cgroup.of_process(7, lambda _path: "") == nothing
    assert cgroup.usage(2, "/gone", lambda _path: "") == nothing
