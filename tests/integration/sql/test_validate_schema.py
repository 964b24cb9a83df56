# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sql/validate_schema.sql by psql alone: it says what the module says, of a sound database and of broken ones."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.asserts import evaluate
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.asserts_file import (
    EVERY_TABLE,
    NONE,
    parse,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import snapshot
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog_query import SNAPSHOT

from tests.cluster import BINARIES, Cluster
from tests.contract import TABLES, of
from tests.generate import schema_rules as rules
from tests.generate.validate_schema import ASSERTIONS, TARGET, UnsupportedError, current, generate
from tests.integration.sql.conftest import DATABASE
from tests.slices import one_in

DOCUMENT: dict[str, Any] = yaml.safe_load(ASSERTIONS.read_text(encoding="utf-8"))
SCHEMAS = list(DOCUMENT["assert"]["tables"])
OK, FAIL = "ok    ", "FAIL  "

# What somebody may have done, and the checks that must name it, by the beginning of their line.
BROKEN = {
    "ALTER TABLE erp.tasks DROP CONSTRAINT tasks_project_id_fkey": {
        "foreign key erp.tasks.project_id -> erp.projects: there is no foreign key"
    },
    "ALTER TABLE erp.okrs DROP CONSTRAINT okrs_venture_id_fkey, ADD CONSTRAINT okrs_venture_id_fkey "
    "FOREIGN KEY (venture_id) REFERENCES erp.people (id) ON DELETE CASCADE": {
        "foreign key erp.okrs.venture_id -> erp.ventures: it references erp.people"
    },
    "ALTER TABLE erp.okrs DROP CONSTRAINT okrs_venture_id_fkey, ADD CONSTRAINT okrs_venture_id_fkey "
    "FOREIGN KEY (venture_id) REFERENCES erp.ventures (id)": {
        "none: foreign_key_without_on_delete: erp.okrs okrs_venture_id_fkey"
    },
    "CREATE TABLE erp.extra (id BIGINT CONSTRAINT extra_pkey PRIMARY KEY); ALTER TABLE erp.extra OWNER TO erp_admin; "
    "COMMENT ON TABLE erp.extra IS 'One too many.'; ALTER TABLE erp.extra ENABLE ROW LEVEL SECURITY; "
    "GRANT SELECT ON erp.extra TO erp_reader, erp_writer": {f"tables in erp: {of('erp')}: there is also extra"},
    "DROP TABLE agent.working_state": {
        f"tables in agent: {of('agent')}: there is no working_state",
    },
    "DROP INDEX erp.tasks_assignee_id_idx": {"every table: fk_indexed: erp.tasks tasks_assignee_id_fkey"},
    "DROP INDEX agent.events_subject_type_subject_id_occurred_at_idx": {
        "index agent.events events_subject_type_subject_id_occurred_at_idx: there is none"
    },
    "ALTER TABLE erp.people DISABLE TRIGGER people_updated_at": {
        "none: disabled_trigger: erp.people people_updated_at",
        "every table: updated_at_trigger: erp.people",
    },
    "ALTER TABLE erp.okrs DISABLE TRIGGER ALL": {
        "none: disabled_trigger: erp.okrs behind okrs_owner_person_id_fkey, erp.okrs behind okrs_venture_id_fkey, "
        "erp.okrs okrs_mass_update, erp.okrs okrs_updated_at",
        "every table: updated_at_trigger: erp.okrs",
    },
    "CREATE TABLE private.bare (id INT)": {
        "tables in private: 1: there is also bare",
        "every table: primary_key: private.bare",
        "every table: comment: private.bare",
        "every table: owner erp_admin: private.bare belongs to postgres",
    },
    "UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = 'erp.projects_tags_idx'::regclass": {
        "none: invalid_index: erp.projects_tags_idx"
    },
    "ALTER TABLE erp.people ADD CONSTRAINT people_some_check CHECK (id > 0) NOT VALID": {
        "none: unvalidated_constraint: erp.people people_some_check"
    },
    "ALTER TABLE erp.people ADD CONSTRAINT odd CHECK (id > 0)": {"none: unnamed_constraint: erp.people odd"},
    "ALTER FUNCTION agent.get_graph_neighbors(TEXT) RESET search_path": {
        "none: function_without_search_path: agent.get_graph_neighbors(text)"
    },
    "GRANT SELECT ON erp.people TO PUBLIC": {"none: public_privilege: relation erp.people"},
    "GRANT SELECT (handle) ON erp.people TO PUBLIC": {"none: public_privilege: column erp.people.handle"},
    "GRANT USAGE ON SCHEMA agent TO PUBLIC": {"none: public_privilege: schema agent"},
    "GRANT EXECUTE ON FUNCTION private.check_request() TO PUBLIC": {
        "none: public_privilege: function private.check_request()"
    },
    "GRANT CONNECT ON DATABASE broken TO PUBLIC": {"none: public_privilege: database broken"},
    "ALTER TABLE erp.people DISABLE ROW LEVEL SECURITY": {
        "every table: row_security: erp.people",
        "none: rls_policy_without_rls: erp.people people_insert, erp.people people_select, erp.people people_update",
    },
    "CREATE POLICY all_ ON erp.people": {"none: public_policy: erp.people all_"},
    "CREATE INDEX projects_again_idx ON erp.projects (status)": {"none: duplicate_index: erp.projects_status_idx"},
    "ALTER TABLE agent.working_state SET UNLOGGED": {"none: unlogged_table: agent.working_state"},
    "CREATE EXTENSION pgcrypto SCHEMA public": {"none: extension: pgcrypto"},
    "ALTER VIEW api_view.events RESET (security_invoker)": {"none: view_without_security_invoker: api_view.events"},
    "COMMENT ON TABLE erp.people IS NULL": {"every table: comment: erp.people"},
    "ALTER TABLE erp.people OWNER TO postgres": {"every table: owner erp_admin: erp.people belongs to postgres"},
    "ALTER TABLE erp.engagements ALTER value_estimate TYPE NUMERIC(14, 2)": {
        "column erp.engagements.value_estimate: type numeric(12,2): found numeric(14,2)"
    },
}


def psql(
    cluster: Cluster, database: str, script: str = "", user: str = "erp_admin"
) -> subprocess.CompletedProcess[str]:
    """As an operator runs it; the script's text comes by standard input."""
    return subprocess.run(
        [str(BINARIES / "psql"), "-X", "-v", "ON_ERROR_STOP=1", "-h", cluster.socket_directory, "-U", user, database],
        input=script or TARGET.read_text(encoding="utf-8"),
        capture_output=True,
        text=True,
        check=False,
    )


def lines(text: str, begin: str) -> list[str]:
    found = (line.strip() for line in text.splitlines())
    return [line.removeprefix(begin).strip() for line in found if line.startswith(begin)]


def run(cluster: Cluster, statement: str, database: str) -> None:
    connection = cluster.connect(dbname=database, autocommit=True)
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


@contextmanager
def broken(cluster: Cluster, statements: str = "") -> Iterator[str]:
    """A copy of the database in which the statements were run; a copy has default rights of its own."""
    run(cluster, f"CREATE DATABASE broken TEMPLATE {DATABASE} OWNER erp_admin", "postgres")
    try:
        run(cluster, "REVOKE ALL ON DATABASE broken FROM PUBLIC", "postgres")
        if statements:
            run(cluster, statements, "broken")
        yield "broken"
    finally:
        run(cluster, "DROP DATABASE broken", "postgres")


def module_failures(cluster: Cluster, database: str) -> set[str]:
    """The same question asked by the module: names of rules, and of objects."""
    connection = cluster.connect(user="erp_admin", dbname=database)
    with connection.cursor() as cursor:
        cursor.execute("SET search_path = pg_catalog")
        cursor.execute(SNAPSHOT, {"schemas": SCHEMAS})
        report = evaluate(parse({"assert": DOCUMENT["assert"]}, SCHEMAS), snapshot(cursor.fetchall()))
    connection.close()
    return {failure.name for failure in report.failed}


def of_module(line: str) -> str:
    """Under which name the module would report this line."""
    kind, _, rest = line.partition(": ")
    return rest.split(":")[0].split(" ")[0] if kind in ("every table", "none") else kind.split(" ")[0]


def test_the_file_is_what_the_generator_gives() -> None:
    assert TARGET.read_text(encoding="utf-8") == current(), "run: make expected"


def test_every_rule_of_the_module_has_a_query() -> None:
    assert set(rules.EVERY_TABLE) == set(EVERY_TABLE)
    assert set(rules.NONE) == set(NONE)


def test_a_sound_database_passes(cluster: Cluster) -> None:
    result = psql(cluster, DATABASE)
    assert (result.returncode, result.stderr, lines(result.stdout, FAIL)) == (0, "", [])
    passed = lines(result.stdout, OK)
    assert len(passed) == len(set(passed)) > 100
    keys = {
        f"foreign key {table}.{column} -> {target}"
        for table, entry in TABLES.items()
        for column, target in entry.get("references", {}).items()
    }
    assert {line for line in passed if line.startswith("foreign key")} == keys, "every key of the contract is asked for"


def test_every_index_that_serves_a_query_is_asked_for(cluster: Cluster) -> None:
    connection = cluster.connect(dbname=DATABASE)
    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT format('%s %s', i.indrelid::regclass, c.relname) FROM pg_index AS i
            INNER JOIN pg_class AS c ON c.oid = i.indexrelid
            WHERE c.relnamespace::regnamespace::text IN ('erp', 'agent')
            AND obj_description(c.oid, 'pg_class') IS NOT NULL""")
        live = {f"index {name}" for (name,) in cursor.fetchall()}
    connection.close()
    assert {line for line in lines(psql(cluster, DATABASE).stdout, OK) if line.startswith("index")} == live


@pytest.mark.parametrize("statements", one_in(4, BROKEN))
def test_what_is_broken_is_named_as_the_module_names_it(cluster: Cluster, statements: str) -> None:
    with broken(cluster, statements) as database:
        result = psql(cluster, database)
        failed, passed = lines(result.stdout, FAIL), lines(result.stdout, OK)
        assert result.returncode == 3
        for begin in BROKEN[statements]:
            assert [line for line in failed if line.startswith(begin)], f"{begin!r} is not in {failed}"
        queries = tuple(f"{one['name']}: " for one in DOCUMENT["assert"]["sql"])
        # What is written as a query is the same text on both sides: test_probes.py.
        named = {of_module(line) for line in failed if not line.startswith(queries)} - {"query"}  # asked here only
        # The module puts what is wrong with one object under one name.
        objects = {"index", "column", "foreign", "trigger", "constraint"}
        assert {"objects" if name in objects else name for name in named} == module_failures(cluster, database)
        assert f"{len(failed)} of {len(failed) + len(passed)} checks failed" in result.stderr
        assert 2 * (len(failed) + len(passed)) == current().count("$q$"), "all are asked all the same"


def test_every_rule_that_the_assertions_use_was_broken_here() -> None:
    used = {rule for rule in DOCUMENT["assert"]["every_table"] if isinstance(rule, str)} | set(
        DOCUMENT["assert"]["none"]
    )
    seen = {of_module(begin) for begins in BROKEN.values() for begin in begins}
    assert used <= seen


def test_a_query_that_cannot_run_is_a_finding_and_the_rest_is_asked(cluster: Cluster) -> None:
    with broken(cluster, "ALTER TABLE agent.facts RENAME COLUMN content TO contents") as database:
        result = psql(cluster, database)
    assert result.returncode == 3
    assert lines(result.stdout, FAIL) == ["query: what is remembered of a person: column f.content does not exist"]
    assert lines(result.stdout, OK)[-1].startswith("query: neighbours")


def test_an_empty_database_is_told_in_lines_too(cluster: Cluster) -> None:
    result = psql(cluster, "template1", user="postgres")
    assert result.returncode == 3
    assert any("there is no people" in line for line in lines(result.stdout, FAIL))


def test_it_reads_only_and_leaves_nothing(cluster: Cluster) -> None:
    writes = generate(
        {"assert": {"tables": {}, "sql": [{"name": "a writer", "query": "SELECT nextval('erp.people_id_seq')"}]}}
    )
    result = psql(cluster, DATABASE, writes)
    assert lines(result.stdout, FAIL) == ["a writer: cannot execute nextval() in a read-only transaction"]
    after = "\\dt pg_temp_*.*\nSHOW transaction_read_only;\nSHOW search_path;\n"
    left = psql(cluster, DATABASE, TARGET.read_text(encoding="utf-8") + after)
    assert 'Did not find any relation named "pg_temp_*.*".' in left.stderr
    assert [line.strip() for line in left.stdout.splitlines() if line.strip() in ("off", "on", "pg_catalog")] == ["off"]


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"sql": [{"name": "one", "query": "SELECT 1", "expect": [[1]]}]}, "'one' expects rows; write it so that"),
        ({"objects": {"erp.a": {"columns": {"b": {"storage": "main"}}}}}, "'storage', for which .* add one to COLUMN"),
    ],
)
def test_what_cannot_be_asked_is_refused(part: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        generate({"assert": {"tables": {"erp": 1}, **part}})


def test_all_parts_of_an_assertion_are_asked(cluster: Cluster) -> None:
    """Also those that the shipped file does not use, and a value with a quote."""
    people: dict[str, Any] = {"triggers": ["people_updated_at", "none's"], "constraints": ["people_pkey", "people_key"]}
    people["columns"] = {"full_name": {"not_null": True, "default": "now()"}, "id": {"identity": "by default"}}
    text = generate({"assert": {"tables": {"erp": 1, "agent": of("agent")}, "objects": {"erp.people": people}}})
    result = psql(cluster, DATABASE, text)
    assert lines(result.stdout, FAIL) == [
        f"tables in erp: 1: there are {of('erp')}",
        "column erp.people.full_name: default now(): found none",
        "trigger erp.people none's: there is none",
        "constraint erp.people people_key: there is none",
    ]
