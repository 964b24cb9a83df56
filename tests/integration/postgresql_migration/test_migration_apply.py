# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applying on a real server: the six steps, errors, races, kills, refusals."""

from __future__ import annotations

import contextlib
import re
import time

import psycopg2
import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import lock

from tests.integration.postgresql_migration.conftest import ONE
from tests.integration.postgresql_migration.driver import Project, finish
from tests.integration.postgresql_migration.proxy import CuttingProxy


def empty(project: Project) -> bool:
    """Neither a schema of ours nor a ledger."""
    return project.query("SELECT count(*) FROM pg_namespace WHERE nspname IN ('app', 'migration')") == [(0,)]


def written(project: Project) -> object:
    """Changes with every transaction that writes anything in this cluster."""
    return project.query(
        "SELECT pg_snapshot_xmax(pg_current_snapshot())::text, (SELECT sum(n_tup_ins) FROM pg_stat_all_tables)"
    )


def test_six_steps(project: Project) -> None:
    predicted = project.run(check=True)
    assert (
        predicted.changed
        and predicted.data["reachable"]
        and predicted.data["pending"] == ["001", "002"]
        and empty(project)
    )
    first = project.run()
    assert first.changed and [item["version"] for item in first.data["applied"]] == ["001", "002"]
    assert predicted.data["diff"] == first.data["diff"] and "table app.thing" in first.data["diff"]["after"]
    assert first.data["ledger_version"] == "002" and first.data["pending"] == []
    for check in (True, False):
        again = project.run(check=check)
        assert not again.changed and again.data["diff"] == {"before": "", "after": ""} and not again.data["applied"]
    project.migration("003_column.sql", "ALTER TABLE app.thing ADD COLUMN color text;")
    predicted, real = project.run(check=True), project.run()
    assert predicted.changed and real.changed and predicted.data["diff"] == real.data["diff"]
    assert real.data["diff"]["after"].startswith("column app.thing color: text\nmigration 003_column.sql: ")
    assert not project.run().changed


def test_a_run_with_nothing_to_do_writes_nothing(project: Project) -> None:
    project.run()
    before = written(project)
    assert not project.run().changed
    assert written(project) == before


def test_check_mode_leaves_the_database_as_it_was(project: Project) -> None:
    project.run()
    rows = project.query("SELECT * FROM migration.event ORDER BY id")
    project.migration("003_x.sql", "CREATE TABLE app.x (a int);")
    assert project.run(check=True).data["pending"] == ["003"]
    assert project.query("SELECT * FROM migration.event ORDER BY id") == rows
    assert project.query("SELECT to_regclass('app.x')") == [(None,)]


def test_the_ledger_says_what_happened(project: Project) -> None:
    project.run()
    columns = "version, name, checksum_algo, statements, kind, applied_by, duration_ms >= 0, server_version_num / 10000"
    assert project.query(
        f"SELECT {columns}, sql = {psycopg2.extensions.QuotedString(ONE)} FROM migration.applied LIMIT 1"
    ) == [("001", "base", "sha256-lf-1", 3, "apply", "app_owner", True, 15, True)]
    assert project.query("SELECT kind, object FROM migration.event ORDER BY id") == [
        ("apply", "001_base.sql"),
        ("apply", "002_more.sql"),
    ]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "SELECT 1;\n\nCREATE TABLE app.x (\n    a intt\n);\n",
            '002_more.sql:4:7: type "intt" does not exist (SQLSTATE 42704)',
        ),
        (
            "-- äöü €\nSELECT 'ä', 1; SELECT 'üü', nope;",
            '002_more.sql:2:29: column "nope" does not exist (SQLSTATE 42703)',
        ),
        ("\n  DO $$ BEGIN RAISE 'no' USING ERRCODE = 'P0001'; END $$;", "002_more.sql:2:3: no (SQLSTATE P0001)"),
        ("DO $$ BEGIN COMMIT; END $$;", "002_more.sql:1:1: invalid transaction termination (SQLSTATE 2D000)"),
        ("SELECT 1 FROM;\nCREATE", "002_more.sql:1:14: syntax error at end of input"),
        ("SELECT 1;\nCREATE", "002_more.sql:2:7: syntax error at end of input (SQLSTATE 42601)"),
        ("ALTER ROLE postgres NOLOGIN", "002_more.sql:1:1: must be superuser"),
    ],
)
def test_an_error_in_002_leaves_nothing(project: Project, sql: str, message: str) -> None:
    project.migration("002_more.sql", sql)
    failed = project.run()
    assert failed.rc and failed.message.startswith(message), failed.message
    assert failed.message.endswith("nothing was changed; correct the file and run again")
    assert failed.data["left"] == "unchanged" and failed.data["error"]["file"] == "002_more.sql" and empty(project)


def test_a_deferred_constraint_fails_before_commit(project: Project) -> None:
    project.migration(
        "002_more.sql",
        "ALTER TABLE app.thing ADD COLUMN o bigint CONSTRAINT thing_o_fkey REFERENCES app.thing DEFERRABLE "
        "INITIALLY DEFERRED; INSERT INTO app.thing (name, o) VALUES ('x', 99);",
    )
    failed = project.run()
    assert "a deferred constraint fails at the end" in failed.message and "23503" in failed.message and empty(project)


@pytest.mark.parametrize(
    "sql",
    ["SELECT 1; COMMIT;", "SET search_path = app;", "\\i x.sql", "CREATE INDEX CONCURRENTLY i ON app.thing (name);"],
)
def test_what_cannot_run_is_refused_before_a_connection(project: Project, sql: str) -> None:
    project.migration("002_more.sql", sql)
    failed = project.run(login_unix_socket="/nonexistent")
    assert failed.message.startswith("002_more.sql:1:") and empty(project)


def test_what_a_file_sets_ends_with_the_file(project: Project) -> None:
    project.migration(
        "001_base.sql", ONE + "SET LOCAL search_path = app; SELECT set_config('statement_timeout', '1', false);"
    )
    project.migration("002_more.sql", "SELECT pg_sleep(0.05); CREATE TABLE thing (a int);")
    failed = project.run()
    assert failed.message.startswith("002_more.sql:1:37: permission denied for schema pg_catalog"), failed.message


def test_hostile_defaults_of_role_and_database(project: Project) -> None:
    calm = project.run()
    project.query("DROP SCHEMA app CASCADE; DROP SCHEMA migration CASCADE", user="app_owner")
    for setting in (
        "search_path = app, public",
        "DateStyle = 'German'",
        "lock_timeout = 1",
        "default_transaction_read_only = on",
        "statement_timeout = 1",
        "TimeZone = 'Asia/Tokyo'",
        "quote_all_identifiers = on",
    ):
        project.query(f"ALTER ROLE app_owner IN DATABASE {project.database} SET {setting}")
    hostile = project.run()
    assert hostile.data["fingerprint"] == calm.data["fingerprint"]


@pytest.mark.parametrize("at", ["first", "second", "last"])
def test_kill_9_leaves_nothing_and_the_next_run_converges(project: Project, at: str) -> None:
    wait = "SELECT pg_sleep(30);"
    if at == "first":
        project.migration("001_base.sql", ONE + wait)
    elif at == "second":
        project.migration("002_more.sql", "CREATE TABLE app.x (a int);" + wait)
    else:
        # After the last statement: in the last assertion, just before COMMIT.
        project.assertions("assert: {sql: [{name: slow, query: 'SELECT 1 FROM pg_sleep(30)', expect: [1]}]}")
    process = project.start()
    sleeping = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{project.database}' AND wait_event = 'PgSleep'"
    wait_for(project, sleeping)
    process.kill()
    process.wait()
    for pipe in (process.stdout, process.stderr):
        assert pipe is not None
        pipe.close()
    wait_for(
        project,
        "SELECT (count(*) = 0)::int FROM pg_stat_activity "
        f"WHERE datname = '{project.database}' AND usename = 'app_owner'",
        3,
    )
    assert empty(project)
    project.migration("001_base.sql", ONE)
    project.migration("002_more.sql", "CREATE TABLE app.x (a int);")
    (project.directory / "assertions.yml").unlink(missing_ok=True)
    assert project.run().changed and not project.run().changed


def wait_for(project: Project, sql: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while project.query(sql) != [(1,)]:
        assert time.monotonic() < deadline, f"still not true after {seconds} s: {sql}"
        time.sleep(0.05)


def test_two_at_once_apply_once(project: Project) -> None:
    project.migration("001_base.sql", ONE + "SELECT pg_sleep(0.5);")
    results = [finish(process) for process in [project.start(), project.start()]]
    assert [result.rc for result in results] == [0, 0]
    assert sorted(result.changed for result in results) == [False, True]
    assert project.query("SELECT count(*), count(DISTINCT run_id) FROM migration.applied") == [(2, 1)]


def test_the_holder_of_the_lock_is_named(project: Project) -> None:
    other = project.cluster.connect("app_owner", project.database, autocommit=True, application_name="somebody")
    with contextlib.closing(other), other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", lock.KEYS)
        failed = project.run(lock_wait=1)
        assert f"pid {other.info.backend_pid}, user app_owner, application somebody" in failed.message and empty(
            project
        )
    assert project.run().changed


def test_a_locked_table_is_waited_for_and_tried_again(project: Project) -> None:
    project.run()
    project.migration("003_x.sql", "ALTER TABLE app.thing ADD COLUMN x int;")
    other = project.cluster.connect("app_owner", project.database)
    with contextlib.closing(other), other.cursor() as cursor:
        cursor.execute("LOCK TABLE app.thing IN ACCESS SHARE MODE")
        predicted = project.run(check=True)
        assert predicted.message == (
            "003_x.sql:1:1: canceling statement due to lock timeout (SQLSTATE 55P03); nothing was changed; "
            "end the session that locks a table and run again"
        )
        process = project.start(lock_timeout=1)
        time.sleep(2)
        other.rollback()
        result = finish(process)
    assert result.changed and result.data["attempts"] == 2
    assert project.query("SELECT count(*) FROM migration.event WHERE kind = 'failure'") == [(0,)]


def test_commit_that_never_answered_is_decided_by_the_ledger(project: Project) -> None:
    """The connection is cut after the server has committed: the run must not apply twice, and not fail."""
    with CuttingProxy(project.cluster.port, after=b"COMMIT\0") as proxy:
        result = project.run(login_unix_socket=None, login_host="127.0.0.1", login_port=proxy.port, ssl_mode="disable")
    assert proxy.cuts == 1, result.text
    assert result.changed and [item["version"] for item in result.data["applied"]] == ["001", "002"]
    assert project.query("SELECT count(*), count(DISTINCT run_id) FROM migration.applied") == [(2, 1)]
    assert not project.run().changed


def test_a_connection_cut_before_commit_is_tried_again(project: Project) -> None:
    with CuttingProxy(project.cluster.port, after=b"CREATE INDEX", answered=False) as proxy:
        result = project.run(login_unix_socket=None, login_host="127.0.0.1", login_port=proxy.port, ssl_mode="disable")
    assert proxy.cuts == 1, result.text
    assert result.changed and result.data["attempts"] == 2
    assert project.query("SELECT count(*), count(DISTINCT run_id) FROM migration.applied") == [(2, 1)]


def test_a_terminated_backend_is_tried_again(project: Project) -> None:
    project.migration("001_base.sql", ONE + "SELECT pg_sleep(1.5);")
    process = project.start()
    wait_for(
        project,
        f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{project.database}' AND wait_event = 'PgSleep'",
    )
    project.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE datname = '{project.database}' AND wait_event = 'PgSleep'"
    )
    result = finish(process)
    assert (
        result.changed
        and result.data["attempts"] == 2
        and project.query("SELECT count(*) FROM migration.applied") == [(2,)]
    )


def test_an_edited_file_is_refused_with_a_diff_and_may_be_accepted(project: Project) -> None:
    project.run()
    path = project.migration("001_base.sql", ONE.replace("first", "very first"))
    failed = project.run()
    assert failed.message.startswith("001_base.sql was edited after it was applied")
    assert "-- The first file.\n+-- The very first file.\n" in failed.data["diff"]["prepared"]
    checked = project.run(check=True)
    assert checked.rc and checked.message == failed.message
    found = re.search(r'accept: \{"001": "([0-9a-f]{64})"\}', failed.message)
    assert found
    failures = project.query("SELECT count(*) FROM migration.event WHERE kind = 'failure'")
    assert failures == [(1,)], "written by the real run only"
    accepted = project.run(accept={"001": found[1]})
    assert accepted.changed and accepted.data["applied"] == []
    assert project.query("SELECT kind, checksum FROM migration.applied WHERE version = '001'") == [("accept", found[1])]
    assert not project.run().changed and path.exists()


@pytest.mark.parametrize(("old", "new"), [("\n", "\r\n"), ("\n", "\r"), ("-- The", "\ufeff-- The")])
def test_line_ends_and_bom_are_no_edit(project: Project, old: str, new: str) -> None:
    project.run()
    project.migration("001_base.sql", ONE.replace(old, new))
    again = project.run()
    assert again.rc == 0 and not again.changed
