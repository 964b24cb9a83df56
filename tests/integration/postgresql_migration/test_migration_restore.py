# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back from pg_dump: with its ledger, before a migration, and with only one of ledger and schema."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.cluster import BINARIES
from tests.integration.postgresql_migration.driver import ROOT, Project, Result
from tests.integration.postgresql_migration.shipped import shipped_project

PERSON = "INSERT INTO erp.people (full_name) VALUES ('Somebody')"
LEDGER = "SELECT version, kind FROM migration.applied ORDER BY version"
FILES = sorted(path.name for path in (ROOT / "sql/migrations").glob("*.sql"))
VERSIONS = [name[:3] for name in FILES]
LAST = VERSIONS[-1]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with shipped_project(ROOT / "sql", tmp_path_factory.mktemp("shipped")) as project:
        yield project


@pytest.fixture
def shipped(server: Project) -> Iterator[Project]:
    """The shipped SQL, applied, with a row in it."""
    assert server.run().rc == 0
    server.query(PERSON, "erp_admin")
    yield server
    drop(server)


def drop(project: Project) -> None:
    connection = project.cluster.connect(autocommit=True)
    connection.cursor().execute("DROP DATABASE IF EXISTS portfolio WITH (FORCE)")
    connection.close()


def program(project: Project, name: str, *arguments: str, told: str = "") -> str:
    where = ("-h", project.cluster.socket_directory, "-p", str(project.cluster.port), "-U", "postgres")
    command = [str(BINARIES / name), *where, *arguments]
    done = subprocess.run(command, input=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def restored(project: Project, *options: str) -> None:
    """Dumped with pg_dump, dropped, and put back; without --create into a database that the module makes."""
    dump = program(project, "pg_dump", "-d", "portfolio", *options)
    drop(project)
    if "--create" not in options:
        program(project, "createdb", "-O", "erp_admin", "-T", "template0", "portfolio")
    database = "postgres" if "--create" in options else "portfolio"
    program(project, "psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, told=dump)


def without_ledger(project: Project, more: str = "") -> None:
    project.query(f"DROP SCHEMA migration CASCADE; {more}")


def rows(project: Project) -> int:
    [(count,)] = project.query("SELECT count(*) FROM erp.people")
    return int(count)


def settled(project: Project) -> None:
    again = project.run()
    assert again.rc == 0 and not again.changed and again.data["effects"] == [] and again.warnings == [], again.text


def test_a_whole_dump_has_no_drift(shipped: Project) -> None:
    restored(shipped, "--create")
    settled(shipped)
    assert rows(shipped) == 1


def test_into_another_database_only_its_own_rights_are_missing(shipped: Project) -> None:
    restored(shipped)
    found = shipped.run()
    assert found.rc == 0, found.text
    assert {effect["object"] for effect in found.data["effects"]} == {"database portfolio"}
    settled(shipped)


def test_a_dump_from_before_a_migration(server: Project) -> None:
    migrations = server.arguments(check=False, diff=False, options={})["migrations"]
    first = server.run(migrations=migrations[:1], access=None, assertions=None, admin_user="postgres", logins=None)
    assert first.rc == 0, first.text
    server.query(PERSON, "erp_admin")
    restored(server, "--create")
    predicted, followed = server.run(check=True), server.run()
    assert [item["version"] for item in followed.data["applied"]] == VERSIONS[1:], followed.text
    assert predicted.data["effects"] == followed.data["effects"] and rows(server) == 1
    settled(server)
    drop(server)


def test_a_ledger_without_its_schema(shipped: Project) -> None:
    restored(shipped, "--schema=migration")
    refused = shipped.run()
    assert f"the ledger says that {LAST} was applied, but the schemas erp, agent" in refused.message
    assert refused.message.endswith("restore them from a backup, or drop schema migration to begin anew")


def test_a_schema_without_its_ledger_is_offered_a_baseline(shipped: Project) -> None:
    without_ledger(shipped)
    for check in (True, False):
        refused = shipped.run(check=check)
        assert refused.message.endswith(
            f"restore schema migration as well, or use an empty database, or, as they are exactly what {LAST} makes, "
            f'set baseline: "{LAST}"'
        ), refused.message
    assert shipped.query("SELECT to_regnamespace('migration')::text") == [(None,)]


def baselined(project: Project, **options: Any) -> Result:
    predicted = project.run(check=True, baseline=LAST, **options)
    assert predicted.rc == 0, predicted.text
    result = project.run(baseline=LAST, **options)
    assert result.rc == 0 and result.changed and result.data["effects"] == predicted.data["effects"], result.text
    assert result.data["diff"] == predicted.data["diff"]
    assert project.query(LEDGER) == [(version, "baseline") for version in VERSIONS] and rows(project) == 1
    return result


@contextmanager
def logged_ddl(project: Project) -> Iterator[None]:
    """The server writes every DDL statement of a new session into its log."""
    for statement in ("ALTER SYSTEM SET log_statement = 'ddl'", "SELECT pg_reload_conf()"):
        project.query(statement)
    yield
    for statement in ("ALTER SYSTEM RESET log_statement", "SELECT pg_reload_conf()"):
        project.query(statement)


def test_a_baseline_records_and_runs_nothing(shipped: Project) -> None:
    recorded = "SELECT fingerprint, objects, access_checksum, access_objects FROM migration.expected"
    before = shipped.query(recorded)
    without_ledger(shipped)
    before_it = shipped.cluster.log.stat().st_size
    with logged_ddl(shipped):
        result = baselined(shipped, system_settings="ignore")
        log = shipped.cluster.log.read_bytes()[before_it:].decode()
    assert set(re.findall(r"statement:\s+(\w+ \w+ \w+)", log)) == {"CREATE SCHEMA migration"}
    detail = "recorded as a baseline, not run"
    assert [(effect["object"], effect["detail"]) for effect in result.data["effects"]] == [
        (f"migration {name}", detail) for name in FILES
    ]
    assert shipped.query(recorded) == before
    # The option may stay where it is.
    assert not shipped.run(baseline=LAST).changed
    settled(shipped)
    assert shipped.query("SELECT DISTINCT kind FROM migration.event") == [("baseline",)]


def test_a_baseline_of_what_came_without_the_databases_rights(shipped: Project) -> None:
    without_ledger(shipped)
    restored(shipped)
    result = baselined(shipped)
    assert {effect["object"] for effect in result.data["effects"] if "migration" not in effect["object"]} == {
        "database portfolio"
    }
    settled(shipped)


def test_a_baseline_into_an_empty_ledger_of_an_earlier_release(shipped: Project) -> None:
    """As it is when somebody put the schemas back after a rollback."""
    shipped.query(
        "DELETE FROM migration.expected; DELETE FROM migration.applied; DELETE FROM migration.event;"
        "ALTER TABLE migration.event DROP CONSTRAINT event_kind_check,"
        "ADD CONSTRAINT event_kind_check CHECK (kind IN ('apply', 'failure'))",
        "erp_admin",
    )
    baselined(shipped)
    settled(shipped)


def test_a_role_that_the_operator_added_does_not_stand_against_a_baseline(shipped: Project) -> None:
    shipped.query("CREATE ROLE service; GRANT CONNECT ON DATABASE portfolio TO service")
    shipped.query("GRANT SELECT ON erp.people TO service", "erp_admin")
    without_ledger(shipped)
    result = baselined(shipped)
    # Its rights are not the release's, so they are still told.
    assert "extra right of service: SELECT" in str(result.data["effects"])
    shipped.query("DROP OWNED BY service; DROP ROLE service")


@pytest.mark.parametrize(
    ("drift", "named"),
    [
        ("DROP INDEX erp.projects_status_idx", "index erp.projects projects_status_idx (missing)"),
        ("CREATE TABLE erp.extra ()", "table erp.extra (extra)"),
        ("ALTER TABLE erp.tasks ALTER title DROP NOT NULL", "column erp.tasks title (not null off instead of on)"),
        ("GRANT SELECT ON erp.people TO PUBLIC", "table erp.people (extra right of PUBLIC: SELECT)"),
        ("GRANT DELETE ON erp.people TO erp_reader", "table erp.people (extra right of erp_reader: DELETE)"),
    ],
)
def test_a_baseline_is_refused_where_something_differs(shipped: Project, drift: str, named: str) -> None:
    without_ledger(shipped)
    shipped.query(drift, "erp_admin")
    offer = shipped.run()
    assert f", and they are not what {LAST} makes: {named}; nothing was" in offer.message, offer.message
    for check in (True, False):
        refused = shipped.run(check=check, baseline=LAST)
        assert refused.message == (
            f"the schemas are not what {LAST} makes: {named}; nothing was changed; put them right by hand and run again"
        )
        assert refused.data["error"]["objects"] == [named]
    assert shipped.query("SELECT to_regnamespace('migration')::text") == [(None,)]


def test_a_baseline_means_nothing_in_an_empty_database(server: Project) -> None:
    result = server.run(baseline=LAST)
    assert [item["version"] for item in result.data["applied"]] == VERSIONS
    assert server.query(LEDGER) == [(version, "apply") for version in VERSIONS]
    drop(server)


def test_a_baseline_that_can_never_be_followed(server: Project) -> None:
    assert server.run(baseline="2").message == (
        "baseline names version 2, and there is no such migration; nothing was changed; "
        "give the number of a file in quotes, or remove baseline"
    )
    assert server.run(baseline=LAST, expected=None).message == (
        "baseline is judged by expected, and that is not there; nothing was changed; "
        "give the file of the release, or remove baseline"
    )


def test_a_baseline_of_another_release(shipped: Project) -> None:
    without_ledger(shipped)
    assert shipped.run(baseline="001").message == (
        f"baseline is 001, and expected describes other files (up to {LAST}); nothing was changed; "
        "use the release whose last migration was applied to this database"
    )
