# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pace of the tests' own clients."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest

from tests.waiting import turns


@dataclass
class Clock:
    now: float = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_what_was_missed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that stood still for five seconds goes on at its pace; it does not ask for all of them at once."""
    clock, asked = Clock(), list[float]()
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(time, "sleep", clock.sleep)
    for _turn in turns(4, lambda: clock.now > 7):
        asked.append(clock.now)
        if len(asked) == 2:
            clock.now += 5
    monkeypatch.undo()
    assert asked == [0, 0.25, 5.25, 5.5, 5.75, 6, 6.25, 6.5, 6.75, 7]
