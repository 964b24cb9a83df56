# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries that count the rows which a constraint or a unique index does not allow. Pure."""

from __future__ import annotations

import re

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.names import Name, quoted
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.step import Attributes, Context
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import identifier

_CHECK = re.compile(r"CHECK \((?P<condition>.*)\)(?: NO INHERIT)?(?: NOT VALID)?", re.DOTALL)
_FOREIGN_KEY = re.compile(r"FOREIGN KEY \(.*?\) REFERENCES \S+?\((?P<columns>[^)]*)\)")
# One expression, without its order; what follows the brackets is of no matter here.
_UNIQUE = re.compile(
    r"USING btree \((?P<columns>.*?)(?: DESC| NULLS FIRST| NULLS LAST)*\)(?: (?:INCLUDE|NULLS|WITH|WHERE) .*)?",
    re.DOTALL,
)


def _foreign_key(name: Name, wanted: Attributes) -> str | None:
    found = _FOREIGN_KEY.match(wanted["definition"])
    if found is None or "references" not in wanted:
        return None
    ours = [identifier(column) for column in wanted["columns"]]
    theirs = found["columns"].split(", ")
    same = " AND ".join(f"o.{column} = t.{other}" for column, other in zip(ours, theirs, strict=True))
    present = " AND ".join(f"o.{column} IS NOT NULL" for column in ours)
    return (
        f"SELECT count(*) FROM {name.table} AS o WHERE {present} "
        f"AND NOT EXISTS (SELECT FROM {quoted(wanted['references'])} AS t WHERE {same})"
    )


def _repeated(name: Name, columns: str, predicate: str | None) -> str:
    where = f" WHERE {predicate}" if predicate else ""
    return (
        f"SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM {name.table}{where} "
        f"GROUP BY {columns} HAVING count(*) > 1) AS repeated"
    )


def of(name: Name, wanted: Attributes, context: Context) -> str | None:
    """The query for this object, or None where no row can be in its way."""
    if name.kind == "constraint" and wanted["type"] == "check":
        found = _CHECK.fullmatch(wanted["definition"])
        return f"SELECT count(*) FROM {name.table} WHERE NOT ({found['condition']})" if found else None
    if name.kind == "constraint" and wanted["type"] == "foreign key":
        return _foreign_key(name, wanted)
    if name.kind == "constraint" and wanted["type"] in ("primary key", "unique"):
        wanted = context.recorded.get(f"index {name.parent} {name.name}", {})
    if not wanted.get("unique"):
        return None
    definition = str(wanted.get("definition"))
    found = _UNIQUE.fullmatch(definition, max(definition.find("USING btree"), 0))
    columns = wanted.get("columns") or [None]
    if None not in columns:
        listed = ", ".join(identifier(column) for column in columns)
    elif found and len(columns) == 1:
        listed = found["columns"]
    else:
        return None
    # A null is no duplicate of a null.
    present = [f"{identifier(column)} IS NOT NULL" for column in columns if column]
    predicate = " AND ".join(present + ([f"({wanted['predicate']})"] if "predicate" in wanted else []))
    return _repeated(name, listed, predicate or None)
