# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a migration that cannot be part of a transaction: an event before it, its row in the ledger after it.

It is the only migration that a crash can leave half done. The event tells the next run, which takes away what is there
and begins again.
"""

from __future__ import annotations

import contextlib
import json
import time

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift import names
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import (
    aftermath,
    ledger,
    scripts,
    state,
    transaction,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.alone import Subject
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.asserts import Report
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import Attributes, Objects
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.files import Migration
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.owner import READ_WRITE, Outcome, Run
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import identifier
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import DatabaseError, Session
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.splitter import place
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.state import State
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.transaction import Applied, Result

# The last event of a file; while it has begun and not ended, it carries what an attempt may have left.
_LAST = "SELECT detail -> 'leaves' FROM migration.event WHERE object = %s ORDER BY id DESC LIMIT 1"
# However large the table is; writers are let through all the while. It waits for other transactions as for a run.
_PATIENT = "SET statement_timeout = 0; SET lock_timeout = %s"


def about(subject: Subject, key: str) -> bool:
    """Whether a key of the catalog is that of the object."""
    found = names.split(key)
    if subject.kind == "index":
        return found.kind == "index" and (found.parent.split(".")[0], found.name) == (subject.schema, subject.name)
    return found.kind == subject.kind and found.name == f"{subject.schema}.{subject.name}"


def carried(subject: Subject, recorded: Objects, live: Objects) -> dict[str, Attributes]:
    """What to record: the object as it is now, and all else as it was, so that what somebody did stays visible."""
    rest = {key: value for key, value in recorded.items() if not about(subject, key)}
    return {**rest, **{key: value for key, value in live.items() if about(subject, key)}}


def _drop(session: Session, schema: str, name: str) -> None:
    session.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {identifier(schema)}.{identifier(name)}")


class AloneRun(Run):
    """As any run: the fast path, the lock, what is tried again; the last migration is the one that is alone."""

    # An index that may be there, half built.
    half_made: str | None = None

    @property
    def left(self) -> tuple[str, str] | None:
        """As of any run; and what the next one takes away."""
        if super().left is not None or self.half_made is None:
            return super().left
        return f"{self.half_made} may be left half built, and the next run begins anew", "partly"

    def _change(self, session: Session) -> Outcome:
        migration = next(one for one in self.work.migrations if one.version == self.work.until)
        try:
            return self._apply(session, migration)
        except DatabaseError as error:
            error.where = place(migration.file, migration.text, migration.statements[0].offset)
            raise

    def _apply(self, session: Session, migration: Migration) -> Outcome:
        subject = migration.subject
        session.execute(_PATIENT, (int(self.owner.lock_wait * 1000),))
        self._heal(session, migration)
        outcome = Outcome(state.look(session, self.work, READ_WRITE))
        session.execute("ROLLBACK")
        # Another run may have done it meanwhile.
        if subject is None or not outcome.before.plan.pending:
            return outcome
        foreign = [finding for finding in outcome.before.findings if not about(subject, finding.key)]
        self.work.policy.refuse(foreign, {"found": outcome.before})
        existed = any(about(subject, key) for key in outcome.before.snapshot.objects)
        leaves = [subject.schema, subject.name] if subject.makes and not existed else None
        begun = json.dumps({"begun": migration.checksum, "leaves": leaves})
        session.execute(ledger.EVENT, (self.owner.run_id, "apply", migration.file, begun))
        spent = self._execute(session, migration, leaves)
        self._record(session, migration, subject, outcome, spent)
        return outcome

    def _heal(self, session: Session, migration: Migration) -> None:
        rows = session.query(_LAST, (migration.file,))
        if rows and rows[0][0]:
            self._begin(rows[0][0])
            _drop(session, *rows[0][0])
            self.half_made = None

    def _begin(self, leaves: list[str] | None) -> None:
        self.half_made = f"index {'.'.join(leaves)}" if leaves else None

    def _execute(self, session: Session, migration: Migration, leaves: list[str] | None) -> int:
        statement, begin = migration.statements[0], time.monotonic()
        self._begin(leaves)
        try:
            session.execute(statement.text)
        except DatabaseError as error:
            if error.worth_retrying:
                raise
            failure = scripts.statement_error(
                migration, statement, error, aftermath.cause(session, error, statement.words)
            )
            # Where this fails too, the next run does it.
            with contextlib.suppress(DatabaseError):
                if leaves:
                    _drop(session, *leaves)
                self.half_made = None
                detail = json.dumps({"message": str(error)})
                session.execute(ledger.EVENT, (self.owner.run_id, "failure", migration.file, detail))
            raise failure from None
        self.half_made = None
        return int((time.monotonic() - begin) * 1000)

    def _record(self, session: Session, migration: Migration, subject: Subject, outcome: Outcome, spent: int) -> None:
        before: State = outcome.before
        session.execute(f"{READ_WRITE}; {session.settings.again()}")
        transaction.note(session, migration, self.owner.run_id, spent)
        live = state.snapshot(session, self.work.schemas)
        objects = carried(subject, before.recorded, live.objects)
        mark = transaction.record(session, self.work, before, objects, set(), self.owner.run_id)
        outcome.result = Result(
            [Applied(migration.version, migration.name, len(migration.statements), spent)],
            access=False,
            after=live,
            fingerprint=mark,
            assertions=Report(0, []),
            changed=True,
            left=[finding for finding in before.findings if not about(subject, finding.key)],
        )
        self._commit(session, outcome)
