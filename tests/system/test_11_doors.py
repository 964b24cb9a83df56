# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways in: a service's login by connect and tunnel, and its own tables beside ours."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from tests.documents.examples import examples, same
from tests.documents.service import IN_NAMESPACE, Service, forwarded
from tests.doors import free_port, tunnel
from tests.server import BIN, DIRECTORY, ROOT, Droplet

NAME = "planner-api"
DOCUMENT = examples(ROOT / "docs" / "SERVICE_DATABASE_INTEGRATION.md")
SERVICES = yaml.safe_load(DOCUMENT["login"].text)["postgres_erp_services"]
PAGE = examples(ROOT / "docs" / "SERVICE_MIGRATIONS.md")
Json = dict[str, Any]


@pytest.fixture(scope="module")
def served(converged: Droplet) -> Iterator[Droplet]:
    """The same server with a service in its inventory, and as it was afterwards."""
    with converged.variables(postgres_erp_services=SERVICES):
        yield converged


def password(droplet: Droplet) -> str:
    return droplet.shell(f"cat {DIRECTORY}/postgres-erp/secrets/{NAME}")


def connect(droplet: Droplet, *words: str) -> Json:
    """How the service connects, as data."""
    done = droplet.verb("connect", f"SERVICE={NAME}", "FORMAT=json", *words)
    assert done.returncode == 0, done.stderr
    found: Json = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def by_file(served: Droplet) -> Json:
    """With the password as the name of its file."""
    return connect(served)


@pytest.fixture(scope="module")
def shown(served: Droplet) -> Json:
    """With the password itself."""
    return connect(served, "REVEAL=1")


# --- connect and tunnel


def test_connect_lists_the_logins_and_shows_no_password(served: Droplet, by_file: Json, shown: Json) -> None:
    listed = served.verb("connect")
    assert listed.returncode == 0, listed.stderr
    assert f"  {NAME} " in listed.stdout and "5 connections" in listed.stdout
    assert (by_file["pool"], by_file["roles"]) == ({"process": 3, "all": 4}, SERVICES[0]["roles"])
    assert shown["password"] == password(served)
    assert password(served) not in json.dumps(by_file) + listed.stdout
    one = served.verb("connect", f"SERVICE={NAME}", "FORMAT=uri")
    assert one.stdout == by_file["formats"]["uri"] + "\n"


def test_connect_prints_what_the_document_shows(by_file: Json) -> None:
    for name in ("uri", "sqlalchemy"):
        assert f"'{by_file['formats'][name]}'\n" in DOCUMENT["uri"].text
    assert set(DOCUMENT["service"].text.splitlines()) <= set(by_file["formats"]["service"].splitlines())


def test_the_password_file_is_made_on_the_server_as_it_says(served: Droplet, by_file: Json, shown: Json) -> None:
    written = served.shell(f"cd $(mktemp -d) && {by_file['formats']['pgpass']}\nstat -c %a pgpass; cat pgpass")
    assert written == f"600\n{shown['formats']['pgpass']}"


LONG = [pytest.param(each, marks=pytest.mark.long) for each in (signal.SIGTERM, signal.SIGHUP)]


@pytest.mark.parametrize("ending", [signal.SIGINT, *LONG])
def test_the_tunnel_is_the_database_with_the_services_login_until_it_is_ended(
    served: Droplet, ending: signal.Signals
) -> None:
    port = free_port()
    command = [str(ROOT / "portfolio"), "tunnel", "-i", str(served.inventory), f"LOCAL_PORT={port}"]
    with tunnel(served, command) as (process, said):
        assert password(served) not in said
        settings = Path(next(word for word in said.split() if "pg_service.conf" in word).partition("=")[2])
        done = subprocess.run(
            ["psql", "-XAt", "service=portfolio"],
            input="SELECT session_user, current_setting('application_name'), count(*) >= 0 FROM erp.people;",
            env=os.environ | {"PGSERVICEFILE": str(settings)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.strip() == f"{NAME}|{NAME}-tunnel|t", done.stderr
        uri = next(word for word in said.split("'") if word.startswith("postgresql://"))
        with psycopg.connect(uri) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DROP TABLE erp.people")
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        assert password(served) not in listed
        os.killpg(process.pid, ending) if ending == signal.SIGINT else process.send_signal(ending)
        assert process.wait(timeout=20) == 0
        assert process.stderr is not None and process.stderr.read().endswith("tunnel: closed\n")
    assert not settings.parent.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


# --- a service's own tables


@pytest.fixture(scope="module")
def developer(
    served: Droplet, by_file: Json, shown: Json, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A developer's directory, with the page's files in it, from which the names of the server's network are known."""
    work = tmp_path_factory.mktemp("developer")
    service = Service(served, work)
    (work / "hosts").write_text(f"127.0.0.1 localhost\n{service.address} postgres-erp traefik\n")
    (work / "pgpass").touch(mode=0o600)
    (work / "pgpass").write_text(shown["formats"]["pgpass"] + "\n")
    (work / "tables.py").write_text(PAGE["tables"].text)
    given = dict(line.split("=", 1) for line in by_file["formats"]["env"].splitlines())
    service.environment = given | {"PGPASSFILE": str(work / "pgpass"), "PYTHONPATH": str(work)}
    service.environment["SQLALCHEMY_URL"] = by_file["formats"]["sqlalchemy"]
    del service.environment["DATABASE_URL"]
    with forwarded(service):
        service.run(str(BIN / "alembic"), "init", "migrations")
        (work / "migrations" / "env.py").write_text(PAGE["env"].text)
        served.verb("seed")
        try:
            yield service
        finally:
            served.sql("DROP SCHEMA IF EXISTS planner CASCADE")
            served.verb("seed", "STATE=absent")


def example(developer: Service, name: str) -> None:
    text = PAGE[name].text
    printed = developer.droplet.shell(text) if "docker exec" in text else developer.run("bash", "-euc", text)
    assert same(printed, PAGE[name].prints or ""), printed


def refused(developer: Service, statement: str) -> bool:
    done = subprocess.run(
        [*IN_NAMESPACE, str(developer.work / "hosts"), "psql", "-XAtv", "VERBOSITY=sqlstate", "-c", statement],
        env=os.environ | developer.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode != 0 and "42501" in done.stderr


def alembic(developer: Service, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*IN_NAMESPACE, str(developer.work / "hosts"), str(BIN / "alembic"), *words],
        cwd=developer.work,
        env=os.environ | developer.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_service_migrates_its_own_schema_and_ours_stays_as_it_is(developer: Service) -> None:
    served = developer.droplet
    assert refused(developer, "CREATE SCHEMA planner")
    for name in ("schema", "upgrade", "join"):
        example(developer, name)
    assert served.sql("SELECT count(*) FROM planner.alembic_version") == "1"
    done = served.verb("plan")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_page_says_is_refused_is_refused(developer: Service) -> None:
    for statement in (
        "CREATE TABLE erp.mine (id int)",
        "CREATE TABLE public.mine (id int)",
        "CREATE TABLE planner.mine (id bigint REFERENCES erp.people)",
        "DROP TABLE erp.people",
    ):
        assert refused(developer, statement), statement


@pytest.mark.traceback
def test_without_its_hook_alembic_looks_into_other_schemas(developer: Service) -> None:
    env = developer.work / "migrations" / "env.py"
    text = env.read_text()
    env.write_text(text.replace("        include_name=is_ours,\n", ""))
    try:
        without = alembic(developer, "check")
    finally:
        env.write_text(text)
    assert without.returncode != 0 and "InsufficientPrivilege" in without.stderr
    assert alembic(developer, "check").returncode == 0


@pytest.mark.traceback
@pytest.mark.parametrize("lock", [True, False], ids=["with the lock", "without"])
def test_of_two_upgrades_at_once_the_second_waits(developer: Service, lock: bool) -> None:
    [version] = (developer.work / "migrations" / "versions").glob("*.py")
    env = developer.work / "migrations" / "env.py"
    texts = {path: path.read_text() for path in (version, env)}
    version.write_text(
        texts[version].replace("    op.create_table(", "    op.execute('SELECT pg_sleep(1)')\n    op.create_table(")
    )
    lines = texts[env].splitlines()
    env.write_text("\n".join(line for line in lines if lock or "advisory" not in line))
    try:
        assert alembic(developer, "downgrade", "base").returncode == 0
        codes: list[int] = []
        threads = [
            threading.Thread(target=lambda: codes.append(alembic(developer, "upgrade", "head").returncode))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        for path, text in texts.items():
            path.write_text(text)
    assert sorted(codes) == ([0, 0] if lock else [0, 1])


def test_a_view_over_our_tables_stops_a_rollback_by_name(developer: Service) -> None:
    served = developer.droplet
    developer.run("psql", "-Xqc", "CREATE VIEW planner.names AS SELECT id, full_name FROM erp.people")
    done = served.verb("rollback", "CONFIRM=portfolio")
    assert done.returncode != 0 and "planner.names" in done.stderr, done.stderr
    example(developer, "away")
