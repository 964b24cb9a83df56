# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of a live database as a document needs them, read with the module's own query over the catalog."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import (
    CatalogObject,
    Snapshot,
    snapshot,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog_query import SNAPSHOT
from psycopg2 import extensions

SCHEMAS = ("erp", "agent")
ON_DELETE = re.compile(r"ON DELETE (SET NULL|CASCADE|RESTRICT)")


@dataclass(frozen=True)
class Key:
    """A foreign key."""

    name: str
    child: str
    columns: tuple[str, ...]
    parent: str
    on_delete: str
    required: bool
    single: bool  # at most one row of the child for each of the parent


@dataclass(frozen=True)
class Table:
    name: str
    comment: str
    columns: tuple[CatalogObject, ...]
    constraints: tuple[CatalogObject, ...]
    indexes: tuple[CatalogObject, ...]
    keys: tuple[Key, ...]

    @property
    def schema(self) -> str:
        return self.name.split(".")[0]

    def constraint_columns(self, kind: str) -> set[str]:
        return {
            column
            for item in self.constraints
            if item.attributes["type"] == kind
            for column in item.attributes["columns"]
        }


def _parts(found: Snapshot, kind: str, schema: str, parent: str) -> tuple[CatalogObject, ...]:
    return tuple(item for item in found.of_kind(kind) if (item.schema, item.parent) == (schema, parent))


def _key(item: CatalogObject, columns: dict[str, CatalogObject], unique: set[tuple[str, ...]]) -> Key:
    attributes = item.attributes
    of = tuple(attributes["columns"])
    action = ON_DELETE.search(attributes["definition"])
    return Key(
        name=item.name,
        child=f"{item.schema}.{item.parent}",
        columns=of,
        parent=attributes["references"],
        on_delete=action[1] if action else "NO ACTION",
        required=all(columns[name].attributes.get("not_null") for name in of),
        single=of in unique,
    )


def _table(found: Snapshot, table: CatalogObject) -> Table:
    order: list[str] = table.attributes["column_order"]
    columns = {item.name: item for item in _parts(found, "column", table.schema, table.name)}
    constraints = _parts(found, "constraint", table.schema, table.name)
    indexes = _parts(found, "index", table.schema, table.name)
    unique = {
        tuple(item.attributes["columns"])
        for item in indexes
        if item.attributes.get("unique") and "predicate" not in item.attributes
    }
    foreign = [item for item in constraints if item.attributes["type"] == "foreign key"]
    keys = sorted((_key(item, columns, unique) for item in foreign), key=lambda key: order.index(key.columns[0]))
    return Table(
        name=f"{table.schema}.{table.name}",
        comment=table.attributes.get("comment", ""),
        columns=tuple(columns[name] for name in order),
        constraints=constraints,
        indexes=indexes,
        keys=tuple(keys),
    )


def read(connection: extensions.connection) -> tuple[Table, ...]:
    """All tables, erp before agent, each schema in alphabetical order."""
    with connection.cursor() as cursor:
        # With anything else regclass would print names without their schema.
        cursor.execute("SET search_path = pg_catalog")
        cursor.execute(SNAPSHOT, {"schemas": list(SCHEMAS)})
        found = snapshot(cursor.fetchall())
    tables = [_table(found, item) for item in found.of_kind("table")]
    return tuple(sorted(tables, key=lambda table: (SCHEMAS.index(table.schema), table.name)))
