# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A schema and what somebody makes in it; default privileges, the database, extensions."""

from __future__ import annotations

import re

from tests.integration.drift_coverage.model import Item, change


def _managed(item: Item) -> bool:
    return item.bare != "public"


change("schema", "dropped", "DROP SCHEMA {sql} CASCADE", where=_managed)
change("schema", "renamed", "ALTER SCHEMA {sql} RENAME TO renamed", where=_managed)

# What nobody asked for
_EXTRA = {
    "table": "CREATE TABLE {sql}.extra (id bigint)",
    "view": "CREATE VIEW {sql}.extra AS SELECT 1 AS one",
    "materialized view": "CREATE MATERIALIZED VIEW {sql}.extra AS SELECT 1 AS one",
    "foreign table": "CREATE FOREIGN TABLE {sql}.extra (id bigint) SERVER nowhere",
    "sequence": "CREATE SEQUENCE {sql}.extra",
    "composite type": "CREATE TYPE {sql}.extra AS (a integer)",
    "type": "CREATE TYPE {sql}.extra AS ENUM ('a')",
    "shell type": "CREATE TYPE {sql}.extra",
    "statistics": "CREATE STATISTICS {sql}.extra ON status, id FROM erp.tasks",
    "collation": 'CREATE COLLATION {sql}.extra FROM "C"',
    "conversion": "CREATE CONVERSION {sql}.extra FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
    "text search configuration": "CREATE TEXT SEARCH CONFIGURATION {sql}.extra (COPY = simple)",
    "text search dictionary": "CREATE TEXT SEARCH DICTIONARY {sql}.extra (TEMPLATE = simple)",
    "text search template": "CREATE TEXT SEARCH TEMPLATE {sql}.extra (LEXIZE = dsimple_lexize)",
}
_EXTRA_WITH_MORE = {
    "function extra()": "CREATE FUNCTION {sql}.extra() RETURNS void LANGUAGE sql AS ''",
    "procedure extra()": "CREATE PROCEDURE {sql}.extra() LANGUAGE sql AS ''",
    "aggregate extra(integer)": "CREATE AGGREGATE {sql}.extra(integer) (SFUNC = int4pl, STYPE = integer)",
    "operator ~~~~(NONE, integer)": "CREATE OPERATOR {sql}.~~~~ (RIGHTARG = integer, FUNCTION = int4abs)",
    "operator family extra using btree": "CREATE OPERATOR FAMILY {sql}.extra USING btree",
    "operator class extra using btree": "CREATE OPERATOR CLASS {sql}.extra FOR TYPE integer USING btree "
    "AS OPERATOR 1 <",
}
for _kind, _statement in _EXTRA.items():
    change("schema", f"extra {_kind}", _statement, f"{_kind} {{bare}}.extra", where=_managed)
for _key, _statement in _EXTRA_WITH_MORE.items():
    _match = re.match(r"(function|procedure|aggregate|operator family|operator class|operator) (.*)", _key)
    assert _match
    change("schema", f"extra {_match[1]}", _statement, f"{_match[1]} {{bare}}.{_match[2]}", where=_managed)
change(
    "schema",
    "extra cast",
    "CREATE CAST (erp.people AS text) WITH INOUT",
    "cast erp.people as text",
    where=lambda item: item.bare == "erp",
)
change(
    "schema", "published", "CREATE PUBLICATION extra FOR TABLES IN SCHEMA {sql}", "publication extra", where=_managed
)
change(
    "schema",
    "member of an extension",
    "ALTER EXTENSION plpgsql ADD SCHEMA {sql}",
    "dependency schema {bare} on plpgsql",
    where=_managed,
)
_DEFAULTS = {"tables": "SELECT", "sequences": "USAGE", "functions": "EXECUTE", "types": "USAGE"}
for _objects, _right in _DEFAULTS.items():
    for _role in ("erp_admin", "mallory"):
        change(
            "schema",
            f"default rights to {_objects} of {_role}",
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {_role} IN SCHEMA {{sql}} "
            f"GRANT {_right} ON {_objects} TO mallory WITH GRANT OPTION",
            f"default privileges {{bare}}.{_objects} for {_role}",
            where=_managed,
        )


def _defaults(item: Item, words: str) -> str:
    objects, role = item.bare.split(" for ")
    where = f" IN SCHEMA {item.schema}" if item.found.schema else ""
    return f"ALTER DEFAULT PRIVILEGES FOR ROLE {role}{where} {words.format(objects=objects)}"


_EVERY = "mallory, erp_reader, erp_writer, agent_service, agent_viewer, erp_monitor"
change("default privileges", "granted", lambda item: _defaults(item, "GRANT ALL ON {objects} TO agent_viewer"))
change("default privileges", "of everybody", lambda item: _defaults(item, "GRANT ALL ON {objects} TO PUBLIC"))
change(
    "default privileges",
    "revoked",
    lambda item: _defaults(item, f"REVOKE ALL ON {{objects}} FROM {_EVERY}"),
    where=lambda item: item.found.schema != "",
)
change(
    "database",
    "default rights to schemas",
    "ALTER DEFAULT PRIVILEGES FOR ROLE erp_admin GRANT USAGE ON SCHEMAS TO mallory",
    "default privileges schemas for erp_admin",
)
change(
    "database",
    "default rights to tables",
    "ALTER DEFAULT PRIVILEGES FOR ROLE erp_admin GRANT SELECT ON TABLES TO mallory",
    "default privileges tables for erp_admin",
)
change("database", "extra publication of all tables", "CREATE PUBLICATION extra FOR ALL TABLES", "publication extra")
# Not part of the fingerprint: an assertion asks for it.
change("database", "extra extension", "CREATE EXTENSION sslinfo", "extension sslinfo")
change("extension", "dropped", "DROP EXTENSION {name} CASCADE")
change("extension", "version", "UPDATE pg_extension SET extversion = '9' WHERE extname = '{bare}'")
change("extension", "schema", "UPDATE pg_extension SET extnamespace = 'public'::regnamespace WHERE extname = '{bare}'")
