# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schema beside what the last run recorded of it, read over the socket as its owner, as the modules read it."""

from __future__ import annotations

from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import catalog, catalog_query
from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring import database

Json = dict[str, Any]
OPTIONS = "-c default_transaction_read_only=on -c statement_timeout=3s -c lock_timeout=1s -c search_path=pg_catalog"
RECORDED = """
SELECT a.version, e.catalog_algo, e.fingerprint
FROM migration.applied AS a LEFT JOIN migration.expected AS e USING (version) ORDER BY a.version DESC LIMIT 1
"""


def look(socket: str, name: str, owner: str, seconds: float) -> Json:
    """`version` (of the last migration), `tables` (schema to count) and `drift`; or `error` with its reason.

    `drift` is whether somebody changed the schema since, or None where nothing is recorded that can be compared.
    """

    def read(cursor: Any) -> Json:
        cursor.execute(catalog_query.TABLES)
        tables = dict(cursor.fetchall())
        cursor.execute(RECORDED)
        version, algorithm, recorded = cursor.fetchone() or (None, None, None)
        drift = None
        if algorithm == catalog.ALGORITHM:
            cursor.execute(catalog_query.SNAPSHOT, {"schemas": list(catalog_query.SCHEMAS)})
            drift = catalog.fingerprint(catalog.snapshot(cursor.fetchall()).objects) != recorded
        return {"version": version, "tables": tables, "drift": drift}

    return database.asked(socket, name, owner, OPTIONS, seconds, read)
