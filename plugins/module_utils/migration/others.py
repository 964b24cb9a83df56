# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other sessions that are in the way, as an operator can find them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import Session

_NAMED = 3
_ADVISORY = """
SELECT to_jsonb(a) - 'query' FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = %s AND l.objid = %s AND l.objsubid = 2
    AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
"""
# What we waited for is not known any more; who holds it still does. The strongest lock first, then the oldest.
_TABLES = """
SELECT to_jsonb(a) - 'query', array_remove(array_agg(DISTINCT r.name), NULL)
FROM pg_locks AS l LEFT JOIN pg_stat_activity AS a USING (pid)
LEFT JOIN (
    SELECT c.oid, c.oid::regclass::text AS name FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind NOT IN ('i', 'I', 't') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    ) AS r ON r.oid = l.relation
WHERE l.granted AND l.pid IS DISTINCT FROM pg_backend_pid() AND (r.name IS NOT NULL
    AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
    OR l.locktype = 'transactionid' AND (a.pid IS NULL OR a.datname = current_database()))
GROUP BY 1, a.xact_start
ORDER BY max(array_position(ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock',
    'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'], l.mode)) DESC, a.xact_start
"""


def _described(seen: Mapping[str, Any], doing: str, since: str) -> str:
    """`pid 12 (user erp_admin, application psql, on the socket, connected since 2026-01-31 08:15:00 UTC)`"""
    known = [f"user {seen['usename']}", f"application {seen['application_name'] or 'unnamed'}"]
    # Only a member of pg_read_all_stats sees more than that of somebody else's session.
    if seen["backend_start"]:
        known.append(f"from {seen['client_addr']}" if seen["client_addr"] else "on the socket")
        known.append(f"{doing} since {seen[since][:19].replace('T', ' ')} UTC")
    return f"pid {seen['pid']} ({', '.join(known)})"


def _locking(seen: Mapping[str, Any] | None, tables: Sequence[str]) -> str:
    who = _described(seen, seen["state"], "xact_start") if seen else "a prepared transaction (pg_prepared_xacts)"
    if not tables:
        return f"the transaction of {who} is not at its end"
    more = f" and {len(tables) - _NAMED} more" if len(tables) > _NAMED else ""
    is_or_are = "is" if len(tables) == 1 else "are"
    return f"{', '.join(tables[:_NAMED])}{more} {is_or_are} locked by {who}"


def holder_of(session: Session, keys: tuple[int, int]) -> str:
    """Who holds an advisory lock."""
    rows = session.query(_ADVISORY, keys)
    return _described(rows[0][0], "connected", "backend_start") if rows else "it has just ended"


def holders_of_tables(session: Session) -> str:
    """Who holds locks in this database right after a statement waited for one in vain; empty: nobody any more."""
    return ", ".join(_locking(*row) for row in session.query(_TABLES)[:_NAMED])
