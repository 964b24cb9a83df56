# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The assertions file: every unknown key is an error before a connection is opened. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.refusals import refusal
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.splitter import split

EVERY_TABLE = ("primary_key", "comment", "fk_indexed", "updated_at_trigger", "row_security", "policy")
NONE = (
    "invalid_index",
    "unvalidated_constraint",
    "disabled_trigger",
    "unnamed_constraint",
    "function_without_search_path",
    "public_privilege",
    "rls_policy_without_rls",
    "duplicate_index",
    "unlogged_table",
    "extension",
    "public_policy",
    "view_without_security_invoker",
    "foreign_key_without_on_delete",
)
# Attributes of a column as the catalog snapshot names them; absent there means false or none.
COLUMN = ("type", "not_null", "default", "generated", "expression", "identity", "collation", "storage", "comment")

_QUERY = re.compile(r"(?:select|values|table|with)\b|\(", re.IGNORECASE)
_SQLSTATE = re.compile(r"[0-9A-Z]{5}")


@dataclass(frozen=True)
class SqlAssertion:
    name: str
    query: str
    expect: list[list[Any]]


@dataclass(frozen=True)
class Probe:
    """Statements that are undone; then the query's rows, or the SQLSTATE with which the last statement must fail."""

    name: str
    statements: tuple[str, ...]
    query: str
    expect: list[list[Any]]
    error: str | None


@dataclass(frozen=True)
class TableAssertion:
    columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)
    indexes: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Assertions:
    tables: Mapping[str, int | tuple[str, ...]] = field(default_factory=dict)
    every_table: tuple[str, ...] = ()
    owner: str | None = None
    none: tuple[str, ...] = ()
    objects: Mapping[str, TableAssertion] = field(default_factory=dict)
    sql: tuple[SqlAssertion, ...] = ()
    probe: tuple[Probe, ...] = ()


def _wrong(where: str, what: str) -> MigrationError:
    return MigrationError(f"assertions: {where} {what}; correct the file and run again")


def _mapping(where: str, value: Any, keys: Iterable[str] | None = None) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise _wrong(where, "must be a mapping")
    if keys is not None:
        unknown = sorted(set(value) - set(keys))
        if unknown:
            raise _wrong(where, f"has the unknown key {unknown[0]!r} (known: {', '.join(keys)})")
    return value


def _strings(where: str, value: Any, known: Iterable[str] | None = None) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong(where, "must be a list of names")
    if known is not None:
        unknown = [item for item in value if item not in known]
        if unknown:
            raise _wrong(where, f"has the unknown entry {unknown[0]!r} (known: {', '.join(known)})")
    return tuple(value)


def _tables(value: Any, schemas: Iterable[str]) -> dict[str, int | tuple[str, ...]]:
    result: dict[str, int | tuple[str, ...]] = {}
    for schema, wanted in _mapping("tables", value, list(schemas)).items():
        counted = isinstance(wanted, int) and not isinstance(wanted, bool)
        result[schema] = wanted if counted else _strings(f"tables.{schema}", wanted)
    return result


def _every_table(value: Any) -> tuple[tuple[str, ...], str | None]:
    """A list of rule names, and `owner: role` as the one rule with a value."""
    if not isinstance(value, list):
        raise _wrong("every_table", "must be a list of rules")
    owner = None
    names = []
    for item in value:
        if isinstance(item, dict):
            if owner is not None:
                raise _wrong("every_table.owner", "is given twice")
            owner = _mapping("every_table", item, ["owner"])["owner"] if item else None
            if not isinstance(owner, str):
                raise _wrong("every_table.owner", "must be the name of a role")
        else:
            names.append(item)
    return _strings("every_table", names, EVERY_TABLE), owner


def _table(name: str, value: Any) -> TableAssertion:
    found = _mapping(f"objects.{name}", value, ("columns", "references", "indexes", "triggers", "constraints"))
    columns = _mapping(f"objects.{name}.columns", found.get("columns", {}))
    for column, attributes in columns.items():
        _mapping(f"objects.{name}.columns.{column}", attributes, COLUMN)
    references = _mapping(f"objects.{name}.references", found.get("references", {}))
    _strings(f"objects.{name}.references", list(references.values()))
    lists = {
        key: _strings(f"objects.{name}.{key}", found.get(key, [])) for key in ("indexes", "triggers", "constraints")
    }
    return TableAssertion(columns, references, **lists)


def _objects(value: Any, schemas: Iterable[str]) -> dict[str, TableAssertion]:
    inside = tuple(schemas)
    result = {}
    for name, wanted in _mapping("objects", value).items():
        if name.count(".") != 1 or name.split(".")[0] not in inside:
            raise _wrong(f"objects.{name}", f"must be schema.table with one of the schemas {', '.join(inside)}")
        result[name] = _table(name, wanted)
    return result


def _query(where: str, value: Any) -> str:
    """One query that can stand inside another one."""
    statements = split(where, value) if isinstance(value, str) else []
    if len(statements) != 1 or not _QUERY.match(statements[0].text):
        raise _wrong(where, "must be one query (SELECT, VALUES, TABLE or WITH)")
    return statements[0].text


def _expect(where: str, value: Any) -> list[list[Any]]:
    if not isinstance(value, list):
        raise _wrong(where, "must be a list of rows")
    # A row of one column may be written as its plain value.
    return [row if isinstance(row, list) else [row] for row in value]


def _named(key: str, value: Any, known: Iterable[str]) -> list[tuple[str, str, dict[str, Any]]]:
    """Place, name and content of each entry; two of one name could not be told apart in a report."""
    if not isinstance(value, list):
        raise _wrong(key, "must be a list")
    result: list[tuple[str, str, dict[str, Any]]] = []
    for number, item in enumerate(value, start=1):
        where = f"{key}[{number}]"
        found = _mapping(where, item, known)
        name = found.get("name")
        if not isinstance(name, str) or not name:
            raise _wrong(where, "needs a name")
        if any(name == other for _where, other, _found in result):
            raise _wrong(where, f"has the name {name!r}, which another one has")
        result.append((where, name, found))
    return result


def _sql(value: Any) -> tuple[SqlAssertion, ...]:
    return tuple(
        SqlAssertion(
            name, _query(f"{where}.query", found.get("query")), _expect(f"{where}.expect", found.get("expect", []))
        )
        for where, name, found in _named("sql", value, ("name", "query", "expect"))
    )


def _probe(where: str, name: str, found: dict[str, Any]) -> Probe:
    statements = split(f"{where}.do", found["do"]) if isinstance(found.get("do"), str) else []
    if not statements:
        raise _wrong(f"{where}.do", "must be the SQL that is tried")
    for statement in statements:
        reason = refusal(statement)
        if reason:
            raise _wrong(f"{where}.do", f"cannot be undone as a probe: {reason}")
    error = found.get("error")
    if error is None:
        query = _query(f"{where}.query", found.get("query"))
        return Probe(
            name, tuple(one.text for one in statements), query, _expect(f"{where}.expect", found.get("expect")), None
        )
    if "query" in found or "expect" in found:
        raise _wrong(where, "expects an error and rows; give error, or query and expect")
    if not isinstance(error, str) or not _SQLSTATE.fullmatch(error):
        raise _wrong(f"{where}.error", 'must be an SQLSTATE in quotation marks, as "23503"')
    return Probe(name, tuple(one.text for one in statements), "", [], error)


def _probes(value: Any) -> tuple[Probe, ...]:
    return tuple(_probe(*found) for found in _named("probe", value, ("name", "do", "query", "expect", "error")))


def parse(document: Any, schemas: Iterable[str]) -> Assertions:
    """The content of the assertions file."""
    inside = tuple(schemas)
    found = _mapping("the file", document, ("assert",)).get("assert")
    readers: dict[str, Callable[[Any], Any]] = {
        "tables": lambda value: _tables(value, inside),
        "every_table": _every_table,
        "none": lambda value: _strings("none", value, NONE),
        "objects": lambda value: _objects(value, inside),
        "sql": _sql,
        "probe": _probes,
    }
    parsed = {key: readers[key](value) for key, value in _mapping("assert", found, tuple(readers)).items()}
    every_table, owner = parsed.pop("every_table", ((), None))
    return Assertions(every_table=every_table, owner=owner, **parsed)
