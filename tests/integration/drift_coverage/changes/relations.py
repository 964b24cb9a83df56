# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all kinds have in common: dropped, renamed, moved; then views, foreign tables and sequences."""

from __future__ import annotations

from tests.integration.drift_coverage.model import RELATIONS, ROUTINES, Item, Statements, change

_PLAIN = (
    *RELATIONS,
    *("type", "composite type", "statistics", "collation", "conversion"),
    *("text search configuration", "text search dictionary", "text search parser", "text search template"),
)
_WITH_MORE = (*ROUTINES, "operator class", "operator family")

change(_PLAIN, "renamed", "ALTER {word} {sql} RENAME TO renamed", ["{key}", "{kind} {found.schema}.renamed"])
change(_WITH_MORE, "renamed", "ALTER {word} {sql} RENAME TO renamed")
change(
    (*_PLAIN, *_WITH_MORE),
    "moved to a schema that is not looked at",
    "ALTER {word} {sql} SET SCHEMA public",
    lacking="owned_by",
)
change(
    (*_PLAIN, *_WITH_MORE, "shell type", "publication", "operator", "cast"),
    "dropped",
    "DROP {word} {sql} CASCADE",
    where=lambda item: item.get("owned_by") is None and item.bare != "sample.span as sample.spans",
)
change("publication", "renamed", "ALTER PUBLICATION {name} RENAME TO renamed", ["{key}", "publication renamed"])


def _narrowed(item: Item) -> Statements:
    query = item.definition.rstrip(";")
    options = f" WITH ({', '.join(item.get('options') or ())})" if "options" in item.attributes else ""
    return f"CREATE OR REPLACE VIEW {item.sql}{options} AS {query} {'AND' if ' WHERE ' in query else 'WHERE'} true"


change("view", "definition", _narrowed)
change("view", "option set", "ALTER VIEW {sql} SET (security_barrier = false)")
change("view", "option reset", "ALTER VIEW {sql} RESET (security_invoker, security_barrier)", having="options")
change(
    "view",
    "extra trigger",
    "CREATE TRIGGER extra INSTEAD OF DELETE ON {sql} FOR EACH ROW EXECUTE FUNCTION sample.touch()",
    "trigger {place} extra",
)
change("view", "extra rule", "CREATE RULE extra AS ON DELETE TO {sql} DO INSTEAD NOTHING", "rule {place} extra")
change(
    "materialized view",
    "definition",
    lambda item: [
        f"DROP MATERIALIZED VIEW {item.sql}",
        f"CREATE MATERIALIZED VIEW {item.sql} AS SELECT * FROM ({item.definition.rstrip(';')}) AS q WHERE true",
    ],
)
change("materialized view", "emptied", "REFRESH MATERIALIZED VIEW {sql} WITH NO DATA", lacking="unpopulated")
change("materialized view", "filled", "REFRESH MATERIALIZED VIEW {sql}", having="unpopulated")
change("materialized view", "storage parameter set", "ALTER MATERIALIZED VIEW {sql} SET (fillfactor = 50)")
change("materialized view", "access method", "ALTER MATERIALIZED VIEW {sql} SET ACCESS METHOD other_heap")
change("materialized view", "tablespace", "ALTER MATERIALIZED VIEW {sql} SET TABLESPACE elsewhere")
change("materialized view", "extra index", "CREATE INDEX extra ON {sql} (mood)", "index {place} extra")

change("foreign table", "option", "ALTER FOREIGN TABLE {sql} OPTIONS (SET table_name 'other')")
change(
    "foreign table",
    "server",
    "UPDATE pg_foreign_table SET ftserver = (SELECT oid FROM pg_foreign_server WHERE srvname = 'elsewhere') "
    "WHERE ftrelid = '{sql}'::regclass",
)
change(
    "foreign table",
    "extra check",
    "ALTER FOREIGN TABLE {sql} ADD CONSTRAINT extra CHECK (id > 0)",
    "constraint {place} extra",
)

for _name, _option in (
    ("increment", "INCREMENT 7"),
    ("cache", "CACHE 9"),
    ("start", "START 11"),
    ("minimum", "MINVALUE -3"),
    ("maximum", "MAXVALUE 30000"),
):
    change("sequence", _name, f"ALTER SEQUENCE {{sql}} {_option}")
change("sequence", "cycle", "ALTER SEQUENCE {sql} CYCLE", where=lambda item: " cycle" not in item.get("sequence"))
change("sequence", "no cycle", "ALTER SEQUENCE {sql} NO CYCLE", where=lambda item: " cycle" in item.get("sequence"))
change("sequence", "type", "ALTER SEQUENCE {sql} AS smallint MAXVALUE 30000")
change("sequence", "owned by a column", "ALTER SEQUENCE {sql} OWNED BY sample.thing.note", lacking="owned_by")
change(
    "sequence",
    "owned by nobody",
    "ALTER SEQUENCE {sql} OWNED BY NONE",
    where=lambda item: item.get("owned_by") == "sample.thing.id",
)
change("sequence", "unlogged", "ALTER SEQUENCE {sql} SET UNLOGGED", lacking="persistence")
change("sequence", "logged", "ALTER SEQUENCE {sql} SET LOGGED", having="persistence")
