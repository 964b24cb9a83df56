# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger says beside the files: read in one transaction that cannot write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import ledger
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.files import Migration
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.ledger import Facts, Ledger
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.owner import READ_ONLY
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import (
    DatabaseError,
    Session,
    Settings,
    Target,
    UnreachableError,
)

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
# The catalog alone: who asks may read no table.
TABLES = """
SELECT n.nspname, count(*)
FROM pg_catalog.pg_class AS c INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' GROUP BY n.nspname
"""


@dataclass(frozen=True)
class Found:
    """What one look at a database showed; nothing of it where no session was possible."""

    reachable: bool = False
    book: Ledger = field(default_factory=Ledger)
    history: Sequence[Mapping[str, Any]] = ()
    events: Sequence[Mapping[str, Any]] = ()
    tables: Mapping[str, int] = field(default_factory=dict)
    problem: str | None = None


def look(target: Target, events: int) -> Found:
    """Read the ledger. What is not there (yet) is an answer; a login that is refused is an error."""
    try:
        session = Session(target, SETTINGS)
    except UnreachableError as error:
        if error.absent:
            return Found(problem=str(error))
        raise
    try:
        return _read(session, events)
    except DatabaseError as error:
        raise MigrationError(
            f"the ledger in {target.database} cannot be read: {error}; nothing was changed; correct that and run again"
        ) from None
    finally:
        session.rollback()
        session.close()


def _read(session: Session, events: int) -> Found:
    facts = Facts(*session.query(f"{READ_ONLY}; {ledger.FACTS}")[0])
    # Reading works on a standby, through a pooler and with any version; whether the ledger is one still counts.
    tolerated = replace(facts, standby=False)
    ledger.check_facts(tolerated, facts.server_version // 10000, facts.backend_pid, facts.user)
    tables = dict(session.query(TABLES))
    if not facts.ledger:
        return Found(reachable=True, tables=tables)
    return Found(
        reachable=True,
        book=ledger.read(session.query(ledger.READ)),
        history=_named((*_HISTORY, "applied_at"), session.query(HISTORY)),
        events=_named((*_EVENT, "at"), session.query(EVENTS, (events,))),
        tables=tables,
    )


def _named(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in rows]


def describe(found: Found, migrations: Sequence[Migration]) -> dict[str, Any]:
    """The module's result: what is found, judged against the files. Pure."""
    done = {row.version for row in found.book.applied}
    pending = [migration.version for migration in migrations if migration.version not in done]
    problem = found.problem or refusal(found.book, migrations)
    if not found.reachable:
        status = "unreachable"
    elif problem:
        status = "refused"
    else:
        status = "pending" if pending else "current"
    return {
        "reachable": found.reachable,
        "status": status,
        "ledger_version": found.book.version,
        "pending": pending,
        "problem": problem,
        "history": list(found.history),
        "events": list(found.events),
        "tables": dict(found.tables),
    }


def refusal(book: Ledger, migrations: Sequence[Migration]) -> str | None:
    """The sentence with which a run would refuse these files."""
    try:
        _plan, edited = ledger.plan(migrations, book, {})
    except MigrationError as error:
        return str(error)
    return str(ledger.edited(edited[0], edited[0].text)) if edited else None
