# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns what the sessions found and did into the module's result. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.findings import Finding, find
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.step import Context
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import catalog, schema_effects
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.admin import AdminPlan
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import Objects
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.effects import Effect, Psql
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.owner import Outcome
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.schema_effects import Drift
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.state import State, Work

_NAMED = 5
# The key of the database in the catalog.
_DATABASE = "database this"


def admin_lines(plan: AdminPlan) -> tuple[set[str], set[str]]:
    before = {f"{change.key}: {change.before}" for change in plan.changes if change.before is not None}
    return before, {f"{change.key}: {change.after}" for change in plan.changes if change.after is not None}


def schema_lines(outcome: Outcome) -> tuple[set[str], set[str]]:
    """Changed objects only, and the files that were recorded."""
    if outcome.result is None or not outcome.result.changed:
        return set(), set()
    old, new = catalog.lines(outcome.before.snapshot.objects), catalog.lines(outcome.result.after.objects)
    plan, taken_over = outcome.before.plan, outcome.before.baseline
    named = [*taken_over, *plan.pending, *plan.accepted]
    recorded = {f"migration {migration.file}: {migration.checksum}" for migration in named}
    return old - new, (new - old) | recorded


def diff(before: set[str], after: set[str]) -> dict[str, str]:
    def text(lines: set[str]) -> str:
        return "".join(f"{line}\n" for line in sorted(lines))

    return {"before": text(before - after), "after": text(after - before)}


def _dicts(effects: list[Effect]) -> list[dict[str, str]]:
    return [effect.as_dict() for effect in effects]


def predicted(work: Work, plan: AdminPlan, reachable: bool = False) -> dict[str, Any]:
    """Check mode, and the server, the database or the owner is not there yet: what the first real run applies."""
    # A database that nobody can look into yet holds what it holds.
    migrations = [] if plan.locked else work.migrations
    before, after = admin_lines(plan)
    after |= {f"migration {migration.file}: {migration.checksum}" for migration in migrations}
    return {
        "changed": True,
        "reachable": reachable,
        "applied": [],
        "pending": [migration.version for migration in migrations],
        "pending_restart": plan.pending_restart,
        "effects": _dicts(plan.effects + ([] if plan.locked else schema_effects.first(work))),
        "diff": diff(before, after),
    }


def seen(state: State, work: Work, plan: AdminPlan, psql: Psql, handled: frozenset[str]) -> dict[str, Any]:
    """Check mode, and the schema can be read but not tried. `handled`: what the admin session puts right."""
    handled |= {_DATABASE} if any(change.key.startswith("database ") for change in plan.changes) else set()
    drift = schema_effects.predicted(state, work.policy, handled)
    pending = state.plan.pending
    context = Context(drift.recorded, drift.after, psql.database, psql.owner)
    left = [finding for finding in find(context) if finding.key not in handled]
    effects = schema_effects.files(state, work) + schema_effects.of_schema(drift, not pending, psql)
    effects += schema_effects.left(left, {}, context, psql)
    effects += state.verdict.left()
    before, after = admin_lines(plan)
    before, after = before | catalog.lines(drift.live), after | catalog.lines(drift.after)
    after |= {f"migration {migration.file}: {migration.checksum}" for migration in pending}
    return {
        **predicted(work, plan, reachable=True),
        "pending": [migration.version for migration in pending],
        "effects": _dicts(plan.effects + effects),
        "diff": diff(before, after),
    }


def drift_of(outcome: Outcome) -> Drift:
    """What somebody changed by hand, and how it is now. The access files may have put some of it right again."""
    live = outcome.before.snapshot.objects
    after = outcome.result.after.objects if outcome.result else live
    return Drift(outcome.before.recorded if outcome.before.ledger.expected else live, live, after)


def warnings(left: Sequence[Finding]) -> list[str]:
    """What of the schema is left to a person, in one sentence."""
    found = list(dict.fromkeys(finding.key for finding in left))
    if not found:
        return []
    more = ", ..." if len(found) > _NAMED else ""
    return [
        f"objects that differ from what the last run recorded ({len(found)}): {', '.join(found[:_NAMED])}{more}; "
        "put them back by hand or take them away"
    ]


def refused(before: State, psql: Psql) -> list[dict[str, str]]:
    """A run that was refused has put nothing right: all that somebody changed is left."""
    if before.ledger.expected is None:
        return []
    context = Context(before.recorded, before.snapshot.objects, psql.database, psql.owner)
    return _dicts(schema_effects.left(before.findings, {}, context, psql))


def drift_list(findings: Sequence[Finding], recorded: Objects, live: Objects) -> list[dict[str, Any]]:
    """For a program: each difference that was found, its class, and the SQL that puts it right."""

    def text(objects: Objects, key: str) -> str | None:
        return catalog.line(key, objects[key]) if key in objects else None

    return [
        {
            "class": finding.step.drift_class,
            "kind": finding.kind,
            "object": finding.key,
            "detail": finding.detail,
            "expected": text(recorded, finding.key),
            "actual": text(live, finding.key),
            "sql": list(finding.step.statements),
        }
        for finding in findings
    ]


def success(
    outcome: Outcome, work: Work, plan: AdminPlan, psql: Psql, check_mode: bool, timings: dict[str, int]
) -> dict[str, Any]:
    """The result of a run that could look at the schema."""
    state, result, report = outcome.before, outcome.result, outcome.assertions
    admin_before, admin_after = admin_lines(plan)
    schema_before, schema_after = schema_lines(outcome)
    applied = result.applied if result else []
    versions = [item.version for item in applied]
    expected = state.ledger.expected
    drift = drift_of(outcome)
    effects = schema_effects.files(state, work) if outcome.changed else []
    effects += schema_effects.of_schema(drift, not state.plan.pending, psql)
    context = Context(drift.recorded, drift.after, psql.database, psql.owner)
    effects += schema_effects.left(outcome.left, result.failed if result else {}, context, psql)
    effects += state.verdict.left()
    still = {finding.key for finding in outcome.left}
    after = catalog.fingerprint(result.after.objects) if result else state.fingerprint
    return {
        "changed": bool(plan.changes) or outcome.changed,
        "reachable": True,
        "applied": [vars(item) for item in applied],
        "pending": versions if check_mode else [],
        "access": bool(result and result.access and result.changed),
        "pending_restart": plan.pending_restart,
        "effects": _dicts(plan.effects + effects),
        "admin": [change.key for change in plan.changes],
        "drift": drift_list(state.findings, state.recorded, state.snapshot.objects),
        "repaired": list(dict.fromkeys(found.key for found in state.findings if found.key not in still)),
        "assertions": report.as_dict(),
        "fingerprint": {
            "expected": result.fingerprint if result else expected.fingerprint if expected else None,
            "before": state.fingerprint,
            "after": after,
            "algo": catalog.ALGORITHM,
        },
        "ledger_version": versions[-1] if versions and not check_mode else state.ledger.version,
        "waited_ms": outcome.waited_ms,
        "attempts": outcome.attempts,
        "timings": {**timings, **outcome.timings},
        "diff": diff(admin_before | schema_before, admin_after | schema_after),
    }
