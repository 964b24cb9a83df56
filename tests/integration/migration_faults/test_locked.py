# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failure group 4: another session holds a lock on a table: the run gives way, tries again, and in the end names it."""

from __future__ import annotations

import contextlib
import subprocess

import pytest

from tests.cluster import BINARIES
from tests.integration.migration_faults.faults import connect, everything, hurried, wait_until
from tests.integration.postgresql_migration.driver import Project, empty, finish

ALTER = "ALTER TABLE app.thing ADD COLUMN x int;"
WAITING = "SELECT count(*)::int FROM pg_stat_activity WHERE datname = '{}' AND wait_event_type = 'Lock'"


@pytest.fixture
def pending(project: Project) -> Project:
    """Applied, and a third file that needs a table for itself."""
    assert project.run().changed
    project.migration("003_x.sql", ALTER)
    return project


def waits(project: Project) -> bool:
    return project.query(WAITING.format(project.database)) == [(1,)]


def given_way(project: Project) -> int:
    """How often the server says that a wait was ended, of all the sessions that this file's tests had on it."""
    log = project.cluster.log.read_text(encoding="utf-8")
    return log.count("canceling statement due to lock timeout") + log.count("ERROR:  deadlock detected")


def test_waited_for_and_tried_again(pending: Project) -> None:
    before = given_way(pending)
    with contextlib.closing(connect(pending)) as other, other.cursor() as cursor:
        cursor.execute("LOCK TABLE app.thing IN ACCESS SHARE MODE")
        process = pending.start(lock_timeout=1)
        wait_until(lambda: given_way(pending) > before, "the run has given way")
        other.rollback()
        result = finish(process)
    # On a machine that stands still meanwhile, the table may be free only after the second attempt.
    assert result.changed and result.data["attempts"] == 1 + given_way(pending) - before
    assert pending.query("SELECT count(*) FROM migration.event WHERE kind = 'failure'") == [(0,)]


def test_readers_queue_no_longer_than_lock_timeout(pending: Project) -> None:
    """Who comes while the run waits has to wait behind it, and gets through when it gives way."""
    with contextlib.closing(connect(pending)) as other, other.cursor() as cursor:
        cursor.execute("LOCK TABLE app.thing IN ACCESS SHARE MODE")
        process = pending.start(lock_timeout=1)
        wait_until(lambda: waits(pending), "the run waits for the table")
        with contextlib.closing(connect(pending, options="-c lock_timeout=1500ms")) as reader, reader.cursor() as read:
            read.execute("SELECT count(*) FROM app.thing")
        other.rollback()
        assert finish(process).data["attempts"] > 1


def test_while_pg_dump_runs(pending: Project) -> None:
    """pg_dump holds every table until it has written its last byte, and here nobody reads what it writes."""
    pending.query("INSERT INTO app.thing (name) SELECT repeat('x', 1000) FROM generate_series(1, 2000)")
    command = [str(BINARIES / "pg_dump"), "-h", pending.cluster.socket_directory, "-p", str(pending.cluster.port)]
    with subprocess.Popen([*command, "-U", "postgres", pending.database], stdout=subprocess.PIPE) as dump:
        assert dump.stdout is not None and dump.stdout.read(1)
        checked = pending.run(check=True)
        assert "locked by pid" in checked.message and "application pg_dump" in checked.message, checked.message
        process = pending.start(lock_timeout=1)
        wait_until(lambda: waits(pending), "the run waits for the table")
        wait_until(lambda: not waits(pending), "the run has given way")
        assert b"PostgreSQL database dump complete" in dump.stdout.read()
    assert dump.returncode == 0 and finish(process).changed


def test_held_to_the_end(pending: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = everything(pending)
    with contextlib.closing(connect(pending)) as other, other.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM app.thing")
        checked = pending.run(check=True)
        failed = hurried(pending, monkeypatch)
        pid = other.info.backend_pid
    session = f"pid {pid} (user app_owner, application somebody, on the socket, idle in transaction since 2"
    holder = f"app.thing is locked by {session}"
    where = "003_x.sql:1:1"
    why = ": canceling statement due to lock timeout (SQLSTATE 55P03): "
    assert checked.message.startswith(f"{where}{why}{holder}"), checked.message
    assert failed.message.startswith(f"{where} after 5 attempts{why}{holder}"), failed.message
    for message in (checked.message, failed.message):
        assert message.endswith("); nothing was changed; end that session and run again")
    assert everything(pending) == before


def test_a_deadlock_is_tried_again(pending: Project) -> None:
    """40P01: the other session wants in the opposite order what the run wants, and only the run looks for deadlocks."""
    pending.migration("003_x.sql", ALTER + ALTER.replace("thing", "part"))
    before = given_way(pending)
    other = pending.cluster.connect(dbname=pending.database, options="-c deadlock_timeout=1h")
    with contextlib.closing(other), other.cursor() as cursor:
        cursor.execute("LOCK TABLE app.part IN EXCLUSIVE MODE")
        process = pending.start()
        wait_until(lambda: waits(pending), "the run has changed the first table and waits for the second")
        cursor.execute("LOCK TABLE app.thing IN EXCLUSIVE MODE")
        other.rollback()
    result = finish(process)
    assert result.changed and result.data["attempts"] == 1 + given_way(pending) - before > 1


def test_another_transaction_that_makes_the_same(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run waits for no table there: nobody can know whether the other one will have been."""
    with contextlib.closing(connect(project)) as other, other.cursor() as cursor:
        cursor.execute("CREATE SCHEMA app")
        failed = hurried(project, monkeypatch)
        holder = f"the transaction of pid {other.info.backend_pid} (user app_owner, application somebody, on the socket"
    assert f"(SQLSTATE 55P03): {holder}" in failed.message, failed.message
    assert empty(project) and project.run().changed
