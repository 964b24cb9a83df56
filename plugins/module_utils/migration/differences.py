# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between two states of one object of the catalog, in words, and the SQL with which a person undoes it.

Pure. Nothing here repairs anything: what the access files do not put right is for a person to decide.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import acl
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import Attributes
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import identifier

# Kinds whose key is `kind schema.table name`.
_PARTS = ("column", "constraint", "index", "trigger", "policy", "rule")
# What may hold rows, or stand for some.
_DATA = ("schema", "table", "column", "materialized view", "foreign table", "sequence", "type", "composite type")
_SHORT = 40
_ON = {
    "table": "%s ON TABLE ",
    "view": "%s ON TABLE ",
    "materialized view": "%s ON TABLE ",
    "foreign table": "%s ON TABLE ",
    "sequence": "%s ON SEQUENCE ",
    "function": "%s ON FUNCTION ",
    "procedure": "%s ON PROCEDURE ",
    "aggregate": "%s ON FUNCTION ",
    "type": "%s ON TYPE ",
    "schema": "%s ON SCHEMA ",
    "database": "%s ON DATABASE ",
}


def split(key: str) -> tuple[str, str, str]:
    """Kind, the table it belongs to or an empty text, and the rest of the key."""
    kind = next((kind for kind in _PARTS if key.startswith(f"{kind} ")), None)
    if kind is not None:
        _kind, parent, name = key.split(" ", 2)
        return kind, parent, name
    for kind in ("materialized view", "foreign table", "composite type", "default privileges"):
        if key.startswith(f"{kind} "):
            return kind, "", key[len(kind) + 1 :]
    kind, name = key.split(" ", 1)
    return kind, "", name


def shown(key: str, database: str) -> str:
    """The object as an operator calls it."""
    return f"database {database}" if key == "database this" else key


def _texts(*values: Any) -> list[str]:
    """A mark that is not there is off."""
    if any(value is True for value in values):
        return ["on" if value is True else "off" for value in values]
    return ["none" if value is None else str(value) for value in values]


def words(live: Attributes | None, wanted: Attributes | None) -> str:
    """`missing`, `extra`, or each attribute that differs: `not_null`, `extra right of PUBLIC: SELECT`."""
    if live is None or wanted is None:
        return "missing" if live is None else "extra"
    result = []
    for name in sorted({*live, *wanted}):
        old, new = live.get(name), wanted.get(name)
        if old == new:
            continue
        if name == "acl":
            # The same rights may be written down as given by somebody else.
            result += acl.differences(old or (), new or ()) or ["who gave the rights"]
            continue
        have, want = _texts(old, new)
        label = name.replace("_", " ")
        short = max(len(have), len(want)) <= _SHORT and "\n" not in have + want
        result.append(f"{label} {have} instead of {want}" if short else f"another {label}")
    return ", ".join(result)


def _quoted(name: str) -> str:
    return ".".join(identifier(part) for part in name.split(".", 1))


def _routine(name: str) -> str:
    schema, signature = name.split(".", 1)
    routine, arguments = signature.split("(", 1)
    return f"{identifier(schema)}.{identifier(routine)}({arguments}"


def _rights(key: str, live: Attributes, wanted: Attributes, database: str) -> list[str]:
    kind, parent, name = split(key)
    if kind == "default privileges":
        # `erp.tables for erp_admin`, or without a schema
        where, owner = name.split(" for ", 1)
        schema, _dot, objects = where.rpartition(".")
        inside = f" IN SCHEMA {identifier(schema)}" if schema else ""
        target = f"%s ON {objects.upper()}"
        head = f"ALTER DEFAULT PRIVILEGES FOR ROLE {identifier(owner)}{inside} "
        return [head + sql for sql in acl.statements(live.get("acl", ()), wanted.get("acl", ()), target)]
    if kind == "column":
        # A column list follows each privilege.
        column = f" ({identifier(name)})".replace("%", "%%")
        found = acl.statements(live.get("acl") or (), wanted.get("acl") or (), f"%s{column} ON TABLE {_quoted(parent)}")
        return [sql.replace(", ", f"{column}, ") for sql in found]
    on = _ON.get(kind)
    if on is None:
        return []
    what = identifier(database) if kind == "database" else _routine(name) if "(" in name else _quoted(name)
    return acl.statements(live.get("acl", ()), wanted.get("acl", ()), on + what.replace("%", "%%"))


def _drop(kind: str, parent: str, name: str) -> str | None:
    if kind == "index":
        return f"DROP INDEX {identifier(parent.split('.', 1)[0])}.{identifier(name)}"
    if kind in ("trigger", "policy", "rule"):
        return f"DROP {kind.upper()} {identifier(name)} ON {_quoted(parent)}"
    if kind == "constraint":
        return f"ALTER TABLE {_quoted(parent)} DROP CONSTRAINT {identifier(name)}"
    if kind in ("function", "procedure", "aggregate"):
        return f"DROP {kind.upper()} {_routine(name)}"
    return f"DROP {kind.upper()} {_quoted(name)}" if kind in ("view", "statistics") else None


def _make(kind: str, parent: str, name: str, wanted: Attributes) -> str | None:
    definition = wanted.get("definition", "")
    if "\n" in definition or kind not in ("index", "trigger", "constraint", "statistics", "rule"):
        return None
    if kind == "constraint":
        return f"ALTER TABLE {_quoted(parent)} ADD CONSTRAINT {identifier(name)} {definition}"
    return str(definition)


def sql(key: str, live: Attributes | None, wanted: Attributes | None, database: str) -> list[str]:
    """What undoes it, or nothing where that is not a matter of one statement."""
    kind, parent, name = split(key)
    if wanted is None:
        if kind == "default privileges" and live is not None:
            return _rights(key, live, {}, database)
        drop = _drop(kind, parent, name)
        return [drop] if drop else []
    if live is None:
        make = _make(kind, parent, name, wanted)
        return [make] if make else []
    differ = {attribute for attribute in {*live, *wanted} if live.get(attribute) != wanted.get(attribute)}
    # With the owner the access list changes: he stands in it.
    if "owner" in differ and differ <= {"owner", "acl"} and "owned_by" not in wanted and kind in _ON:
        what = identifier(database) if kind == "database" else _routine(name) if "(" in name else _quoted(name)
        return [f"ALTER {kind.upper()} {what} OWNER TO {identifier(wanted['owner'])}"]
    if differ == {"acl"}:
        return _rights(key, live, wanted, database)
    if kind == "column" and differ == {"default"}:
        value = wanted.get("default")
        action = f"SET DEFAULT {value}" if value is not None else "DROP DEFAULT"
        return [f"ALTER TABLE {_quoted(parent)} ALTER COLUMN {identifier(name)} {action}"]
    if kind == "trigger" and differ == {"state"} and "state" not in wanted and not name.startswith("behind "):
        return [f"ALTER TABLE {_quoted(parent)} ENABLE TRIGGER {identifier(name)}"]
    drop, make = _drop(kind, parent, name), _make(kind, parent, name, wanted)
    if (
        drop
        and make
        and "definition" in differ
        and differ <= {"definition", "columns", "predicate", "unique", "not_valid"}
    ):
        return [drop, make]
    return []


def advice(key: str, live: Attributes | None, wanted: Attributes | None) -> str:
    """What to do where no statement can be named."""
    kind = split(key)[0]
    if live and wanted and "owned_by" in wanted and live.get("owner") != wanted.get("owner"):
        return "give its table back, and it follows"
    if kind in _DATA and live is None:
        return "what stood in it is gone with it; restore it from a backup"
    if kind in _DATA and wanted is None:
        return "move it to a schema of its own, or drop it if nobody needs what is in it"
    return "put it back by hand as the migrations and access files make it"
