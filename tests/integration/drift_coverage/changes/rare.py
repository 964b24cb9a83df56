# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of objects that no migration makes yet."""

from __future__ import annotations

from tests.integration.drift_coverage.model import Item, change


def _point(item: Item) -> bool:
    """Not the one that PostgreSQL makes for a range."""
    return item.bare.startswith("sample.point")


change("statistics", "target", "ALTER STATISTICS {sql} SET STATISTICS 9")
change(
    "statistics",
    "columns",
    ["DROP STATISTICS {sql}", "CREATE STATISTICS {sql} (dependencies, ndistinct) ON name, code FROM sample.thing"],
)
change(
    "statistics", "kinds", ["DROP STATISTICS {sql}", "CREATE STATISTICS {sql} (mcv) ON name, note FROM sample.thing"]
)
change(
    "statistics",
    "expression",
    ["DROP STATISTICS {sql}", "CREATE STATISTICS {sql} ON lower(name), note FROM sample.thing"],
)

change("publication", "operations", "ALTER PUBLICATION {name} SET (publish = 'insert, delete')")
change("publication", "operations: truncate", "ALTER PUBLICATION {name} SET (publish = 'insert, update, truncate')")
change("publication", "via root", "ALTER PUBLICATION {name} SET (publish_via_partition_root = true)")
change("publication", "tables", "ALTER PUBLICATION {name} ADD TABLE erp.people")
change("publication", "schemas", "ALTER PUBLICATION {name} ADD TABLES IN SCHEMA agent", having="schemas")
change(
    "publication",
    "columns",
    "ALTER PUBLICATION {name} SET TABLE sample.thing (id) WHERE (flag)",
)
change("publication", "rows", "ALTER PUBLICATION {name} SET TABLE sample.thing (id, name)")
change("subscription", "enabled", "UPDATE pg_subscription SET subenabled = true WHERE subname = '{bare}'")
change(
    "subscription",
    "publications",
    "UPDATE pg_subscription SET subpublications = '{{another}}' WHERE subname = '{bare}'",
)
change("subscription", "dropped", "DELETE FROM pg_subscription_rel")
change(
    "subscription", "renamed", "ALTER SUBSCRIPTION {name} RENAME TO renamed", ["{key}", "subscription {place} renamed"]
)
change(
    "dependency",
    "dropped",
    "ALTER FUNCTION sample.twice(integer) NO DEPENDS ON EXTENSION plpgsql",
    where=lambda item: "twice" in item.bare,
)
change(
    "dependency",
    "member",
    [
        "ALTER FUNCTION sample.twice(integer) NO DEPENDS ON EXTENSION plpgsql",
        "ALTER EXTENSION plpgsql ADD FUNCTION sample.twice(integer)",
    ],
    where=lambda item: "twice" in item.bare,
)
change("cast", "context", ["DROP CAST {sql}", "CREATE CAST {sql} WITH INOUT AS IMPLICIT"], where=_point)
change(
    "cast",
    "method",
    [
        "DROP CAST {sql}",
        "CREATE FUNCTION public.f(sample.point) RETURNS text LANGUAGE sql AS 'SELECT 1::text'",
        "CREATE CAST {sql} WITH FUNCTION public.f(sample.point)",
    ],
    where=_point,
)
change(
    "shell type",
    "renamed",
    "UPDATE pg_type SET typname = 'renamed' WHERE typname = '{bare}'",
    ["{key}", "shell type {found.schema}.renamed"],
)
change(
    "collation",
    "definition",
    ["DROP COLLATION {sql} CASCADE", "CREATE COLLATION {sql} (provider = icu, locale = 'de', deterministic = false)"],
)
change(
    "conversion",
    "default",
    ["DROP CONVERSION {sql}", "CREATE DEFAULT CONVERSION {sql} FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8"],
)
change(
    "conversion",
    "encoding",
    ["DROP CONVERSION {sql}", "CREATE CONVERSION {sql} FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1"],
)
change(
    "operator",
    "negator",
    [
        "DROP OPERATOR {sql}",
        "CREATE OPERATOR sample.=== (LEFTARG = integer, RIGHTARG = integer, FUNCTION = sample.same, NEGATOR = <>)",
    ],
)
change(
    "operator",
    "commutator",
    [
        "DROP OPERATOR {sql}",
        "CREATE OPERATOR sample.=== (LEFTARG = integer, RIGHTARG = integer, FUNCTION = sample.same, "
        "COMMUTATOR = OPERATOR(sample.===))",
    ],
)
change(
    "operator",
    "hashes and merges",
    [
        "DROP OPERATOR {sql}",
        "CREATE OPERATOR sample.=== (LEFTARG = integer, RIGHTARG = integer, FUNCTION = sample.same, HASHES, MERGES)",
    ],
)
change("operator", "estimators", "ALTER OPERATOR {sql} SET (RESTRICT = eqsel, JOIN = eqjoinsel)")
change(
    "operator",
    "function",
    ["DROP OPERATOR {sql}", "CREATE OPERATOR sample.=== (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq)"],
)
change("text search configuration", "mapping", "ALTER TEXT SEARCH CONFIGURATION {sql} DROP MAPPING FOR word")
change(
    "text search configuration",
    "order of dictionaries",
    "ALTER TEXT SEARCH CONFIGURATION {sql} ALTER MAPPING FOR word WITH simple, sample.plain",
)
change(
    "text search configuration",
    "parser",
    ["DROP TEXT SEARCH CONFIGURATION {sql}", "CREATE TEXT SEARCH CONFIGURATION {sql} (PARSER = sample.parser)"],
)
change("text search dictionary", "option", "ALTER TEXT SEARCH DICTIONARY {sql} (accept = false)")
change(
    "text search dictionary",
    "template",
    [
        "DROP TEXT SEARCH DICTIONARY {sql} CASCADE",
        "CREATE TEXT SEARCH DICTIONARY {sql} (TEMPLATE = synonym, SYNONYMS = synonym_sample)",
    ],
)
