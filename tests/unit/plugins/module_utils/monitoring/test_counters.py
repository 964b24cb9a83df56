# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts go on over restarts, and begin anew only when somebody has said that they were seen."""

from __future__ import annotations

from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring import counters

KILLS = "oom_kills postgres-erp"


def new(*seen: tuple[str, int], known_after: int | None = None) -> int:
    found: counters.Json = {}
    for index, one in enumerate(seen):
        found = counters.counted(found, {KILLS: one})
        if index == known_after:
            found = counters.acknowledged(found)
    return counters.new(found, KILLS)


def test_what_is_counted_goes_on_over_a_restart() -> None:
    assert new(("a", 2)) == 2
    assert new(("a", 2), ("a", 2)) == 2
    assert new(("a", 2), ("a", 3)) == 3
    assert new(("a", 2), ("b", 0)) == 2
    assert new(("a", 2), ("b", 1), ("b", 1)) == 3
    assert new(("a", 2), ("a", 1)) == 3  # the same container, counted from 0 again


def test_it_is_new_until_somebody_has_seen_it() -> None:
    assert new(("a", 2), known_after=0) == 0
    assert new(("a", 2), ("a", 2), ("b", 0), known_after=0) == 0
    assert new(("a", 2), ("b", 1), known_after=0) == 1
    assert counters.new({}, KILLS) == 0


def test_what_cannot_be_seen_now_is_not_forgotten() -> None:
    found = counters.counted(counters.counted({}, {KILLS: ("a", 2)}), {})
    assert counters.new(found, KILLS) == 2
