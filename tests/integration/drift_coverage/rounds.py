# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which changes a run may put right, found out on a live catalog; and many of them put together for one run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.findings import Finding, find
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.step import Context

from tests.integration.drift_coverage.model import CHANGES, Change, Item
from tests.integration.drift_coverage.server import Trial


@dataclass(frozen=True)
class Damage:
    """One change of one object, and what a run finds of it."""

    change: Change
    item: Item
    findings: tuple[Finding, ...] = ()

    @property
    def statements(self) -> list[str]:
        return self.change.statements(self.item)

    @property
    def drift_class(self) -> str:
        """The worst of its findings."""
        return max(finding.step.drift_class for finding in self.findings)

    @property
    def id(self) -> str:
        return self.change.id


def sort_by_class(trial: Trial) -> dict[str, list[Damage]]:
    """Each change that can be made here, on the first object of each shape that takes it."""
    recorded = trial.objects()
    items: dict[str, list[Item]] = defaultdict(list)
    for item in trial.items:
        items[item.kind].append(item)
    result: dict[str, list[Damage]] = defaultdict(list)
    # An extension is not recorded: an assertion says which there may be.
    for change in (change for change in CHANGES if change.kind != "extension"):
        shapes: set[tuple[str, ...]] = set()
        for item in items[change.kind]:
            live = None if item.shape in shapes else trial.objects_after(change.statements(item))
            if live is None:
                continue
            shapes.add(item.shape)
            damage = Damage(change, item, tuple(find(Context(recorded, live, "portfolio", "erp_admin"))))
            if damage.findings:
                result[damage.drift_class].append(damage)
    return result


def every_object(harmless: Sequence[Damage], left: set[str], items: Iterable[Item], number: int) -> list[Damage]:
    """One change for each object, first of those that are left; another one in each round."""
    of_shape: dict[tuple[str, ...], list[Change]] = defaultdict(list)
    for damage in harmless:
        of_shape[damage.item.shape].append(damage.change)
    chosen = []
    for place, item in enumerate(items):
        fitting = [change for change in of_shape[item.shape] if change.statements(item)]
        fitting = [change for change in fitting if change.id in left] or fitting
        if fitting:
            chosen.append(Damage(fitting[(place + number) % len(fitting)], item))
    return chosen


# Of these there are few, and what is done to one of them is mostly a right beside other rights.
_SHARED = ("database", "schema", "view", "function")


def apart(damages: Iterable[Damage], items: Sequence[Item], share: bool = True) -> list[Damage]:
    """The same changes, each on an object of the shape in a table of its own; those that find one."""
    chosen: list[Damage] = []
    taken: dict[str, bool] = {}
    for damage in damages:
        shared = share and damage.change.kind in _SHARED
        for item in items:
            free = item.place not in taken or (shared and taken[item.place])
            if item.shape == damage.item.shape and free and damage.change.statements(item):
                chosen.append(Damage(damage.change, item))
                taken[item.place] = shared
                break
    return chosen
