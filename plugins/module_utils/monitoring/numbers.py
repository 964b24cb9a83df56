# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A number of the status file: its value, whether that is well, and if not one sentence and what to do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Json = dict[str, Any]
OK = "ok"
WARN = "warn"
FAIL = "fail"
ORDER = (OK, WARN, FAIL)


def number(name: str, value: Any, unit: str = "", of: Any = None) -> Json:
    """One that is well. `of` is what there is in all."""
    return {"name": name, "value": value, "unit": unit, "of": of, "level": OK, "what": "", "remedy": ""}


def graded(found: Json, level: str, what: str, remedy: str) -> Json:
    """The same, with what is wrong with it; a level of ok says nothing."""
    return found if level == OK else {**found, "level": level, "what": what, "remedy": remedy}


def level(value: float | None, limits: Sequence[float]) -> str:
    """Two limits, the first one warns; falling limits (20, 7) are for what must not become small."""
    if value is None:
        return OK
    warn, fail = limits
    sign = 1 if warn <= fail else -1
    return FAIL if sign * value >= sign * fail else WARN if sign * value >= sign * warn else OK


def worst(numbers: Iterable[Json]) -> str:
    return max((each["level"] for each in numbers), key=ORDER.index, default=OK)


def percent(part: float, whole: float) -> int:
    return round(100 * part / whole) if whole else 0


def span(seconds: float) -> str:
    """`5 s`, `12 min`, `3 h`, `4 days`: as people say it."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"


def short(text: Any, most: int = 120) -> str:
    """A reason as part of a sentence."""
    line = " ".join(str(text).split()).rstrip(".")
    return line if len(line) <= most else f"{line[: most - 1]}…"
