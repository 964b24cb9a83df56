# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened to the schema, or would: effects out of three states of the catalog: recorded, live, after. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift import names, words
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.findings import Finding, carrier
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.policy import Policy
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.step import Context
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import baseline, catalog
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import Attributes, Objects
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.effects import Effect, Psql
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.files import Migration
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.state import State, Work


def migrations(pending: Iterable[Migration], accepted: Iterable[Migration] = ()) -> list[Effect]:
    """One for each file, not for each of the hundreds of objects in it."""
    return [
        *(Effect("change", f"migration {item.file}", f"{len(item.statements)} statements") for item in pending),
        *(Effect("change", f"migration {item.file}", "recorded anew, not run") for item in accepted),
    ]


def first(work: Work) -> list[Effect]:
    """On a server that has nothing yet."""
    return migrations(work.migrations) + ([_access("never run")] if work.access else [])


def _access(detail: str) -> Effect:
    return Effect("change", "access files", detail)


def files(state: State, work: Work) -> list[Effect]:
    """Files that are not recorded as they are."""
    result = baseline.effects(state.baseline) + migrations(state.plan.pending, state.plan.accepted)
    result += state.verdict.changes()
    expected = state.ledger.expected
    if expected is None:
        return result + ([_access("never run")] if work.access else [])
    if expected.catalog_algo != catalog.ALGORITHM:
        result.append(Effect("change", "migration ledger", f"{expected.catalog_algo} instead of {catalog.ALGORITHM}"))
    return result + ([_access("edited")] if state.access and expected.access_checksum != work.access_checksum else [])


@dataclass(frozen=True)
class Drift:
    """Three states: as recorded, as found, and as it is when the run ends."""

    recorded: Objects
    live: Objects
    after: Objects
    # Objects of which the admin session has put right what differs, or would.
    handled: frozenset[str] = frozenset()

    @property
    def foreign(self) -> list[str]:
        """What somebody changed beside the migrations."""
        return [key for key in catalog.changed(self.recorded, self.live) if key not in self.handled]

    def changes(self, everything: bool) -> list[tuple[str, str]]:
        """Objects that the run changes: those that somebody else had changed, or all of them."""
        foreign = set(self.foreign)
        return [
            (key, words.of(self.live.get(key), self.after.get(key)))
            for key in catalog.changed(self.live, self.after)
            if everything or key in foreign
        ]


def predicted(state: State, policy: Policy, handled: frozenset[str]) -> Drift:
    """Before the access files can be tried: they bring their own part back to what is recorded."""
    live = state.snapshot.objects
    after: dict[str, Attributes | None] = {**live}
    repaired = [finding for finding in state.findings if policy.repairs(finding) and finding.key not in handled]
    for finding in repaired:
        after[finding.key] = finding.repaired(after.get(finding.key), state.recorded.get(finding.key))
    keys = {finding.key for finding in repaired}
    context = Context(state.recorded, live, database="", owner="")
    for key in catalog.changed(state.recorded, live):
        if carrier(key, context) in keys:
            after[key] = state.recorded.get(key)
    if state.access:
        for key in catalog.changed(state.recorded, live):
            wanted = state.recorded.get(key)
            if wanted is not None and key not in handled:
                after[key] = catalog.by_access(key, wanted, after.get(key), state.access_objects)
    return Drift(state.recorded, live, {key: value for key, value in after.items() if value is not None}, handled)


def of_schema(drift: Drift, everything: bool, psql: Psql) -> list[Effect]:
    """What the run changes."""
    return [Effect("change", names.shown(key, psql.database), detail) for key, detail in drift.changes(everything)]


def remedy(finding: Finding, obstacle: str | None, context: Context, psql: Psql) -> str:
    """How a person puts it right; `obstacle`: what a repair was stopped by."""
    if obstacle is not None and finding.step.obstacles:
        return "correct or delete these rows and run again"
    statements = () if obstacle is not None else finding.step.statements
    # What has many lines is no command for a terminal.
    if statements and not any("\n" in statement for statement in statements):
        return (psql.as_admin if finding.step.by_admin else psql.as_owner)(*statements)
    live, wanted = context.live.get(finding.key), context.recorded.get(finding.key)
    return words.advice(finding.key, live, wanted)


def left(findings: Sequence[Finding], failed: Mapping[Finding, str], context: Context, psql: Psql) -> list[Effect]:
    """What is named and not touched, each with the way to undo it; one for each object."""
    result: dict[str, Effect] = {}
    for finding in findings:
        obstacle = failed.get(finding)
        detail = finding.detail if obstacle is None else f"{finding.detail}, and {obstacle}"
        way = remedy(finding, obstacle, context, psql)
        found = result.get(finding.key)
        if found:
            detail, way = f"{found.detail}, {detail}", f"{found.remedy}; {way}"
        result[finding.key] = Effect("left", names.shown(finding.key, psql.database), detail, way)
    return list(result.values())
