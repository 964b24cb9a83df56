# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is counted from when somebody last said that it was seen: memory kills, restarts, damaged pages. Pure.

The kernel and Docker begin anew with each start of a container, so what was counted before is kept here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


def counted(before: Mapping[str, Json], seen: Mapping[str, tuple[str, int]]) -> dict[str, Json]:
    """The counters with what is seen now: by name what counts (another one begins at 0), and its count."""
    after = dict(before)
    for name, (owner, count) in seen.items():
        last = before.get(name, {"total": 0, "of": owner, "seen": 0, "known": 0})
        continued = last["of"] == owner and count >= last["seen"]
        more = count - last["seen"] if continued else count
        after[name] = {**last, "of": owner, "seen": count, "total": last["total"] + more}
    return after


def acknowledged(counters: Mapping[str, Json]) -> dict[str, Json]:
    """The same, all of it known to somebody."""
    return {name: {**counter, "known": counter["total"]} for name, counter in counters.items()}


def new(counters: Mapping[str, Json], name: str) -> int:
    """How often it happened that nobody has said that it was seen."""
    counter = counters.get(name)
    return int(counter["total"] - counter["known"]) if counter else 0
