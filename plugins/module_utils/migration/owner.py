# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The owner's session: the fast path, the lock, the transaction, and what is tried again."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift import online
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.findings import Finding
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import (
    aftermath,
    ledger,
    lock,
    state,
    transaction,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.asserts import Report
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.remedies import remedy_sentence
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.retry import TRIES, again
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import (
    DatabaseError,
    Session,
    Target,
    UnreachableError,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.settings import Settings
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.state import State, Work
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.transaction import Result

READ_ONLY = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
# As the fast path, where a probe has to write; it is rolled back all the same.
PROBING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE"
READ_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_SEE_LOG = "see the server's log and run again"
_RESTORE = "restore schema migration from a backup and run again"


@dataclass(frozen=True)
class Owner:
    """How the owner's session works."""

    target: Target
    settings: Settings
    lock_wait: float
    check_mode: bool
    run_id: str
    # Called once before something is changed (the run's lease).
    changing: Callable[[], None]
    sleep: Callable[[float], None] = time.sleep


@dataclass
class Outcome:
    """What the owner's session found and did."""

    before: State
    result: Result | None = None
    assertions: Report = field(default_factory=lambda: Report(0, []))
    waited_ms: int = 0
    attempts: int = 1
    timings: dict[str, int] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        return self.result is not None and self.result.changed

    @property
    def left(self) -> Sequence[Finding]:
        """What differs from the record when the run ends."""
        return self.result.left if self.result else self.before.findings


@contextlib.contextmanager
def _knowing(before: State) -> Iterator[None]:
    """A refusal takes along what was found: what somebody changed in the database is probably why."""
    try:
        yield
    except MigrationError as error:
        error.details.setdefault("found", before)
        raise


def _assert_idle(work: Work, session: Session, outcome: Outcome) -> None:
    outcome.assertions = state.assert_all(session, work, outcome.before.facts, outcome.before.snapshot)
    with _knowing(outcome.before):
        state.refuse_failed(outcome.assertions)
    session.execute("ROLLBACK")


def _look_only(work: Work, session: Session) -> Outcome:
    """The fast path: everything is read, nothing is locked, nothing is written (what a probe writes is rolled back)."""
    begin = time.monotonic()
    before = state.look(session, work, PROBING if work.assertions.probe else READ_ONLY)
    outcome = Outcome(before)
    if before.idle:
        _assert_idle(work, session, outcome)
    else:
        session.execute("ROLLBACK")
    outcome.timings["read"] = int((time.monotonic() - begin) * 1000)
    return outcome


class Run:
    """One run over several attempts; it remembers what a retry must know."""

    def __init__(self, owner: Owner, work: Work) -> None:
        self.owner = owner
        self.work = work
        # An outcome whose COMMIT never answered: only the ledger knows whether it counts.
        self.lost: Outcome | None = None
        self.renewed = False

    @property
    def left(self) -> tuple[str, str] | None:
        """After a failure: what has to be said in place of "nothing was changed", and the module's word for it."""
        if self.lost is None:
            return None
        # The last word was a COMMIT without an answer, whatever happened since.
        return "it is not known whether the transaction was committed", "unknown"

    def attempt(self, number: int) -> Outcome:
        session = Session(self.owner.target, self.owner.settings)
        try:
            outcome = self._attempt(session)
        except MigrationError:
            session.rollback()
            raise
        finally:
            session.close()
        outcome.attempts = number
        return outcome

    def _attempt(self, session: Session) -> Outcome:
        timings: dict[str, int] = {}
        if self.lost is None:
            found = _look_only(self.work, session)
            if found.before.idle:
                return found
            timings = found.timings
        if not self.renewed:
            self.owner.changing()
            self.renewed = True
        waited = lock.acquire(session, self.owner.lock_wait)
        if self.lost is not None and self._committed(session):
            return self.lost
        outcome = self._change(session)
        outcome.waited_ms = waited
        outcome.timings = {**timings, **outcome.timings}
        return outcome

    def _change(self, session: Session) -> Outcome:
        """Under the lock: read again, because what was pending may have been another run in progress; then act."""
        begin = time.monotonic()
        outcome = Outcome(state.look(session, self.work, READ_WRITE))
        if outcome.before.idle:
            _assert_idle(self.work, session, outcome)
            return outcome
        with _knowing(outcome.before):
            outcome.result = transaction.run(session, self.work, outcome.before, self.owner.run_id)
        outcome.assertions = outcome.result.assertions
        if self.owner.check_mode or not outcome.changed:
            session.execute("ROLLBACK")
        else:
            self._commit(session, outcome)
            online.finish(session, outcome.result.online, self.owner.run_id, self.owner.sleep)
        outcome.timings["apply"] = int((time.monotonic() - begin) * 1000)
        return outcome

    def _commit(self, session: Session, outcome: Outcome) -> None:
        try:
            session.execute("COMMIT")
        except DatabaseError as error:
            if error.lost:
                self.lost = outcome
            raise

    def _committed(self, session: Session) -> bool:
        """After a lost COMMIT, under the lock: did it reach the server?"""
        after = state.look(session, self.work, READ_ONLY)
        session.execute("ROLLBACK")
        expected = after.ledger.expected
        return expected is not None and expected.run_id == self.owner.run_id


def look(owner: Owner, work: Work) -> State:
    """What is there, without trying anything."""

    def once(_attempt: int) -> State:
        with contextlib.closing(Session(owner.target, owner.settings)) as session:
            return state.look(session, work, READ_ONLY)

    try:
        return again(once, not owner.check_mode, owner.sleep)
    except DatabaseError as error:
        raise _failure(owner, error) from None


def run(owner: Owner, work: Work, kind: type[Run] = Run) -> Outcome:
    """Bring the database to what `work` says, or raise MigrationError with nothing changed."""
    this = kind(owner, work)
    try:
        return again(this.attempt, not owner.check_mode, owner.sleep)
    except DatabaseError as error:
        failure = _failure(owner, error)
    except MigrationError as error:
        failure = error
    if this.left is not None:
        words, left = this.left
        sentence = failure.sentence.replace("nothing was changed", words)
        failure = MigrationError(sentence, **{**failure.details, "left": left})
    _write_event(owner, failure)
    raise failure from None


def _failure(owner: Owner, error: DatabaseError) -> MigrationError:
    where = error.where or f"database {owner.target.database}"
    tried = f" after {TRIES} attempts" if error.worth_retrying and not owner.check_mode else ""
    cause = ""
    with contextlib.suppress(MigrationError), contextlib.closing(Session(owner.target, owner.settings)) as session:
        cause = aftermath.cause(session, error)
    # Only the ledger's own tables and columns can be missing where it is not a file's statement that fails.
    otherwise = _RESTORE if error.sqlstate in ("42P01", "42703") else _SEE_LOG
    return MigrationError(
        f"{where}{tried}: {error}{cause}; nothing was changed; {remedy_sentence(error, otherwise)}",
        error=error.details_of(),
    )


def _write_event(owner: Owner, failure: MigrationError) -> None:
    """For history, after everything was rolled back; a ledger that is not there is not made for it."""
    if owner.check_mode or isinstance(failure, UnreachableError):
        return
    message = json.dumps({"message": failure.sentence[:1000]})
    with (
        contextlib.suppress(MigrationError, DatabaseError),
        contextlib.closing(Session(owner.target, owner.settings)) as session,
    ):
        session.execute(ledger.EVENT, (owner.run_id, "failure", None, message))
