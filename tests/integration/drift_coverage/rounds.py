# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which changes a run may put right, found out on a live catalog; and many of them put together for one run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
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
    def keys(self) -> set[str]:
        return {finding.key for finding in self.findings}


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


def rounds(harmless: Sequence[Damage], items: Iterable[Item]) -> Iterator[list[Damage]]:
    """Every object changed in some way at once, until each of the changes was among them."""
    of_shape: dict[tuple[str, ...], list[Change]] = defaultdict(list)
    for damage in harmless:
        of_shape[damage.item.shape].append(damage.change)
    left = {(damage.change.id, damage.item.shape) for damage in harmless}
    everything = list(items)
    number = 0
    while left:
        chosen = []
        for place, item in enumerate(everything):
            fitting = [change for change in of_shape[item.shape] if change.statements(item)]
            fitting = [change for change in fitting if (change.id, item.shape) in left] or fitting
            if fitting:
                chosen.append(Damage(fitting[(place + number) % len(fitting)], item))
        before, number = len(left), number + 1
        left -= {(damage.change.id, damage.item.shape) for damage in chosen}
        assert len(left) < before, f"no object takes these: {sorted(left)}"
        yield chosen
