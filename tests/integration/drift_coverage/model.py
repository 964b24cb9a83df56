# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change by hand: a pure function from an object of the catalog to the SQL that changes it; and their registry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import CatalogObject
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import identifier

RELATIONS = ("table", "view", "materialized view", "foreign table", "sequence")
ROUTINES = ("function", "procedure", "aggregate")


@dataclass(frozen=True)
class Item:
    """An object as SQL spells it."""

    found: CatalogObject
    # Of a part: the kind of relation that it belongs to, and the columns of that in their order.
    of: str = ""
    columns: tuple[str, ...] = ()
    # An index that belongs to a constraint.
    constraint: bool = False

    @property
    def kind(self) -> str:
        return self.found.kind

    @property
    def key(self) -> str:
        return self.found.key

    @property
    def attributes(self) -> Mapping[str, Any]:
        return self.found.attributes

    def get(self, name: str, usual: Any = None) -> Any:
        return self.found.attributes.get(name, usual)

    @property
    def definition(self) -> str:
        return str(self.found.attributes["definition"])

    @property
    def name(self) -> str:
        """Its bare name, quoted; a routine's without arguments."""
        found = self.found
        return identifier(found.name.split("(", 1)[0] if found.kind in ROUTINES else found.name)

    @property
    def type(self) -> str:
        return str(self.get("type"))

    @property
    def function(self) -> str:
        """A routine's name without its arguments."""
        return self.found.name.split("(", 1)[0]

    @property
    def types(self) -> str:
        """A routine's arguments as regprocedure writes them: without names."""
        arguments = self.found.name.rstrip(")").partition("(")[2].split(", ")
        return ",".join(argument.split(" ", 1)[-1] for argument in arguments)

    @property
    def bare(self) -> str:
        return self.found.name

    @property
    def place(self) -> str:
        """Its table as keys of parts call it, or its own name as a key of a part of it does."""
        return f"{self.found.schema}.{self.found.parent or self.found.name}"

    @property
    def schema(self) -> str:
        return identifier(self.found.schema)

    @property
    def table(self) -> str:
        """The table that it belongs to."""
        return f"{self.schema}.{identifier(self.found.parent or '')}"

    @property
    def sql(self) -> str:
        """As ALTER, DROP, COMMENT and GRANT name it."""
        found = self.found
        if found.kind in ROUTINES:
            return f"{self.schema}.{self.name}({found.name.split('(', 1)[1]}"
        if found.kind in ("operator", "operator class", "operator family", "cast", "default privileges", "dependency"):
            return _SPELT[found.kind](found)
        if found.kind == "column":
            return f"{self.table}.{self.name}"
        if found.kind in ("constraint", "trigger", "policy", "rule"):
            return f"{self.name} ON {self.table}"
        return f"{self.schema}.{self.name}" if found.schema and found.kind != "schema" else self.name

    @property
    def word(self) -> str:
        """The kind as ALTER, DROP and COMMENT call it."""
        return {"composite type": "TYPE", "shell type": "TYPE"}.get(self.kind, self.kind.upper())

    @property
    def shape(self) -> tuple[str, ...]:
        """Objects of one shape differ little in what can be done to them."""
        of = self.type if self.kind == "constraint" else self.of
        if self.kind == "index":
            of += " of a constraint" if self.constraint else " unique" if self.get("unique") else ""
        kin = {"bound", "inherits", "of_type", "partition", "persistence", "inherited"} & self.attributes.keys()
        return (self.kind, of, "sample" if self.found.schema == "sample" else "", *sorted(kin))


def _using(found: CatalogObject) -> str:
    name, method = found.name.split(" using ")
    return f"{identifier(found.schema)}.{identifier(name)} USING {method}"


def _operator(found: CatalogObject) -> str:
    name, arguments = found.name.split("(", 1)
    return f"{identifier(found.schema)}.{name} ({arguments}"


_SPELT: dict[str, Callable[[CatalogObject], str]] = {
    "operator": _operator,
    "operator class": _using,
    "operator family": _using,
    "cast": lambda found: f"({found.name.replace(' as ', ' AS ')})",
    "default privileges": lambda found: found.name,
    "dependency": lambda found: found.name,
}

# None: the change does not apply to this object.
Statements = str | list[str] | None
# A function, or statements with the names of an item's properties in braces.
Make = Callable[[Item], Statements] | str | list[str]


@dataclass(frozen=True)
class Change:
    kind: str
    name: str
    make: Callable[[Item], Statements]
    # Keys of the objects that must be named.
    names: Callable[[Item], Iterable[str]]

    @property
    def id(self) -> str:
        return f"{self.kind}: {self.name}"

    def statements(self, item: Item) -> list[str]:
        made = self.make(item)
        return [] if made is None else [made] if isinstance(made, str) else made


CHANGES: list[Change] = []


def change(
    kinds: str | Iterable[str],
    name: str,
    make: Make,
    names: str | list[str] = "{key}",
    *,
    having: str | None = None,
    lacking: str | None = None,
    where: Callable[[Item], bool] = lambda item: True,
) -> None:
    """Register a change for each of the kinds; it applies where an attribute is set, or is not, and `where` says so."""

    def made(item: Item) -> Statements:
        if (having and having not in item.attributes) or (lacking and lacking in item.attributes) or not where(item):
            return None
        return make(item) if callable(make) else _filled(make, item)

    templates = [names] if isinstance(names, str) else names
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        CHANGES.append(Change(kind, name, made, lambda item: _filled(templates, item)))


def _filled(templates: str | list[str], item: Item) -> list[str]:
    values = {name: getattr(item, name) for name in _PROPERTIES}
    return [text.format_map(values) for text in ([templates] if isinstance(templates, str) else templates)]


_PROPERTIES = (
    "found",
    "key",
    "kind",
    "word",
    "sql",
    "name",
    "bare",
    "table",
    "schema",
    "place",
    "type",
    "function",
    "types",
)
