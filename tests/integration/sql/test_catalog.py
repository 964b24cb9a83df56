# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PostgreSQL made of the migrations, read from its catalog."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.contract import CONTRACT, COUNT, TABLES

if TYPE_CHECKING:
    from tests.integration.sql.conftest import Session

ROOT = Path(__file__).parents[3]
ASSERTIONS: dict[str, Any] = yaml.safe_load((ROOT / "sql/assertions.yml").read_text(encoding="utf-8"))["assert"]
OURS = "('erp'::regnamespace, 'agent'::regnamespace)"

UNINDEXED = f"""
    SELECT k.conname FROM pg_constraint AS k
    WHERE k.contype = 'f' AND k.connamespace IN {OURS} AND NOT EXISTS (
        SELECT FROM pg_index AS i
        WHERE i.indrelid = k.conrelid AND i.indpred IS NULL AND i.indkey[0] = k.conkey[1])"""


def test_the_owners_count(db: Session) -> None:
    assert db.value("SELECT count(*) FROM information_schema.tables WHERE table_schema IN ('erp','agent')") == COUNT


def test_columns_are_those_of_the_contract(db: Session) -> None:
    live: dict[str, set[str]] = {}
    for table, column in db.rows("""
            SELECT table_schema || '.' || table_name, column_name FROM information_schema.columns
            WHERE table_schema IN ('erp', 'agent')"""):
        live.setdefault(table, set()).add(column)
    assert live == {table: set(entry["columns"]) for table, entry in TABLES.items()}


def test_every_foreign_key_is_indexed(db: Session) -> None:
    assert db.value(f"SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND connamespace IN {OURS}") == sum(
        len(entry.get("references", {})) for entry in TABLES.values()
    )
    assert db.rows(UNINDEXED) == []
    db.rows("DROP INDEX erp.tasks_assignee_id_idx")
    assert db.rows(UNINDEXED) == [("tasks_assignee_id_fkey",)], "the partial index for open tasks is no substitute"


def test_every_foreign_key_does_on_delete_what_the_contract_says(db: Session) -> None:
    expected = {f"{table}.{column}": "n" for table, entry in TABLES.items() for column in entry.get("references", {})}
    for kind, keys in CONTRACT["on_delete"].items():
        assert set(keys) <= set(expected)
        expected.update(dict.fromkeys(keys, kind[0]))
    live = db.rows(f"""
        SELECT format('%s.%s', k.conrelid::regclass, a.attname), k.confdeltype FROM pg_constraint AS k
        INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
        WHERE k.contype = 'f' AND k.connamespace IN {OURS}""")
    assert dict(live) == expected


def test_vocabularies_are_those_of_the_contract(db: Session) -> None:
    live = db.rows(f"""
        SELECT format('%s.%s', k.conrelid::regclass, a.attname), pg_get_constraintdef(k.oid) FROM pg_constraint AS k
        INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
        WHERE k.contype = 'c' AND k.connamespace IN {OURS} AND pg_get_constraintdef(k.oid) LIKE '%ANY (ARRAY[%'""")
    words = {column: re.findall(r"'(\w+)'::text", definition) for column, definition in live}
    # Where the design names the column without its words, they are the migration's to choose.
    for column in ("erp.workflows.status", "erp.process_templates.status", "erp.offers.status"):
        assert words.pop(column) == ["draft", "active", "retired"]
    assert words.pop("agent.scheduler_runs.status") == ["running", "completed", "failed", "cancelled"]
    assert words == CONTRACT["vocabularies"]


def test_every_global_id_follows_one_pattern(db: Session) -> None:
    tables = {name for name, entry in TABLES.items() if "global_id" in entry["columns"]}
    checks = dict(
        db.rows(f"""
        SELECT k.conrelid::regclass::text, pg_get_constraintdef(k.oid) FROM pg_constraint AS k
        WHERE k.contype = 'c' AND k.connamespace IN {OURS} AND k.conname LIKE '%_global_id_check'""")
    )
    assert set(checks) == tables
    assert set(checks.values()) == {"CHECK ((global_id ~ '^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$'::text))"}


def test_updated_at_has_its_trigger_everywhere(db: Session) -> None:
    tables = {name for name, entry in TABLES.items() if "updated_at" in entry["columns"]}
    assert {
        name
        for (name,) in db.rows("""
        SELECT tgrelid::regclass::text FROM pg_trigger
        WHERE tgfoid = 'erp.set_updated_at'::regproc AND tgenabled = 'O' AND tgtype = 19""")
    } == tables


def test_tables_with_a_client_have_an_index_for_row_rules(db: Session) -> None:
    tables = {name for name, entry in TABLES.items() if "client_id" in entry["columns"]}
    assert len(tables) == 7
    assert {
        name
        for (name,) in db.rows("""
        SELECT a.attrelid::regclass::text FROM pg_attribute AS a
        INNER JOIN pg_index AS i ON i.indrelid = a.attrelid AND i.indkey[0] = a.attnum AND i.indpred IS NULL
        WHERE a.attname = 'client_id' AND a.attrelid::regclass::text LIKE 'agent.%'""")
    } == tables


@pytest.mark.parametrize(("table", "column"), [("agent.events", "occurred_at"), ("agent.memory_entries", "created_at")])
def test_append_heavy_tables_are_set_up_for_it(db: Session, table: str, column: str) -> None:
    assert db.value("SELECT reloptions FROM pg_class WHERE oid = %s::regclass", table) == [
        "autovacuum_vacuum_insert_scale_factor=0.02"
    ]
    assert db.value("SELECT count(*) FROM pg_indexes WHERE indexdef LIKE %s", f"%ON {table} USING brin ({column})") == 1


def test_functions_fix_their_search_path_and_only_private_ones_borrow_rights(db: Session) -> None:
    assert db.rows("""
        SELECT p.oid::regprocedure::text, p.provolatile, p.prosecdef, p.proconfig FROM pg_proc AS p
        INNER JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE n.nspname IN ('erp', 'agent', 'private', 'api_view') ORDER BY 1""") == [
        ("agent.get_graph_neighbors(text)", "s", False, ['search_path=""']),
        ("api_view.health()", "s", False, ['search_path=""']),
        ("erp.set_updated_at()", "v", False, ['search_path=""']),
        ("private.check_request()", "s", True, ['search_path=""']),
        ("private.claim(text)", "s", False, ['search_path=""']),
        ("private.claimed_id(text)", "s", False, ['search_path=""']),
        ("private.refuse_mass_write()", "v", False, ['search_path=""']),
    ]


def test_views_run_with_the_callers_rights(db: Session) -> None:
    """A definer view passes by row security, and by the column grants of its reader."""
    assert db.rows("""
        SELECT oid::regclass::text, reloptions FROM pg_class
        WHERE relkind IN ('v', 'm') AND relnamespace = 'api_view'::regnamespace ORDER BY 1""") == [
        ("api_view.events", ["security_invoker=true"]),
        ("api_view.profiles", ["security_invoker=true"]),
    ]


def test_everything_belongs_to_erp_admin(db: Session) -> None:
    assert (
        db.rows("""
        SELECT c.oid::regclass::text FROM pg_class AS c INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('erp', 'agent', 'private', 'api_view')
        AND 'erp_admin' NOT IN (pg_get_userbyid(c.relowner), pg_get_userbyid(n.nspowner))""")
        == []
    )


def test_no_index_is_there_twice(db: Session) -> None:
    assert (
        db.rows("""
        SELECT indrelid::regclass::text, array_agg(indexrelid::regclass::text) FROM pg_index
        WHERE indrelid::regclass::text ~ '^(erp|agent)[.]'
        GROUP BY indrelid, indkey, indpred::text, indexprs::text, indoption, indclass HAVING count(*) > 1""")
        == []
    )
