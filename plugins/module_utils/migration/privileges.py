# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which privilege it is that the login lacks: the server only names the object that it was refused."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import DatabaseError, Session

_REFUSED = re.compile(r"permission denied for (?P<kind>database|schema|table|view|sequence) (?P<name>.+)")
_MISSING = """
SELECT current_user::text, u.privilege FROM unnest(%(privileges)s) WITH ORDINALITY AS u (privilege, n)
WHERE NOT CASE %(kind)s
    WHEN 'database' THEN has_database_privilege(%(name)s, u.privilege)
    WHEN 'schema' THEN has_schema_privilege(%(name)s, u.privilege)
    -- The server does not say in which schema.
    ELSE (SELECT bool_and(CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, u.privilege)
        ELSE has_table_privilege(c.oid, u.privilege) END) FROM pg_class AS c WHERE c.relname = %(name)s) END
ORDER BY u.n LIMIT 1
"""


def candidates(kind: str, words: Sequence[str]) -> list[str]:
    """The privileges that a statement may have wanted, the likeliest first; `words` are its words."""
    if kind == "database":
        return ["CREATE", "TEMPORARY"]
    if kind == "schema":
        return ["USAGE", "CREATE"]
    if kind == "sequence":
        return ["USAGE", "UPDATE", "SELECT"]
    first = words[0] if words else "select"
    if first in ("insert", "update", "delete", "truncate"):
        return [first.upper(), "SELECT"]
    if first in ("create", "alter") and "trigger" in words:
        return ["TRIGGER"]
    return ["REFERENCES"] if first in ("create", "alter") and "as" not in words else ["SELECT"]


def missing(session: Session, error: DatabaseError, words: Sequence[str]) -> str:
    """`app lacks CREATE on schema erp`, asked after the rollback; empty where that cannot be told."""
    refused = _REFUSED.fullmatch(error.message)
    if refused is None:
        return ""
    asked = {**refused.groupdict(), "privileges": candidates(refused["kind"], words)}
    rows = session.query(_MISSING, asked)
    return f"{rows[0][0]} lacks {rows[0][1]} on {refused['kind']} {refused['name']}" if rows else ""
