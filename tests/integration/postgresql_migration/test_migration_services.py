# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A login for each service on a real server: made, kept, taken out of service and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest

from tests.cluster import Cluster
from tests.integration.postgresql_migration.conftest import ONE, as_superuser
from tests.integration.postgresql_migration.driver import Project

NAME = "planner-api"
PASSWORD = "0123456789abcdef"
ROLES = """
roles:
  app_owner: {login: true}
  app_reader: {}
  app_client: {by_token: true}
  app_login: {login: true, inherit: false, member_of: [app_reader, app_client]}
"""
HBA = f"local postgres app_login,{NAME} scram-sha-256\nlocal app {NAME} scram-sha-256\nlocal all all trust\n"
SERVICE = {"name": NAME, "roles": ["app_reader"], "connection_limit": 2}


@pytest.fixture(scope="module", params=["postgres", "provider"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    directory = tmp_path_factory.mktemp("services")
    with Cluster(hba=HBA) as cluster:
        if request.param != "postgres":
            as_superuser(cluster, f"CREATE ROLE {request.param} LOGIN CREATEROLE CREATEDB")
        found = Project(cluster, directory / "project")
        found.migration("001_base.sql", ONE)
        found.access("roles.yml", ROLES)
        found.access(
            "10_grants.sql",
            "GRANT CONNECT ON DATABASE app TO app_reader; GRANT USAGE ON SCHEMA app TO app_reader; "
            "GRANT SELECT ON app.thing TO app_reader; REVOKE ALL ON DATABASE app FROM public;",
        )
        (directory / "password").write_text(PASSWORD, encoding="ascii")
        found.options = {
            "admin_user": request.param,
            "services": [SERVICE],
            "logins": [{"name": NAME, "password_file": str(directory / "password")}],
        }
        first = found.run()
        assert first.rc == 0, first.message
        yield found


def asked(project: Project, statement: str, password: str = PASSWORD) -> list[tuple[Any, ...]]:
    """As the service."""
    connection = project.cluster.connect(NAME, project.database, password=password)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()
    finally:
        connection.close()


def by_hand(project: Project, change: str) -> None:
    """As the administrator: of memberships that somebody else gave it may take none back since 16."""
    connection = project.cluster.connect(project.options["admin_user"], autocommit=True)
    connection.cursor().execute(change)
    connection.close()


def works(project: Project) -> bool:
    try:
        return asked(project, "SELECT count(*) FROM app.thing") == [(0,)]
    except psycopg2.OperationalError:
        return False


def test_it_logs_in_with_the_rights_of_its_roles_and_no_more(project: Project) -> None:
    assert works(project)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        asked(project, "DELETE FROM app.thing")
    with pytest.raises(psycopg2.OperationalError):
        asked(project, "SELECT 1", password="other")
    assert not project.run().changed


def test_it_has_so_many_connections(project: Project) -> None:
    """A run checks its password all the same."""
    held = [project.cluster.connect(NAME, project.database, password=PASSWORD) for _number in range(2)]
    with pytest.raises(psycopg2.OperationalError, match="too many connections"):
        project.cluster.connect(NAME, project.database, password=PASSWORD)
    assert not project.run().changed
    for connection in held:
        connection.close()


def test_what_somebody_changed_is_put_right(project: Project) -> None:
    for change in (
        f'ALTER ROLE "{NAME}" NOLOGIN CONNECTION LIMIT 30',
        f'GRANT app_owner, app_client TO "{NAME}"',
        f'REVOKE app_reader FROM "{NAME}"',
        f"ALTER ROLE \"{NAME}\" SET statement_timeout = '1h'",
        f'COMMENT ON ROLE "{NAME}" IS NULL',
    ):
        by_hand(project, change)
    predicted, done = project.run(check=True), project.run()
    told = (
        "NOLOGIN instead of LOGIN, connection limit 30 instead of 2, extra setting statement_timeout, comment, "
        "extra member of app_client, extra member of app_owner, no member of app_reader"
    )
    effects = [
        {"effect": "change", "object": f"role {NAME}", "detail": told},
        # Who cannot log in cannot show that the password is right.
        {"effect": "change", "object": f"password {NAME}", "detail": "not the one in its file"},
    ]
    assert done.data["effects"] == predicted.data["effects"] == effects, done.text
    assert not project.run().changed and works(project)


def test_one_that_leaves_the_list_is_out_and_comes_back_as_it_was(project: Project) -> None:
    """What it owns stays, and who was never a service is not touched."""
    as_superuser(project.cluster, "CREATE ROLE eve LOGIN")
    project.query(
        f'CREATE SCHEMA own AUTHORIZATION "{NAME}"; SET ROLE "{NAME}"; CREATE TABLE own.kept AS SELECT 1 AS id'
    )
    inside = project.cluster.connect(NAME, project.database, password=PASSWORD)
    out: dict[str, Any] = {"services": [], "logins": []}
    predicted, done = project.run(check=True, **out), project.run(**out)
    told = "not among the services any more: LOGIN instead of NOLOGIN, extra member of app_reader"
    effect = {"effect": "change", "object": f"role {NAME}", "detail": told}
    assert done.data["effects"] == predicted.data["effects"] == [effect], done.text
    assert not project.run(**out).changed
    assert not works(project)
    # Who is in loses its rights at once.
    with inside.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute("SELECT * FROM app.thing")
    inside.close()
    assert project.query("SELECT id FROM own.kept") == [(1,)]
    assert project.run().changed
    assert works(project) and asked(project, "SELECT id FROM own.kept") == [(1,)]
    assert not project.run().changed
    project.query("DROP SCHEMA own CASCADE; DROP ROLE eve")


def test_services_need_the_admin_session(project: Project) -> None:
    assert "services are kept by the admin session" in project.run(admin_user=None, logins=[]).message


def test_only_who_inherits_nothing_may_become_a_role_by_token(project: Project) -> None:
    project.access("roles.yml", ROLES.replace("inherit: false, ", ""))
    failed = project.run()
    project.access("roles.yml", ROLES)
    assert "app_login is a member of app_client and has its rights without a token" in failed.message
