# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schemas and the ledger's rows go in one transaction, which also shuts writers out while the backup is written.

One transaction from the lock to the drop is what makes it safe: a row is in the backup, or its writer was never told
that it is there. Nothing has to be put back after a killed run, as it would be had the database been closed instead.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import backup, ledger, lock
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.backup import Client
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.ledger import Facts
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import (
    DatabaseError,
    Session,
    Target,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.settings import Settings

_SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname = ANY (%s)"
_TABLES = """
SELECT n.nspname, c.relname, format('%%I.%%I', n.nspname, c.relname), c.relkind = 'r'
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%s) AND c.relkind IN ('r', 'p') ORDER BY 1, 2
"""
# Everything that could go with the schemas without being in one of them.
_OUTSIDE = """
WITH outside AS (
    SELECT oid FROM pg_namespace WHERE nspname <> ALL (%s) AND nspname !~ '^pg_' AND nspname <> 'information_schema'
), relation AS (SELECT c.oid FROM pg_class AS c JOIN outside AS o ON o.oid = c.relnamespace)
SELECT pg_describe_object('pg_class'::regclass, oid, 0) FROM relation
UNION ALL SELECT pg_describe_object('pg_class'::regclass, a.attrelid, a.attnum)
    FROM pg_attribute AS a JOIN relation AS r ON r.oid = a.attrelid WHERE a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT pg_describe_object('pg_attrdef'::regclass, d.oid, 0)
    FROM pg_attrdef AS d JOIN relation AS r ON r.oid = d.adrelid
UNION ALL SELECT pg_describe_object('pg_constraint'::regclass, c.oid, 0)
    FROM pg_constraint AS c JOIN outside AS o ON o.oid = c.connamespace
UNION ALL SELECT pg_describe_object('pg_trigger'::regclass, t.oid, 0)
    FROM pg_trigger AS t JOIN relation AS r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
UNION ALL SELECT pg_describe_object('pg_policy'::regclass, p.oid, 0)
    FROM pg_policy AS p JOIN relation AS r ON r.oid = p.polrelid
UNION ALL SELECT pg_describe_object('pg_type'::regclass, t.oid, 0)
    FROM pg_type AS t JOIN outside AS o ON o.oid = t.typnamespace
UNION ALL SELECT pg_describe_object('pg_proc'::regclass, p.oid, 0)
    FROM pg_proc AS p JOIN outside AS o ON o.oid = p.pronamespace
"""
# Who keeps a table of ours from us; the oldest session is the likeliest.
_HOLDER = """
SELECT a.pid, a.usename::text, a.application_name, l.relation::regclass::text
FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) JOIN pg_class AS c ON c.oid = l.relation
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE l.locktype = 'relation' AND l.granted AND n.nspname = ANY (%s) AND l.pid <> pg_backend_pid()
    AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
ORDER BY a.backend_start, a.pid LIMIT 1
"""
# Readers may go on while the backup is written, pg_dump among them.
_PROBE = (
    "SAVEPOINT probe; LOCK TABLE {0} IN ACCESS EXCLUSIVE MODE NOWAIT; "
    "ROLLBACK TO probe; LOCK TABLE {0} IN EXCLUSIVE MODE NOWAIT"
)

# Seconds between two tries.
_PAUSE = 0.05


@dataclass(frozen=True)
class Order:
    """What is to be rolled back, and how."""

    target: Target
    settings: Settings
    # In the order in which they go: nothing that stands later leans on what stands before.
    schemas: Sequence[str]
    server_major: int
    lock_wait: float
    client: Client
    directory: Path
    run_id: str
    changing: Callable[[], None]


@dataclass(frozen=True)
class Found:
    """What there is to roll back."""

    schemas: list[str]
    tables: list[tuple[str, str]]
    # Every table, quoted.
    locked: list[str]
    versions: list[str]
    size: int

    @property
    def nothing(self) -> bool:
        return not self.schemas and not self.versions

    def effects(self, directory: Path) -> list[dict[str, str]]:
        """What a run changes, as every verb reads it."""
        if self.nothing:
            return []
        count = {schema: sum(table[0] == schema for table in self.tables) for schema in self.schemas}
        return [
            _effect(str(directory), f"a backup of the database, {len(self.tables)} tables"),
            *(_effect(f"schema {schema}", f"dropped, {count[schema]} tables") for schema in self.schemas),
            _effect("ledger", f"forgets {', '.join(self.versions) or 'nothing'}, keeps its history"),
        ]


def _effect(thing: str, detail: str) -> dict[str, str]:
    return {"effect": "change", "object": thing, "detail": detail}


def look(session: Session, order: Order) -> Found:
    """Facts that do not change by looking; refuses a database that is not ours."""
    facts = Facts(*session.query(ledger.FACTS)[0])
    ledger.check_facts(facts, order.server_major, session.backend_pid, order.target.user)
    there = {row[0] for row in session.query(_SCHEMAS, (list(order.schemas),))}
    schemas = [schema for schema in order.schemas if schema in there]
    if schemas and not facts.ledger:
        raise MigrationError(
            f"there is no ledger in schema migration, so nothing says that {', '.join(schemas)} are ours; "
            f"nothing was changed; remove them by hand if they may go"
        )
    rows = session.query(_TABLES, (schemas,))
    versions = [row[0] for row in session.query(ledger.READ)] if facts.ledger else []
    size: int = session.query("SELECT pg_database_size(current_database())")[0][0]
    return Found(schemas, [(row[0], row[1]) for row in rows if row[3]], [row[2] for row in rows], versions, size)


def run(order: Order, check_mode: bool) -> dict[str, Any]:
    """The module's result."""
    session = Session(order.target, order.settings)
    try:
        found = look(session, order)
        result: dict[str, Any] = {
            "changed": not found.nothing,
            "schemas": found.schemas,
            "tables": len(found.tables),
            "versions": found.versions,
            "backup": None,
            "effects": found.effects(order.directory),
        }
        if found.nothing:
            return result
        backup.refuse_no_room(order.directory, found.size, backup.room(order.directory))
        if not check_mode:
            order.changing()
            lock.acquire(session, order.lock_wait)
            result["backup"] = str(_change(session, order))
        return result
    finally:
        session.rollback()
        session.close()


def _change(session: Session, order: Order) -> Path:
    """Lock, back up, drop, commit."""
    path = order.directory / backup.name_of(order.target.database, order.run_id.partition("/")[0], time.time())
    kept, committing = "", False
    try:
        session.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
        # The longest pause of this session is the backup.
        session.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        found = look(session, order)
        if found.locked:
            _lock(session, order, found)
        found = _unchanged(session, order, found)
        only = [*found.schemas, "migration"] if order.client.address else []
        size = backup.write(order.client, path, found.tables, only)
        order.changing()
        kept = f"; the backup {path} is whole and stays"
        _drop(session, order, _unchanged(session, order, found), path, size)
        committing = True
        session.execute("COMMIT")
    except DatabaseError as error:
        session.rollback()
        if committing and error.lost:
            raise MigrationError(
                f"the connection ended at COMMIT, so it is not known whether the schemas are gone{kept}; run again"
            ) from None
        blocker = _blocker(session, order, error)
        remedy = f"give it to {order.target.user} and run again" if error.sqlstate == "42501" else "run again"
        remedy = "let it end, or end it, and run again" if blocker else remedy
        raise MigrationError(f"{error}{blocker}; nothing was changed{kept}; {remedy}") from None
    except MigrationError as error:
        untouched = "nothing was changed"
        error.args = (error.sentence.replace(untouched, untouched + kept),)
        raise
    return path


def _lock(session: Session, order: Order, found: Found) -> None:
    """All tables at once or none: a writer that holds one and wants another could otherwise end in a deadlock."""
    deadline = time.monotonic() + order.settings.lock_timeout_ms / 1000
    while True:
        try:
            session.execute(_PROBE.format(", ".join(found.locked)))
            return
        except DatabaseError as error:
            if error.sqlstate != "55P03" or time.monotonic() > deadline:
                raise
            session.execute("ROLLBACK TO probe")
        time.sleep(_PAUSE)


def _unchanged(session: Session, order: Order, before: Found) -> Found:
    """A table that somebody made meanwhile is not locked, and perhaps not in the backup."""
    now = look(session, order)
    if now.locked != before.locked:
        raise MigrationError(
            "somebody made or removed a table while the server wrote the backup; nothing was changed; run again"
        )
    return now


def _drop(session: Session, order: Order, found: Found, path: Path, size: int) -> None:
    before = {row[0] for row in session.query(_OUTSIDE, (list(order.schemas),))}
    for schema in found.schemas:
        quoted = session.query("SELECT quote_ident(%s)", (schema,))[0][0]
        session.execute(f"DROP SCHEMA {quoted} CASCADE")
    lost = sorted(before - {row[0] for row in session.query(_OUTSIDE, (list(order.schemas),))})
    if lost:
        raise MigrationError(
            f"{lost[0]} leans on {', '.join(found.schemas)} and would go with them"
            f"{f' (and {len(lost) - 1} more)' if lost[1:] else ''}; nothing was changed; "
            "remove what leans on them, or let it lean on something else, and run again"
        )
    session.execute(f"{ledger.FORGET}; {ledger.ALLOW_KINDS}")
    detail = {"schemas": list(order.schemas), "versions": found.versions, "tables": len(found.tables), "bytes": size}
    session.execute(ledger.EVENT, (order.run_id, "rollback", str(path), json.dumps(detail)))


def _blocker(session: Session, order: Order, error: DatabaseError) -> str:
    """Names the session that holds a table; empty where that is not what was wrong, or nobody holds one any more."""
    if error.sqlstate not in ("55P03", "40P01"):
        return ""
    rows = session.query(_HOLDER, (list(order.schemas),))
    if not rows:
        return ""
    pid, user, application, table = rows[0]
    return f": pid {pid}, user {user}, application {application or 'unnamed'}, is at work in {table}"
