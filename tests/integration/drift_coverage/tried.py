# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects a change is tried on, and what came of it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.integration.drift_coverage.model import Change, Item
from tests.integration.drift_coverage.server import Outcome, Trial

# What PostgreSQL itself refuses: not for this kind of relation, others depend on it, it is inherited, published, ...
REFUSALS = {"0A000", "55000", "2BP01", "42P16", "22023", "42883", "42804", "42809"}


@dataclass
class Tried:
    """What came of one change on some objects."""

    change: Change
    seen: list[Outcome] = field(default_factory=list)
    missed: list[Outcome] = field(default_factory=list)
    refused: list[Outcome] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.seen) + len(self.missed)

    def observed(self) -> Iterator[tuple[str, str]]:
        """What PostgreSQL wrote, beside what of which kind of object was named for it."""
        for outcome in self.seen:
            for written in outcome.written:
                for kind, attributes in outcome.by_kind():
                    yield from ((written, f"{kind} {name}") for name in attributes or ("name",))


def attempt_all(trial: Trial, change: Change, items: Iterable[Item]) -> Tried:
    """On each of the objects."""
    result = Tried(change)
    for item in items:
        _note(result, trial.attempt(change, item, written=not result.seen))
    return result


def attempt_some(trial: Trial, change: Change, items: Sequence[Item]) -> Tried:
    """On the first object of each shape to which it applies, on the last, and on one at random."""
    result = Tried(change)
    shapes: set[tuple[str, ...]] = set()
    done: set[str] = set()
    more = [items[-1], random.Random(change.id).choice(items)]
    for item in [*items, *more]:
        if item.key in done or (item.shape in shapes and item not in more):
            continue
        outcome = trial.attempt(change, item, written=not result.seen)
        _note(result, outcome)
        if outcome is not None and outcome.refused is None:
            shapes.add(item.shape)
            done.add(item.key)
    return result


def _note(result: Tried, outcome: Outcome | None) -> None:
    if outcome is None:
        return
    if outcome.refused:
        result.refused.append(outcome)
    elif outcome.missed:
        result.missed.append(outcome)
    else:
        result.seen.append(outcome)
