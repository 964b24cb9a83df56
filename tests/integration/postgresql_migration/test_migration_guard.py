# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard of new tables on a real server: what it closes, that its drift is seen, and where there is none."""

from __future__ import annotations

import select
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from tests.cluster import Cluster
from tests.integration.postgresql_migration.conftest import ONE, as_superuser
from tests.integration.postgresql_migration.driver import Project

ROLES = """
roles:
  app_owner: {login: true}
  app_reader: {}
database: {guarded_schemas: [app]}
"""
EFFECT = {"effect": "change", "object": "event trigger portfolio_new_tables", "detail": "missing"}
CLOSED = "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND relrowsecurity ORDER BY 1"


def new(cluster: Cluster, directory: Path, administrator: str) -> Project:
    project = Project(cluster, directory / "project")
    project.migration("001_base.sql", ONE)
    project.access("roles.yml", ROLES)
    project.access("10_grants.sql", "GRANT USAGE ON SCHEMA app TO app_reader;")
    project.options = {"admin_user": administrator}
    return project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with Cluster() as cluster:
        found = new(cluster, tmp_path_factory.mktemp("guard"), "postgres")
        predicted, first = found.run(check=True), found.run()
        assert first.rc == 0, first.message
        assert EFFECT in first.data["effects"] and EFFECT in predicted.data["effects"]
        yield found


def test_a_table_is_closed_whoever_makes_it_and_however(project: Project) -> None:
    project.query("CREATE TABLE app.one (id int); CREATE TABLE app.two AS SELECT 1 AS id", user="app_owner")
    project.query("SELECT 1 AS id INTO app.three; CREATE TABLE app.four (id int) PARTITION BY LIST (id)")
    project.query("CREATE TABLE app.five PARTITION OF app.four DEFAULT; CREATE TABLE app.six (LIKE app.one)")
    project.query("CREATE TABLE public.elsewhere (id int); CREATE TEMP TABLE gone (id int)")
    assert [name for (name,) in project.query(CLOSED)] == ["five", "four", "one", "six", "thing", "three", "two"]
    project.query("DROP TABLE app.one, app.two, app.three, app.four, app.six, public.elsewhere")


def test_a_right_alone_shows_no_row_of_it(project: Project) -> None:
    """T29 in SQL; the control is the same table without row security."""
    project.query("CREATE TABLE app.later AS SELECT 1 AS id; GRANT SELECT ON app.later TO app_reader", user="app_owner")
    assert project.query("SET ROLE app_reader; SELECT count(*) FROM app.later") == [(0,)]
    project.query("ALTER TABLE app.later DISABLE ROW LEVEL SECURITY", user="app_owner")
    assert project.query("SET ROLE app_reader; SELECT count(*) FROM app.later") == [(1,)]
    project.query("DROP TABLE app.later")


def test_postgrest_is_told(project: Project) -> None:
    listening = project.cluster.connect("app_owner", project.database, autocommit=True)
    listening.cursor().execute("LISTEN pgrst")
    project.query("CREATE TABLE app.heard (id int)")
    assert select.select([listening], [], [], 10)[0]
    listening.poll()
    assert [note.payload for note in listening.notifies] == ["reload schema"]
    listening.close()
    project.query("DROP TABLE app.heard")


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ("DROP EVENT TRIGGER portfolio_new_tables", "missing"),
        ("DROP SCHEMA portfolio_guard CASCADE", "missing"),
        ("ALTER EVENT TRIGGER portfolio_new_tables DISABLE", "another trigger than asked for"),
        ("ALTER EVENT TRIGGER portfolio_new_tables ENABLE REPLICA", "another trigger than asked for"),
        ("ALTER SCHEMA portfolio_guard OWNER TO app_owner", "another schema than asked for"),
        ("ALTER FUNCTION portfolio_guard.close_new_tables() OWNER TO app_owner", "another function than asked for"),
        ("ALTER FUNCTION portfolio_guard.close_new_tables() SECURITY DEFINER", "another function than asked for"),
        ("ALTER FUNCTION portfolio_guard.close_new_tables() RESET search_path", "another function than asked for"),
        (
            "CREATE OR REPLACE FUNCTION portfolio_guard.close_new_tables() RETURNS event_trigger LANGUAGE plpgsql "
            "SET search_path = '' AS 'BEGIN END'",
            "another function than asked for",
        ),
    ],
)
def test_what_somebody_did_to_it_is_seen_and_put_right(project: Project, change: str, detail: str) -> None:
    project.query(change)
    predicted, done = project.run(check=True), project.run()
    assert done.data["effects"] == predicted.data["effects"] == [{**EFFECT, "detail": detail}], done.text
    assert not project.run().changed
    project.query("CREATE TABLE app.again (id int)")
    assert ("again",) in project.query(CLOSED)
    project.query("DROP TABLE app.again")


def test_the_owner_of_the_schemas_cannot_replace_what_a_superuser_runs(project: Project) -> None:
    for statement in (
        "CREATE OR REPLACE FUNCTION portfolio_guard.close_new_tables() RETURNS event_trigger "
        "LANGUAGE plpgsql AS 'BEGIN END'",
        "ALTER EVENT TRIGGER portfolio_new_tables DISABLE",
        "DROP FUNCTION portfolio_guard.close_new_tables() CASCADE",
        "DROP SCHEMA portfolio_guard CASCADE",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            project.query(statement, user="app_owner")


def test_there_is_none_where_the_administrator_is_no_superuser(tmp_path: Path) -> None:
    with Cluster() as cluster:
        as_superuser(cluster, "CREATE ROLE provider LOGIN CREATEROLE CREATEDB")
        project = new(cluster, tmp_path, "provider")
        predicted, done = project.run(check=True), project.run()
        assert done.changed and not project.run().changed
        assert "event trigger" not in predicted.text + done.text
        assert project.query("SELECT count(*) FROM pg_event_trigger") == [(0,)]


@pytest.mark.parametrize("guarded", ["app", "[7]", "{app: true}"])
def test_what_is_no_list_of_schemas_is_refused(project: Project, guarded: str) -> None:
    project.access("roles.yml", ROLES.replace("[app]", guarded))
    failed = project.run()
    project.access("roles.yml", ROLES)
    assert "database.guarded_schemas must be a list of schemas" in failed.message
