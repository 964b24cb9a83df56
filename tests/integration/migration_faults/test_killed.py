# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failure group 1: a run that is killed leaves all or nothing, its lock is gone, and the next run goes on."""

from __future__ import annotations

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import lock

from tests.integration.migration_faults.faults import (
    APPLIED,
    PATIENCE,
    connect,
    kill,
    runs,
    wait_for_end,
    wait_for_sleep,
    wait_until,
)
from tests.integration.postgresql_migration.conftest import ONE, TWO
from tests.integration.postgresql_migration.driver import Project, empty
from tests.integration.postgresql_migration.proxy import Fault, FaultyProxy

SLEEP = "SELECT pg_sleep(30);"


@pytest.mark.parametrize("file", ["001_base.sql", "002_more.sql"])
def test_in_a_file(project: Project, file: str) -> None:
    whole = {"001_base.sql": ONE, "002_more.sql": TWO}
    project.migration(file, whole[file] + SLEEP)
    process = project.start()
    wait_for_sleep(project)
    kill(process)
    wait_for_end(project)
    assert empty(project)
    project.migration(file, whole[file])
    assert project.run().changed and not project.run().changed


def test_between_the_last_statement_and_commit(project: Project) -> None:
    with FaultyProxy(project.cluster.port, b"COMMIT\0", Fault.HOLD) as proxy:
        process = project.start(**proxy.login)
        assert proxy.reached.wait(PATIENCE)
        kill(process)
    wait_for_end(project)
    assert empty(project)
    assert project.run().changed and not project.run().changed


def test_right_after_commit(project: Project) -> None:
    with FaultyProxy(project.cluster.port, b"COMMIT\0", Fault.HOLD_ANSWER) as proxy:
        process = project.start(**proxy.login)
        assert proxy.reached.wait(PATIENCE)
        wait_until(lambda: not empty(project), "the server has committed")
        kill(process)
    rows = project.query(APPLIED)
    assert [version for version, _run in rows] == ["001", "002"]
    again = project.run()
    assert not again.changed and again.data["pending"] == [] and project.query(APPLIED) == rows


def test_while_it_waits_for_the_lock(project: Project) -> None:
    """A run that never began its work leaves nothing either, and does not keep its place."""
    holder = connect(project)
    with holder.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", lock.KEYS)
    process = project.start()
    wait_until(lambda: runs(project) == 1, "the run is there")
    kill(process)
    wait_for_end(project)
    holder.close()
    assert empty(project) and project.run().changed
