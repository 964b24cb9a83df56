# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An object's key in the catalog (`index erp.tasks tasks_pkey`), taken apart and written as SQL wants it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import identifier

# Kinds whose key is `kind schema.table name`.
PARTS = ("column", "constraint", "index", "trigger", "policy", "rule")
_WORDS = (
    *("materialized view", "foreign table", "composite type", "shell type", "default privileges"),
    *("operator class", "operator family"),
    *("text search configuration", "text search dictionary", "text search parser", "text search template"),
)
ROUTINES = ("function", "procedure", "aggregate")
# An internal trigger is only in the catalog's snapshot when somebody switched it off.
BEHIND = "behind "


@dataclass(frozen=True)
class Name:
    """What a key says. `parent`: the table that a part belongs to, or an empty text."""

    kind: str
    parent: str
    name: str

    @property
    def quoted(self) -> str:
        """The object's own name with its schema: `"erp"."tasks"`, `"erp"."f"(a integer)`."""
        if self.kind == "schema":
            return identifier(self.name)
        if self.kind in ROUTINES:
            schema, signature = self.name.split(".", 1)
            routine, arguments = signature.split("(", 1)
            return f"{identifier(schema)}.{identifier(routine)}({arguments}"
        if self.kind in ("operator class", "operator family"):
            name, method = self.name.rsplit(" using ", 1)
            return f"{quoted(name)} USING {method}"
        if self.kind == "operator":
            schema, operator = self.name.split(".", 1)
            return f"{identifier(schema)}.{operator.replace('(', ' (', 1)}"
        if self.kind == "cast":
            return f"({self.name.replace(' as ', ' AS ', 1)})"
        if self.kind == "index":
            return f"{identifier(self.parent.split('.', 1)[0])}.{identifier(self.name)}"
        if self.parent:
            return identifier(self.name)
        return quoted(self.name)

    @property
    def table(self) -> str:
        """The table that a part belongs to."""
        return quoted(self.parent)

    @property
    def spelled(self) -> str:
        """As COMMENT ON, ALTER and DROP call it: `TABLE "erp"."tasks"`, `TRIGGER "t" ON "erp"."tasks"`."""
        if self.kind == "column":
            return f"COLUMN {self.table}.{self.quoted}"
        kind = "TYPE" if self.kind in ("composite type", "shell type") else self.kind.upper()
        inside = f" ON {self.table}" if self.kind in ("constraint", "trigger", "policy", "rule") else ""
        return f"{kind} {self.quoted}{inside}"


def quoted(name: str) -> str:
    """`erp.tasks` as `"erp"."tasks"`."""
    return ".".join(identifier(part) for part in name.split(".", 1))


def split(key: str) -> Name:
    """Take a key apart."""
    kind = next((kind for kind in PARTS if key.startswith(f"{kind} ")), None)
    if kind is not None:
        return Name(*key.split(" ", 2))
    for kind in _WORDS:
        if key.startswith(f"{kind} "):
            return Name(kind, "", key[len(kind) + 1 :])
    kind, name = key.split(" ", 1)
    return Name(kind, "", name)


def shown(key: str, database: str) -> str:
    """The object as an operator calls it."""
    return f"database {database}" if key == "database this" else key
