# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failure groups 10 and 11: a server, a role or a ledger that is not the one these migrations are for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import MAJOR, Cluster
from tests.integration.migration_faults.faults import refused, wait_until
from tests.integration.postgresql_migration.conftest import HBA, ONE, TWO, as_superuser
from tests.integration.postgresql_migration.driver import Project, empty


@pytest.mark.parametrize("major", sorted({14, 15, 16, 17} - {MAJOR}))
def test_another_major_version(untouched: Project, major: int) -> None:
    failed = refused(untouched, server_major=major)
    assert failed.message == (
        f"the server is PostgreSQL {untouched.cluster.major}, the migrations are for {major}; nothing was changed; "
        "set server_major if that is meant"
    )


@pytest.fixture
def poor(project: Project) -> Project:
    """A login that may log in, and nothing else."""
    as_superuser(project.cluster, "DO $$ BEGIN CREATE ROLE app_poor LOGIN; EXCEPTION WHEN duplicate_object THEN END $$")
    project.user = "app_poor"
    return project


def test_a_role_without_create(poor: Project) -> None:
    failed = refused(poor)
    assert failed.message == (
        f"database {poor.database}: permission denied for database {poor.database} (SQLSTATE 42501): "
        f"app_poor lacks CREATE on database {poor.database}; nothing was changed; "
        "give the login the privilege it lacks and run again"
    )
    poor.query(f"GRANT CREATE ON DATABASE {poor.database} TO app_poor")
    assert poor.run().changed
    poor.query(f"REASSIGN OWNED BY app_poor TO app_owner; REVOKE CREATE ON DATABASE {poor.database} FROM app_poor")


SOMEBODYS = "CREATE SCHEMA other; CREATE TABLE other.thing (id int PRIMARY KEY); CREATE SEQUENCE other.number;"
USAGE = "GRANT USAGE ON SCHEMA other TO app_owner;"
LACKS = {
    "SELECT 1 FROM other.thing": ("", "app_owner lacks USAGE on schema other"),
    "CREATE TABLE other.mine ()": (USAGE, "app_owner lacks CREATE on schema other"),
    "SELECT 1 FROM other.thing -- granted": (USAGE, "app_owner lacks SELECT on table thing"),
    "INSERT INTO other.thing VALUES (1)": (USAGE, "app_owner lacks INSERT on table thing"),
    "DELETE FROM other.thing": (USAGE, "app_owner lacks DELETE on table thing"),
    "TRUNCATE other.thing": (USAGE, "app_owner lacks TRUNCATE on table thing"),
    "CREATE TABLE app.x (id int REFERENCES other.thing)": (USAGE, "app_owner lacks REFERENCES on table thing"),
    "CREATE TRIGGER t AFTER INSERT ON other.thing EXECUTE FUNCTION suppress_redundant_updates_trigger()": (
        USAGE,
        "app_owner lacks TRIGGER on table thing",
    ),
    "CREATE TABLE app.x AS SELECT * FROM other.thing": (USAGE, "app_owner lacks SELECT on table thing"),
    "SELECT nextval('other.number')": (USAGE, "app_owner lacks USAGE on sequence number"),
    "ALTER TABLE other.thing ADD COLUMN x int": (USAGE, "must be owner of table thing (SQLSTATE 42501)"),
    "CREATE ROLE x": ("", "permission denied to create role (SQLSTATE 42501)"),
}


@pytest.mark.parametrize("sql", LACKS)
def test_a_privilege_that_a_statement_lacks(project: Project, sql: str) -> None:
    granted, lacking = LACKS[sql]
    project.query(SOMEBODYS + granted)
    # Both tables called thing can be meant, and one of them is ours.
    project.migration("001_base.sql", ONE.replace("app.thing", "app.something").replace("thing_", "something_"))
    project.migration("002_more.sql", f"SELECT 1;\n{sql};")
    failed = refused(project)
    assert failed.message.startswith("002_more.sql:2:") and lacking in failed.message, failed.message
    assert failed.message.endswith("; nothing was changed; give the login the privilege it lacks and run again")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "COMMENT ON SCHEMA migration IS 'bestviable.portfolio ledger 99'",
            "the ledger has format 99, this module knows 1: a newer release wrote it; nothing was changed; update",
        ),
        (
            "COMMENT ON SCHEMA migration IS NULL",
            "schema migration exists and is not a ledger of this module; nothing was changed; rename that schema",
        ),
        (
            "ALTER SCHEMA migration OWNER TO postgres",
            "the ledger (schema migration) belongs to postgres, not to app_owner; nothing was changed; log in as",
        ),
        (
            "ALTER TABLE migration.applied OWNER TO postgres",
            "database {database}: permission denied for table applied (SQLSTATE 42501): "
            "app_owner lacks SELECT on table applied; nothing was changed; give the login",
        ),
        (
            "UPDATE migration.applied SET checksum_algo = 'sha512-x'",
            "the checksum of 001_base.sql was made by sha512-x, this module knows sha256-lf-1; nothing was changed; ",
        ),
        (
            "UPDATE migration.expected SET catalog_algo = 'catalog-99'",
            "the recorded catalog was made by catalog-99, this module knows ",
        ),
        (
            "DROP TABLE migration.expected",
            'database {database}: relation "migration.expected" does not exist (SQLSTATE 42P01); nothing was changed; '
            "restore schema migration from a backup",
        ),
    ],
)
def test_a_ledger_of_somebody_else(project: Project, sql: str, message: str) -> None:
    assert project.run().changed
    project.query(sql)
    failed = refused(project)
    assert failed.message.startswith(message.format(database=project.database)), failed.message


def test_a_read_only_default_is_no_lock(project: Project) -> None:
    as_superuser(project.cluster, f"ALTER DATABASE {project.database} SET default_transaction_read_only = on")
    assert project.run().changed and not project.run().changed


@pytest.fixture(scope="module")
def standby(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A hot standby of the server on which both migrations were applied."""
    as_superuser(cluster, "CREATE DATABASE app_standby OWNER app_owner TEMPLATE template0")
    directory: Path = tmp_path_factory.mktemp("standby")
    primary = Project(cluster, directory / "primary", database="app_standby")
    with Cluster(hba=HBA, standby_of=cluster) as copy:
        project = Project(copy, directory / "project", database="app_standby")
        for one in (primary, project):
            one.migration("001_base.sql", ONE)
            one.migration("002_more.sql", TWO)
        assert primary.run().changed
        wait_until(lambda: not empty(project), "the standby has followed")
        yield project


def test_a_standby(standby: Project) -> None:
    expected = "the server is a standby and cannot be written; nothing was changed; connect to the primary"
    assert refused(standby).message == expected
    standby.migration("003_x.sql", "CREATE TABLE app.x ();")
    assert refused(standby).message == expected


def test_the_admin_on_a_standby(standby: Project) -> None:
    """A server that cannot be written says so before anything is done (25006)."""
    standby.access("roles.yml", "roles: {app_owner: {login: true}, app_new: {}}")
    failed = standby.run(admin_user="postgres")
    assert failed.message == (
        "roles and database cannot be brought up to date as postgres: cannot execute CREATE ROLE in a read-only "
        "transaction (SQLSTATE 25006); nothing was changed; see that the server is a primary that may be written, "
        "and run again"
    )
    assert failed.data["left"] == "unchanged" and not failed.changed
