# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin session on a real server: roles, the database, passwords; as a superuser and as a CREATEROLE login."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.cluster import Cluster
from tests.integration.postgresql_migration.conftest import ONE
from tests.integration.postgresql_migration.driver import PEER_LIKE, ROOT, Project, Result, interpreter

ROLES = """
roles:
  app_owner: {login: true, comment: "It's the owner"}
  app_reader: {}
  app_login:
    {login: true, inherit: false, connection_limit: 15, member_of: [app_reader], settings: {statement_timeout: 8s}}
database: {settings: {TimeZone: UTC}}
"""
PASSWORD = "s3cret-'x\\y"


@contextlib.contextmanager
def new_project(administrator: str, directory: Path) -> Iterator[Project]:
    settings = {"log_statement": "all", "log_min_error_statement": "debug5"}
    with Cluster(hba=PEER_LIKE, settings=settings) as cluster:
        connection = cluster.connect(autocommit=True)
        connection.cursor().execute("CREATE ROLE provider LOGIN CREATEROLE CREATEDB")
        connection.close()
        project = Project(cluster, directory / "project")
        project.migration("001_base.sql", ONE)
        project.access("roles.yml", ROLES)
        project.access("10_grants.sql", "GRANT SELECT ON app.thing TO app_reader;")
        secret = directory / "secret"
        secret.write_text(PASSWORD + "\n", encoding="ascii")
        project.options = {"admin_user": administrator, "logins": [{"name": "app_login", "password_file": str(secret)}]}
        yield project


@pytest.fixture(params=["postgres", "provider"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    """A cluster in which nothing was made yet, and who administers it."""
    with new_project(request.param, tmp_path) as project:
        yield project


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """One cluster for all tests that change something by hand and have it put right."""
    with new_project("postgres", tmp_path_factory.mktemp("applied")) as project:
        assert project.run().changed
        yield project


def admin(project: Project, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
    connection = project.cluster.connect("postgres", database, autocommit=True)
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def logs_in(project: Project, password: str) -> bool:
    try:
        project.cluster.connect("app_login", "postgres", password=password).close()
    except psycopg2.OperationalError:
        return False
    return True


def test_from_nothing_to_nothing_to_do(fresh: Project) -> None:
    predicted = fresh.run(check=True)
    assert predicted.changed and predicted.data["reachable"] is False and predicted.data["pending"] == ["001"]
    assert "role app_login: login noinherit connection_limit=15" in predicted.data["diff"]["after"]
    assert admin(fresh, "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'app%'") == [(0,)]
    first = fresh.run()
    assert first.changed and first.data["admin"] == [
        "role app_owner",
        "role app_reader",
        "role app_login",
        "database app",
        "password app_login",
    ]
    columns = "rolcanlogin, rolinherit, rolconnlimit, rolconfig, rolsuper, rolcreaterole"
    state = f"SELECT {columns} FROM pg_roles WHERE rolname = 'app_login'"
    assert admin(fresh, state) == [(True, False, 15, ["statement_timeout=8s"], False, False)]
    columns = "pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype"
    database = f"SELECT {columns} FROM pg_database WHERE datname = 'app'"
    assert admin(fresh, database) == [("app_owner", "UTF8", "C.UTF-8", "C.UTF-8")]
    assert admin(fresh, "SELECT shobj_description('app_owner'::regrole, 'pg_authid')") == [("It's the owner",)]
    assert admin(fresh, "SELECT pg_has_role('app_login', 'app_reader', 'member')") == [(True,)]
    assert logs_in(fresh, PASSWORD) and not logs_in(fresh, "other")
    for check in (True, False):
        again = fresh.run(check=check)
        assert not again.changed and again.data["admin"] == [] and again.data["diff"] == {"before": "", "after": ""}


@pytest.mark.parametrize(
    "drift",
    [
        "ALTER ROLE app_login SUPERUSER",
        "ALTER ROLE app_reader BYPASSRLS",
        "ALTER ROLE app_reader CREATEROLE CREATEDB REPLICATION",
        "ALTER ROLE app_login INHERIT",
        "ALTER ROLE app_login CONNECTION LIMIT 1",
        "ALTER ROLE app_login NOLOGIN",
        "ALTER ROLE app_reader LOGIN",
        "ALTER ROLE app_login SET statement_timeout = '1h'",
        "ALTER ROLE app_login RESET ALL",
        "ALTER ROLE app_login PASSWORD 'other'",
        "ALTER ROLE app_login PASSWORD NULL",
        "ALTER ROLE app_login VALID UNTIL '2001-01-01'",
        "REVOKE app_reader FROM app_login",
        "COMMENT ON ROLE app_owner IS 'x'",
        "ALTER DATABASE app SET TimeZone = 'CET'",
        "ALTER DATABASE app OWNER TO postgres",
    ],
)
def test_what_somebody_changed_is_put_right(applied: Project, drift: str) -> None:
    admin(applied, drift)
    predicted, repaired = applied.run(check=True), applied.run()
    assert predicted.changed and repaired.changed and predicted.data["diff"] == repaired.data["diff"], repaired.text
    assert not applied.run().changed and logs_in(applied, PASSWORD)


def test_check_mode_with_a_role_still_missing_says_what_is_pending(applied: Project) -> None:
    applied.access("roles.yml", ROLES.replace("roles:", "roles:\n  app_new: {}"))
    applied.access("20_new.sql", "GRANT USAGE ON SCHEMA app TO app_new;")
    predicted = applied.run(check=True)
    assert predicted.changed and predicted.data["reachable"] and predicted.data["pending"] == []
    assert predicted.data["diff"]["after"] == "role app_new: nologin inherit\n"
    assert applied.run().changed and not applied.run().changed


@pytest.mark.parametrize("fresh", ["provider"], indirect=True)
def test_an_administrator_who_is_no_superuser(fresh: Project) -> None:
    """A provider's own roles and settings are not looked at, and what only a superuser may reset is left."""
    assert fresh.run().data["pending_restart"] == []
    admin(
        fresh,
        "CREATE ROLE provider_root SUPERUSER; CREATE ROLE eve; GRANT app_owner TO eve; "
        "GRANT pg_read_all_data TO app_reader; ALTER ROLE app_reader SET jit = off; "
        "ALTER ROLE app_reader SET log_statement = 'none'; ALTER ROLE app_login SET app.x = 'y'",
    )
    admin(fresh, "ALTER SYSTEM SET max_connections = 60")
    predicted, told = fresh.run(check=True), fresh.run()
    # Since 16 a membership is only taken back by who gave it, or by a superuser.
    taken = fresh.cluster.major < 16
    psql = f"run: psql -h {fresh.cluster.socket_directory} -p 5432 -U provider -d app"
    by_superuser = "let a superuser of this server take it away"
    left = [
        {
            "effect": "left",
            "object": "role eve",
            "detail": "member of app_owner, which roles.yml does not ask for",
            "remedy": f"""{psql} -c 'REVOKE "app_owner" FROM "eve"'""" if taken else by_superuser,
        },
        *(
            {
                "effect": "left",
                "object": "role app_reader",
                "detail": "extra member of pg_read_all_data",
                "remedy": by_superuser,
            }
            for _each in range(0 if taken else 1)
        ),
        *(
            {
                "effect": "left",
                "object": f"role {role}",
                "detail": f"extra setting {setting}",
                "remedy": "let a superuser of this server reset it",
            }
            for role, setting in (("app_reader", "log_statement"), ("app_login", "app.x"))
        ),
    ]
    change = {
        "effect": "change",
        "object": "role app_reader",
        "detail": "extra setting jit, extra member of pg_read_all_data" if taken else "extra setting jit",
    }
    assert told.changed and told.data["effects"] == predicted.data["effects"] == [change, *left], told.text
    again = fresh.run()
    assert not again.changed and again.data["effects"] == left and len(again.warnings) == len(left)


def test_the_password_is_in_no_log_and_no_output(fresh: Project) -> None:
    results = [fresh.run(), fresh.run()]
    admin(fresh, "ALTER ROLE app_login PASSWORD 'other'")
    results.append(fresh.run(check=True))
    results.append(fresh.run())
    log = fresh.cluster.log.read_text(encoding="utf-8")
    assert "ALTER ROLE" in log and "SCRAM-SHA-256$" in log, "statements are logged, or this test proves nothing"
    for text in [log, *(result.text for result in results)]:
        assert PASSWORD not in text and "s3cret" not in text


@pytest.mark.parametrize("fresh", ["postgres"], indirect=True)
def test_a_server_that_does_not_ask_for_the_password_is_named(fresh: Project) -> None:
    fresh.run()
    (fresh.cluster.data / "pg_hba.conf").write_text("local all all trust\n", encoding="ascii")
    fresh.cluster.halt()
    fresh.cluster.start()
    assert "app_login was let in at" in fresh.run().message


@pytest.mark.parametrize("fresh", ["postgres"], indirect=True)
@pytest.mark.parametrize("content", ["", "zwei worte", "pässwort", "a\nb"])
def test_bad_password_files(fresh: Project, content: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(content, encoding="utf-8")
    failed = fresh.run()
    assert "must hold the password of app_login" in failed.message
    assert admin(fresh, "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'app%'") == [(0,)]


@pytest.mark.parametrize("fresh", ["postgres"], indirect=True)
def test_a_password_file_that_is_not_there_yet(fresh: Project, tmp_path: Path) -> None:
    (tmp_path / "secret").unlink()
    assert fresh.run(check=True).changed
    assert (
        "cannot be read: No such file or directory; nothing was changed; write the password there first"
        in fresh.run().message
    )


@pytest.mark.parametrize("fresh", ["provider"], indirect=True)
def test_a_failed_migration_says_that_roles_were_made(fresh: Project) -> None:
    fresh.migration("001_base.sql", "CREATE TABEL x;")
    failed = fresh.run()
    assert failed.data["left"] == "roles" and failed.changed
    assert (
        "only roles and database were brought up to date" in failed.message
        and "nothing was changed" not in failed.message
    )
    assert fresh.run().data["left"] == "unchanged"


@pytest.mark.parametrize("fresh", ["postgres"], indirect=True)
def test_no_server_yet(fresh: Project) -> None:
    predicted = fresh.run(check=True, login_unix_socket="/nonexistent")
    assert predicted.rc == 0 and predicted.data["reachable"] is False, predicted.message
    made = {effect["object"] for effect in predicted.data["effects"]}
    assert {"role app_owner", "role app_reader", "password app_login", f"database {fresh.database}"} <= made


@pytest.mark.parametrize("fresh", ["postgres"], indirect=True)
def test_logins_need_an_admin_and_a_role(fresh: Project) -> None:
    assert "set admin_user" in fresh.run(admin_user=None).message
    logins = [{"name": "eve", "password_file": "/x"}]
    assert "login eve is neither in roles.yml nor among the services" in fresh.run(logins=logins).message


@pytest.mark.parametrize("fresh", ["postgres"], indirect=True)
def test_through_ansible_and_the_action_plugin(fresh: Project) -> None:
    """Relative paths, bytes as they are, and no file's text in the output."""
    fresh.migration("001_base.sql", b"\xef\xbb\xbf" + ONE.replace("\n", "\r\n").encode())
    first = ansible(fresh, "--check")
    assert first.changed and first.data["reachable"] is False and first.data["warnings"]
    assert ansible(fresh).changed and not ansible(fresh).changed and not fresh.run().changed
    (fresh.directory / "access" / "roles.yml").write_text("roles: [", encoding="ascii")
    failed = ansible(fresh)
    assert failed.message.startswith("access: ") and "roles.yml is not YAML" in failed.message
    failed = ansible(fresh, migrations="nowhere")
    assert "nowhere is not a directory on the control node" in failed.message


def ansible(project: Project, *flags: str, migrations: str = "migrations") -> Result:
    arguments = {
        **project.options,
        "login_unix_socket": project.cluster.socket_directory,
        "login_db": "app",
        "login_user": "app_owner",
        "server_major": project.cluster.major,
        "schemas": ["app"],
        "migrations": str(project.directory / migrations),
        "access": str(project.directory / "access"),
    }
    command = [
        str(Path(sys.executable).parent / "ansible"),
        "localhost",
        "-i",
        "localhost,",
        "-c",
        "local",
        "-m",
        "bestviable.portfolio.postgresql_migration",
        "-a",
        json.dumps(arguments),
        "-e",
        f"ansible_python_interpreter={interpreter()}",
        *flags,
    ]
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1",
    }
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=project.directory, env=environment)
    assert "CREATE TABLE" not in done.stdout
    data = json.loads(done.stdout)["plays"][0]["tasks"][0]["hosts"]["localhost"]
    return Result(done.returncode, data, done.stdout)
