# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluates assertions over one catalog snapshot. Pure: every rule is a function from snapshot to violations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.asserts_file import (
    Assertions,
    TableAssertion,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import CatalogObject, Snapshot

# What PostgreSQL calls a constraint that nobody named and whose columns it could not tell apart.
_GENERATED = re.compile(r".*_(check|fkey|key|excl)[0-9]+")


@dataclass(frozen=True)
class Failure:
    name: str
    object: str
    expected: str
    actual: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.name}: {self.object}: expected {self.expected}, found {self.actual}"


@dataclass(frozen=True)
class Report:
    passed: int
    failed: list[Failure]

    def as_dict(self) -> dict[str, Any]:
        """As it stands in the result."""
        return {"passed": self.passed, "failed": [failure.as_dict() for failure in self.failed]}

    def plus(self, results: Iterable[Failure | None]) -> Report:
        """With what was asked of the server as well; None is one that holds."""
        failures = list(results)
        return Report(
            self.passed + failures.count(None), self.failed + [failure for failure in failures if failure is not None]
        )


class _Tables:
    """The tables of the snapshot with what belongs to each."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.tables = {(item.schema, item.name): item for item in snapshot.of_kind("table")}
        self._parts: dict[tuple[str, str, str | None], list[CatalogObject]] = {}
        for item in snapshot.everything:
            self._parts.setdefault((item.kind, item.schema, item.parent), []).append(item)

    def part(self, kind: str, table: CatalogObject) -> list[CatalogObject]:
        return self._parts.get((kind, table.schema, table.name), [])


def _label(item: CatalogObject) -> str:
    return item.key.split(" ", 1)[1]


def _prefix_of(columns: list[str], index: CatalogObject) -> bool:
    """A key is served by an index that begins with its columns, in any order, and leaves no row out."""
    attributes = index.attributes
    head = attributes.get("columns", [])[: len(columns)]
    return (
        not attributes.get("invalid")
        and "predicate" not in attributes
        and None not in head
        and sorted(head) == sorted(columns)
    )


def _primary_key(all_: _Tables, table: CatalogObject) -> Iterator[tuple[str, str, str]]:
    if not any(item.attributes["type"] == "primary key" for item in all_.part("constraint", table)):
        yield _label(table), "a primary key", "none"


def _comment(all_: _Tables, table: CatalogObject) -> Iterator[tuple[str, str, str]]:
    if not table.attributes.get("comment"):
        yield _label(table), "a comment", "none"


def _fk_indexed(all_: _Tables, table: CatalogObject) -> Iterator[tuple[str, str, str]]:
    for item in all_.part("constraint", table):
        if item.attributes["type"] == "foreign key" and not any(
            _prefix_of(item.attributes["columns"], index) for index in all_.part("index", table)
        ):
            yield _label(item), f"an index on ({', '.join(item.attributes['columns'])})", "none"


def _updated_at_trigger(all_: _Tables, table: CatalogObject) -> Iterator[tuple[str, str, str]]:
    if not any(item.name == "updated_at" for item in all_.part("column", table)):
        return
    for trigger in all_.part("trigger", table):
        attributes = trigger.attributes
        if (
            "updated_at" in attributes.get("function", "")
            and " BEFORE UPDATE " in attributes["definition"]
            and "state" not in attributes
        ):
            return
    yield _label(table), "an enabled trigger BEFORE UPDATE that keeps updated_at", "none"


def _row_security(all_: _Tables, table: CatalogObject) -> Iterator[tuple[str, str, str]]:
    if not table.attributes.get("row_security"):
        yield _label(table), "row security", "off"


def _policy(all_: _Tables, table: CatalogObject) -> Iterator[tuple[str, str, str]]:
    if not all_.part("policy", table):
        yield _label(table), "a policy", "none"


_EVERY: dict[str, Callable[[_Tables, CatalogObject], Iterator[tuple[str, str, str]]]] = {
    "primary_key": _primary_key,
    "comment": _comment,
    "fk_indexed": _fk_indexed,
    "updated_at_trigger": _updated_at_trigger,
    "row_security": _row_security,
    "policy": _policy,
}


def _bare_name(item: CatalogObject) -> bool:
    table = item.parent or ""
    return (
        bool(_GENERATED.fullmatch(item.name)) or item.name == f"{table}_check" or not item.name.startswith(table[:40])
    )


def _duplicate_indexes(snapshot: Snapshot) -> list[CatalogObject]:
    seen: dict[str, CatalogObject] = {}
    result = []
    for item in sorted(snapshot.of_kind("index"), key=lambda index: not index.attributes.get("unique")):
        shape = re.sub(r"^CREATE (UNIQUE )?INDEX \S+ ", "", item.attributes["definition"])
        if shape in seen:
            result.append(item)
        seen.setdefault(shape, item)
    return result


def _public(item: CatalogObject) -> bool:
    return any(entry.startswith("=") for entry in item.attributes.get("acl", ()))


def _invoker(view: CatalogObject) -> bool:
    return any(
        option.lower() in ("security_invoker=true", "security_invoker=on")
        for option in view.attributes.get("options", ())
    )


_NONE: dict[str, Callable[[Snapshot], Iterable[CatalogObject]]] = {
    "invalid_index": lambda found: [item for item in found.of_kind("index") if item.attributes.get("invalid")],
    "unvalidated_constraint": lambda found: [
        item for item in found.of_kind("constraint") if item.attributes.get("not_valid")
    ],
    "disabled_trigger": lambda found: [
        item for item in found.of_kind("trigger") if item.attributes.get("state") in ("disabled", "replica")
    ],
    "unnamed_constraint": lambda found: [item for item in found.of_kind("constraint") if _bare_name(item)],
    "function_without_search_path": lambda found: [
        item
        for item in found.of_kind("function", "procedure")
        if not any(setting.startswith("search_path=") for setting in item.attributes.get("settings", ()))
    ],
    "public_privilege": lambda found: [
        item
        for item in found.everything
        if item.kind not in ("default privileges", "type", "extension") and _public(item)
    ],
    "rls_policy_without_rls": lambda found: [
        item
        for item in found.of_kind("policy")
        if not any(
            table.attributes.get("row_security")
            for table in found.of_kind("table")
            if (table.schema, table.name) == (item.schema, item.parent)
        )
    ],
    "duplicate_index": _duplicate_indexes,
    "unlogged_table": lambda found: [
        item for item in found.of_kind("table") if item.attributes.get("persistence") == "unlogged"
    ],
    # plpgsql comes with every database.
    "extension": lambda found: [item for item in found.of_kind("extension") if item.name != "plpgsql"],
    "public_policy": lambda found: [item for item in found.of_kind("policy") if "PUBLIC" in item.attributes["roles"]],
    "foreign_key_without_on_delete": lambda found: [
        item
        for item in found.of_kind("constraint")
        if item.attributes["type"] == "foreign key" and " ON DELETE " not in item.attributes["definition"]
    ],
    "view_without_security_invoker": lambda found: [
        item
        for item in found.of_kind("view", "materialized view")
        if item.kind == "materialized view" or not _invoker(item)
    ],
}


def _check_tables(all_: _Tables, schema: str, wanted: int | tuple[str, ...]) -> list[Failure]:
    present = {name for space, name in all_.tables if space == schema}
    if isinstance(wanted, int):
        return [] if len(present) == wanted else [Failure("tables", schema, f"{wanted} tables", str(len(present)))]
    missing = [Failure("tables", f"{schema}.{name}", "to exist", "nothing") for name in sorted(set(wanted) - present)]
    return missing + [
        Failure("tables", f"{schema}.{name}", "no such table", "one") for name in sorted(present - set(wanted))
    ]


def _check_table(all_: _Tables, name: str, wanted: TableAssertion) -> list[Failure]:
    schema, table_name = name.split(".")
    table = all_.tables.get((schema, table_name))
    if table is None:
        return [Failure("objects", name, "to exist", "nothing")]
    failures = []
    columns = {item.name: item.attributes for item in all_.part("column", table)}
    for column, attributes in wanted.columns.items():
        if column not in columns:
            failures.append(Failure("objects", f"{name}.{column}", "to exist", "nothing"))
            continue
        for key, value in attributes.items():
            actual = columns[column].get(key)
            if (actual or None) != (value or None):
                failures.append(Failure("objects", f"{name}.{column}", f"{key} {value}", str(actual)))
    keys = {
        tuple(item.attributes["columns"]): item.attributes.get("references")
        for item in all_.part("constraint", table)
        if item.attributes["type"] == "foreign key"
    }
    for column, target in wanted.references.items():
        if keys.get((column,)) != target:
            failures.append(
                Failure(
                    "objects", f"{name}.{column}", f"to reference {target}", str(keys.get((column,), "no foreign key"))
                )
            )
    for kind, names in (("index", wanted.indexes), ("trigger", wanted.triggers), ("constraint", wanted.constraints)):
        present = {item.name for item in all_.part(kind, table)}
        failures += [
            Failure("objects", f"{kind} {name} {missing}", "to exist", "nothing")
            for missing in names
            if missing not in present
        ]
    return failures


def evaluate(assertions: Assertions, snapshot: Snapshot) -> Report:
    """All assertions over the snapshot; every rule that holds counts as one passed."""
    all_ = _Tables(snapshot)
    results: list[list[Failure]] = [_check_tables(all_, schema, wanted) for schema, wanted in assertions.tables.items()]
    for rule in assertions.every_table:
        results.append(
            [Failure(rule, *violation) for table in all_.tables.values() for violation in _EVERY[rule](all_, table)]
        )
    if assertions.owner is not None:
        results.append(
            [
                Failure("owner", _label(table), assertions.owner, table.attributes["owner"])
                for table in all_.tables.values()
                if table.attributes["owner"] != assertions.owner
            ]
        )
    for rule in assertions.none:
        results.append([Failure(rule, _label(item), "none", item.kind) for item in _NONE[rule](snapshot)])
    results += [_check_table(all_, name, wanted) for name, wanted in assertions.objects.items()]
    return Report(sum(not found for found in results), [failure for found in results for failure in found])
