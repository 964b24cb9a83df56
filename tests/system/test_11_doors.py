# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways in: a service's login by connect and tunnel, its own tables beside ours, and the chain link by link."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.documents.examples import examples, same
from tests.documents.service import IN_NAMESPACE, Service, forwarded
from tests.server import BIN, DIRECTORY, ROOT, Droplet

NAME = "planner-api"
SERVICES = [{"name": NAME, "roles": ["erp_writer", "agent_service"], "connection_limit": 5}]
PAGE = examples(ROOT / "docs" / "SERVICE_MIGRATIONS.md")
Json = dict[str, Any]


@pytest.fixture(scope="module")
def served(converged: Droplet) -> Iterator[Droplet]:
    """The same server with a service in its inventory, and as it was afterwards."""
    hosts = converged.inventory / "hosts.json"
    before = hosts.read_text()
    named = json.loads(before)
    named["portfolio"]["hosts"]["droplet"]["postgres_erp_services"] = SERVICES
    hosts.write_text(json.dumps(named))
    try:
        done = converged.run()
        assert done.returncode == 0, done.output
        yield converged
    finally:
        hosts.write_text(before)
        done = converged.run()
        assert done.returncode == 0, done.output


def password(droplet: Droplet) -> str:
    return droplet.shell(f"cat {DIRECTORY}/postgres-erp/secrets/{NAME}")


def connect(droplet: Droplet, *words: str) -> str:
    done = droplet.verb("connect", f"SERVICE={NAME}", *words)
    assert done.returncode == 0, done.stderr
    assert ("REVEAL=1" in words) or password(droplet) not in done.stdout + done.stderr
    return done.stdout


# --- connect and tunnel


def test_connect_lists_the_logins_and_shows_no_password(served: Droplet) -> None:
    listed = served.verb("connect")
    assert listed.returncode == 0, listed.stderr
    assert f"  {NAME} " in listed.stdout and "5 connections" in listed.stdout
    data = json.loads(connect(served, "FORMAT=json"))
    assert (data["service"], data["pool"], data["roles"]) == (NAME, {"process": 3, "all": 4}, SERVICES[0]["roles"])
    assert json.loads(connect(served, "FORMAT=json", "REVEAL=1"))["password"] == password(served)
    assert connect(served, "FORMAT=pgpass", "REVEAL=1").strip().endswith(password(served))


def test_the_password_file_is_made_on_the_server_as_it_says(served: Droplet) -> None:
    written = served.shell(f"cd $(mktemp -d) && {connect(served, 'FORMAT=pgpass')}\nstat -c %a pgpass; cat pgpass")
    assert written == f"600\npostgres-erp:5432:portfolio:{NAME}:{password(served)}"


@contextmanager
def tunnel(droplet: Droplet, port: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The verb as somebody runs it, and what it says when it is open."""
    command = [str(ROOT / "portfolio"), "tunnel", "-i", str(droplet.inventory), f"LOCAL_PORT={port}"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=droplet.environment, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            said = ""
            while "sslmode " not in said:
                line = process.stdout.readline()
                assert line, process.stderr and process.stderr.read()
                said += line
            yield process, said
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_tunnel_is_the_database_with_the_services_login_until_it_is_ended(
    served: Droplet, ending: signal.Signals
) -> None:
    port = free_port()
    with tunnel(served, port) as (process, said):
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


def test_a_tunnel_that_breaks_says_so(served: Droplet) -> None:
    with tunnel(served, free_port()) as (process, _said):
        command = ["ps", "-o", "pid=,comm=", "--ppid", str(process.pid)]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        assert listed[1:] == ["ssh"], listed
        os.kill(int(listed[0]), signal.SIGKILL)
        assert process.wait(timeout=40) == 1
        assert process.stderr is not None
        told = process.stderr.read()
    assert "portfolio: the tunnel to droplet ended (" in told and f"run: make tunnel SERVICE={NAME}" in told


def test_a_port_that_is_taken_and_a_database_that_does_not_run_are_one_sentence(served: Droplet) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = served.verb("tunnel", f"LOCAL_PORT={port}")
    assert (taken.returncode, len(taken.stderr.splitlines())) == (1, 1)
    assert f"LOCAL_PORT {port} of this machine cannot be used (Address already in use)" in taken.stderr
    served.shell("docker stop postgres-erp")
    try:
        stopped = served.verb("tunnel", f"LOCAL_PORT={free_port()}")
    finally:
        served.shell("docker start postgres-erp")
    assert (stopped.returncode, len(stopped.stderr.splitlines())) == (1, 1)
    assert "postgres-erp does not run on droplet; see why, for that run: make status" in stopped.stderr


def test_a_server_that_does_not_answer_and_a_service_that_nobody_named(served: Droplet, tmp_path: Path) -> None:
    gone = replace(served, work=tmp_path)
    gone.inventory.mkdir()
    hosts = (served.inventory / "hosts.json").read_text()
    (gone.inventory / "hosts.json").write_text(hosts.replace('"ansible_port": ', '"ansible_port": 1, "was": '))
    for verb in ("tunnel", "connect"):
        silent, unknown = gone.verb(verb), served.verb(verb, "SERVICE=nobody")
        assert (silent.returncode, unknown.returncode) == (1, 1)
        assert "droplet does not tell its state (" in silent.stderr and "Connection refused" in silent.stderr
        assert f"use one of: {NAME}." in unknown.stderr


# --- a service's own tables


@pytest.fixture(scope="module")
def developer(served: Droplet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A developer's directory, with the page's files in it, from which the names of the server's network are known."""
    work = tmp_path_factory.mktemp("developer")
    service = Service(served, work)
    (work / "hosts").write_text(f"127.0.0.1 localhost\n{service.address} postgres-erp traefik\n")
    (work / "pgpass").touch(mode=0o600)
    (work / "pgpass").write_text(connect(served, "FORMAT=pgpass", "REVEAL=1"))
    (work / "tables.py").write_text(PAGE["tables"].text)
    given = dict(line.split("=", 1) for line in connect(served, "FORMAT=env").splitlines())
    service.environment = given | {"PGPASSFILE": str(work / "pgpass"), "PYTHONPATH": str(work)}
    service.environment["SQLALCHEMY_URL"] = connect(served, "FORMAT=sqlalchemy").strip()
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
    for verb in ("schema", "plan", "verify"):
        done = served.verb(verb)
        assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_page_says_is_refused_is_refused(developer: Service) -> None:
    for statement in (
        "CREATE TABLE erp.mine (id int)",
        "CREATE TABLE public.mine (id int)",
        "CREATE TABLE planner.mine (id bigint REFERENCES erp.people)",
        "DROP TABLE erp.people",
    ):
        assert refused(developer, statement), statement


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
    assert served.verb("plan").returncode == 0
    done = served.verb("rollback", "CONFIRM=portfolio")
    assert done.returncode != 0 and "planner.names" in done.stderr, done.stderr
    example(developer, "away")


# --- verify


def verified(droplet: Droplet) -> tuple[int, Json]:
    done = droplet.verb("verify", "FORMAT=json")
    return done.returncode, json.loads(done.stdout)


def until_whole(droplet: Droplet) -> None:
    """The API finds the database again by itself, after a moment."""
    for _attempt in range(10):
        code, report = verified(droplet)
        if code == 0:
            return
        time.sleep(0.5)
    raise AssertionError(report)


def states(report: Json) -> dict[str, str]:
    return {link["name"]: link["state"] for link in report["links"]}


def test_a_whole_chain_is_only_looked_at(converged: Droplet) -> None:
    until_whole(converged)
    files = f"find {DIRECTORY} -printf '%p %T@ %m\\n' | sort"
    events = "SELECT count(*), max(id) FROM migration.event"
    before = converged.containers(), converged.shell(files), converged.sql(events)
    said = converged.verb("verify")
    assert said.returncode == 0, said.stdout
    assert said.stdout.startswith("chain of droplet: ok, 5 links answer\n")
    assert "not set up   DNS" in said.stdout
    assert len(said.stdout.splitlines()) <= 24 and max(map(len, said.stdout.splitlines())) <= 80
    assert (converged.containers(), converged.shell(files), converged.sql(events)) == before


ROUTES = f"{DIRECTORY}/traefik/conf/dynamic"
TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'portfolio_authenticator'"
TRIGGER = "ALTER TABLE erp.people {} TRIGGER people_updated_at"


def by_psql(*statements: str) -> str:
    return "docker exec -i postgres-erp psql -qU postgres -d portfolio <<'SQL'\n" + ";\n".join(statements) + ";\nSQL"


BROKEN = {
    "database": ("docker stop postgres-erp", "docker start postgres-erp", "make deploy"),
    "schema": (by_psql(TRIGGER.format("DISABLE")), by_psql(TRIGGER.format("ENABLE")), "make plan"),
    "API": (
        by_psql("ALTER ROLE portfolio_authenticator NOLOGIN", TERMINATE),
        by_psql("ALTER ROLE portfolio_authenticator LOGIN"),
        "docker logs --tail 20 postgrest-erp",
    ),
    "proxy": (
        f"cp {ROUTES}/erp-db.yml /root/route && sed -i 's/PathPrefix/PathNone/' {ROUTES}/erp-db.yml && sleep 2",
        f"cp /root/route {ROUTES}/erp-db.yml && sleep 2",
        "",
    ),
}


@pytest.mark.parametrize("link", BROKEN)
def test_the_broken_link_is_named_and_nothing_before_it(converged: Droplet, link: str) -> None:
    damage, repair, remedy = BROKEN[link]
    converged.shell(damage)
    try:
        code, report = verified(converged)
    finally:
        converged.shell(repair)
    assert (code, report["status"], report["broken"]["object"]) == (2, "broken", link), report
    assert remedy in report["broken"]["remedy"]
    found = states(report)
    names = list(found)
    assert {found[name] for name in names[: names.index(link)]} == {"ok"}
    assert "broken" not in {found[name] for name in names[names.index(link) + 1 :]}
    until_whole(converged)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the public name, trusted by whoever is told to."""
    there = tmp_path_factory.mktemp("edge") / "edge.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=erp-db.bestviable.com", "-addext", "subjectAltName=DNS:erp-db.bestviable.com",
         "-keyout", str(there), "-out", str(there.with_suffix(".crt"))],
        check=True, capture_output=True,
    )  # fmt: skip
    there.write_text(there.read_text() + there.with_suffix(".crt").read_text())
    return there


@dataclass
class Edge:
    """What stands before the tunnel on the internet: what it answers, and which tokens it was shown."""

    status: int
    address: str = "127.0.77.1"
    tokens: list[str] = field(default_factory=list)


@contextmanager
def edge(certificate: Path, status: int = 0) -> Iterator[Edge]:
    """The public name's port; without a status it answers as the API does."""
    found = Edge(status)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            token = self.headers.get("Authorization", "")
            found.tokens += [token] if token else []
            self.send_response(found.status or (200 if token else 401))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            """Nothing to say."""

    with ThreadingHTTPServer((found.address, 443), Handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()


def seen_from_outside(
    droplet: Droplet, hosts: Path, address: str, trusted: Path, published: bool = True
) -> tuple[int, Json]:
    """The verb on a machine that resolves the public name so."""
    hosts.write_text("127.0.0.1 localhost\n" + (f"{address} erp-db.bestviable.com\n" if address else ""))
    options = ["FORMAT=json", "-i", str(droplet.inventory), "-e", json.dumps({"portfolio_published": published})]
    done = subprocess.run(
        [*IN_NAMESPACE, str(hosts), str(ROOT / "portfolio"), "verify", *options],
        env=droplet.environment | {"SSL_CERT_FILE": str(trusted), "no_proxy": "*"},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize(
    ("status", "code", "state", "told"),
    [(0, 0, "ok", "200 with one"), (530, 2, "broken", "answers 530"), (302, 2, "broken", "answers 302")],
)
def test_the_way_from_outside_is_a_link_once_it_is_published(
    converged: Droplet, certificate: Path, tmp_path: Path, status: int, code: int, state: str, told: str
) -> None:
    trusted = certificate.with_suffix(".crt")
    with edge(certificate, status) as seen:
        found, report = seen_from_outside(converged, tmp_path / "hosts", seen.address, trusted)
    assert (found, states(report)["DNS"], states(report)["tunnel"]) == (code, "ok", state), report
    assert told in report["links"][-1]["detail"]
    assert len(seen.tokens) == (1 if status == 0 else 0)


def test_who_is_not_known_to_be_the_api_gets_no_token(converged: Droplet, certificate: Path, tmp_path: Path) -> None:
    """A certificate that nobody trusts, a way that nobody published, a name that leads nowhere."""
    hosts, trusted = tmp_path / "hosts", certificate.with_suffix(".crt")
    with edge(certificate) as seen:
        code, report = seen_from_outside(converged, hosts, seen.address, Path("/dev/null"))
        assert (code, states(report)["tunnel"]) == (2, "broken"), report
        code, report = seen_from_outside(converged, hosts, seen.address, trusted, published=False)
        assert (code, states(report)["tunnel"]) == (0, "not set up"), report
        assert seen.tokens == []
    code, report = seen_from_outside(converged, hosts, "", trusted)
    assert (code, report["broken"]["object"], states(report)["tunnel"]) == (2, "DNS", "not checked"), report


def test_the_playbook_alone_says_the_same(converged: Droplet) -> None:
    command = [str(BIN / "ansible-playbook"), "-i", str(converged.inventory), "playbooks/verify.yml"]
    converged.shell("docker stop traefik")
    try:
        done = subprocess.run(command, env=converged.environment, capture_output=True, text=True, check=False, cwd=ROOT)
    finally:
        converged.shell("docker start traefik")
    assert done.returncode != 0 and "traefik does not run" in done.stdout
    until_whole(converged)
