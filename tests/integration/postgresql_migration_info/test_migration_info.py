# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""postgresql_migration_info on a real server: every status, drift, assertions; it writes and waits for nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from ansible_collections.bestviable.portfolio.plugins.action.postgresql_migration import access_files, sql_files
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import catalog_query
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.lock import KEYS
from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring import schema

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
        "schemas": ["app"],
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


ASSERTIONS = yaml.safe_load("""
assert:
  tables: {app: [part, thing]}
  every_table: [primary_key]
  sql: [{name: nobody is here, query: SELECT name FROM app.thing, expect: []}]
  probe: [{name: never tried, do: SELECT 1/0, query: SELECT 1, expect: [1]}]
""")
GRANTS = "REVOKE ALL ON ALL TABLES IN SCHEMA app FROM PUBLIC;\n"


def test_what_somebody_changed_and_who_puts_it_right(project: Project) -> None:
    project.access("10_grants.sql", GRANTS)
    assert project.run().changed
    access = access_files(project.directory / "access")
    assert ask(project, access=access)["drift"] == []
    for statement in (
        "DROP INDEX app.part_thing_id_idx",
        "CREATE INDEX extra_idx ON app.thing (name)",
        "GRANT SELECT ON app.thing TO PUBLIC",
        "ALTER TABLE app.part ADD COLUMN extra int",
    ):
        project.query(statement, user=project.user)
    before = project.query(LAST_WRITE)
    found = ask(project, psql_command="docker exec db psql", access=access)
    assert (found["status"], found["changed"]) == ("current", False)
    told = {item["object"]: (item["class"], item["effect"], item["detail"]) for item in found["drift"]}
    assert told == {
        "column app.part extra": ("C", "left", "extra"),
        "index app.part part_thing_id_idx": ("A", "change", "missing"),
        "index app.thing extra_idx": ("B", "left", "extra"),
        "table app.thing": ("B", "change", "extra right of PUBLIC: SELECT"),
    }
    remedies = {item["object"]: item.get("remedy") for item in found["drift"]}
    drop = f'run: docker exec db psql -U app_owner -d {project.database} -c \'DROP INDEX "app"."extra_idx"\''
    assert remedies["index app.thing extra_idx"] == drop and remedies["index app.part part_thing_id_idx"] is None
    assert "drop it if nobody needs" in remedies["column app.part extra"]
    # Without the access files nobody takes the right away, and where drift is only reported nothing is put right.
    assert [item["effect"] for item in ask(project)["drift"]] == ["left", "change", "left", "left"]
    assert {item["effect"] for item in ask(project, drift="report")["drift"]} == {"left"}
    named = ask(project, access=access, repair=["index app.thing extra_idx"])["drift"]
    assert [item["effect"] for item in named] == ["left", "change", "change", "change"]
    assert project.query(LAST_WRITE) == before
    # As it was told: the column stops a run; without it everything else is put right but the extra index.
    assert project.run().rc
    project.query("ALTER TABLE app.part DROP COLUMN extra", user=project.user)
    assert project.run().changed
    assert [item["object"] for item in ask(project, access=access)["drift"]] == ["index app.thing extra_idx"]


def test_what_was_given_away_is_taken_back_by_name(project: Project) -> None:
    assert project.run().changed
    project.query("ALTER TABLE app.thing OWNER TO postgres")
    [left] = [item for item in ask(project, admin_user="postgres")["drift"] if item["object"] == "table app.thing"]
    assert left["effect"] == "left" and " -U postgres " in left["remedy"]
    assert {item["effect"] for item in ask(project, repair=["table app.thing"])["drift"]} == {"change"}
    assert project.run(admin_user="postgres", repair=["table app.thing"]).changed
    assert ask(project)["drift"] == []


def test_access_files_that_ran_differently_are_pending(project: Project) -> None:
    project.access("10_grants.sql", GRANTS)
    assert project.run().changed
    access = project.access("10_grants.sql", GRANTS + "-- edited\n").parent
    found = ask(project, access=access_files(access))
    assert (found["status"], found["access_pending"], found["pending"], found["drift"]) == ("pending", True, [], [])
    assert project.run().changed
    assert ask(project, access=access_files(access))["status"] == "current"


def test_how_many_assertions_hold(project: Project) -> None:
    assert ask(project, assertions=ASSERTIONS)["assertions"] is None
    assert project.run().changed
    assert ask(project)["assertions"] == {"passed": 1, "failed": []}
    assert ask(project, assertions=ASSERTIONS)["assertions"] == {"passed": 4, "failed": []}
    project.query("INSERT INTO app.thing (name) VALUES ('somebody')", user=project.user)
    failed = {"name": "sql", "object": "nobody is here", "expected": "no rows", "actual": "(somebody)"}
    assert ask(project, assertions=ASSERTIONS)["assertions"] == {"passed": 3, "failed": [failed]}
    project.migration("003_x.sql", "CREATE TABLE app.x (a int);")
    assert ask(project, assertions=ASSERTIONS)["assertions"] is None
    wrong = ask(project, assertions={"assert": {"tabels": {}}})
    assert wrong["failed"] and "has the unknown key 'tabels'" in wrong["msg"]


def test_half_a_restore_is_told_as_a_run_refuses_it(project: Project) -> None:
    assert project.run().changed
    for half in ("DROP SCHEMA app CASCADE", f"DROP SCHEMA migration CASCADE; {ONE}"):
        project.query(half, user=project.user)
        found = ask(project, assertions=ASSERTIONS)
        assert (found["status"], found["assertions"]) == ("refused", None)
        assert found["problem"] == project.run().message


def test_it_takes_no_lock_and_cannot_write(project: Project) -> None:
    """Somebody else's run is in progress."""
    assert project.run().changed
    connection = project.cluster.connect(project.user, project.database)
    connection.cursor().execute(f"SELECT pg_advisory_lock({KEYS[0]}, {KEYS[1]})")
    begin = len(project.cluster.log.read_text())
    try:
        assert ask(project, assertions=ASSERTIONS)["status"] == "current"
    finally:
        connection.close()
    log = project.cluster.log.read_text()[begin:]
    assert "READ ONLY" in log and "pg_try_advisory_lock" not in log and "READ WRITE" not in log


def test_the_collector_sees_what_the_module_sees(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it looks each minute: the same words for a schema as recorded, changed by hand, and put back."""
    monkeypatch.setenv("PGPORT", str(project.cluster.port))
    monkeypatch.setattr(catalog_query, "SCHEMAS", ("app",))

    def look() -> dict[str, Any]:
        return schema.look(project.cluster.socket_directory, project.database, project.user, 3.0)

    assert 'relation "migration.applied" does not exist' in look()["error"]
    assert project.run().changed
    found = ask(project)
    assert look() == {"version": found["ledger_version"], "tables": found["tables"], "drift": False}
    project.query("CREATE INDEX by_hand ON app.thing (name)")
    assert look()["drift"] is True and ask(project)["drift"]
    project.query("DROP INDEX app.by_hand")
    assert look()["drift"] is False
    project.query("UPDATE migration.expected SET catalog_algo = 'catalog-0'")
    assert look()["drift"] is None
