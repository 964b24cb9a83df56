# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a step usually takes: what earlier runs of the same kind on this control node took."""

from __future__ import annotations

import hashlib
import json
import os
import statistics
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

KEPT = 5  # runs; the median of them is usual


def directory() -> Path:
    """Of this project, below the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bestviable-portfolio"


class Usual:
    """Remembers; a file that cannot be read or written only means that nothing is known."""

    def __init__(self, inventory: Path, verb: str) -> None:
        key = hashlib.sha256(os.fsencode(inventory)).hexdigest()[:16]
        self._path = directory() / "usual" / f"{verb}-{key}.json"
        self._taken: dict[str, list[float]] = {}
        with suppress(OSError, ValueError, AttributeError, TypeError):
            known = json.loads(self._path.read_text())
            self._taken = {str(step): [float(value) for value in values] for step, values in known.items()}

    def of(self, step: str) -> float | None:
        """Seconds, or None for a step that never ran."""
        values = self._taken.get(step)
        return statistics.median(values) if values else None

    def remember(self, taken: Mapping[str, float]) -> None:
        """Add what one run took; written as a whole, so that two runs at a time lose one of them at worst."""
        for step, value in taken.items():
            self._taken[step] = [*self._taken.get(step, []), round(value, 1)][-KEPT:]
        new = self._path.with_suffix(f".{os.getpid()}.new")
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps(self._taken, indent=1))
            new.replace(self._path)
