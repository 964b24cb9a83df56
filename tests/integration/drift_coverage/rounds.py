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

# As many objects of a kind are asked what class a change has before it counts as one that cannot be made here.
_ASKED = 12


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
    """Each change that can be made here, on the first object that takes it."""
    recorded = trial.objects()
    items: dict[str, list[Item]] = defaultdict(list)
    for item in trial.items:
        items[item.kind].append(item)
    result: dict[str, list[Damage]] = defaultdict(list)
    for change in CHANGES:
        taking = [item for item in items[change.kind] if change.statements(item)]
        for item in taking[:_ASKED]:
            live = trial.objects_after(change.statements(item))
            if live is None:
                continue
            damage = Damage(change, item, tuple(find(Context(recorded, live, "portfolio", "erp_admin"))))
            if damage.findings:
                result[damage.drift_class].append(damage)
            break
    return result


def rounds(harmless: Sequence[Damage], items: Iterable[Item]) -> Iterator[list[Damage]]:
    """Every object changed in some way at once, until each of the changes was among them."""
    left = {damage.change.id for damage in harmless}
    of_kind: dict[str, list[Change]] = defaultdict(list)
    for damage in harmless:
        of_kind[damage.change.kind].append(damage.change)
    everything = list(items)
    number = 0
    while left:
        chosen = []
        for place, item in enumerate(everything):
            fitting = [change for change in of_kind[item.kind] if change.statements(item)]
            fitting = [change for change in fitting if change.id in left] or fitting
            if fitting:
                chosen.append(Damage(fitting[(place + number) % len(fitting)], item))
        before, number = set(left), number + 1
        left -= {damage.change.id for damage in chosen}
        assert left != before, f"no object takes these: {sorted(left)}"
        yield chosen
