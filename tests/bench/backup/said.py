# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the client that writes, pgbench and the engine said, as numbers. Pure.

The client's numbers are the moments, in nanoseconds, of rows that were acknowledged (tests/system/writer.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

SECOND = 1e9


def silence(acknowledged: Sequence[int], since: int) -> tuple[float, float]:
    """The longest time without a row that ends after *since*: its seconds, and the seconds from *since* to its end."""
    longest, end = max((later - earlier, later) for earlier, later in pairwise(acknowledged) if later > since)
    return longest / SECOND, (end - since) / SECOND


def lost(acknowledged: Sequence[int], kept: Iterable[int]) -> tuple[int, float]:
    """How many acknowledged rows are missing, and the seconds from the last row before them to the last one at all."""
    gone = set(acknowledged) - set(kept)
    if not gone:
        return 0, 0.0
    last_kept = max((number for number in acknowledged if number < min(gone)), default=acknowledged[0])
    return len(gone), (acknowledged[-1] - last_kept) / SECOND


def longest_run(events: str) -> float:
    """Seconds of the longest of a container's runs, from lines of nanoseconds and what happened."""
    began = longest = 0
    for when, happened in re.findall(r"^(\d+) (start|die)$", events, re.M):
        if happened == "start":
            began = int(when)
        else:
            longest = max(longest, int(when) - began)
    return longest / SECOND


def a_second(pgbench: str) -> float:
    """Transactions."""
    found = re.search(r"^tps = ([\d.]+) \(without initial connection time\)", pgbench, re.M)
    assert found, pgbench
    return float(found[1])
