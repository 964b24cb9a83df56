# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A table itself, and what somebody adds to one."""

from __future__ import annotations

from tests.integration.drift_coverage.model import Item, change


def _heap(item: Item) -> bool:
    """It has rows of its own."""
    return "partition" not in item.attributes or not item.get("partition").startswith(("RANGE", "LIST", "HASH"))


def _plain(item: Item) -> bool:
    """Nothing is inherited in either direction, and no type decides about its columns."""
    return not {"partition", "inherits", "of_type"} & item.attributes.keys() and item.bare != "base"


def _first(item: Item) -> str:
    return f'"{item.get("column_order")[0]}"'


# Its own attributes
change("table", "unlogged", "ALTER TABLE {sql} SET UNLOGGED", lacking="persistence", where=_heap)
change("table", "logged", "ALTER TABLE {sql} SET LOGGED", having="persistence")
change("table", "row security on", "ALTER TABLE {sql} ENABLE ROW LEVEL SECURITY", lacking="row_security")
change("table", "row security off", "ALTER TABLE {sql} DISABLE ROW LEVEL SECURITY", having="row_security")
change("table", "row security forced", "ALTER TABLE {sql} FORCE ROW LEVEL SECURITY", lacking="force_row_security")
change("table", "row security not forced", "ALTER TABLE {sql} NO FORCE ROW LEVEL SECURITY", having="force_row_security")
change("table", "replica identity full", "ALTER TABLE {sql} REPLICA IDENTITY FULL", lacking="replica_identity")
change("table", "replica identity nothing", "ALTER TABLE {sql} REPLICA IDENTITY NOTHING")
change("table", "replica identity default", "ALTER TABLE {sql} REPLICA IDENTITY DEFAULT", having="replica_identity")
change("table", "storage parameter set", "ALTER TABLE {sql} SET (fillfactor = 42)", where=_heap)
change("table", "autovacuum off", "ALTER TABLE {sql} SET (autovacuum_enabled = off)", where=_heap)
change(
    "table",
    "storage parameters reset",
    lambda item: f"ALTER TABLE {item.sql} RESET ({', '.join(o.split('=')[0] for o in item.get('options'))})",
    having="options",
)
change(
    "table",
    "toast parameter set",
    "ALTER TABLE {sql} SET (toast.autovacuum_vacuum_threshold = 9)",
    # Without a column that could be large there is nothing to set it on.
    where=lambda item: (
        _heap(item) and item.bare not in ("measure_2026", "measure_other", "base", "link", "part", "profile_tools")
    ),
)
change("table", "toast parameter reset", "ALTER TABLE {sql} RESET (toast.autovacuum_enabled)", having="toast_options")
change("table", "access method", "ALTER TABLE {sql} SET ACCESS METHOD other_heap", where=_heap)
change("table", "tablespace", "ALTER TABLE {sql} SET TABLESPACE elsewhere")
change("table", "inherits", ["CREATE TABLE public.up ()", "ALTER TABLE {sql} INHERIT public.up"], where=_plain)
change(
    "table",
    "inherits no more",
    "ALTER TABLE {sql} NO INHERIT sample.base",
    having="inherits",
    where=lambda item: item.bare == "derived",
)
change(
    "table",
    "inherited by a table that is not looked at",
    ["CREATE TABLE public.down () INHERITS ({sql})", "ALTER TABLE public.down OWNER TO erp_admin"],
    where=lambda item: _plain(item) or item.bare == "base",
)
change(
    "table",
    "detached",
    "ALTER TABLE sample.measure DETACH PARTITION {sql}",
    where=lambda item: item.bare.startswith("measure_"),
)
change(
    "table",
    "detaching",
    "UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = '{sql}'::regclass",
    where=lambda item: item.bare.startswith("measure_"),
)
change(
    "table",
    "another partition bound",
    [
        "ALTER TABLE sample.measure DETACH PARTITION {sql}",
        "ALTER TABLE sample.measure ATTACH PARTITION {sql} FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')",
    ],
    where=lambda item: item.bare in ("measure_2026", "measure_2027"),
)
change(
    "table",
    "partition key",
    [
        "DROP TABLE {sql} CASCADE",
        "CREATE TABLE {sql} (id bigint NOT NULL, at date NOT NULL, value integer CHECK (value > 0)) "
        'PARTITION BY HASH (lower(value::text) COLLATE "C" text_pattern_ops, id)',
    ],
    where=lambda item: item.bare == "measure",
)
change("table", "of no type", "ALTER TABLE {sql} NOT OF", having="of_type")


def _swapped(item: Item) -> list[str]:
    one, two = item.get("column_order")[:2]
    return [
        f'ALTER TABLE {item.sql} RENAME "{one}" TO swapping',
        f'ALTER TABLE {item.sql} RENAME "{two}" TO "{one}"',
        f'ALTER TABLE {item.sql} RENAME swapping TO "{two}"',
    ]


change("table", "columns in another order", _swapped, where=lambda item: item.bare == "link")
change("foreign table", "columns in another order", _swapped)
change(
    "composite type",
    "attributes in another order",
    lambda item: [
        statement.replace("ALTER TABLE", "ALTER TYPE").replace("RENAME ", "RENAME ATTRIBUTE ")
        for statement in _swapped(item)
    ],
    where=lambda item: item.bare == "pair",
)

# What is extra in it
_EXTRA = {
    "column": "ALTER TABLE {sql} ADD COLUMN extra text",
    "index": "CREATE INDEX extra ON {sql} ({first})",
    "constraint": "ALTER TABLE {sql} ADD CONSTRAINT extra CHECK (true)",
    "trigger": "CREATE TRIGGER extra BEFORE INSERT ON {sql} FOR EACH STATEMENT EXECUTE FUNCTION sample.touch()",
    "policy": "CREATE POLICY extra ON {sql} USING (true)",
    "rule": "CREATE RULE extra AS ON DELETE TO {sql} DO INSTEAD NOTHING",
}
for _kind, _statement in _EXTRA.items():
    change(
        "table",
        f"extra {_kind}",
        lambda item, text=_statement: text.format(sql=item.sql, first=_first(item)),  # type: ignore[misc]
        f"{_kind} {{place}} extra",
        where=lambda item, kind=_kind: kind != "column" or _plain(item) or item.bare == "base",  # type: ignore[misc]
    )
change(
    "table",
    "extra unique index",
    lambda item: f"CREATE UNIQUE INDEX extra ON {item.sql} ({_first(item)})",
    "index {place} extra",
    where=_heap,
)
change(
    "table",
    "extra foreign key",
    lambda item: [
        "CREATE TABLE public.target (id bigint PRIMARY KEY)",
        f"ALTER TABLE {item.sql} ADD COLUMN extra bigint CONSTRAINT extra REFERENCES public.target",
    ],
    "constraint {place} extra",
    where=_plain,
)
change(
    "table",
    "extra foreign key from a table that is not looked at",
    lambda item: [
        f"CREATE TABLE public.pointing (p bigint CONSTRAINT extra REFERENCES {item.sql} ({_first(item)}))",
        "ALTER TABLE public.pointing OWNER TO erp_admin",
    ],
    "constraint public.pointing extra",
    where=lambda item: item.found.schema in ("erp", "agent") and item.get("column_order")[0] == "id",
)
change(
    "table",
    "all triggers disabled",
    "ALTER TABLE {sql} DISABLE TRIGGER ALL",
    "trigger {place} tasks_updated_at",
    where=lambda item: item.key == "table erp.tasks",
)
change(
    "table",
    "extra statistics",
    lambda item: f"CREATE STATISTICS sample.extra ON {', '.join(item.get('column_order')[:2])} FROM {item.sql}",
    "statistics sample.extra",
    where=lambda item: len(item.get("column_order")) > 1,
)
change(
    "table",
    "published",
    "CREATE PUBLICATION extra FOR TABLE {sql}",
    "publication extra",
    where=lambda item: "persistence" not in item.attributes,
)
change(
    "table",
    "subscribed",
    "INSERT INTO pg_subscription_rel SELECT oid, '{sql}'::regclass, 'i', NULL FROM pg_subscription",
    "subscription {place} copies",
    where=lambda item: item.key != "table sample.part",
)
change(
    "table",
    "member of an extension",
    "ALTER EXTENSION plpgsql ADD TABLE {sql}",
    "dependency table {place} on plpgsql",
)
