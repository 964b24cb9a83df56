# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb verify: each link broken once and named, from the server and from outside; nothing is changed."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.documents.service import IN_NAMESPACE
from tests.server import BIN, DIRECTORY, NOT_BY_ITSELF, ROOT, Droplet
from tests.slices import one_in

Json = dict[str, Any]


def states(report: Json) -> dict[str, str]:
    return {link["name"]: link["state"] for link in report["links"]}


def test_a_whole_chain_is_only_looked_at(converged: Droplet) -> None:
    converged.until_well("verify")
    files = f"find {DIRECTORY} {NOT_BY_ITSELF} -printf '%p %T@ %m\\n' | sort"
    events = "SELECT count(*), max(id) FROM migration.event"
    before = converged.containers(), converged.shell(files), converged.sql(events)
    said = converged.verb("verify")
    assert said.returncode == 0, said.stdout
    assert said.stdout.startswith("chain of droplet: ok, 6 links answer\n")
    assert "not set up   DNS" in said.stdout
    assert len(said.stdout.splitlines()) <= 24 and max(map(len, said.stdout.splitlines())) <= 80
    assert (converged.containers(), converged.shell(files), converged.sql(events)) == before


ROUTES = f"{DIRECTORY}/traefik/conf/dynamic"
TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'portfolio_authenticator'"
TRIGGER = "ALTER TABLE erp.people {} TRIGGER people_updated_at"


def by_psql(*statements: str) -> str:
    return "docker exec -i postgres-erp psql -qU postgres -d portfolio <<'SQL'\n" + ";\n".join(statements) + ";\nSQL"


BROKEN = {
    "schema": (by_psql(TRIGGER.format("DISABLE")), by_psql(TRIGGER.format("ENABLE")), "make plan"),
    "database": ("docker stop postgres-erp", "docker start postgres-erp", "make deploy"),
    "proxy": (
        f"cp {ROUTES}/erp-db.yml /root/route && sed -i 's/PathPrefix/PathNone/' {ROUTES}/erp-db.yml && sleep 2",
        f"cp /root/route {ROUTES}/erp-db.yml && sleep 2",
        "",
    ),
    "API": (
        by_psql("ALTER ROLE portfolio_authenticator NOLOGIN", TERMINATE),
        by_psql("ALTER ROLE portfolio_authenticator LOGIN"),
        "docker logs --tail 20 postgres-erp",
    ),
}


@pytest.mark.parametrize("link", one_in(2, BROKEN))
def test_the_broken_link_is_named_and_nothing_before_it(converged: Droplet, link: str) -> None:
    damage, repair, remedy = BROKEN[link]
    converged.shell(damage)
    try:
        code, report = converged.found("verify")
    finally:
        converged.shell(repair)
    assert (code, report["status"], report["broken"]["object"]) == (2, "broken", link), report
    assert remedy in report["broken"]["remedy"]
    found = states(report)
    names = list(found)
    assert {found[name] for name in names[: names.index(link)]} == {"ok"}
    assert "broken" not in {found[name] for name in names[names.index(link) + 1 :]}
    if link in ("database", "API"):
        converged.until_well("verify")


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
    [
        (0, 0, "ok", "200 with one"),
        (530, 2, "broken", "answers 530"),
        pytest.param(302, 2, "broken", "answers 302", marks=pytest.mark.long),
    ],
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
