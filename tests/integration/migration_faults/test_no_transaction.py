# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failure groups 1 to 4 and 8 for a file without a transaction: the one migration that a crash can leave half done."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from tests.integration.migration_faults.faults import (
    PATIENCE,
    connect,
    events,
    everything,
    hurried,
    kill,
    refused,
    runs,
    wait_for_end,
    wait_until,
)
from tests.integration.postgresql_migration.driver import Project, Result, empty, finish
from tests.integration.postgresql_migration.proxy import Fault, FaultyProxy

MARK = "-- squawk-ignore-file ban-concurrent-index-creation-in-transaction\n-- migrate: no-transaction\n"
CREATE = f"{MARK}CREATE INDEX CONCURRENTLY thing_name_idx ON app.thing (name);\n"
UNIQUE = CREATE.replace("CREATE INDEX", "CREATE UNIQUE INDEX")
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('app.thing_name_idx')"
# Four files, and the index of the third stands between two transactions.
ASSERTIONS = "assert:\n  tables: {app: [other, part, thing]}\n  none: [invalid_index]\n"


@pytest.fixture
def pending(project: Project) -> Project:
    """Applied, with rows, and a third file without a transaction."""
    assert project.run().changed
    project.query("INSERT INTO app.thing (name) VALUES ('a'), ('b')")
    project.migration("003_index.sql", CREATE)
    return project


def versions(project: Project) -> list[str]:
    return [row[0] for row in project.query("SELECT version FROM migration.applied ORDER BY version")]


def assert_whole(project: Project) -> None:
    """The index is there and valid, once in the ledger, and nobody calls it drift."""
    assert project.query(VALID) == [(True,)] and versions(project) == ["001", "002", "003"]
    again = project.run(drift="fail")
    assert again.rc == 0 and not again.changed and again.data["effects"] == [], again.text


@contextlib.contextmanager
def writer(project: Project) -> Any:
    """A transaction that has written to the table, and for which a concurrent build waits."""
    with contextlib.closing(connect(project)) as other, other.cursor() as cursor:
        cursor.execute("UPDATE app.thing SET name = name")
        yield other


def half_built(project: Project) -> bool:
    return project.query(VALID) == [(False,)]


def test_between_two_transactions(project: Project) -> None:
    project.migration("003_index.sql", CREATE)
    project.migration("004_other.sql", "CREATE TABLE app.other (id int CONSTRAINT other_pkey PRIMARY KEY);")
    project.assertions(ASSERTIONS)
    before = everything(project)
    predicted = project.run(check=True)
    assert everything(project) == before and empty(project)
    first = project.run()
    assert [item["version"] for item in first.data["applied"]] == ["001", "002", "003", "004"], first.text
    assert first.data["assertions"] == {"passed": 3, "failed": []} and first.data["ledger_version"] == "004"
    assert predicted.data["effects"] == first.data["effects"] and predicted.data["pending"] == [
        "001",
        "002",
        "003",
        "004",
    ]
    runs_of = project.query("SELECT version, split_part(run_id, '/', 3) FROM migration.applied ORDER BY version")
    assert runs_of == [("001", "1"), ("002", "1"), ("003", "2"), ("004", "")]
    assert project.query(VALID) == [(True,)]
    for check in (True, False):
        again = project.run(check=check, drift="fail")
        assert again.rc == 0 and not again.changed and again.data["diff"] == {"before": "", "after": ""}, again.text


def test_check_mode_lists_it(pending: Project) -> None:
    before, history = everything(pending), events(pending)
    predicted = pending.run(check=True)
    assert predicted.changed and predicted.data["pending"] == ["003"] and predicted.data["assertions"]["failed"] == []
    assert everything(pending) == before and events(pending) == history
    done = pending.run()
    assert done.changed and done.data["effects"] == predicted.data["effects"]
    assert "index app.thing thing_name_idx: CREATE INDEX" in done.data["diff"]["after"]
    assert_whole(pending)


SEVERAL = {
    "DROP INDEX CONCURRENTLY IF EXISTS app.part_thing_id_idx;": "SELECT to_regclass('app.part_thing_id_idx') IS NULL",
    "ALTER TYPE app.mood ADD VALUE IF NOT EXISTS 'calm';": "SELECT 'calm' = ANY (enum_range(NULL::app.mood)::text[])",
    'CREATE UNIQUE INDEX CONCURRENTLY /* x */ IF NOT EXISTS "Thing;idx" ON ONLY app.thing (name);': (
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'app.\"Thing;idx\"'::regclass"
    ),
}


@pytest.mark.parametrize("sql", SEVERAL)
def test_what_it_may_hold(project: Project, sql: str) -> None:
    project.migration("003_mood.sql", "CREATE TYPE app.mood AS ENUM ('good');")
    assert project.run().changed
    project.migration("004_alone.sql", f"-- migrate: no-transaction\n{sql}\n")
    assert project.run().changed and project.query(SEVERAL[sql]) == [(True,)]
    again = project.run(drift="fail")
    assert again.rc == 0 and not again.changed, again.text


REPEATED = (
    "a file without a transaction holds CREATE INDEX CONCURRENTLY with a name, DROP INDEX CONCURRENTLY IF EXISTS,"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"{CREATE}SELECT 1;",
            "003_x.sql:4:1: a file without a transaction holds one statement, and this is its second",
        ),
        (f"{MARK}CREATE TABLE app.x ();", f"003_x.sql:3:1: {REPEATED}"),
        (f"{MARK}CREATE INDEX i ON app.thing (name);", f"003_x.sql:3:1: {REPEATED}"),
        (f"{MARK}CREATE INDEX CONCURRENTLY ON app.thing (name);", f"003_x.sql:3:1: {REPEATED}"),
        (f"{MARK}DROP INDEX CONCURRENTLY app.i;", f"003_x.sql:3:1: {REPEATED}"),
        (f"{MARK}DROP INDEX CONCURRENTLY IF EXISTS app.i, app.j;", f"003_x.sql:3:1: {REPEATED}"),
        (f"{MARK}ALTER TYPE app.mood ADD VALUE 'x';", f"003_x.sql:3:1: {REPEATED}"),
        (f"{MARK}VACUUM app.thing;", f"003_x.sql:3:1: {REPEATED}"),
        ("-- migrate: no-lock\nSELECT 1;", '003_x.sql:1:13: "-- migrate: no-lock" means nothing'),
        (
            "CREATE INDEX CONCURRENTLY i ON app.thing (name);",
            "003_x.sql:1:1: CONCURRENTLY cannot run inside a transaction, and a migration without -- migrate: no-tr",
        ),
        (
            f"SELECT 1;\n{CREATE}",
            "003_x.sql:4:1: CONCURRENTLY cannot run inside a transaction, and a migration without -- migrate: no-tr",
        ),
    ],
)
def test_what_it_may_not_hold(untouched: Project, text: str, message: str) -> None:
    untouched.migration("003_x.sql", text)
    assert refused(untouched, login_unix_socket="/nonexistent").message.startswith(message)


def test_where_it_may_not_be(untouched: Project) -> None:
    untouched.access("10_index.sql", CREATE)
    assert refused(untouched).message.startswith(
        "access/10_index.sql:3:1: CONCURRENTLY cannot run inside a transaction"
    )
    untouched.access("10_index.sql", "SELECT 1;")
    untouched.migration("001_base.sql", CREATE)
    assert refused(untouched).message == (
        "001_base.sql has to create what others work on, and that is part of the run's transaction; "
        "nothing was changed; remove its mark no-transaction"
    )


def test_killed_while_it_is_built(pending: Project) -> None:
    with writer(pending):
        process = pending.start()
        wait_until(lambda: half_built(pending), "the index is begun")
        kill(process)
        wait_for_end(pending)
    assert half_built(pending) and versions(pending) == ["001", "002"]
    predicted = pending.run(check=True, drift="fail")
    assert predicted.changed and predicted.data["pending"] == ["003"] and half_built(pending), predicted.text
    done = pending.run(drift="fail")
    assert done.rc == 0 and done.data["effects"] == predicted.data["effects"], done.text
    assert done.data["drift"] == predicted.data["drift"] == []
    assert_whole(pending)


@pytest.mark.parametrize("at", [b"CREATE INDEX CONC", b"INSERT INTO migration.applied", b"COMMIT\0"])
@pytest.mark.parametrize("fault", [Fault.HOLD, Fault.HOLD_ANSWER])
def test_killed_before_or_after_a_statement(pending: Project, at: bytes, fault: Fault) -> None:
    with FaultyProxy(pending.cluster.port, at, fault) as proxy:
        process = pending.start(**proxy.login)
        assert proxy.reached.wait(PATIENCE)
        if fault is Fault.HOLD_ANSWER and at == b"COMMIT\0":
            wait_until(lambda: versions(pending) == ["001", "002", "003"], "the server has committed")
        kill(process)
    wait_for_end(pending)
    committed = versions(pending) == ["001", "002", "003"]
    assert committed is (fault is Fault.HOLD_ANSWER and at == b"COMMIT\0")
    assert pending.run().changed is not committed
    assert_whole(pending)


def test_killed_after_an_index_was_dropped(project: Project) -> None:
    """Nobody calls it drift that it is missing."""
    assert project.run().changed
    project.migration("003_drop.sql", f"{MARK}DROP INDEX CONCURRENTLY IF EXISTS app.part_thing_id_idx;")
    with FaultyProxy(project.cluster.port, b"INSERT INTO migration.applied", Fault.HOLD) as proxy:
        process = project.start(**proxy.login)
        assert proxy.reached.wait(PATIENCE)
        kill(process)
    wait_for_end(project)
    assert project.query("SELECT to_regclass('app.part_thing_id_idx')") == [(None,)]
    predicted, done = project.run(check=True, drift="fail"), project.run(drift="fail")
    assert done.rc == 0 and done.changed and done.data["effects"] == predicted.data["effects"], done.text
    again = project.run(drift="fail")
    assert again.rc == 0 and not again.changed, again.text


@pytest.mark.parametrize("at", [b"CREATE INDEX CONC", b"INSERT INTO migration.applied", b"COMMIT\0"])
@pytest.mark.parametrize("fault", [Fault.LOSE, Fault.LOSE_ANSWER])
def test_cut_at_a_statement(pending: Project, monkeypatch: pytest.MonkeyPatch, at: bytes, fault: Fault) -> None:
    with FaultyProxy(pending.cluster.port, at, fault) as proxy:
        result = hurried(pending, monkeypatch, **proxy.login)
        assert proxy.reached.is_set()
    assert result.rc == 0 and [item["version"] for item in result.data["applied"]] == ["003"], result.text
    assert result.data["attempts"] == 2
    assert_whole(pending)


@pytest.mark.parametrize("count", [2, 10])
def test_at_once(project: Project, count: int) -> None:
    project.migration("003_index.sql", CREATE)
    results: list[Result] = [finish(process) for process in [project.start() for _ in range(count)]]
    assert [result.rc for result in results] == [0] * count, [result.message for result in results]
    applied = sorted(item["version"] for result in results for item in result.data["applied"])
    # A run that comes between the stages of another one goes on with what is left.
    assert applied == ["001", "002", "003"]
    assert_whole(project)


def test_a_name_that_is_taken(pending: Project) -> None:
    """It is somebody's: refused as often as one likes, and never taken away."""
    pending.query("CREATE INDEX thing_name_idx ON app.thing (lower(name))", user="app_owner")
    found = pending.query("SELECT 'app.thing_name_idx'::regclass::oid")
    for _ in range(2):
        failed = pending.run()
        assert failed.message == (
            '003_index.sql:3:1: relation "thing_name_idx" already exists (SQLSTATE 42P07); nothing was changed; '
            "correct the file and run again"
        )
        assert (
            failed.data["left"] == "unchanged" and pending.query("SELECT 'app.thing_name_idx'::regclass::oid") == found
        )


def test_rows_that_stand_in_the_way(pending: Project) -> None:
    """What a failing build leaves is taken away at once."""
    pending.migration("003_index.sql", UNIQUE)
    pending.query("INSERT INTO app.thing (name) VALUES ('a')")
    failed = pending.run()
    assert failed.message == (
        '003_index.sql:3:1: could not create unique index "thing_name_idx" (SQLSTATE 23505) (Key (name)=(a) is '
        "duplicated.); nothing was changed; correct the file and run again"
    )
    assert pending.query(VALID) == [] and versions(pending) == ["001", "002"]
    pending.query("DELETE FROM app.thing WHERE id = (SELECT max(id) FROM app.thing)")
    assert pending.run().changed
    assert_whole(pending)


def test_an_edited_file_after_a_crash(pending: Project) -> None:
    """What the first text left is taken away before the second one runs."""
    with writer(pending):
        process = pending.start()
        wait_until(lambda: half_built(pending), "the index is begun")
        kill(process)
        wait_for_end(pending)
    pending.migration("003_index.sql", CREATE.replace("thing_name_idx", "thing_names_idx"))
    assert pending.run(drift="fail").changed and pending.query(VALID) == []
    again = pending.run(drift="fail")
    assert again.rc == 0 and not again.changed


def test_a_transaction_that_does_not_end(pending: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writers are never shut out by it; when it has waited for the others in vain, they are named."""
    with writer(pending) as other:
        process = pending.start(lock_wait=1)
        wait_until(lambda: half_built(pending), "the index is begun")
        with contextlib.closing(connect(pending, options="-c lock_timeout=100")) as second, second.cursor() as cursor:
            cursor.execute("INSERT INTO app.thing (name) VALUES ('c')")
        kill(process)
        failed = hurried(pending, monkeypatch, lock_wait=1)
        pid = other.info.backend_pid
    assert failed.message.startswith("003_index.sql:3:1 after 5 attempts: canceling statement due to lock timeout")
    assert f"app.thing is locked by pid {pid} (user app_owner, application somebody" in failed.message
    assert failed.message.endswith(
        "); index app.thing_name_idx may be left half built, and the next run begins anew; "
        "end that session and run again"
    )
    assert failed.data["left"] == "partly" and not runs(pending)
    assert pending.run(drift="fail").changed
    assert_whole(pending)


class TestEachFile:
    """`transaction: file`: what was applied before the failing file stays."""

    def test_an_error_in_the_last(self, project: Project) -> None:
        project.migration("003_bad.sql", "CREATE TABLE app.x ();\nSELECT nope;")
        checked, failed = project.run(check=True, transaction="file"), project.run(transaction="file")
        assert checked.rc and checked.message.startswith('003_bad.sql:2:8: column "nope" does not exist')
        assert failed.message == (
            '003_bad.sql:2:8: column "nope" does not exist (SQLSTATE 42703); nothing was changed but by 001_base.sql, '
            "002_more.sql; correct the file and run again"
        )
        assert failed.changed and failed.data["left"] == "partly" and versions(project) == ["001", "002"]
        assert [item["version"] for item in failed.data["applied"]] == ["001", "002"]
        project.migration("003_bad.sql", "CREATE TABLE app.x ();")
        done = project.run(transaction="file", drift="fail")
        assert [item["version"] for item in done.data["applied"]] == ["003"] and not project.run(drift="fail").changed

    def test_all_of_them(self, project: Project) -> None:
        project.access("10_rights.sql", "REVOKE ALL ON app.part FROM PUBLIC;")
        project.assertions("assert: {tables: {app: [part, thing]}}")
        predicted, done = project.run(check=True, transaction="file"), project.run(transaction="file")
        assert done.data["effects"] == predicted.data["effects"] and done.data["diff"] == predicted.data["diff"]
        assert [item["version"] for item in done.data["applied"]] == ["001", "002"] and done.data["access"]
        assert done.data["assertions"] == predicted.data["assertions"] == {"passed": 2, "failed": []}
        again = project.run(transaction="file", drift="fail")
        assert again.rc == 0 and not again.changed

    def test_killed_in_the_second(self, project: Project) -> None:
        project.access("10_rights.sql", "REVOKE ALL ON app.part FROM PUBLIC;")
        with FaultyProxy(project.cluster.port, b"CREATE TABLE app.part", Fault.HOLD) as proxy:
            process = project.start(transaction="file", **proxy.login)
            assert proxy.reached.wait(PATIENCE)
            kill(process)
        wait_for_end(project)
        assert versions(project) == ["001"]
        done = project.run(transaction="file", drift="fail")
        assert [item["version"] for item in done.data["applied"]] == ["002"] and not project.run(drift="fail").changed

    def test_assertions_that_fail(self, project: Project) -> None:
        project.assertions("assert: {tables: {app: 3}}")
        failed = project.run(transaction="file")
        assert failed.message.startswith("1 assertion failed: tables: app: expected 3 tables, found 2; nothing was")
        assert "nothing was changed but by 001_base.sql; " in failed.message and versions(project) == ["001"]
