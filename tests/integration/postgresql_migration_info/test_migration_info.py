# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""postgresql_migration_info on a real server: every status, and that it writes and waits for nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.action.postgresql_migration import sql_files

from tests.ansible_task import run_module, run_task
from tests.integration.postgresql_migration import conftest
from tests.integration.postgresql_migration.conftest import ONE
from tests.integration.postgresql_migration.driver import Project, interpreter

MODULE = "postgresql_migration_info"
cluster = conftest.cluster
project = conftest.project
LAST_WRITE = "SELECT max(xmin::text::bigint) FROM migration.applied UNION ALL SELECT count(*) FROM migration.event"


def arguments(project: Project, **options: Any) -> dict[str, Any]:
    login = {
        "login_unix_socket": project.cluster.socket_directory,
        "login_port": project.cluster.port,
        "login_db": project.database,
        "login_user": project.user,
    }
    return {**login, "migrations": sql_files("migrations", project.directory / "migrations"), **options}


def ask(project: Project, check: bool = False, **options: Any) -> dict[str, Any]:
    return run_module(MODULE, arguments(project, **options), check=check)


def test_before_the_first_run_everything_is_pending(project: Project) -> None:
    found = ask(project)
    assert (found["status"], found["pending"], found["ledger_version"]) == ("pending", ["001", "002"], None)
    assert (found["history"], found["events"], found["problem"]) == ([], [], None)
    assert found["tables"] == {}
    assert project.query("SELECT to_regnamespace('migration')") == [(None,)]


def test_what_was_applied_and_what_is_pending(project: Project) -> None:
    assert project.run().changed
    found = ask(project)
    assert (found["status"], found["pending"], found["ledger_version"]) == ("current", [], "002")
    assert [(row["version"], row["name"], row["kind"]) for row in found["history"]] == [
        ("001", "base", "apply"),
        ("002", "more", "apply"),
    ]
    assert found["tables"]["app"] == 2
    first = found["history"][0]
    assert re.fullmatch(r"[0-9a-f]{64}", first["checksum"]) and first["applied_by"] == "app_owner"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first["applied_at"]) and first["statements"] == 3
    assert [event["kind"] for event in found["events"]][-1] == "apply"
    assert len(ask(project, events=1)["events"]) == 1 and ask(project, events=0)["events"] == []

    project.migration("003_x.sql", "CREATE TABLE app.x (a int);")
    before = project.query(LAST_WRITE)
    assert [ask(project, check=check)["pending"] for check in (False, True)] == [["003"], ["003"]]
    assert not ask(project)["changed"] and project.query(LAST_WRITE) == before
    assert project.query("SELECT to_regclass('app.x')") == [(None,)]


def edited(project: Project) -> None:
    project.migration("001_base.sql", ONE + "-- later\n")


def lost(project: Project) -> None:
    (project.directory / "migrations" / "002_more.sql").unlink()


def renamed(project: Project) -> None:
    path = project.directory / "migrations" / "002_more.sql"
    path.rename(path.with_name("002_other.sql"))


@pytest.mark.parametrize("spoil", [edited, lost, renamed])
def test_files_that_a_run_refuses_are_told_with_its_own_sentence(project: Project, spoil: Any) -> None:
    assert project.run().changed
    spoil(project)
    found = ask(project)
    assert found["status"] == "refused"
    assert found["problem"] == project.run().message
    assert len(found["history"]) == 2


def test_it_waits_for_nobody(project: Project) -> None:
    """Somebody holds a table of the ledger."""
    assert project.run().changed
    connection = project.cluster.connect(project.user, project.database)
    connection.cursor().execute("LOCK TABLE migration.applied IN ACCESS EXCLUSIVE MODE")
    try:
        found = ask(project)
    finally:
        connection.close()
    assert found["failed"] and "the ledger in" in found["msg"] and "run again" in found["msg"]
    assert ask(project)["status"] == "current"


def test_what_is_not_there_is_an_answer(project: Project) -> None:
    for option in ({"login_db": "nowhere"}, {"login_user": "nobody"}, {"login_port": 1}):
        found = ask(project, **option)
        assert (found["reachable"], found["status"], found["pending"]) == (False, "unreachable", ["001", "002"])
        assert "see that the server runs" in found["problem"]


def test_a_ledger_of_somebody_else_is_refused(project: Project) -> None:
    project.query("CREATE SCHEMA migration")
    found = ask(project)
    assert found["failed"] and "is not a ledger of this module" in found["msg"]
    project.query("DROP SCHEMA migration")
    assert project.run().changed
    other = ask(project, login_user="postgres")
    assert other["failed"] and "log in as app_owner" in other["msg"]


def test_a_bad_argument_is_one_sentence(project: Project) -> None:
    assert "events is less than 0" in ask(project, events=-1)["msg"]
    project.migration("004_gap.sql", "SELECT 1;")
    found = ask(project)
    assert found["failed"] and "003" in found["msg"]


def test_through_ansible_the_files_are_read_on_the_control_node(project: Project) -> None:
    assert project.run().changed
    directory = str(project.directory / "migrations")
    environment = {"ANSIBLE_PYTHON_INTERPRETER": interpreter()}
    found = run_task(MODULE, arguments(project, migrations=directory), environment=environment)
    assert (found["status"], found["changed"]) == ("current", False)
    assert found["invocation"]["module_args"]["migrations"] == directory
    wrong = run_task(MODULE, arguments(project, migrations="/nowhere"), environment=environment)
    assert wrong["failed"] and "is not a directory on the control node" in wrong["msg"]
