# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns what the sessions found and did into the module's result. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import catalog
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.admin import AdminPlan
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.files import Migration
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.owner import Outcome

_NAMED = 5


def admin_lines(plan: AdminPlan) -> tuple[set[str], set[str]]:
    before = {f"{change.key}: {change.before}" for change in plan.changes if change.before is not None}
    return before, {f"{change.key}: {change.after}" for change in plan.changes}


def schema_lines(outcome: Outcome) -> tuple[set[str], set[str]]:
    """Changed objects only, and the files that were recorded."""
    if outcome.result is None or not outcome.result.changed:
        return set(), set()
    old, new = catalog.lines(outcome.before.snapshot.objects), catalog.lines(outcome.result.after.objects)
    plan = outcome.before.plan
    recorded = {f"migration {migration.file}: {migration.checksum}" for migration in [*plan.pending, *plan.accepted]}
    return old - new, (new - old) | recorded


def diff(before: set[str], after: set[str]) -> dict[str, str]:
    def text(lines: set[str]) -> str:
        return "".join(f"{line}\n" for line in sorted(lines))

    return {"before": text(before - after), "after": text(after - before)}


def predicted(migrations: list[Migration], plan: AdminPlan, reachable: bool) -> dict[str, Any]:
    """Check mode, and the server, the database or a role is not there yet: what the first real run applies."""
    before, after = admin_lines(plan)
    after |= {f"migration {migration.file}: {migration.checksum}" for migration in migrations}
    return {
        "changed": True,
        "reachable": reachable,
        "applied": [],
        "pending": [migration.version for migration in migrations],
        "diff": diff(before, after),
    }


def foreign_warning(outcome: Outcome) -> list[str]:
    """Somebody changed the database by hand. The access files may have put some of it right again."""
    found = outcome.before.foreign
    if outcome.result is not None and outcome.before.ledger.expected:
        left = catalog.changed(outcome.before.recorded, outcome.result.after.objects)
        found = [key for key in found if key in left]
    if not found:
        return []
    more = ", ..." if len(found) > _NAMED else ""
    return [
        f"objects that differ from what the last run recorded ({len(found)}): {', '.join(found[:_NAMED])}{more}; "
        "put them into a migration, or take them away by hand"
    ]


def success(outcome: Outcome, plan: AdminPlan, check_mode: bool, timings: dict[str, int]) -> dict[str, Any]:
    state, result, report = outcome.before, outcome.result, outcome.assertions
    admin_before, admin_after = admin_lines(plan)
    schema_before, schema_after = schema_lines(outcome)
    applied = result.applied if result else []
    versions = [item.version for item in applied]
    expected = state.ledger.expected
    after = catalog.fingerprint(result.after.objects) if result else state.fingerprint
    return {
        "changed": bool(plan.changes) or outcome.changed,
        "reachable": True,
        "applied": [vars(item) for item in applied],
        "pending": versions if check_mode else [],
        "access": bool(result and result.access and result.changed),
        "admin": [change.key for change in plan.changes],
        "assertions": {"passed": report.passed, "failed": []},
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
