# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The advisory lock that lets one run at a time change a database.

It is polled outside a transaction: a waiting session holds no snapshot, cannot deadlock, and can name the holder.
"""

from __future__ import annotations

import random
import time

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import others
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import Session

# "bvpf" and "migr" in ASCII; fixed for ever, or an old and a new release would run side by side.
KEYS = (0x62767066, 0x6D696772)
_TRY = "SELECT pg_try_advisory_lock(%s, %s)"
_POLL = 0.25


def refuse_pooler(asked: int, told: int) -> None:
    """The process that answers is the one that let us in, or the lock would be somebody else's in a moment."""
    if asked != told:
        raise MigrationError(
            "a connection pooler stands between the module and the server, and the lock needs one session; "
            "nothing was changed; connect to PostgreSQL itself"
        )


def acquire(session: Session, wait: float) -> int:
    """Take the lock and return the milliseconds waited; MigrationError names the holder after `wait` seconds."""
    begin = time.monotonic()
    while not session.query(_TRY, KEYS)[0][0]:
        if time.monotonic() - begin >= wait:
            raise MigrationError(
                f"another run holds the migration lock for more than {wait:g} s: {others.holder_of(session, KEYS)}; "
                "nothing was changed; wait for it to end, or end it, and run again"
            )
        # S311: to keep two waiting runs apart, not to keep a secret.
        time.sleep(_POLL + random.uniform(0, _POLL / 2))  # noqa: S311
    return int((time.monotonic() - begin) * 1000)
