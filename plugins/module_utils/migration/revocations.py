# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The database's copy of the list of refused tokens (private.revoked_tokens); the list of record is given.

What the list names is put back, what has expired goes. What somebody else refused stays and is named: to take it away
would open what was closed.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.effects import Effect
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.retry import again
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import (
    DatabaseError,
    Session,
    Target,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.settings import Settings

TABLE = "private.revoked_tokens"
# Seconds after its end for which a token is still refused by its id: clocks differ, and PostgREST allows 30.
GRACE = 120
# The option of the modules that keep the copy.
OPTION: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "jti": {"type": "str", "required": True},
        "revoked_at": {"type": "int", "required": True},
        "expires_at": {"type": "int", "required": True},
        "reason": {"type": "str", "required": True},
    },
}
_LOOK = f"""
SELECT
    extract(epoch FROM now())::bigint,
    r.jti,
    extract(epoch FROM r.expires_at)::bigint,
    r.reason
FROM (VALUES (1)) AS one
LEFT JOIN {TABLE} AS r ON true
ORDER BY r.jti
"""  # noqa: S608 - a name of ours
_PUT = f"""
INSERT INTO {TABLE} (jti, revoked_at, expires_at, reason)
VALUES (%s, to_timestamp(%s), to_timestamp(%s), %s)
ON CONFLICT (jti) DO UPDATE SET expires_at = excluded.expires_at, reason = excluded.reason
"""  # noqa: S608 - as above
_REMOVE = f"DELETE FROM {TABLE} WHERE jti = %s AND expires_at < now()"  # noqa: S608 - as above


@dataclass(frozen=True)
class Revocation:
    """One entry of the list; times in seconds since 1970."""

    jti: str
    revoked_at: int
    expires_at: int
    reason: str

    def ended(self, now: int) -> bool:
        """Whether the token is refused anyway."""
        return self.expires_at + GRACE <= now


@dataclass(frozen=True)
class Row:
    """One row of the copy; without an end it is kept."""

    jti: str
    expires_at: int | None
    reason: str | None


@dataclass(frozen=True)
class Plan:
    """What becomes of the copy."""

    missing: Sequence[Revocation] = ()
    differing: Sequence[Revocation] = ()
    ended: Sequence[str] = ()
    extra: Sequence[str] = ()

    @property
    def changes(self) -> bool:
        """Whether there is something to do."""
        return bool(self.missing or self.differing or self.ended)

    @property
    def left(self) -> list[Effect]:
        """What a person may decide about."""
        if not self.extra:
            return []
        return [
            Effect(
                "left",
                f"table {TABLE}",
                f"refuses {', '.join(self.extra)}, which the register on the control node does not",
                f"if they are to stay refused, run: make revoke JTI={','.join(self.extra)}",
            )
        ]

    def effects(self) -> list[Effect]:
        """For the result's list."""
        told = [Effect("change", f"revoked token {one.jti}", "missing in the database") for one in self.missing]
        told += [Effect("change", f"revoked token {one.jti}", "its end or reason differs") for one in self.differing]
        told += [Effect("change", f"revoked token {jti}", "expired, so it is forgotten") for jti in self.ended]
        return told + self.left


def wanted(entries: Iterable[Mapping[str, Any]]) -> list[Revocation]:
    """The list as the modules are given it."""
    return [Revocation(**entry) for entry in entries]


def plan(record: Sequence[Revocation], rows: Sequence[Row], now: int) -> Plan:
    """What differs, by the clock of the database. Pure."""
    there = {row.jti: row for row in rows}
    due = {one.jti: one for one in record if not one.ended(now)}
    ended = [row.jti for row in rows if row.expires_at is not None and row.expires_at + GRACE <= now]
    known = {one.jti for one in record}
    return Plan(
        missing=[one for one in due.values() if one.jti not in there],
        differing=[
            one
            for one in due.values()
            if one.jti in there and (one.expires_at, one.reason) != (there[one.jti].expires_at, there[one.jti].reason)
        ],
        ended=[jti for jti in ended if jti not in due],
        extra=[row.jti for row in rows if row.jti not in known and row.jti not in ended],
    )


def first(record: Sequence[Revocation]) -> Plan:
    """Where nothing is there yet that could be looked at."""
    return plan(record, [], int(time.time()))


def run(target: Target, settings: Settings, record: Sequence[Revocation], check_mode: bool) -> Plan:
    """Bring the copy to what the list says, or in check mode say what that would be."""

    def once(_attempt: int) -> Plan:
        with contextlib.closing(Session(target, settings)) as session:
            return _run(session, record, check_mode)

    try:
        return again(once, not check_mode, time.sleep)
    except DatabaseError as error:
        if error.sqlstate in ("42P01", "3F000"):
            if check_mode:
                return first(record)
            raise MigrationError(
                f"database {target.database} has no table {TABLE}; nothing was changed; run: make deploy"
            ) from None
        raise MigrationError(
            f"database {target.database} did not take the list of refused tokens: {error}; nothing was changed; "
            "see the server's log and run again"
        ) from None


def _run(session: Session, record: Sequence[Revocation], check_mode: bool) -> Plan:
    session.execute("BEGIN")
    found = session.query(_LOOK)
    rows = [Row(jti, expires_at, reason) for _now, jti, expires_at, reason in found if jti is not None]
    todo = plan(record, rows, found[0][0])
    if check_mode or not todo.changes:
        session.execute("ROLLBACK")
        return todo
    for one in (*todo.missing, *todo.differing):
        session.execute(_PUT, (one.jti, one.revoked_at, one.expires_at, one.reason))
    for jti in todo.ended:
        session.execute(_REMOVE, (jti,))
    session.execute("COMMIT")
    return todo
