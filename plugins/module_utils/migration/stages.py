# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where not everything can be one transaction: what is committed before the rest, and one outcome of it all.

The rest, with the access files and the assertions, is a run like any other, and the only one where nothing is marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import alone_run, owner
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.alone import Subject
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.asserts import Report
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.asserts_file import Assertions
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import Snapshot
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.files import Migration
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.owner import Outcome, Owner, Run
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.state import State, Work
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.transaction import Applied, Result


def early(pending: Sequence[Migration], per_file: bool) -> list[list[Migration]]:
    """What has to be committed before the rest, in this order; each list is a transaction, or one file without."""
    parts: list[list[Migration]] = []
    together: list[Migration] = []
    for migration in pending:
        if migration.subject is not None:
            parts += [part for part in (together, [migration]) if part]
            together = []
        elif per_file and together:
            parts.append(together)
            together = [migration]
        else:
            together.append(migration)
    return parts


def up_to(work: Work, version: str, taken_over: bool = False) -> Work:
    """The part that ends there; rights, assertions and what the release describes are about the whole."""
    release = work.shipped if taken_over else None
    return replace(work, until=version, access=[], assertions=Assertions(), shipped=release)


def run(how: Owner, work: Work) -> Outcome:
    """Bring the database to what `work` says."""
    if not work.per_file and all(migration.subject is None for migration in work.migrations):
        return owner.run(how, work)
    first = _before(owner.look(how, work))
    if how.check_mode:
        return _tried(how, work, first)
    parts = early(first.plan.pending, work.per_file)
    if parts and first.baseline:
        parts.insert(0, list(first.baseline))
    outcomes: list[Outcome] = []
    try:
        for number, part in enumerate(parts, start=1):
            kind = Run if part[-1].subject is None else alone_run.AloneRun
            named = replace(how, run_id=f"{how.run_id}/{number}")
            outcomes.append(owner.run(named, up_to(work, part[-1].version, bool(first.baseline)), kind))
        last = owner.run(how, work)
    except MigrationError as error:
        raise _partly(error, _applied(outcomes)) from None
    return _joined(first, [*outcomes, last])


def _about(first: State, key: str) -> Subject | None:
    """What a pending file without a transaction is about, if the key is that of its object."""
    subjects = [migration.subject for migration in first.plan.pending if migration.subject is not None]
    return next((subject for subject in subjects if alone_run.about(subject, key)), None)


def _before(first: State) -> State:
    """As if no attempt had begun: what one left of an index is taken away before its file is run again."""

    def left(key: str) -> bool:
        subject = _about(first, key)
        return subject is not None and subject.makes

    there = tuple(item for item in first.snapshot.everything if not left(item.key))
    findings = tuple(finding for finding in first.findings if not _about(first, finding.key))
    return replace(first, snapshot=Snapshot(there), findings=findings)


def _tried(how: Owner, work: Work, first: State) -> Outcome:
    """A dry run tries what comes before the first file without a transaction, and lists the others."""
    pending = first.plan.pending
    tried = next((n for n, migration in enumerate(pending) if migration.subject is not None), len(pending))
    if tried == len(pending):
        return owner.run(how, work)
    outcome = owner.run(how, up_to(work, pending[tried - 1].version)) if tried else Outcome(first)
    listed = [Applied(one.version, one.name, len(one.statements), 0) for one in pending[tried:]]
    result = outcome.result
    expected = first.ledger.expected
    combined = Result(
        [*(result.applied if result else []), *listed],
        access=bool(work.access),
        after=result.after if result else first.snapshot,
        fingerprint=result.fingerprint if result else expected.fingerprint if expected else "",
        assertions=Report(0, []),
        changed=True,
        left=[finding for finding in outcome.left if not _about(first, finding.key)],
        failed=result.failed if result else {},
    )
    return replace(outcome, before=first, result=combined)


def _applied(outcomes: Sequence[Outcome]) -> list[Applied]:
    return [one for outcome in outcomes if outcome.result for one in outcome.result.applied]


def _partly(error: MigrationError, applied: Sequence[Applied]) -> MigrationError:
    """What was committed before stays, and the sentence must not say otherwise."""
    if not applied:
        return error
    files = ", ".join(f"{one.version}_{one.name}.sql" for one in applied)
    sentence = error.sentence.replace("nothing was changed", f"nothing was changed but by {files}")
    rows = [vars(one) for one in applied]
    return MigrationError(sentence, **{**error.details, "left": "partly", "changed": True, "applied": rows})


def _joined(first: State, outcomes: Sequence[Outcome]) -> Outcome:
    """One outcome: from the first look to the end of the last run."""
    last, results = outcomes[-1], [outcome.result for outcome in outcomes if outcome.result]
    if not results:
        return last
    result = replace(
        results[-1],
        applied=_applied(outcomes),
        access=any(one.access and one.changed for one in results),
        after=last.result.after if last.result else last.before.snapshot,
        changed=any(one.changed for one in results),
        left=list(last.left),
    )
    return Outcome(
        first,
        result,
        last.assertions,
        sum(outcome.waited_ms for outcome in outcomes),
        max(outcome.attempts for outcome in outcomes),
        last.timings,
    )
