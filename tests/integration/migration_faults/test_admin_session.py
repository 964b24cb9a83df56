# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failure groups 1 to 3 on a server that has nothing: the admin's session makes roles, database and passwords first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.migration_faults.faults import (
    APPLIED,
    assert_applied_once,
    kill,
    wait_for_end,
    wait_until,
)
from tests.integration.postgresql_migration import conftest
from tests.integration.postgresql_migration.conftest import ONE, TWO, as_superuser
from tests.integration.postgresql_migration.driver import Project, empty, finish
from tests.integration.postgresql_migration.proxy import Fault, FaultyProxy

ROLES = "roles: {app_owner: {login: true}, app_reader: {}, app_login: {login: true, member_of: [app_reader]}}"
ADMIN = ["role app_owner", "role app_reader", "role app_login", "database app", "password app_login"]


@pytest.fixture(scope="module")
def all_of_it(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    directory = tmp_path_factory.mktemp("bare")
    with conftest.server() as cluster:
        project = Project(cluster, directory / "project")
        project.migration("001_base.sql", ONE)
        project.migration("002_more.sql", TWO)
        project.access("roles.yml", ROLES)
        project.access("10_grants.sql", "GRANT SELECT ON app.thing TO app_reader;")
        secret = directory / "secret"
        secret.write_text("secret-of-app-login\n", encoding="ascii")
        project.options = {"admin_user": "postgres", "logins": [{"name": "app_login", "password_file": str(secret)}]}
        yield project


def clear(project: Project) -> None:
    for statement in (
        "DROP DATABASE IF EXISTS app WITH (FORCE)",
        *(f"DROP ROLE IF EXISTS {role}" for role in ("app_login", "app_reader", "app_owner")),
    ):
        as_superuser(project.cluster, statement)


@pytest.fixture
def bare(all_of_it: Project) -> Project:
    clear(all_of_it)
    return all_of_it


def test_ten_at_once(bare: Project) -> None:
    results = [finish(process) for process in [bare.start() for _ in range(10)]]
    assert_applied_once(bare, *results)
    assert [result.data["admin"] for result in results if result.data["admin"]] == [ADMIN]


@pytest.mark.parametrize("fault", [Fault.LOSE, Fault.LOSE_ANSWER])
@pytest.mark.parametrize("at", [b"CREATE ROLE", b"CREATE DATABASE", b"PASSWORD"])
def test_cut_at_a_statement(bare: Project, at: bytes, fault: Fault) -> None:
    """It is tried again, and what it did in the end is told, by whichever attempt it was done."""
    with FaultyProxy(bare.cluster.port, at, fault) as proxy:
        result = bare.run(**proxy.login)
        assert proxy.reached.is_set()
    assert_applied_once(bare, result)
    assert result.data["admin"] == ADMIN


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
def test_killed_at_every_message(bare: Project, fault: Fault) -> None:
    """Each message that a run sends, be it in the admin's session or in the owner's."""
    killed = 0
    while killed_at(bare, killed + 1, fault):
        killed += 1
    assert killed > 40
