# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failure group 1: a run that is killed leaves all or nothing, its lock is gone, and the next run goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import lock

from tests.integration.migration_faults.faults import (
    APPLIED,
    connect,
    kill,
    runs,
    wait_for_end,
    wait_for_sleep,
    wait_until,
)
from tests.integration.postgresql_migration.conftest import ONE, TWO, as_superuser, server
from tests.integration.postgresql_migration.driver import Project, empty, finish
from tests.integration.postgresql_migration.proxy import Fault, FaultyProxy

SLEEP = "SELECT pg_sleep(30);"
ROLES = "roles:\n  app_owner: {login: true}\n  app_reader: {}\n  app_login: {login: true, member_of: [app_reader]}\n"


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
        assert proxy.reached.wait(20)
        kill(process)
    wait_for_end(project)
    assert empty(project)
    assert project.run().changed and not project.run().changed


def test_right_after_commit(project: Project) -> None:
    with FaultyProxy(project.cluster.port, b"COMMIT\0", Fault.HOLD_ANSWER) as proxy:
        process = project.start(**proxy.login)
        assert proxy.reached.wait(20)
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


def clear(project: Project) -> None:
    for statement in (
        "DROP DATABASE IF EXISTS app WITH (FORCE)",
        *(f"DROP ROLE IF EXISTS {role}" for role in ("app_login", "app_reader", "app_owner")),
    ):
        as_superuser(project.cluster, statement)


def exists(project: Project) -> bool:
    return bool(as_superuser(project.cluster, "SELECT 1 FROM pg_database WHERE datname = 'app'"))


def whole(project: Project) -> bool:
    """All of the migrations or nothing; True: all."""
    if empty(project):
        return False
    assert [version for version, _run in project.query(APPLIED)] == ["001", "002"]
    assert project.query("SELECT count(*) FROM app.part") == [(0,)]
    return True


def killed_at(project: Project, message: int, fault: Fault) -> bool:
    """Kill a run at its n-th message, see that the next one converges; False: it ended before that message."""
    clear(project)
    with FaultyProxy(project.cluster.port, message, fault) as proxy:
        process = project.start(**proxy.login)
        wait_until(lambda: proxy.reached.is_set() or process.poll() is not None, "the message, or the end of the run")
        if not proxy.reached.is_set():
            assert finish(process).changed
            return False
        kill(process)
    wait_for_end(project)
    done = exists(project) and whole(project)
    again = project.run()
    assert again.rc == 0 and bool(again.data["applied"]) is not done, again.text
    assert whole(project) and not project.run().changed
    return True


@pytest.mark.long
@pytest.mark.parametrize("fault", [Fault.HOLD, Fault.HOLD_ANSWER])
def test_at_every_message(tmp_path: Path, fault: Fault) -> None:
    """Each message that a run on a bare server sends, be it in the admin's session or in the owner's."""
    with server() as cluster:
        project = Project(cluster, tmp_path / "project")
        project.migration("001_base.sql", ONE)
        project.migration("002_more.sql", TWO)
        project.access("roles.yml", ROLES)
        project.access("10_grants.sql", "GRANT SELECT ON app.thing TO app_reader;")
        secret = tmp_path / "secret"
        secret.write_text("secret-of-app-login\n", encoding="ascii")
        project.options = {"admin_user": "postgres", "logins": [{"name": "app_login", "password_file": str(secret)}]}
        killed = 0
        while killed_at(project, killed + 1, fault):
            killed += 1
        assert killed > 40
