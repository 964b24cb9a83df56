# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a database, beside the files and the record: read in one transaction that cannot write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift import by_admin
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.findings import find
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.policy import Policy
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.step import Context
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import (
    catalog_query,
    ledger,
    report,
    schema_effects,
    state,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.arguments import files_of
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.asserts import Report
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.effects import Psql
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.ledger import Facts, Ledger, Plan
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.owner import READ_ONLY
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import (
    DatabaseError,
    Session,
    Target,
    UnreachableError,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.settings import Settings
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.state import State, Work

# Nothing is waited for: who asks wants to know now.
SETTINGS = Settings(lock_timeout_ms=1000, statement_timeout_ms=30000)
_TIME = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
_HISTORY = (
    "version",
    "name",
    "kind",
    "checksum",
    "statements",
    "duration_ms",
    "applied_by",
    "run_id",
    "module_version",
)
# S608: both are made of this file's own words, never of a value.
HISTORY = f"SELECT {', '.join(_HISTORY)}, {_TIME.format('applied_at')} FROM migration.applied ORDER BY version"  # noqa: S608
_EVENT = ("kind", "object", "run_id")
EVENTS = f"SELECT {', '.join(_EVENT)}, {_TIME.format('at')} FROM migration.event ORDER BY id DESC LIMIT %s"  # noqa: S608


@dataclass(frozen=True)
class Found:
    """What one look at a database showed; nothing of it where no session was possible."""

    reachable: bool = False
    # Without one, `problem` says why nothing can be compared.
    state: State | None = None
    book: Ledger = field(default_factory=Ledger)
    history: Sequence[Mapping[str, Any]] = ()
    events: Sequence[Mapping[str, Any]] = ()
    tables: Mapping[str, int] = field(default_factory=dict)
    # None: not asked, as they speak of a database to which everything is applied.
    assertions: Report | None = None
    problem: str | None = None


def read_work(params: Mapping[str, Any], warn: Callable[[str], None]) -> Work:
    """The files that the database is compared with; a probe writes, so none is tried."""
    found = files_of(params, warn)
    found["assertions"] = replace(found["assertions"], probe=())
    policy = Policy(params["drift"], frozenset(params["repair"]), params["revoke_extra"])
    return Work(**found, accept={}, server_major=0, policy=policy)


def look(target: Target, work: Work, events: int) -> Found:
    """Read everything. What is not there (yet) is an answer; a login that is refused is an error."""
    try:
        session = Session(target, SETTINGS)
    except UnreachableError as error:
        if error.absent:
            return Found(problem=str(error))
        raise
    try:
        return _read(session, work, events)
    except DatabaseError as error:
        raise MigrationError(
            f"the ledger in {target.database} cannot be read: {error}; nothing was changed; correct that and run again"
        ) from None
    finally:
        session.rollback()
        session.close()


def _read(session: Session, work: Work, events: int) -> Found:
    facts = Facts(*session.query(f"{READ_ONLY}; {ledger.FACTS}")[0])
    # Reading works on a standby, through a pooler, with any version and any encoding; it must be a ledger all the same.
    tolerated = replace(facts, standby=False, encoding="UTF8")
    ledger.check_facts(tolerated, facts.server_version // 10000, facts.backend_pid, facts.user)
    tables = dict(session.query(catalog_query.TABLES))
    found = Found(reachable=True, tables=tables)
    if facts.ledger:
        found = replace(
            found,
            book=ledger.read(session.query(ledger.READ)),
            history=_named((*_HISTORY, "applied_at"), session.query(HISTORY)),
            events=_named((*_EVENT, "at"), session.query(EVENTS, (events,))),
        )
    live = state.snapshot(session, work.schemas)
    plan, problem = Plan([], []), None
    try:
        state.together(session, work, facts, found.book, live)
        plan = state.plan(session, work, found.book)
    except MigrationError as error:
        problem = _refusal(error)
    try:
        judged = state.judge(session, work, facts, found.book, live, plan)
    except MigrationError as error:
        return replace(found, problem=problem or _refusal(error))
    complete = found.book.applied and not plan.pending and not problem
    asserted = state.assert_all(session, work, facts, live) if complete else None
    return replace(found, state=judged, assertions=asserted, problem=problem)


def _refusal(error: MigrationError) -> str:
    """The sentence with which a run would refuse; what the server says is no refusal."""
    if isinstance(error, DatabaseError):
        raise error
    return str(error)


def _named(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in rows]


def drift(found: State, policy: Policy, psql: Psql) -> list[dict[str, Any]]:
    """What somebody changed beside the migrations: `change` where the next run puts it right, else `left`."""
    after = schema_effects.predicted(found, policy, frozenset()).after
    context = Context(found.recorded, after, psql.database, psql.owner)
    left = {(finding.key, finding.step.attributes): finding for finding in find(context)}
    taken_back = by_admin.handled(by_admin.wanted(found.findings, policy), found.snapshot.objects)
    result = []
    for finding in found.findings:
        still = None if finding.key in taken_back else left.get((finding.key, finding.step.attributes))
        [entry] = report.drift_list([finding], found.recorded, found.snapshot.objects)
        way = {"remedy": schema_effects.remedy(still, None, context, psql)} if still else {}
        result.append({**entry, "effect": "left" if still else "change", **way})
    return result


def describe(found: Found, work: Work, psql: Psql) -> dict[str, Any]:
    """The module's result: what is found, judged against the files. Pure."""
    done = {row.version for row in found.book.applied}
    pending = [migration.version for migration in work.migrations if migration.version not in done]
    expected = found.book.expected
    stale = bool(work.access) and (expected is None or expected.access_checksum != work.access_checksum)
    if not found.reachable:
        status = "unreachable"
    elif found.problem:
        status = "refused"
    else:
        status = "pending" if pending or stale else "current"
    return {
        "reachable": found.reachable,
        "status": status,
        "ledger_version": found.book.version,
        "pending": pending,
        "access_pending": stale,
        "problem": found.problem,
        "history": list(found.history),
        "events": list(found.events),
        "tables": dict(found.tables),
        "drift": drift(found.state, work.policy, psql) if found.state else [],
        "assertions": found.assertions.as_dict() if found.assertions else None,
    }
