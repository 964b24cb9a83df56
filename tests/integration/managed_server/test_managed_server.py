# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No superuser of ours: the whole schema by a login that has CREATEROLE and CREATEDB, on PostgreSQL 15 and 17."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.action import postgresql_migration as action

from tests.ansible_task import run_module
from tests.integration.managed_server.conftest import ADMIN, DATABASE, PASSWORD, its_own, managed
from tests.integration.postgresql_migration.conftest import as_superuser
from tests.integration.postgresql_migration.driver import Project

# What only a superuser may do or read.
FORBIDDEN = r"ALTER SYSTEM|EVENT TRIGGER|FROM pg_authid|pg_file_settings|BYPASSRLS|REPLICATION|SUPERUSER"
GUARD = {"effect": "change", "object": "event trigger portfolio_new_tables", "detail": "missing"}
SERVICE = {"name": "planner-api", "roles": ["agent_service"], "connection_limit": 3}


@pytest.fixture(scope="module", params=[15, 17])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with managed(tmp_path_factory.mktemp("managed"), request.param) as project:
        yield project


@pytest.fixture(scope="module")
def applied(server: Project) -> Project:
    done = server.run()
    assert done.rc == 0, done.message
    return server


def as_admin(project: Project, sql: str, database: str = DATABASE) -> None:
    connection = project.cluster.connect(ADMIN, database, autocommit=True, password=PASSWORD)
    connection.cursor().execute(sql)
    connection.close()


def settled(project: Project) -> bool:
    again = project.run()
    return not again.changed and again.data["effects"] == [] and again.warnings == []


def test_from_nothing_to_what_a_superuser_makes(server: Project) -> None:
    foreseen, first = server.run(check=True), server.run()
    assert first.rc == 0, first.message
    assert first.data["effects"] == foreseen.data["effects"] != []
    expected = json.loads(server.expected.read_text(encoding="utf-8"))
    assert first.data["fingerprint"]["after"] == expected["fingerprint"]
    assert settled(server)
    probed = server.run(probe=True)
    assert probed.rc == 0 and not probed.changed and probed.data["assertions"]["failed"] == [], probed.text
    # The same roles, memberships, settings and database: a superuser would only add the guard, which is his.
    beside = {"admin_user": "postgres", "admin_password": None, "system_settings": "ignore"}
    compared = server.run(check=True, **beside)
    assert [effect for effect in compared.data["effects"] if effect["effect"] == "change"] == [GUARD], compared.text


def test_nothing_was_asked_that_only_a_superuser_may(applied: Project) -> None:
    log = applied.cluster.log.read_text(encoding="utf-8")
    ours = re.findall(rf"^(?:{ADMIN}|{applied.user}|portfolio_authenticator): .*(?:\n\t.*)*", log, re.MULTILINE)
    assert any("CREATE DATABASE" in each for each in ours), "statements are logged, or this test proves nothing"
    assert [each for each in ours if re.search(FORBIDDEN, each)] == []
    assert not any(secret in "".join(ours) for secret in (PASSWORD, "0123456789abcdef"))


def test_what_is_the_providers_is_not_looked_at(applied: Project) -> None:
    its_own(applied)
    assert settled(applied)
    # ... and its event trigger is no obstacle.
    applied.query("DROP VIEW api_view.profiles")
    repaired = applied.run()
    assert repaired.rc == 0 and repaired.data["access"], repaired.text
    assert settled(applied)


CHANGES = [
    "ALTER ROLE erp_reader LOGIN CREATEDB",
    "ALTER ROLE portfolio_authenticator SET statement_timeout = '1h'",
    "ALTER ROLE portfolio_authenticator PASSWORD 'another'",
    "REVOKE erp_reader FROM portfolio_authenticator",
    "GRANT erp_writer TO erp_reader WITH ADMIN OPTION",
    "COMMENT ON ROLE erp_monitor IS NULL",
    "ALTER DATABASE portfolio SET TimeZone = 'CET'",
    f"ALTER DATABASE portfolio OWNER TO {ADMIN}",
]


@pytest.mark.parametrize("changes", [CHANGES, *(pytest.param([one], marks=pytest.mark.long) for one in CHANGES)])
def test_what_the_administrator_changed_by_hand_is_put_right(applied: Project, changes: list[str]) -> None:
    for change in changes:
        as_admin(applied, change)
    foreseen, repaired = applied.run(check=True), applied.run()
    assert repaired.changed and foreseen.data["effects"] == repaired.data["effects"] != [], repaired.text
    assert settled(applied)


@pytest.mark.parametrize("server", [17], indirect=True)
def test_options_of_a_membership_are_kept_since_16(applied: Project) -> None:
    """Who inherits nothing must not inherit by one of several memberships, and what was given on goes with it."""
    as_admin(applied, "GRANT erp_reader TO portfolio_authenticator WITH INHERIT TRUE")
    as_admin(applied, "GRANT erp_writer TO portfolio_authenticator WITH SET FALSE")
    as_admin(applied, "GRANT agent_viewer TO portfolio_authenticator WITH ADMIN TRUE")
    as_superuser(applied.cluster, "SET ROLE portfolio_authenticator; GRANT agent_viewer TO erp_monitor")
    foreseen, repaired = applied.run(check=True), applied.run()
    assert repaired.rc == 0 and foreseen.data["effects"] == repaired.data["effects"], repaired.text
    named = {effect["object"]: effect["detail"] for effect in repaired.data["effects"]}
    assert named["role portfolio_authenticator"] == (
        "may make others members of agent_viewer, and so are erp_monitor, inherits erp_reader, "
        "may not become erp_writer"
    )
    assert settled(applied)


@pytest.mark.parametrize("server", [17], indirect=True)
def test_a_role_that_somebody_else_made(applied: Project) -> None:
    """Since 16 CREATEROLE alone does not suffice to keep it; what is said to be missing is all that is missing."""
    as_superuser(applied.cluster, f"REVOKE erp_reader FROM {ADMIN} CASCADE")
    foreseen, refused = applied.run(check=True), applied.run()
    assert refused.rc and refused.message == foreseen.message and refused.data["left"] == "unchanged", refused.text
    remedy = f'GRANT "erp_reader" TO "{ADMIN}" WITH ADMIN OPTION'
    assert refused.message == (
        f"role portfolio_authenticator is not as asked for, and {ADMIN} has no ADMIN OPTION on role erp_reader, which "
        f"somebody else made; nothing was changed; let who made it or a superuser of this server say: {remedy}"
    )
    as_superuser(applied.cluster, remedy)
    assert applied.run().changed and settled(applied)


def test_a_table_that_somebody_made_is_named_without_the_guard(applied: Project) -> None:
    applied.query("SET ROLE erp_admin; CREATE TABLE erp.extra (id integer)")
    refused = applied.run()
    assert refused.rc and "table erp.extra" in refused.message, refused.text
    applied.query("DROP TABLE erp.extra")


def left(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    remedy = "let a superuser of this server take it away"
    return [{"effect": "left", "object": name, "detail": detail, "remedy": remedy} for name, detail in pairs]


def test_what_only_a_superuser_may_take_away_is_named(applied: Project) -> None:
    """Of attributes that is so in every version, of memberships since 16, where they are the giver's."""
    for given in (
        "ALTER ROLE erp_monitor REPLICATION",
        "GRANT pg_read_all_stats TO erp_monitor",
        "CREATE ROLE eve",
        "GRANT erp_reader TO eve",
    ):
        as_superuser(applied.cluster, given)
    foreseen, told = applied.run(check=True), applied.run()
    assert (
        "no role of ours has a superuser's rights" in told.message and told.data["effects"] == foreseen.data["effects"]
    )
    named = [effect for effect in told.data["effects"] if effect["effect"] == "left"]
    where = [("role erp_monitor", "it is REPLICATION")]
    if applied.cluster.major > 15:
        where = [("role eve", "member of erp_reader, which roles.yml does not ask for"), *where]
        where.append(("role erp_monitor", "extra member of pg_read_all_stats"))
        assert named == left(*where), told.text
    else:
        assert left(*where)[0] in named and "run: " in named[0]["remedy"], told.text
    as_superuser(
        applied.cluster,
        "ALTER ROLE erp_monitor NOREPLICATION; REVOKE pg_read_all_stats FROM erp_monitor; DROP ROLE eve",
    )
    assert settled(applied)


def test_a_service_and_a_token_that_is_refused(applied: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("service") / "planner-api"
    secret.write_text("fedcba9876543210", encoding="ascii")
    now = int(time.time())
    more: dict[str, Any] = {
        "services": [SERVICE],
        "logins": [*applied.options["logins"], {"name": "planner-api", "password_file": str(secret)}],
        "revoked_tokens": [{"jti": "lost", "revoked_at": now, "expires_at": now + 86400, "reason": "by its id"}],
    }
    foreseen, done = applied.run(check=True, **more), applied.run(**more)
    assert done.data["effects"] == foreseen.data["effects"], done.text
    assert [effect["object"] for effect in done.data["effects"]] == [
        "role planner-api",
        "password planner-api",
        "revoked token lost",
    ]
    assert not applied.run(**more).changed
    connection = applied.cluster.connect("planner-api", "portfolio", password="fedcba9876543210")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM agent.events")
        assert cursor.fetchall() == [(0,)]
    connection.close()
    gone = applied.run()
    assert gone.changed and settled(applied)
    assert "LOGIN instead of NOLOGIN, extra member of agent_service" in gone.data["effects"][0]["detail"]


@pytest.mark.parametrize("server", [17], indirect=True)
def test_a_database_that_is_gone_is_made_by_who_may_become_its_owner(applied: Project) -> None:
    """Since 16 who makes a role is its member, but with ADMIN OPTION only."""
    as_superuser(applied.cluster, "DROP DATABASE portfolio WITH (FORCE)")
    as_superuser(applied.cluster, f"REVOKE erp_admin FROM {ADMIN} GRANTED BY {ADMIN}")
    as_superuser(applied.cluster, f"REVOKE ADMIN OPTION FOR erp_admin FROM {ADMIN}")
    refused = applied.run()
    remedy = f'GRANT "erp_admin" TO "{ADMIN}" WITH ADMIN OPTION'
    assert refused.message.startswith("database portfolio is not as asked for") and remedy in refused.message
    as_superuser(applied.cluster, remedy)
    done = applied.run()
    assert done.rc == 0 and done.data["admin"] == ["database portfolio"], done.text
    assert settled(applied)


def test_the_info_module_says_the_same(applied: Project) -> None:
    asked = {
        "login_unix_socket": applied.cluster.socket_directory,
        "login_db": "portfolio",
        "login_user": "erp_admin",
        "login_password": applied.options["login_password"],
        "migrations": action.sql_files("migrations", applied.directory / "migrations"),
        "access": action.access_files(applied.directory / "access"),
        "assertions": action.yaml_file("assertions", applied.directory / "assertions.yml"),
    }
    found = run_module("postgresql_migration_info", asked)
    assert (found["status"], found["pending"], found["drift"]) == ("current", [], []), found
    assert found["assertions"]["failed"] == []
