# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a step usually takes: what earlier runs of the same kind on this control node took."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from cli.cache import Memory

KEPT = 5  # runs; the median of them is usual


class Usual:
    """Remembers, for one verb and inventory."""

    def __init__(self, inventory: Path, verb: str) -> None:
        self._memory = Memory("usual", inventory, verb)
        self._taken: dict[str, list[float]] = {}
        # Somebody may have written something else there.
        with suppress(AttributeError, TypeError, ValueError):
            known = self._memory.read() or {}
            self._taken = {str(step): [float(value) for value in values] for step, values in known.items()}

    def of(self, step: str) -> float | None:
        """Seconds, or None for a step that never ran."""
        values = self._taken.get(step)
        return statistics.median(values) if values else None

    def remember(self, taken: Mapping[str, float]) -> None:
        """Add what one run took."""
        for step, value in taken.items():
            self._taken[step] = [*self._taken.get(step, []), round(value, 1)][-KEPT:]
        self._memory.write(self._taken)
