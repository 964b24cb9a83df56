# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look into the database, over its socket, with no more rights than to read what it tells about itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
# As the bootstrap user, because only it has connections that are kept for it when all others are in use; the role is
# taken before the first statement, and nothing can be written. Not in the database with the data: it may be missing.
OPTIONS = (
    "-c role=pg_monitor -c default_transaction_read_only=on -c statement_timeout=3s -c lock_timeout=1s "
    "-c idle_in_transaction_session_timeout=10s -c search_path=pg_catalog"
)
LOOK = """
WITH waiting AS (SELECT pid, min(waitstart) AS since FROM pg_locks WHERE NOT granted GROUP BY pid),
sessions AS (
    SELECT a.pid, a.usename AS role, a.application_name AS application,
           extract(epoch FROM clock_timestamp() - a.xact_start) AS transaction,
           CASE WHEN a.state LIKE 'idle in transaction%'
                THEN extract(epoch FROM clock_timestamp() - a.state_change) END AS idle_in_transaction,
           extract(epoch FROM clock_timestamp() - w.since) AS lock_wait
    FROM pg_stat_activity AS a LEFT JOIN waiting AS w USING (pid)
    WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
)
SELECT json_build_object(
    'max_connections', current_setting('max_connections')::int
                       - current_setting('superuser_reserved_connections')::int,
    'sessions', (SELECT coalesce(json_agg(s), '[]') FROM sessions AS s),
    'size', (SELECT sum(pg_database_size(oid)) FROM pg_database WHERE datallowconn),
    'wal', (SELECT coalesce(sum(size), 0) FROM pg_ls_waldir()),
    'transaction_age', (SELECT max(age(datfrozenxid)) FROM pg_database),
    'checksum_failures', (SELECT coalesce(sum(checksum_failures), 0) FROM pg_stat_database),
    'slots', (SELECT coalesce(json_agg(json_build_object(
                  'name', slot_name, 'active', active, 'status', wal_status,
                  'bytes', pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn))), '[]') FROM pg_replication_slots),
    'archiving', current_setting('archive_mode') <> 'off',
    'archived', (SELECT extract(epoch FROM last_archived_time) FROM pg_stat_archiver),
    'archive_failed', (SELECT extract(epoch FROM last_failed_time) FROM pg_stat_archiver),
    'ready', (SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'),
    'ready_since', (SELECT extract(epoch FROM min(modification)) FROM pg_ls_archive_statusdir()
                    WHERE name LIKE '%.ready')
)
"""


def look(socket: str, seconds: float) -> Json:
    """What it tells, or `error` with its reason."""

    def read(cursor: Any) -> Json:
        cursor.execute(LOOK)
        [found] = cursor.fetchone() or [{"error": "it gave no answer"}]
        answer: Json = found
        return answer

    return asked(socket, "postgres", "postgres", OPTIONS, seconds, read)


def asked(socket: str, name: str, user: str, options: str, seconds: float, read: Callable[[Any], Json]) -> Json:
    """What `read` makes of a cursor in a session of its own, or `error` with its reason."""
    try:
        import psycopg2
    except ImportError:
        return {"error": "python3-psycopg2 is missing"}
    try:
        connection = psycopg2.connect(
            host=socket,
            dbname=name,
            user=user,
            connect_timeout=max(2, int(seconds)),
            application_name="portfolio-monitoring",
            options=options,
        )
    except psycopg2.Error as error:
        return {"error": reason(error)}
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            return read(cursor)
    except psycopg2.Error as error:
        return {"error": reason(error)}
    finally:
        connection.close()


def reason(error: Exception) -> str:
    """libpq's words without the address, which everybody knows who reads them."""
    return " ".join(str(error).split()).rpartition("failed: ")[2] or type(error).__name__
