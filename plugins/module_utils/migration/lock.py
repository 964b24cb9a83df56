# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The advisory lock that lets one run at a time change a database.

It is polled outside a transaction: a waiting session holds no snapshot, cannot deadlock, and can name the holder.
"""

from __future__ import annotations

import random
import time

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import Session

# "bvpf" and "migr" in ASCII; fixed for ever, or an old and a new release would run side by side.
KEYS = (0x62767066, 0x6D696772)
_TRY = "SELECT pg_try_advisory_lock(%s, %s)"
_HOLDER = """
SELECT a.pid, a.usename::text, a.application_name, coalesce(host(a.client_addr), 'the socket'),
    to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')
FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = %s AND l.objid = %s AND l.objsubid = 2
    AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
"""
_POLL = 0.25


def acquire(session: Session, wait: float) -> int:
    """Take the lock and return the milliseconds waited; MigrationError names the holder after `wait` seconds."""
    begin = time.monotonic()
    while not session.query(_TRY, KEYS)[0][0]:
        if time.monotonic() - begin >= wait:
            raise MigrationError(
                f"another run holds the migration lock since more than {wait:g} s: {_holder(session)}; "
                "nothing was changed; wait for it to end, or end it, and run again"
            )
        # S311: to keep two waiting runs apart, not to keep a secret.
        time.sleep(_POLL + random.uniform(0, _POLL / 2))  # noqa: S311
    return int((time.monotonic() - begin) * 1000)


def _holder(session: Session) -> str:
    rows = session.query(_HOLDER, KEYS)
    if not rows:
        return "it has just ended"
    pid, user, application, address, since = rows[0]
    return f"pid {pid}, user {user}, application {application or 'unnamed'}, from {address}, connected since {since}"
