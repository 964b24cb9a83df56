# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights that are missing are given back; rights that somebody added are somebody's access, and named first. Pure."""

from __future__ import annotations

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift import acl
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.names import Name
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.step import Attributes, Context, Order, Step
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import identifier

_ATTRIBUTES = frozenset({"acl"})
_ON = {
    "table": "TABLE",
    "view": "TABLE",
    "materialized view": "TABLE",
    "foreign table": "TABLE",
    "sequence": "SEQUENCE",
    "function": "FUNCTION",
    "procedure": "PROCEDURE",
    "aggregate": "FUNCTION",
    "type": "TYPE",
    "composite type": "TYPE",
    "schema": "SCHEMA",
    "database": "DATABASE",
}


def _statements(name: Name, live: Attributes, wanted: Attributes, database: str) -> tuple[list[str], list[str]]:
    """REVOKE of what is too much, GRANT of what is missing."""
    old, new = live.get("acl") or (), wanted.get("acl") or ()
    if name.kind == "default privileges":
        # `erp.tables for erp_admin`, or without a schema
        where, owner = name.name.split(" for ", 1)
        schema, _dot, objects = where.rpartition(".")
        inside = f" IN SCHEMA {identifier(schema)}" if schema else ""
        head = f"ALTER DEFAULT PRIVILEGES FOR ROLE {identifier(owner)}{inside} "
        target = f"%s ON {objects.upper()}"
        return (
            [head + sql for sql in acl.revoking(old, new, target)],
            [head + sql for sql in acl.granting(old, new, target)],
        )
    if name.kind == "column":
        # A column list follows each privilege.
        column = f" ({name.quoted})"
        target = f"%s ON TABLE {_escaped(name.table)}"
        return acl.revoking(old, new, target, column), acl.granting(old, new, target, column)
    what = identifier(database) if name.kind == "database" else name.quoted
    target = f"%s ON {_ON[name.kind]} {_escaped(what)}"
    return acl.revoking(old, new, target), acl.granting(old, new, target)


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def steps(key: str, name: Name, live: Attributes, wanted: Attributes, context: Context) -> list[Step]:
    """What is missing, then what is too much; only who gave a right may differ, and that is left."""
    own = _of(wanted.get("owner"), wanted)
    revoke, grant = _statements(name, live, wanted, context.database)
    _revoke, mine = _statements(name, live, {"acl": own}, context.database)
    grant = [statement for statement in grant if statement not in mine]
    # Default privileges of another role are that role's, or the administrator's.
    foreign = name.kind == "default privileges" and not name.name.endswith(f" for {context.owner}")
    result = [Step("A", Order.OWN, tuple(mine), _ATTRIBUTES)] if mine else []
    result += [Step("A", Order.LAST, tuple(grant), _ATTRIBUTES, by_admin=foreign)] if grant else []
    if revoke:
        drift_class = "A" if key in context.made else "B"
        result.append(Step(drift_class, Order.LAST, tuple(revoke), _ATTRIBUTES, by_admin=foreign, takes_access=True))
    return result or [Step("B", Order.LAST, attributes=_ATTRIBUTES)]


def of_type(name: Name, live: Attributes, wanted: Attributes) -> list[Step]:
    """The rights to a table as a type; without any written down everybody has them."""
    owner = identifier(wanted["owner"])
    usual = [f"=U/{owner}", f"{owner}=U/{owner}"]
    old, new = live.get("type_acl") or usual, wanted.get("type_acl") or usual
    target = f"%s ON TYPE {_escaped(name.quoted)}"
    attributes = frozenset({"type_acl"})
    result = []
    for drift_class, statements in (("A", acl.granting(old, new, target)), ("B", acl.revoking(old, new, target))):
        if statements:
            takes = drift_class == "B"
            result.append(Step(drift_class, Order.LAST, tuple(statements), attributes, takes_access=takes))
    return result or [Step("B", Order.LAST, attributes=attributes)]


def built_in(name: Name, known: Attributes) -> Attributes:
    """Default privileges where none are set: what PostgreSQL gives to PUBLIC, and what the owner has anyway.

    Source: https://www.postgresql.org/docs/15/ddl-priv.html, table "Summary of Access Privileges".
    """
    where, owner = name.name.split(" for ", 1)
    if "." in where:
        # Those of one schema only add to the others.
        return {"acl": []}
    public = {"functions": ["=X/"], "types": ["=U/"]}.get(where, [])
    return {"acl": public + _of(owner, known)}


def _of(role: str | None, known: Attributes) -> list[str]:
    """The items of one role."""
    begin = () if role is None else (f"{role}=", f"{identifier(role)}=")
    return [item for item in known.get("acl") or () if item.startswith(begin)]
