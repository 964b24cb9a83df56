# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The smallest row that a table takes: what a writer must give. A test runs every one of them."""

from __future__ import annotations

import re

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import CatalogObject

from tests.generate.catalog import Table

VALUES = {
    "text": "'example'",
    "bigint": "1",
    "integer": "1",
    "numeric": "1",
    "date": "current_date",
    "timestamp with time zone": "now()",
    "jsonb": "'{}'",
    "boolean": "TRUE",
}


def _needed(column: CatalogObject) -> bool:
    given = {"default", "identity", "generated"} & set(column.attributes)
    return bool(column.attributes.get("not_null")) and not given


def _value(table: Table, column: CatalogObject) -> str:
    """A word of the column's vocabulary where it has one; a key refers to row 1."""
    for item in table.constraints:
        definition = item.attributes["definition"]
        if item.attributes["type"] == "check" and item.attributes["columns"] == [column.name]:
            words = re.findall(r"'(\w+)'::text", definition) if " = ANY (ARRAY[" in definition else []
            if words:
                return f"'{words[0]}'"
            if "= 'array'" in definition:
                return "'[]'"
    return VALUES[column.attributes["type"].partition("(")[0]]


def example(table: Table) -> str:
    needed = [column for column in table.columns if _needed(column)]
    primary = table.constraint_columns("primary key")
    key = ", ".join(column.name for column in table.columns if column.name in primary)
    if not needed:
        return f"INSERT INTO {table.name} DEFAULT VALUES RETURNING {key};"
    names = ", ".join(column.name for column in needed)
    values = ", ".join(_value(table, column) for column in needed)
    return f"INSERT INTO {table.name} ({names})\nVALUES ({values}) RETURNING {key};"
