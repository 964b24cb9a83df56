# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one transaction that applies what is pending, runs the access files, records and asserts. Nobody commits here."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.findings import Finding
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.repair import Repairs
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import (
    baseline,
    catalog,
    files,
    ledger,
    scripts,
    state,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.asserts import Report
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import Objects, Snapshot
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.files import Migration
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import Session
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.state import State, Work


@dataclass(frozen=True)
class Applied:
    version: str
    name: str
    statements: int
    ms: int


@dataclass(frozen=True)
class Result:
    applied: list[Applied]
    access: bool
    after: Snapshot
    fingerprint: str
    assertions: Report
    # False: what ran changed nothing, so there is nothing to commit.
    changed: bool
    # What still differs from the record, and why what should have been put right was not.
    left: list[Finding]
    failed: Mapping[Finding, str] = field(default_factory=dict)
    # What is to be built once the transaction is over.
    online: Sequence[Finding] = ()


def _milliseconds(begin: float) -> int:
    return int((time.monotonic() - begin) * 1000)


def note(session: Session, migration: Migration, run_id: str, spent: int) -> str:
    """Write down that it was applied, and return the transaction in which that is written."""
    rows = session.query(ledger.INSERT_APPLIED, ledger.row(migration, "apply", run_id, spent))
    session.execute(ledger.EVENT, (run_id, "apply", migration.file, json.dumps({"ms": spent})))
    return str(rows[0][0])


def _apply(session: Session, migration: Migration, run_id: str, transaction: str) -> Applied:
    begin = time.monotonic()
    scripts.run(session, migration)
    spent = _milliseconds(begin)
    if note(session, migration, run_id, spent) != transaction:
        raise MigrationError(f"{migration.file} ended the module's transaction; take the transaction control out of it")
    return Applied(migration.version, migration.name, len(migration.statements), spent)


def _accept(session: Session, migration: Migration, run_id: str) -> None:
    session.execute(ledger.ACCEPT, (migration.checksum, files.ALGORITHM, migration.text, run_id, migration.version))
    session.execute(ledger.EVENT, (run_id, "accept", migration.file, json.dumps({"checksum": migration.checksum})))


def record(session: Session, work: Work, before: State, objects: Objects, made: set[str], run_id: str) -> str:
    """`made`: what appeared while the access files ran; it is theirs as a whole, of others only the access list is."""
    version = before.plan.pending[-1].version if before.plan.pending else before.ledger.version
    expected = before.ledger.expected
    # Where no migration is applied, what is there was left by a rollback: the guards that the access files made.
    kept = set(expected.access_objects if expected else before.snapshot.objects)
    by_access = (kept & set(objects)) | made
    mark = catalog.fingerprint(objects)
    session.execute(
        ledger.RECORD,
        (
            version,
            catalog.ALGORITHM,
            mark,
            json.dumps(objects),
            work.access_checksum,
            json.dumps(sorted(by_access)),
            run_id,
        ),
    )
    return mark


def _refuse(session: Session, work: Work, before: State, live: Snapshot, left: Sequence[Finding]) -> None:
    """Stop where only a person may go on; the assertions are told beside it."""
    if not any(work.policy.refuses(finding) for finding in left):
        return
    details: dict[str, Any] = {}
    with contextlib.suppress(MigrationError):
        report = state.assert_all(session, work, before.facts, live)
        details["assertions"] = report.as_dict()
    work.policy.refuse(left, details)


def _run_access(session: Session, work: Work, left: Sequence[Finding]) -> None:
    """The access files; where they fail because an object is no longer the owner's, that is what has to be said."""
    try:
        for script in work.access:
            scripts.run(session, script)
    except MigrationError as error:
        lost = [finding.key for finding in left if finding.step.attributes == {"owner"} and finding.step.statements]
        if not lost:
            raise
        raise MigrationError(
            f"the access files cannot run, because these objects belong to somebody else: {', '.join(lost)}; "
            "nothing was changed; give them back as the effects of this result say and run again",
            **error.details,
        ) from None


def _repair_below_access(
    session: Session, work: Work, before: State, repairs: Repairs, wanted: Objects, live: Snapshot
) -> Snapshot:
    """What the access files stand on; what they decide about is theirs, wherever they run."""
    theirs = set(before.access_objects)

    def skip(finding: Finding) -> bool:
        return before.access and not finding.first and (finding.of_access or finding.key in theirs)

    live = repairs.run(wanted, live, skip)
    left = [finding for finding in repairs.left(wanted, live.objects) if not skip(finding)]
    _refuse(session, work, before, live, left)
    if before.access:
        # Their part may have been what was missing.
        repairs.failed.clear()
    return live


def run(session: Session, work: Work, before: State, run_id: str) -> Result:
    """Do the work in the transaction that `look` opened."""
    if work.policy.mode == "fail":
        _refuse(session, work, before, before.snapshot, before.findings)
    session.execute(session.settings.again())
    transaction = session.query("SELECT pg_current_xact_id()::text")[0][0]
    if not before.facts.ledger:
        session.execute(ledger.CREATE)
    baseline.record(session, before.baseline, run_id, new_ledger=not before.facts.ledger)
    for migration in before.plan.accepted:
        _accept(session, migration, run_id)
    applied = [_apply(session, migration, run_id, transaction) for migration in before.plan.pending]
    repairs = Repairs(session, work.policy, lambda: state.snapshot(session, work.schemas), before.facts.user)
    live = state.snapshot(session, work.schemas) if applied else before.snapshot
    wanted = catalog.carry(before.recorded, before.snapshot.objects, live.objects)
    middle = _repair_below_access(session, work, before, repairs, wanted, live)
    after, made = middle, set[str]()
    if before.access:
        _run_access(session, work, repairs.left(wanted, middle.objects))
    # What the scripts deferred is known to hold; it cannot be looked at any more once nothing may be written.
    session.execute("SET CONSTRAINTS ALL IMMEDIATE")
    if before.access:
        after = state.snapshot(session, work.schemas)
        wanted = catalog.carry(wanted, middle.objects, after.objects)
        made = set(after.objects) - set(middle.objects)
        after = repairs.run(wanted, after)
    left = repairs.check(wanted, after.objects)
    after = catalog.promised(after, repairs.promised(wanted))
    expected = before.ledger.expected
    changed = bool(
        repairs.online
        or before.plan.pending
        or before.plan.accepted
        or before.outdated
        or expected is None
        or expected.access_checksum != work.access_checksum
        or after.objects != before.snapshot.objects
    )
    mark = expected.fingerprint if expected else ""
    if changed:
        if before.access:
            session.execute(ledger.EVENT, (run_id, "access", None, json.dumps({"checksum": work.access_checksum})))
        if repairs.done:
            session.execute(ledger.REPAIRED, (run_id, json.dumps([finding.as_event() for finding in repairs.done])))
        mark = record(session, work, before, wanted, made, run_id)
    _refuse(session, work, before, after, left)
    report = state.assert_all(session, work, before.facts, after)
    state.refuse_failed(report)
    return Result(applied, before.access, after, mark, report, changed, left, repairs.failed, repairs.online)
