# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failure group 5: the lock of the runs is held by a client that lives, that is dead, or that is stopped."""

from __future__ import annotations

import contextlib
import signal

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import lock

from tests.integration.migration_faults.faults import (
    SLEEP,
    assert_applied_once,
    kill,
    runs,
    wait_for_sleep,
    wait_until,
    wake,
)
from tests.integration.postgresql_migration.conftest import ONE
from tests.integration.postgresql_migration.driver import Project, empty, finish

MODULE = "application bestviable.portfolio migration"


@pytest.mark.parametrize(
    ("user", "seen"),
    [
        ("app_owner", "user app_owner, application somebody, on the socket, connected since 2"),
        # Only a member of pg_read_all_stats sees more of somebody else's session.
        ("postgres", "user postgres, application somebody); "),
    ],
)
def test_held_by_somebody(project: Project, user: str, seen: str) -> None:
    other = project.cluster.connect(user, project.database, autocommit=True, application_name="somebody")
    with contextlib.closing(other), other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", lock.KEYS)
        failed = project.run(lock_wait=1)
        assert failed.message.startswith(
            f"another run holds the migration lock for more than 1 s: pid {other.info.backend_pid} ({seen}"
        ), failed.message
        assert failed.message.endswith("; nothing was changed; wait for it to end, or end it, and run again") and empty(
            project
        )
    assert project.run().changed


def test_held_by_a_live_run(project: Project) -> None:
    project.migration("001_base.sql", ONE + SLEEP)
    process = project.start()
    pid = wait_for_sleep(project)
    assert f"pid {pid} (user app_owner, {MODULE}" in project.run(lock_wait=0).message
    assert f"pid {pid} (user app_owner, {MODULE}" in project.run(check=True, lock_wait=0).message
    with wake(project):
        assert_applied_once(project, finish(process), project.run())


def test_held_by_a_dead_run(project: Project) -> None:
    """The lock of a client that was killed is free before the next one stops waiting for it."""
    project.migration("001_base.sql", ONE + "SELECT pg_sleep(30);")
    process = project.start()
    wait_for_sleep(project)
    project.migration("001_base.sql", ONE)
    next_one = project.start(lock_wait=10)
    wait_until(lambda: runs(project) == 2, "the next run is there")
    kill(process)
    assert_applied_once(project, finish(next_one))


def test_held_by_a_stopped_run(project: Project) -> None:
    """Nothing is stolen from it: it goes on when it is let."""
    project.migration("001_base.sql", ONE + SLEEP)
    process = project.start()
    pid = wait_for_sleep(project)
    process.send_signal(signal.SIGSTOP)
    try:
        with wake(project):
            wait_until(lambda: idle(project, pid), "the server waits for the stopped client")
        failed = project.run(lock_wait=1)
        assert f"pid {pid} (user app_owner, {MODULE}" in failed.message and empty(project)
    finally:
        process.send_signal(signal.SIGCONT)
    assert_applied_once(project, finish(process), project.run())


def idle(project: Project, pid: int) -> bool:
    return project.query(f"SELECT state FROM pg_stat_activity WHERE pid = {pid}") == [("idle in transaction",)]


@pytest.mark.long
def test_a_stopped_run_does_not_hold_the_lock_for_ever(project: Project) -> None:
    """After a minute (25P03) the next run gets through; the stopped one finds nothing left to do when it wakes."""
    project.migration("001_base.sql", ONE + SLEEP)
    process = project.start()
    wait_for_sleep(project)
    process.send_signal(signal.SIGSTOP)
    try:
        with wake(project):
            result = project.run(lock_wait=90)
        assert result.rc == 0, result.text
    finally:
        process.send_signal(signal.SIGCONT)
    woken = finish(process)
    assert woken.rc == 0 and not woken.changed and woken.data["attempts"] == 2
    assert_applied_once(project, result, woken)
