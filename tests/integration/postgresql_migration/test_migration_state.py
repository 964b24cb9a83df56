# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access files, assertions, and the refusals that look at the database, on a real server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from tests.integration.postgresql_migration.conftest import ONE
from tests.integration.postgresql_migration.driver import Project

ACCESS = "CREATE OR REPLACE VIEW app.things WITH (security_invoker = true) AS SELECT id FROM app.thing;\n"
GRANTS = """REVOKE ALL ON ALL TABLES IN SCHEMA app FROM PUBLIC, app_reader;
GRANT SELECT ON app.things TO app_reader;
"""


@pytest.fixture
def guarded(project: Project) -> Project:
    """The project with access files, applied."""
    project.query("DO $$ BEGIN IF to_regrole('app_reader') IS NULL THEN CREATE ROLE app_reader; END IF; END $$")
    project.access("10_views.sql", ACCESS)
    project.access("20_grants.sql", GRANTS)
    assert project.run().data["access"]
    return project


def grants(project: Project) -> list[str]:
    rows = project.query(
        "SELECT table_name || ' ' || privilege_type FROM information_schema.table_privileges "
        "WHERE grantee IN ('app_reader', 'PUBLIC') AND table_schema = 'app' ORDER BY 1"
    )
    return [row[0] for row in rows]


def test_access_files_rest_until_something_of_theirs_differs(guarded: Project) -> None:
    again = guarded.run()
    assert not again.changed and not again.data["access"] and grants(guarded) == ["things SELECT"]


@pytest.mark.parametrize(
    "drift",
    [
        "REVOKE SELECT ON app.things FROM app_reader",
        "GRANT INSERT ON app.thing TO app_reader",
        "GRANT SELECT ON app.part TO PUBLIC",
        "DROP VIEW app.things",
        "CREATE OR REPLACE VIEW app.things AS SELECT id FROM app.thing",
    ],
)
def test_what_the_access_files_are_responsible_for_is_put_right(guarded: Project, drift: str) -> None:
    clean = guarded.run().data["fingerprint"]["after"]
    guarded.query(drift, user="app_owner")
    predicted = guarded.run(check=True)
    assert predicted.changed and predicted.data["access"]
    repaired = guarded.run()
    assert repaired.changed and repaired.data["diff"] == predicted.data["diff"]
    assert repaired.data["fingerprint"]["after"] == clean and grants(guarded) == ["things SELECT"]
    assert not guarded.run().changed


def test_an_edited_access_file_runs_again(guarded: Project) -> None:
    guarded.access("20_grants.sql", GRANTS + "GRANT SELECT ON app.thing TO app_reader;\n")
    assert guarded.run(check=True).changed and grants(guarded) == ["things SELECT"]
    assert guarded.run().changed and grants(guarded) == ["thing SELECT", "things SELECT"]
    assert not guarded.run().changed


def test_a_migration_is_followed_by_the_access_files(guarded: Project) -> None:
    guarded.migration("003_x.sql", "CREATE TABLE app.x (a int); GRANT SELECT ON app.x TO app_reader;")
    result = guarded.run()
    assert result.data["access"] and grants(guarded) == ["things SELECT"]


def test_other_changes_are_told_and_not_forgotten_by_a_later_run(guarded: Project) -> None:
    guarded.options["drift"] = "report"
    guarded.query("DROP INDEX app.part_thing_id_idx", user="app_owner")
    told = guarded.run()
    sentence = (
        "objects that differ from what the last run recorded (1): index app.part part_thing_id_idx; "
        "put them back by hand or take them away"
    )
    assert not told.changed and told.warnings == [sentence]
    guarded.access("20_grants.sql", GRANTS + "-- edited\n")
    assert guarded.run().warnings == [sentence]
    assert guarded.run().warnings == [sentence]


def test_an_error_in_an_access_file_takes_the_migrations_back(project: Project) -> None:
    project.access("10_bad.sql", "SELECT 1;\nGRANT SELECT ON app.thing TO nobody_here;\n")
    failed = project.run()
    assert failed.message.startswith('access/10_bad.sql:2:1: role "nobody_here" does not exist (SQLSTATE 42704)')
    assert project.query("SELECT to_regnamespace('app')::text, to_regnamespace('migration')::text") == [(None, None)]


ASSERTIONS = """
assert:
  tables: {app: [part, thing]}
  every_table: [primary_key, comment, fk_indexed, owner: app_owner]
  none: [invalid_index, unnamed_constraint, unlogged_table, duplicate_index]
  objects: {app.part: {columns: {thing_id: {type: bigint}}, references: {thing_id: app.thing}}}
  sql: [{name: no rows yet, query: SELECT id FROM app.thing, expect: []}]
"""


def test_assertions_hold(project: Project) -> None:
    project.assertions(ASSERTIONS)
    for check in (True, False, False):
        result = project.run(check=check)
        assert result.data["assertions"] == {"passed": 12, "failed": []}


def test_a_failed_assertion_takes_the_migration_back_and_all_are_named(project: Project) -> None:
    project.run()
    project.assertions(ASSERTIONS)
    project.migration(
        "003_bad.sql",
        "CREATE UNLOGGED TABLE app.bad (a int CHECK (a > 0), CHECK (a < 9)); "
        "INSERT INTO app.thing (name) VALUES ('x');",
    )
    failed = project.run()
    found = {(item["name"], item["object"]) for item in failed.data["assertions"]["failed"]}
    assert found == {
        ("tables", "app.bad"),
        ("primary_key", "app.bad"),
        ("comment", "app.bad"),
        ("unlogged_table", "app.bad"),
        ("unnamed_constraint", "app.bad bad_a_check1"),
        ("sql", "no rows yet"),
    }
    assert "6 assertions failed: " in failed.message and "nothing was changed" in failed.message
    assert project.query("SELECT to_regclass('app.bad'), count(*) FROM migration.applied") == [(None, 2)]


def test_an_assertion_fails_in_a_run_with_nothing_else_to_do(project: Project) -> None:
    project.run()
    project.assertions(ASSERTIONS.replace("[part, thing]", "3"))
    for check in (True, False):
        assert "tables: app: expected 3 tables, found 2" in project.run(check=check).message


def test_an_assertion_cannot_write(project: Project) -> None:
    """In the transaction that migrates, and in one that only looks."""
    project.run()
    project.assertions("assert: {sql: [{name: sly, query: \"SELECT nextval('app.thing_id_seq')\"}]}")
    project.migration("003_x.sql", "CREATE TABLE app.x (a int);")
    for _twice in range(2):
        assert (
            "1 assertion failed: sql: sly: expected no rows, found an error: "
            "cannot execute nextval() in a read-only transaction" in project.run().message
        )
        (project.directory / "migrations" / "003_x.sql").unlink(missing_ok=True)
    assert project.query("SELECT to_regclass('app.x')::text, is_called FROM app.thing_id_seq") == [(None, False)]


def test_all_queries_are_one_round_trip_and_each_has_its_name_when_it_fails(project: Project) -> None:
    queries = {
        "two columns of one name": ("SELECT 1, 2 -- with a comment", "[[1, 2]]"),
        "many types": ("SELECT true, NULL::text, 1.50, '{1,2}'::int[]", "[[true, null, '1.50', '[1,2]']]"),
        "sorted": ("SELECT n FROM generate_series(1, 3) AS found (n) ORDER BY n DESC", "[3, 2, 1]"),
        "with": ("WITH a AS (VALUES (1), (2)) TABLE a", "[1, 2]"),
    }

    def write(changes: dict[str, tuple[str, str]]) -> None:
        entries = [
            f"{{name: {n}, query: {json.dumps(q)}, expect: {e}}}" for n, (q, e) in {**queries, **changes}.items()
        ]
        project.assertions(f"assert: {{sql: [{', '.join(entries)}]}}")

    write({})
    assert project.run().data["assertions"] == {"passed": 5, "failed": []}
    begin = len(project.cluster.log.read_text())
    assert project.run().rc == 0
    assert project.cluster.log.read_text()[begin:].count("statement: ") == 5
    write({"with": ("SELECT nothing FROM nowhere", "[]"), "sorted": ("SELECT 1 WHERE false", "[3]")})
    failed = project.run()
    assert [(item["object"], item["expected"], item["actual"]) for item in failed.data["assertions"]["failed"]] == [
        ("sorted", "(3)", "no rows"),
        ("with", "no rows", 'an error: relation "nowhere" does not exist (SQLSTATE 42P01)'),
    ]
    assert failed.data["assertions"]["passed"] == 3


def test_a_key_that_is_there_twice_hides_nothing(project: Project) -> None:
    project.assertions("assert:\n  tables: {app: 2}\n  tables: {app: 3}\n")
    with pytest.raises(AnsibleActionFail, match=r"assertions.yml:3: tables is there twice in one mapping"):
        project.run()


def test_a_grant_on_the_ledger_is_found(guarded: Project) -> None:
    guarded.query("GRANT SELECT ON migration.applied TO app_reader", user="app_owner")
    assert "ledger: schema migration: expected no grants, found app_reader" in guarded.run().message


def test_schema_without_a_ledger(project: Project) -> None:
    project.query(ONE, user="app_owner")
    failed = project.run()
    assert "hold objects (sequence app.thing_id_seq, ...) but there is no ledger" in failed.message


def test_ledger_without_the_schema(project: Project) -> None:
    project.run()
    project.query("DROP SCHEMA app CASCADE", user="app_owner")
    assert "the ledger says that 002 was applied, but the schemas app are empty" in project.run().message


def test_no_server_yet(project: Project) -> None:
    nowhere: dict[str, Any] = {"login_unix_socket": "/nonexistent"}
    predicted = project.run(check=True, **nowhere)
    assert predicted.changed and predicted.data["reachable"] is False and predicted.data["pending"] == ["001", "002"]
    failed = project.run(**nowhere)
    assert failed.rc and failed.message.startswith(
        f"cannot log in to database {project.database} at /nonexistent:{project.cluster.port} as app_owner: "
    )


def test_no_database_yet(project: Project) -> None:
    predicted = project.run(check=True, login_db="not_there")
    assert predicted.changed and predicted.data["reachable"] is False
    assert 'database "not_there" does not exist' in project.run(login_db="not_there").message
