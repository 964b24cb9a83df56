# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/DATABASE_SCHEMA.md from the catalog of a new database: `make expected` writes it, a test compares."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import CatalogObject

from tests.cluster import Cluster
from tests.generate import er
from tests.generate.catalog import Key, Table, read
from tests.generate.example import example
from tests.integration.sql.conftest import DATABASE, made_from_files

TARGET = Path(__file__).resolve().parents[2] / "docs/DATABASE_SCHEMA.md"
SEED = TARGET.parents[1] / "sql" / "seed"

# What the conventions say of a column that has no comment of its own.
CONVENTIONS = {
    "id": "Key.",
    "global_id": "Name for the outside world, readable or a UUID; may stay null.",
    "created_at": "When the row was made.",
    "updated_at": "When the row last really changed; a trigger keeps it.",
    "tags": "Free words to search by.",
    "metadata": "What has no column of its own.",
}

HEAD = """\
# The tables of the database

<!-- Made by `make expected` from the catalog of a database to which sql/migrations and sql/access were applied. -->

Database `portfolio`, {total} tables and no view: `erp`, the business, has {erp}, `agent`, what agents do and remember,
has {agent}; {keys} foreign keys tie them together. `sql/validate_schema.sql` asks a running database whether it still
is what is written here.

Where a table says nothing else, its key is `id`, a 64-bit identity. `global_id` names a row for the outside world.
Times are `timestamptz`; `updated_at` belongs to a trigger. Small vocabularies are text with a check. A foreign key
always has an index, and says what becomes of its row when the other one is deleted: SET NULL for an owner or
assignment, CASCADE for a part of a whole, RESTRICT for what others stand on.

In the pictures a line ends in `o{{` at the table that holds the key; `||` means that it must be there, `|o` that it may
be null. The columns `global_id`, `created_at` and `updated_at` are left out.

"""


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """As code in a table's cell: a bar would end the cell even there."""
    return f"`{' '.join(text.split())}`".replace("|", "\\|")


def anchor(name: str) -> str:
    """GitHub's anchor of a heading `schema.table`."""
    return f"[{name}](#{name.replace('.', '')})"


def table_of(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"


def default(column: CatalogObject) -> str:
    attributes = column.attributes
    if "identity" in attributes:
        return f"identity, {attributes['identity']}"
    if "expression" in attributes:
        return f"always {code(plain(attributes['expression']))}"
    return code(re.sub(r"::[a-z]+(\[\])?$", "", attributes["default"])) if "default" in attributes else ""


def meaning(table: Table, column: CatalogObject) -> str:
    if column.attributes.get("comment"):
        return cell(column.attributes["comment"])
    key = next((key for key in table.keys if key.columns == (column.name,)), None)
    return f"Key of {anchor(key.parent)}." if key else CONVENTIONS.get(column.name, "")


def columns(table: Table) -> str:
    rows = (
        (
            code(column.name),
            column.attributes["type"].replace("timestamp with time zone", "timestamptz"),
            "" if column.attributes.get("not_null") else "yes",
            default(column),
            meaning(table, column),
        )
        for column in table.columns
    )
    return table_of(("column", "type", "null", "default", "meaning"), rows)


def keys(table: Table) -> Iterator[str]:
    for kind in ("primary key", "unique"):
        for item in table.constraints:
            if item.attributes["type"] == kind:
                yield f"- {kind}: {', '.join(map(code, item.attributes['columns']))} (`{item.name}`)\n"


def relations(table: Table, everything: tuple[Key, ...]) -> Iterator[str]:
    for key in table.keys:
        yield (
            f"- {', '.join(map(code, key.columns))} refers to {anchor(key.parent)}"
            f"{'' if key.required else ', may be null'}; ON DELETE {key.on_delete} (`{key.name}`)\n"
        )
    for key in everything:
        if key.parent == table.name:
            of = ", ".join(map(code, key.columns))
            yield f"- referred to by {anchor(key.child)}, {of}; ON DELETE {key.on_delete}\n"


def plain(expression: str) -> str:
    """Without the casts that PostgreSQL adds to literals: (0)::numeric is 0, 'a'::text is 'a'."""
    return re.sub(r"(?:\((-?[0-9]+)\)|('[^']*'))::(?:text|numeric)\b", r"\1\2", expression)


def condition(definition: str) -> str:
    """A check as one would write it: PostgreSQL adds casts, brackets, and an array in place of IN."""
    inner = plain(definition.removeprefix("CHECK ((").removesuffix("))"))
    return re.sub(r"^\(?(\w+) = ANY \(ARRAY\[([^]]*)\]\)\)?$", r"\1 IN (\2)", inner)


def checks(table: Table) -> str:
    rows = [
        (code(item.name), code(condition(item.attributes["definition"])))
        for item in table.constraints
        if item.attributes["type"] == "check" and not item.name.endswith("_global_id_check")
    ]
    return table_of(("check", "condition"), rows) if rows else ""


def serves(table: Table, index: CatalogObject) -> str:
    """The query an index is for: what its comment says, or what its kind says."""
    if index.attributes.get("comment"):
        return cell(index.attributes["comment"])
    constraint = next((item for item in table.constraints if item.name == index.name), None)
    if constraint is not None:
        return f"the {constraint.attributes['type'].removesuffix(' key')} key"
    key = next((key for key in table.keys if set(key.columns) == set(index.attributes["columns"])), None)
    if key is not None:
        return f"rows of one {anchor(key.parent)}: `WHERE {key.columns[0]} = $1`; deletes there"
    first = index.attributes["columns"][0]
    if " USING gin " in index.attributes["definition"]:
        return f"`WHERE {first} @> $1`"
    return f"`WHERE {' AND '.join(f'{name} = ${place}' for place, name in enumerate(index.attributes['columns'], 1))}`"


def indexes(table: Table) -> str:
    def on(index: CatalogObject) -> str:
        shape = re.sub(r"^.* USING (btree )?", "", index.attributes["definition"])
        return code(f"{'unique ' if index.attributes.get('unique') else ''}{plain(shape)}")

    rows = ((code(index.name), on(index), serves(table, index)) for index in table.indexes)
    return table_of(("index", "on", "serves"), rows)


def seed_row(table: Table) -> str:
    """The first row that `make seed` makes, without what is null in it."""
    rows = yaml.safe_load((SEED / f"{table.schema}.yml").read_text(encoding="utf-8"))
    if table.name not in rows:
        raise ValueError(f"sql/seed/{table.schema}.yml: {table.name} has no row; write one that is believable.")
    return json.dumps(
        {name: value for name, value in rows[table.name][0].items() if value is not None}, ensure_ascii=False, indent=2
    )


def section(table: Table, everything: tuple[Key, ...]) -> str:
    tied = "".join((*keys(table), *relations(table, everything)))
    purpose = " ".join(table.comment.split())
    return (
        f"### {table.name}\n\n{purpose}\n\n{columns(table)}{tied}\n{checks(table)}{indexes(table)}"
        f"The least that a row needs:\n\n```sql\n{example(table)}\n```\n\n"
        f"A row of `make seed`:\n\n```json\n{seed_row(table)}\n```\n\n"
    )


def generate(tables: tuple[Table, ...]) -> str:
    """The whole document."""
    by_subject = er.sorted_into(tables)
    everything = tuple(key for table in tables for key in table.keys)
    count = {schema: sum(table.schema == schema for table in tables) for schema in ("erp", "agent")}
    text = HEAD.format(total=len(tables), keys=len(everything), **count)
    text += f"## Overview\n\n{er.overview(by_subject)}\n"
    rows = (
        (anchor(table.name), title, cell(table.comment)) for title, inside in by_subject.items() for table in inside
    )
    text += table_of(("table", "subject", "purpose"), rows)
    for title, inside in by_subject.items():
        text += f"## {title}\n\n{er.SUBJECTS[title][0]}\n\n{er.picture(inside)}\n"
        text += "".join(section(table, everything) for table in inside)
    return text.rstrip("\n") + "\n"


def of(cluster: Cluster) -> str:
    connection = cluster.connect(user="erp_admin", dbname=DATABASE)
    try:
        return generate(read(connection))
    finally:
        connection.close()


if __name__ == "__main__":
    try:
        with made_from_files() as server:
            TARGET.write_text(of(server), encoding="utf-8")
    except ValueError as error:
        sys.exit(f"make expected: {error}")
