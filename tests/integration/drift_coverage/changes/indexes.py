# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An index: made again in every other way, and the states that it can be in."""

from __future__ import annotations

import re

from tests.integration.drift_coverage.model import Item, Statements, change


def _free(item: Item) -> bool:
    """No constraint and no parent keeps it."""
    return not item.constraint and "inherits" not in item.attributes and item.place != "sample.measure"


def _again(item: Item, definition: str) -> Statements:
    return None if definition == item.definition else [f"DROP INDEX {item.sql}", definition]


def _plain_btree(item: Item) -> bool:
    return _free(item) and " USING btree " in item.definition


def _with(item: Item, text: str) -> str:
    """The definition with some words after its columns."""
    match = re.match(
        r"(.*? USING \w+ \(.*?\))((?: INCLUDE .*?)?(?: NULLS NOT DISTINCT)?(?: WITH .*?)?(?: WHERE .*)?)$",
        item.definition,
    )
    assert match, item.definition
    return f"{match[1]} {text}{match[2]}"


def _first_column(item: Item, more: str) -> str:
    """The definition with something after its first column."""
    return re.sub(r"( USING \w+ \([a-z_]+)", rf"\1{more}", item.definition, count=1)


def _options(item: Item) -> str:
    return (
        "pages_per_range = 64"
        if "brin" in item.definition
        else "fastupdate = off"
        if "gin " in item.definition
        else "fillfactor = 55"
    )


def _bare_first(item: Item) -> bool:
    return _plain_btree(item) and re.search(r" USING btree \([a-z_]+[,)]", item.definition) is not None


change("index", "dropped", "DROP INDEX {sql}", where=lambda item: _free(item) or item.place == "sample.measure")
change("index", "renamed", "ALTER INDEX {sql} RENAME TO renamed", ["{key}", "index {place} renamed"])
change(
    "index",
    "storage parameter",
    lambda item: f"ALTER INDEX {item.sql} SET ({_options(item)})",
    where=lambda item: " USING gist" not in item.definition and item.place != "sample.measure",
)
change(
    "index",
    "storage parameters reset",
    "ALTER INDEX {sql} RESET (fillfactor)",
    where=lambda item: "fillfactor" in item.definition,
)
change("index", "tablespace", "ALTER INDEX {sql} SET TABLESPACE elsewhere")
change(
    "index",
    "clustered",
    "ALTER TABLE {table} CLUSTER ON {name}",
    lacking="clustered",
    where=lambda item: _full_btree(item),
)
change("index", "clustered no more", "ALTER TABLE {table} SET WITHOUT CLUSTER", having="clustered")
change(
    "index",
    "replica identity",
    "ALTER TABLE {table} REPLICA IDENTITY USING INDEX {name}",
    lacking="replica_identity",
    where=lambda item: item.get("primary") is True and item.place != "sample.measure",
)
change("index", "replica identity no more", "ALTER TABLE {table} REPLICA IDENTITY DEFAULT", having="replica_identity")
for _column in ("indisvalid", "indisready", "indislive"):
    change(
        "index", f"{_column} is false", f"UPDATE pg_index SET {_column} = false WHERE indexrelid = '{{sql}}'::regclass"
    )
change(
    "index",
    "other columns",
    lambda item: _again(
        item, re.sub(r" USING (\w+) \(.*?\)( |$)", rf" USING \1 ({item.columns[-1]})\2", item.definition, count=1)
    ),
    where=lambda item: _plain_btree(item) and item.of == "table",
)
change(
    "index",
    "more columns",
    lambda item: _again(item, re.sub(r"( USING btree \()", rf"\1{item.columns[0]}, ", item.definition)),
    where=_plain_btree,
)
change("index", "descending", lambda item: _again(item, _first_column(item, " DESC")), where=_bare_first)
change("index", "nulls first", lambda item: _again(item, _first_column(item, " NULLS FIRST")), where=_bare_first)
change(
    "index",
    "ascending",
    lambda item: _again(item, item.definition.replace(" DESC", "")),
    where=lambda item: " DESC" in item.definition,
)
change(
    "index",
    "unique",
    lambda item: _again(item, item.definition.replace("CREATE INDEX", "CREATE UNIQUE INDEX")),
    where=_plain_btree,
)
change(
    "index",
    "unique no more",
    lambda item: _again(
        item, item.definition.replace("CREATE UNIQUE INDEX", "CREATE INDEX").replace(" NULLS NOT DISTINCT", "")
    ),
    having="unique",
    where=_free,
)
change(
    "index",
    "nulls not distinct",
    lambda item: _again(item, _with(item, "NULLS NOT DISTINCT")),
    having="unique",
    where=_free,
)
change(
    "index",
    "predicate added",
    lambda item: _again(item, f"{item.definition} WHERE {item.columns[0]} IS NOT NULL"),
    lacking="predicate",
    where=_free,
)
change(
    "index",
    "predicate dropped",
    lambda item: _again(item, item.definition.split(" WHERE ")[0]),
    having="predicate",
    where=_free,
)
change(
    "index",
    "predicate changed",
    lambda item: _again(item, f"{item.definition} AND true"),
    having="predicate",
    where=_free,
)
change(
    "index",
    "method",
    lambda item: _again(
        item, re.sub(r" USING btree \(([a-z_]+).*", r" USING hash (\1)", item.definition.replace("UNIQUE ", ""))
    ),
    where=_bare_first,
)
change(
    "index",
    "more columns carried along",
    lambda item: _again(item, _with(item, f"INCLUDE ({item.columns[-1]})")),
    where=lambda item: _plain_btree(item) and " INCLUDE " not in item.definition and item.of == "table",
)
change(
    "index",
    "fewer columns carried along",
    lambda item: _again(item, item.definition.replace(" INCLUDE (code)", "")),
    where=lambda item: item.bare == "thing_note_idx",
)
change(
    "index",
    "operator class",
    lambda item: _again(item, item.definition.replace(" text_pattern_ops", "")),
    where=lambda item: item.bare == "thing_note_idx",
)
change(
    "index",
    "collation",
    lambda item: _again(item, item.definition.replace(' COLLATE "C"', "")),
    where=lambda item: ' COLLATE "C"' in item.definition and _free(item),
)
change(
    "index",
    "statistics target",
    "ALTER INDEX {sql} ALTER COLUMN 1 SET STATISTICS 99",
    where=lambda item: item.get("columns") == [None],
)
change(
    "index", "statistics target by default", "ALTER INDEX {sql} ALTER COLUMN 1 SET STATISTICS -1", having="statistics"
)
change("index", "detached", ["ALTER TABLE sample.measure DETACH PARTITION {table}"], having="inherits")
change("index", "owner", "UPDATE pg_class SET relowner = 'mallory'::regrole WHERE oid = '{sql}'::regclass")


def _full_btree(item: Item) -> bool:
    return (
        " USING btree " in item.definition
        and "predicate" not in item.attributes
        and item.of == "table"
        and not item.place.startswith("sample.measure")
    )
