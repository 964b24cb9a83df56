# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights, owners and comments: what nearly every kind of object has."""

from __future__ import annotations

import re

from tests.integration.drift_coverage.model import RELATIONS, ROUTINES, Item, Statements, change

_TABLE = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
PRIVILEGES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("table", "view", "materialized view", "foreign table"), _TABLE),
    "sequence": ("USAGE", "SELECT", "UPDATE"),
    "column": ("SELECT", "INSERT", "UPDATE", "REFERENCES"),
    **dict.fromkeys(ROUTINES, ("EXECUTE",)),
    "type": ("USAGE",),
    "composite type": ("USAGE",),
    "schema": ("USAGE", "CREATE"),
    "database": ("CONNECT", "CREATE", "TEMPORARY"),
}
_ON = {
    **dict.fromkeys(("table", "view", "materialized view", "foreign table"), "TABLE"),
    "composite type": "TYPE",
    "aggregate": "FUNCTION",
}
_GRANTEE = re.compile(r'^("?)([^"=]+)\1=')


def on(item: Item, privilege: str) -> str:
    """`SELECT ON TABLE erp.people`, `SELECT (name) ON TABLE erp.people`"""
    if item.kind == "column":
        return f"{privilege} ({item.name}) ON TABLE {item.table}"
    name = "portfolio" if item.kind == "database" else item.sql
    return f"{privilege} ON {_ON.get(item.kind, item.kind.upper())} {name}"


def grantee(item: Item, entry_has: str = "") -> str | None:
    """Somebody who has a right and does not own the object."""
    for entry in item.get("acl") or ():
        match = _GRANTEE.match(entry)
        if match and match[2] != item.get("owner", "erp_admin") and entry_has in entry:
            return match[2]
    return None


def _everybody(item: Item, privilege: str) -> Statements:
    """Where everybody has it already, it is taken."""
    has = item.kind == "composite type" or any(entry.startswith("=") for entry in item.get("acl") or ())
    return f"{'REVOKE' if has else 'GRANT'} {on(item, privilege)} {'FROM' if has else 'TO'} PUBLIC"


def _granted(item: Item) -> bool:
    return item.of != "composite type"


def _grants(kind: str, privilege: str) -> None:
    change(kind, f"{privilege} granted", lambda item: f"GRANT {on(item, privilege)} TO mallory", where=_granted)
    change(kind, f"{privilege} of everybody", lambda item: _everybody(item, privilege), where=_granted)
    change(
        kind,
        f"{privilege} granted with grant option",
        lambda item: f"GRANT {on(item, privilege)} TO mallory WITH GRANT OPTION",
        where=_granted,
    )


for _kind, _privileges in PRIVILEGES.items():
    for _privilege in _privileges:
        _grants(_kind, _privilege)

_WITH_GRANTEES = ("table", "view", "column", "sequence", "function", "schema", "database")
change(
    _WITH_GRANTEES,
    "rights revoked",
    lambda item: f"REVOKE {on(item, 'ALL')} FROM {grantee(item)} CASCADE",
    where=lambda item: grantee(item) is not None,
)
change(
    _WITH_GRANTEES,
    "grant option added",
    lambda item: f"GRANT {on(item, 'ALL')} TO {grantee(item)} WITH GRANT OPTION",
    where=lambda item: grantee(item) is not None,
)
change(
    ("table", "column"),
    "grant option revoked",
    lambda item: f"REVOKE GRANT OPTION FOR {on(item, 'ALL')} FROM {grantee(item, '*')} CASCADE",
    where=lambda item: grantee(item, "*") is not None,
)
change(
    [kind for kind in PRIVILEGES if kind not in ("column", "composite type")],
    "owner loses his rights",
    lambda item: f"REVOKE {on(item, 'ALL')} FROM {item.get('owner')}",
)
# A table is a type too, with rights and a comment of its own.
change(
    ("table", "view", "materialized view", "foreign table"),
    "type closed to everybody",
    "REVOKE USAGE ON TYPE {sql} FROM PUBLIC",
)
change(("table", "view", "materialized view", "foreign table"), "type granted", "GRANT USAGE ON TYPE {sql} TO mallory")
change(
    ("table", "view", "materialized view", "foreign table"), "comment on its type", "COMMENT ON TYPE {sql} IS 'extra'"
)

_OWNED = (
    *RELATIONS,
    *ROUTINES,
    *("schema", "type", "composite type", "statistics", "collation", "conversion", "operator"),
    *("operator class", "operator family", "text search configuration", "text search dictionary"),
)
# The sequence of a column follows its table.
change(_OWNED, "owner", "ALTER {word} {sql} OWNER TO mallory", lacking="owned_by")
change("database", "owner", "ALTER DATABASE portfolio OWNER TO mallory")
change(
    "publication",
    "owner",
    "ALTER PUBLICATION {name} OWNER TO postgres",
    where=lambda item: item.get("owner") != "postgres",
)
change("subscription", "owner", ["CREATE ROLE another SUPERUSER", "ALTER SUBSCRIPTION {name} OWNER TO another"])

# Of some of these no object has a comment, of others every one.
_COMMENTED = (
    *("table", "view", "foreign table", "materialized view", "sequence", "function", "procedure", "aggregate"),
    *("schema", "column", "constraint", "index", "trigger", "policy", "rule", "type", "shell type", "statistics"),
    *("publication", "cast", "collation", "conversion", "operator", "operator class", "operator family"),
    *("text search configuration", "text search dictionary", "text search parser", "text search template"),
)
_SOMETIMES = (
    *("table", "materialized view", "sequence", "function", "column", "constraint", "index", "trigger", "policy"),
    *("type", "publication", "cast"),
)
change(_COMMENTED, "comment changed", "COMMENT ON {word} {sql} IS 'another'", having="comment")
change(_COMMENTED, "comment dropped", "COMMENT ON {word} {sql} IS NULL", having="comment")
change(_SOMETIMES, "comment set", "COMMENT ON {word} {sql} IS 'extra'", lacking="comment")
change("composite type", "comment changed", "COMMENT ON TYPE {sql} IS 'another'", having="type_comment")
change("composite type", "comment dropped", "COMMENT ON TYPE {sql} IS NULL", having="type_comment")
