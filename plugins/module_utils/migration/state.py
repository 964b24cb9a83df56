# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the owner's session reads of a database: facts, ledger, catalog; and what follows from it for this run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.findings import Finding, find
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.policy import Policy
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.step import Context
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import (
    asserts,
    asserts_sql,
    baseline,
    catalog,
    catalog_history,
    catalog_query,
    ledger,
    shipped,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.asserts import Failure, Report
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.asserts_file import Assertions
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import (
    Attributes,
    Objects,
    Snapshot,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.files import (
    Migration,
    Script,
    combined_checksum,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.ledger import (
    Expected,
    Facts,
    Ledger,
    Plan,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import Session
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.shipped import Shipped, Verdict


@dataclass(frozen=True)
class Work:
    """Everything that is decided before a connection is opened."""

    migrations: list[Migration]
    access: list[Script]
    assertions: Assertions
    schemas: list[str]
    accept: Mapping[str, str]
    server_major: int
    policy: Policy = field(default_factory=Policy)
    shipped: Shipped | None = None
    # Each file in a transaction of its own.
    per_file: bool = False
    # The last migration that this run is about, where others come after it.
    until: str | None = None
    # The migration that a schema without a ledger is taken over as.
    baseline: str | None = None

    @property
    def access_checksum(self) -> str:
        return combined_checksum(self.access)


@dataclass(frozen=True)
class State:
    """One consistent look at the database, and what it asks for."""

    facts: Facts
    ledger: Ledger
    snapshot: Snapshot
    # The recorded objects; read only when the fingerprint says that they differ from the live ones.
    recorded: Mapping[str, Attributes]
    fingerprint: str
    plan: Plan
    access: bool
    # What differs from the record, and what puts it right.
    findings: tuple[Finding, ...]
    # ... and a run does that, or refuses to go on.
    acts: bool
    # How the record differs from what the release ships.
    verdict: Verdict
    # Migrations that are only to be recorded; `ledger` is as if they were.
    baseline: Sequence[Migration]

    @property
    def outdated(self) -> bool:
        """The record is to be made (again): by the algorithm of today, as the release is, or as a baseline."""
        old = self.ledger.expected is not None and self.ledger.expected.catalog_algo != catalog.ALGORITHM
        return old or bool(self.verdict.renewed or self.baseline)

    @property
    def idle(self) -> bool:
        return not (self.plan.pending or self.plan.accepted or self.access or self.outdated or self.acts)

    @property
    def access_objects(self) -> list[str]:
        """What the access files made."""
        return self.ledger.expected.access_objects if self.ledger.expected else []


def snapshot(session: Session, schemas: list[str]) -> Snapshot:
    return catalog.snapshot(session.query(catalog_query.SNAPSHOT, {"schemas": schemas}))


def look(session: Session, work: Work, begin: str) -> State:
    """Open a transaction with `begin` and read; four round trips at most when nothing differs."""
    facts = Facts(*session.query(f"{begin}; {ledger.FACTS}")[0])
    ledger.check_facts(facts, work.server_major, session.backend_pid, facts.user)
    book = ledger.read(session.query(ledger.READ)) if facts.ledger else Ledger()
    live = snapshot(session, work.schemas)
    book, taken_over = together(session, work, facts, book, live)
    return judge(session, work, facts, book, live, plan(session, work, book), taken_over)


def together(
    session: Session, work: Work, facts: Facts, book: Ledger, live: Snapshot
) -> tuple[Ledger, list[Migration]]:
    """The ledger, and what of it a baseline is to write; or the refusal of what does not fit together."""
    if book.applied:
        _check_together(work, book, live)
        return book, []
    rolled_back = session.query(ledger.ROLLED_BACK) if facts.ledger else []
    return baseline.take_over(work, rolled_back[0][0] if rolled_back else work.schemas, live)


def plan(session: Session, work: Work, book: Ledger) -> Plan:
    """What the files ask for, or the refusal of what was edited."""
    found, edited = ledger.plan(work.migrations, book, work.accept)
    if edited:
        raise ledger.edited(edited[0], session.query(ledger.READ_SQL, (edited[0].version,))[0][0])
    return found if work.until is None else found.up_to(work.until)


def judge(
    session: Session,
    work: Work,
    facts: Facts,
    book: Ledger,
    live: Snapshot,
    wanted: Plan,
    taken_over: Sequence[Migration] = (),
) -> State:
    """What is there beside what is recorded; the recorded objects are read only where they differ."""
    objects = live.objects
    mark = catalog.fingerprint(objects)
    expected = book.expected
    recorded: Mapping[str, Attributes] = objects
    if expected:
        seen = catalog_history.seen_by(expected.catalog_algo, objects, work.schemas)
        if seen is None:
            raise MigrationError(
                f"the recorded catalog was made by {expected.catalog_algo}, this module knows {catalog.ALGORITHM}; "
                "nothing was changed; update the collection"
            )
        if expected.fingerprint != (mark if seen is objects else catalog.fingerprint(seen)):
            objects_of = work.shipped.objects if work.shipped and taken_over else _recorded(session, expected)
            recorded = catalog_history.completed(objects_of, objects, seen)
    verdict = shipped.judge(work, wanted, expected, recorded, objects)
    recorded = verdict.recorded(recorded)
    access = bool(work.access) and (
        bool(wanted.pending)
        or expected is None
        or expected.catalog_algo != catalog.ALGORITHM
        or expected.access_checksum != work.access_checksum
        or catalog.concerns_access(recorded, objects, expected.access_objects)
    )
    findings = find(Context(recorded, objects, session.database, facts.user)) if recorded is not objects else []
    acts = work.policy.acts(findings)
    return State(facts, book, live, recorded, mark, wanted, access, tuple(findings), acts, verdict, taken_over)


def _recorded(session: Session, expected: Expected) -> Objects:
    objects: Objects = session.query(ledger.READ_OBJECTS, (expected.version,))[0][0]
    return objects


def _check_together(work: Work, book: Ledger, live: Snapshot) -> None:
    """A ledger and a schema belong together; one without the other is half a restore."""
    if live.is_empty(work.schemas):
        raise MigrationError(
            f"the ledger says that {book.version} was applied, but the schemas {', '.join(work.schemas)} are empty; "
            "nothing was changed; restore them from a backup, or drop schema migration to begin anew"
        )


def assert_all(session: Session, work: Work, state: Facts, live: Snapshot) -> Report:
    """Every assertion, the ledger's own among them; without a probe the transaction is read-only afterwards."""
    grantees = ", ".join(state.ledger_grantees)
    ledgers = Failure("ledger", "schema migration", "no grants", grantees) if grantees else None
    report = asserts.evaluate(work.assertions, live).plus([ledgers])
    return report.plus(asserts_sql.results(session, work.assertions))


def refuse_failed(report: Report) -> None:
    """Raise when an assertion failed."""
    if report.failed:
        first, count = report.failed[0], len(report.failed)
        failed = (
            f"{count} assertions failed: {first} (and {count - 1} more)"
            if count > 1
            else f"1 assertion failed: {first}"
        )
        raise MigrationError(
            f"{failed}; nothing was changed; correct the migration, the access files or the assertion and run again",
            assertions=report.as_dict(),
        )
