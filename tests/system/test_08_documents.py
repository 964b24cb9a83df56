# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documents say of a server is what it is, and every example in them runs there as it stands."""

from __future__ import annotations

import copy
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
import requests
import yaml
from psycopg.conninfo import make_conninfo

from tests.consistency.repository import defaults
from tests.contract import COUNT
from tests.documents.examples import examples, same
from tests.documents.service import Service, service_of
from tests.generate import database_schema, live, service_inventory
from tests.server import DIRECTORY, ROOT, Droplet

DOCUMENT = ROOT / "docs" / "SERVICE_DATABASE_INTEGRATION.md"
EXAMPLES = examples(DOCUMENT)
# Not run by themselves: they are what the others run with, and the fixture makes it from them.
SETTINGS = {"login", "service", "password", "uri", "token"}
LOGIN = yaml.safe_load(EXAMPLES["login"].text)
PEOPLE = "/erp/people?select=id"


@pytest.fixture(scope="module")
def server(converged: Droplet) -> live.Server:
    return live.read(converged.shell)


def test_the_inventory_differs_by_nothing_from_the_server(server: live.Server) -> None:
    made = service_inventory.generate(server)
    assert made == service_inventory.TARGET.read_text(), "run: make deploy && make docs"


@pytest.mark.parametrize(
    "change",
    [
        lambda server: server.container("traefik")["HostConfig"].update(Memory=1 << 30),
        lambda server: server.container("traefik")["HostConfig"]["PortBindings"].clear(),
        lambda server: server.container("postgres-erp")["Config"].update(User="0:0"),
        lambda server: server.container("postgres-erp")["Config"]["Healthcheck"].update(Retries=6),
        lambda server: server.container("postgres-erp")["Mounts"].pop(),
        lambda server: server.container("postgrest-erp")["NetworkSettings"]["Networks"].pop("docker_proxy"),
        lambda server: server.container("postgrest-erp")["Config"].update(Image="postgrest:other"),
        lambda server: server.networks[0]["IPAM"]["Config"].append({"Subnet": "10.0.0.0/24"}),
        lambda server: server.volumes[0].update(Driver="other"),
        lambda server: object.__setattr__(server, "closed", server.closed[1:]),
    ],
    ids="memory ports user health mounts network image subnet volume secrets".split(),
)
def test_any_change_of_the_server_shows(server: live.Server, change: Callable[[live.Server], object]) -> None:
    other = copy.deepcopy(server)
    change(other)
    assert service_inventory.generate(other) != service_inventory.generate(server)


def test_the_inventory_holds_no_secret(server: live.Server, converged: Droplet) -> None:
    text = service_inventory.generate(server)
    for file in server.closed:
        for word in re.findall(r"[\w-]{24,}", converged.shell(f"cat {file.path}")):
            assert word not in text, file.path


@pytest.fixture(scope="module")
def service(converged: Droplet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with the document's own settings, on the rows that everybody can have."""
    with ExitStack() as stack:
        stack.enter_context(converged.variables(**LOGIN))
        seed(converged)
        stack.callback(seed, converged, "STATE=absent")
        stack.callback(converged.sql, "DELETE FROM erp.tasks WHERE id > 0")
        made = stack.enter_context(service_of(converged, tmp_path_factory.mktemp("service"), EXAMPLES))
        made.compile(EXAMPLES)
        yield made


def seed(droplet: Droplet, *words: str) -> None:
    command = [str(ROOT / "portfolio"), "seed", "-i", str(droplet.inventory), *words]
    done = subprocess.run(
        command, env=droplet.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def as_a_container(service: Service, text: str) -> str:
    """The compose file as it stands, beside the two files it mounts; the image that it names is any with a psql."""
    there, droplet = f"{DIRECTORY}/planner-api", service.droplet
    droplet.shell(f"cat > {there}/pg_service.conf", given=EXAMPLES["service"].text)
    droplet.shell(f"cat > {there}/docker-compose.yml", given=text)
    query = "SELECT current_user, current_setting('application_name'), current_setting('lock_timeout')"
    droplet.shell("docker tag portfolio.local/postgres:15 planner-api:1.4.0")
    try:
        return droplet.shell(
            f"cd {there} && docker compose run -T --rm --entrypoint psql planner-api -XAtc {query!r} 2>/dev/null"
        )
    finally:
        droplet.shell("docker rmi planner-api:1.4.0")


def run(service: Service, name: str) -> str:
    example = EXAMPLES[name]
    if example.language == "yaml":
        return as_a_container(service, example.text)
    by_language: dict[str, Callable[[], str]] = {
        "python": lambda: service.python(example.text),
        "sh": lambda: service.shell(example.text),
        "typescript": lambda: service.typescript(name),
    }
    return by_language[example.language]()


# In the document's order: what one writes another changes.
@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in SETTINGS])
def test_an_example_runs_as_it_stands(service: Service, name: str) -> None:
    printed, wanted = run(service, name), EXAMPLES[name].prints
    if name == "compose":
        wanted = "planner-api|planner-api|2s"
    assert wanted is not None, "say below it what it prints"
    assert same(printed, wanted), printed


def test_the_example_row_of_every_table_is_there(service: Service) -> None:
    sections = re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", database_schema.TARGET.read_text(), flags=re.M | re.S)
    assert len(sections) == COUNT
    with session(service) as connection:
        for table, text in sections:
            [row] = re.findall(r"```json\n(.*?)\n```", text, flags=re.S)
            wanted = f"jsonb_strip_nulls(to_jsonb(jsonb_populate_record(NULL::{table}, %s)))"
            found = connection.execute(
                f"SELECT count(*) FROM {table} AS t WHERE to_jsonb(t) @> {wanted}".encode(), (row,)
            ).fetchone()
            assert found == (1,), table


def test_the_password_file_is_the_services_alone(service: Service) -> None:
    assert service.droplet.shell(f"stat -c '%a %u %g' {DIRECTORY}/planner-api/pgpass") == "600 10050 10050"


def test_the_uri_is_libpqs_too(service: Service) -> None:
    with_uri = "import os, psycopg; print(psycopg.connect(os.environ['DATABASE_URL']).info.get_parameters())"
    assert "'application_name': 'planner-api'" in service.python(with_uri)


def test_a_transaction_whose_session_the_server_ends_is_run_again(service: Service) -> None:
    again = """
calls = []
def ended_once(connection):
    calls.append(1)
    if len(calls) == 1:
        connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    return connection.execute("SELECT 'committed'").fetchone()[0]
def refused(connection):
    calls.append(1)
    connection.execute("SET ROLE postgres")
settings = "service=portfolio application_name=planner-api"
with ConnectionPool(settings, min_size=0, max_size=3, check=ConnectionPool.check_connection) as pool:
    print(in_transaction(pool, ended_once), len(calls))
    calls.clear()
    try:
        in_transaction(pool, refused)
    except psycopg.Error as error:
        print(error.sqlstate, len(calls))
"""
    printed = service.python(EXAMPLES["retry"].text + again).splitlines()
    assert printed[-2:] == ["committed 2", "42501 1"]


def session(service: Service, **more: str) -> psycopg.Connection:
    settings = {"host": "postgres-erp", "hostaddr": service.address, "dbname": "portfolio", "user": "planner-api"}
    settings |= {"passfile": service.environment["PGPASSFILE"], "sslmode": "disable", "connect_timeout": "10"}
    return psycopg.connect(make_conninfo("", **settings | more))


def states(service: Service, *statements: str, **more: str) -> str | None:
    """The SQLSTATE that the last statement ends with, in one transaction that is taken back."""
    with session(service, **more) as connection:
        try:
            for statement in statements:
                connection.execute(statement.encode())
            connection.execute("SELECT 1")
        except psycopg.Error as error:
            return error.sqlstate
        finally:
            if not connection.closed:
                connection.rollback()
    return None


def too_many(service: Service) -> str | None:
    with ExitStack() as stack:
        for _ in range(11):
            try:
                stack.enter_context(session(service))
            except psycopg.OperationalError as error:
                # While it connects psycopg has only the text.
                return "53300" if "too many connections for role" in str(error) else str(error)
    return None


def deadlock(service: Service) -> str | None:
    lock = "SELECT FROM erp.people WHERE id = %s FOR UPDATE"
    ended: list[str | None] = []

    def wait_for(connection: psycopg.Connection, row: int) -> None:
        try:
            connection.execute(lock, (row,))
        except psycopg.Error as error:
            ended.append(error.sqlstate)
        connection.rollback()

    with session(service) as one, session(service) as other, ThreadPoolExecutor() as pool:
        one.execute(lock, (-11,))
        other.execute(lock, (-12,))
        wait([pool.submit(wait_for, one, -12), pool.submit(wait_for, other, -11)])
    return ended[0] if ended else None


def changed_by_another(service: Service) -> str | None:
    read, write = "SELECT count(*) FROM erp.people", "UPDATE erp.people SET notes = notes WHERE id = -11"
    with session(service) as one, session(service) as other:
        one.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        one.execute(read)
        other.execute("UPDATE erp.people SET is_active = is_active WHERE id = -11")
        other.commit()
        try:
            one.execute(write)
        except psycopg.Error as error:
            one.rollback()
            return error.sqlstate
    return None


def locked(service: Service) -> str | None:
    with session(service) as one:
        one.execute("SELECT FROM erp.people WHERE id = -11 FOR UPDATE")
        return states(service, "SET lock_timeout = '50ms'", "UPDATE erp.people SET notes = notes WHERE id = -11")


def wrong_password(service: Service) -> str | None:
    try:
        session(service, password="wrong").close()
    except psycopg.OperationalError as error:
        return "28P01" if "password authentication failed" in str(error) else str(error)
    return None


def idle(service: Service) -> str | None:
    with session(service) as connection:
        connection.execute("SET idle_in_transaction_session_timeout = '50ms'")
        time.sleep(0.5)
        try:
            connection.execute("SELECT 1")
        except psycopg.Error as error:
            return error.sqlstate
    return None


PERSON = "INSERT INTO erp.people (id, full_name, global_id) VALUES (7, 'x', {})"
PROVOKED: dict[str, Callable[[Service], str | None]] = {
    "57P01": lambda service: states(service, "SELECT pg_terminate_backend(pg_backend_pid())"),
    "53300": too_many,
    "40001": changed_by_another,
    "40P01": deadlock,
    "55P03": locked,
    "57014": lambda service: states(service, "SELECT pg_sleep(5)", options="-c statement_timeout=50ms"),
    "25P03": idle,
    "42501": lambda service: states(service, "SET ROLE erp_reader"),
    "23505": lambda service: states(service, PERSON.format("'person_mara_lindqvist'")),
    "23503": lambda service: states(service, "UPDATE erp.tasks SET project_id = 7 WHERE id = -91"),
    "23514": lambda service: states(service, "UPDATE erp.tasks SET status = 'no' WHERE id = -91"),
    "23502": lambda service: states(service, "UPDATE erp.tasks SET title = NULL WHERE id = -91"),
    "28P01": wrong_password,
}
# The server would have to be caught while it starts, which takes a tenth of a second here.
NOT_PROVOKED = {"57P03"}


def first_cells(heading: str, pattern: str) -> set[str]:
    section = DOCUMENT.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| ([^|]*) \| [^|]+ \| [^|]+ \|$", section, re.M)
    return {code for cell in cells for code in re.findall(pattern, cell)}


def test_every_error_of_the_table_is_provoked() -> None:
    assert first_cells("Errors that a service must know", r"`(\w{5})`") == PROVOKED.keys() | NOT_PROVOKED


@pytest.mark.parametrize("state", PROVOKED)
def test_the_server_gives_the_error(service: Service, state: str) -> None:
    assert PROVOKED[state](service) == state


def asked(service: Service, method: str, path: str, **more: Any) -> int:
    headers = {"Authorization": f"Bearer {service.environment['TOKEN']}"} | more.pop("headers", {})
    url = f"{service.environment['API']}{path}"
    return requests.request(method, url, headers=headers, timeout=30, **more).status_code


def too_many_at_once(service: Service) -> int:
    """Requests whose bodies never come are at work at the same time; as many as there are places."""
    head = f"POST /erp/people HTTP/1.1\r\nHost: 127.0.0.1:{service.api_port}\r\nContent-Length: 9\r\n\r\n"
    places = defaults("postgrest_erp")["postgrest_erp_waiting"]
    with ExitStack() as stack:
        for number in range(places + 20):
            way = stack.enter_context(socket.create_connection(("127.0.0.1", service.api_port), timeout=30))
            way.sendall(head.encode())
            # One that is answered took a place from one that waits, so another one follows.
            if number >= places and (status := asked(service, "GET", PEOPLE)) != 200:
                return status
    return 200


TAKEN = {"full_name": "x", "global_id": "person_mara_lindqvist"}
ONE = {"Accept": "application/vnd.pgrst.object+json"}
STATUSES: dict[int, Callable[[Service], int]] = {
    400: lambda service: asked(service, "GET", "/erp/people?nothing=eq.1"),
    401: lambda service: asked(service, "GET", PEOPLE, headers={"Authorization": ""}),
    403: lambda service: asked(service, "DELETE", "/erp/people?id=eq.-11"),
    404: lambda service: asked(service, "GET", "/people"),
    406: lambda service: asked(service, "GET", PEOPLE, headers=ONE),
    409: lambda service: asked(service, "POST", "/erp/people", json=TAKEN),
    413: lambda service: asked(service, "PATCH", "/erp/people?id=eq.-11", data=b"x" * (1 << 20) + b"x"),
    429: too_many_at_once,
}
# The database or the API would have to be stopped; the role's own tests do that.
NOT_ASKED = {502, 503, 504}


def test_every_status_of_the_table_is_asked_for() -> None:
    found = {int(code) for code in first_cells("The same over HTTP", r"`(\d{3})`")}
    assert found == STATUSES.keys() | NOT_ASKED


@pytest.mark.parametrize("status", STATUSES)
def test_the_api_answers_with_the_status(service: Service, status: int) -> None:
    assert STATUSES[status](service) == status
