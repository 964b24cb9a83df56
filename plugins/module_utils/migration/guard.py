# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard of new tables: an event trigger that closes what is made in a guarded schema, until a policy opens it.

Only a superuser can make one, so there is none on a managed server. It lies in a schema of the administrator: the owner
of our schemas could replace a function in one of his, and what an event trigger calls runs for a superuser too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.effects import Change
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import identifier, literal

NAME = "portfolio_new_tables"
_SCHEMA = "portfolio_guard"
_FUNCTION = f"{_SCHEMA}.close_new_tables"
_TAGS = ("CREATE TABLE", "CREATE TABLE AS", "SELECT INTO")
# It runs with the rights of who makes the table, who owns it. PostgREST is told, or it would not know the table.
_BODY = """
DECLARE
    made record;
BEGIN
    FOR made IN
        SELECT d.objid::pg_catalog.regclass AS name FROM pg_catalog.pg_event_trigger_ddl_commands() AS d
        INNER JOIN pg_catalog.pg_class AS c ON c.oid = d.objid
        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.schema_name IN ({schemas})
            AND c.relkind IN ('r', 'p') AND NOT c.relrowsecurity
    LOOP
        EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', made.name);
        PERFORM pg_catalog.pg_notify('pgrst', 'reload schema');
    END LOOP;
END
"""
QUERY = """
SELECT jsonb_build_object(
    'schema', (SELECT pg_get_userbyid(n.nspowner) FROM pg_namespace AS n WHERE n.nspname = %(schema)s),
    'function', (SELECT jsonb_build_object('owner', pg_get_userbyid(p.proowner), 'source', p.prosrc,
        'definer', p.prosecdef, 'settings', to_jsonb(p.proconfig), 'returns', p.prorettype::regtype)
        FROM pg_proc AS p WHERE p.oid = to_regproc(%(function)s)),
    'trigger', (SELECT jsonb_build_object('owner', pg_get_userbyid(e.evtowner), 'event', e.evtevent,
        'enabled', e.evtenabled, 'tags', to_jsonb(e.evttags), 'function', e.evtfoid::regproc)
        FROM pg_event_trigger AS e WHERE e.evtname = %(name)s))
"""
ARGUMENTS = {"schema": _SCHEMA, "function": _FUNCTION, "name": NAME}


def _source(schemas: Sequence[str]) -> str:
    return _BODY.format(schemas=", ".join(map(literal, schemas)))


def _wanted(administrator: str, schemas: Sequence[str]) -> dict[str, Any]:
    """As QUERY tells it."""
    return {
        "schema": administrator,
        "function": {
            "owner": administrator,
            "source": _source(schemas),
            "definer": False,
            "settings": ['search_path=""'],
            "returns": "event_trigger",
        },
        "trigger": {
            "owner": administrator,
            "event": "ddl_command_end",
            "enabled": "O",
            "tags": list(_TAGS),
            "function": _FUNCTION,
        },
    }


def _statements(administrator: str, schemas: Sequence[str]) -> tuple[str, ...]:
    """From nothing and from anything."""
    told = f"New tables of {', '.join(schemas)} are closed until a policy opens them."
    return (
        f"DROP EVENT TRIGGER IF EXISTS {NAME}",
        f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}",
        f"ALTER SCHEMA {_SCHEMA} OWNER TO {identifier(administrator)}",
        f"COMMENT ON SCHEMA {_SCHEMA} IS 'What guards the database beside its owner.'",
        f"DROP FUNCTION IF EXISTS {_FUNCTION}()",
        f"CREATE FUNCTION {_FUNCTION}() RETURNS event_trigger LANGUAGE plpgsql SET search_path = '' "
        f"AS $guard${_source(schemas)}$guard$",
        f"REVOKE ALL ON FUNCTION {_FUNCTION}() FROM PUBLIC",
        f"COMMENT ON FUNCTION {_FUNCTION}() IS {literal(told)}",
        f"CREATE EVENT TRIGGER {NAME} ON ddl_command_end WHEN TAG IN ({', '.join(map(literal, _TAGS))}) "
        f"EXECUTE FUNCTION {_FUNCTION}()",
        f"COMMENT ON EVENT TRIGGER {NAME} IS {literal(told)}",
    )


def change(administrator: str, schemas: Sequence[str], found: dict[str, Any] | None) -> Change | None:
    """What makes it as wanted; `found`: what QUERY told, None before the database is there."""
    wanted, found = _wanted(administrator, schemas), found or {}
    differs = [part for part in wanted if found.get(part) != wanted[part]]
    if not differs:
        return None
    there = found.get("trigger") is not None
    # The trigger itself may only be switched off, and its function only be another one.
    before = f"another {', '.join(differs)}" if there else None
    detail = f"{before} than asked for" if there else "missing"
    after = f"closes new tables of {', '.join(schemas)}"
    return Change(f"event trigger {NAME}", before, after, _statements(administrator, schemas), detail)
