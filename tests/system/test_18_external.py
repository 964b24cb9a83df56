# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A droplet whose database is a managed PostgreSQL 17 beside it, with TLS and nobody of ours a superuser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

import psycopg2
import pytest

from tests.contract import COUNT
from tests.documents.examples import examples
from tests.integration.managed_server.certificates import Authority
from tests.integration.managed_server.conftest import ADMIN, PASSWORD, its_own
from tests.integration.managed_server.test_encrypted import Encrypted, encrypted
from tests.lab.networks import bridge
from tests.server import DIRECTORY, MOST_EXECUTIONS, ROOT, Droplet, Run, droplet_up

pytestmark = pytest.mark.long
MAJOR = 17
SERVICE = {"name": "planner-api", "roles": ["erp_reader"], "connection_limit": 3}


@dataclass
class Pair:
    """The droplet, and the server of the provider."""

    droplet: Droplet
    server: Encrypted

    def run(self, *arguments: str) -> Run:
        done = self.droplet.run(*arguments)
        assert done.returncode == 0, done.output
        assert PASSWORD not in done.output and quote(PASSWORD, safe="") not in done.output
        return done

    def settled(self) -> None:
        before = self.droplet.containers()
        again = self.run()
        assert again.recap["changed"] == 0, again.changed_tasks
        assert len(again.executions) <= MOST_EXECUTIONS, again.executions
        assert self.droplet.containers() == before

    def asked(self, path: str) -> str:
        """What the API answers through the proxy, to a token that is made now."""
        made = self.droplet.verb("token", "ROLE=erp_reader")
        assert made.returncode == 0, made.stderr
        bearer = f'-H "Authorization: Bearer {made.stdout.strip()}"'
        return self.droplet.shell(f"curl -s -w ' %{{http_code}}' {bearer} 'http://127.0.0.1:3000{path}'")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    host = bridge()
    with (
        encrypted(tmp_path_factory.mktemp("provider"), MAJOR, host, host) as server,
        droplet_up("portfolio-external", 2397, tmp_path_factory.mktemp("external")) as droplet,
    ):
        variables = droplet.inventory / "group_vars" / "all"
        variables.mkdir(parents=True)
        # As the page shows it, but for the vault, which is not encrypted here.
        shown = examples(ROOT / "docs" / "MANAGED_SERVER.md")["inventory"].text
        (variables / "main.yml").write_text(shown + json.dumps({"postgres_erp_services": [SERVICE]})[1:-1])
        (variables / "vault.yml").write_text(json.dumps({"vault_portfolio_database_uri": server.uri()}))
        (droplet.inventory / ".provider_ca.crt").write_bytes(server.ca_cert.read_bytes())
        yield Pair(droplet, server)


@pytest.fixture
def deployed(pair: Pair) -> Pair:
    """The same after a run, also where the tests before were not asked for."""
    if "/traefik" not in pair.droplet.containers():
        pair.run()
    return pair


def test_from_a_bare_server_to_an_answer(pair: Pair) -> None:
    predicted = pair.run("--check")
    done = pair.run()
    assert done.changed_tasks == predicted.changed_tasks
    its_own(pair.server.project)
    pair.settled()
    tables = "SELECT count(*)::int FROM pg_tables WHERE schemaname IN ('erp', 'agent')"
    assert pair.server.project.query(tables) == [(COUNT,)]
    assert "/postgres-erp" not in pair.droplet.containers()
    assert pair.droplet.shell("docker volume ls -q") == ""
    assert pair.asked("/erp/people") == "[] 200"
    # The administrator's password came with the run and went with it.
    for text in (PASSWORD, quote(PASSWORD, safe="")):
        pair.droplet.shell(f'! grep -rlF "{text}" {DIRECTORY} /root /tmp /etc /var/log')


def test_the_verbs_that_look(deployed: Pair) -> None:
    droplet = deployed.droplet
    for verb in ("status", "schema", "verify"):
        code, report = droplet.found(verb)
        assert (code, report["status"]) == (0, "ok"), report
    code, report = droplet.found("status")
    assert [one["name"] for one in report["containers"]] == ["postgrest-erp", "traefik"]
    assert report["chain"][0]["at"] == f"{deployed.server.host}:{deployed.server.project.cluster.port}"
    # Of the database nothing is counted here; that it answers is the API's word.
    assert {"disk", "container postgrest-erp", "link API", "token"} <= {
        one["name"] for one in report["numbers"]["numbers"]
    }
    assert not [one for one in report["numbers"]["numbers"] if "database" in one["name"]]
    assert droplet.verb("doctor").returncode == 0
    plan = droplet.verb("plan")
    assert plan.returncode == 0, plan.stdout + plan.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("backup",), "its provider backs it up"),
        (("restore", "YES=1"), "restore it in the provider's panel"),
        (("restore", "TABLE=erp.people"), "restore it in the provider's panel"),
        (("rebuild",), "nothing of it is lost with this one"),
    ],
    ids=lambda given: given if isinstance(given, str) else "-".join(given),
)
def test_backups_are_the_providers(deployed: Pair, words: tuple[str, ...], said: str) -> None:
    refused = deployed.droplet.verb(*words)
    assert refused.returncode == 1 and said in " ".join(refused.stderr.split()), refused.stdout + refused.stderr


def test_getting_in(deployed: Pair) -> None:
    droplet, server = deployed.droplet, deployed.server
    uri = droplet.verb("connect", "SERVICE=planner-api", "FORMAT=uri", "REVEAL=1").stdout.strip()
    known = uri.replace(f"/etc/{SERVICE['name']}/ca.crt", str(server.ca_cert))
    assert known != uri
    connection = psycopg2.connect(known)
    assert connection.info.ssl_in_use
    connection.close()
    for verb, said in (("logs", "in the panel of its provider"), ("tunnel", "what the verb connect prints")):
        refused = droplet.verb(verb, *(["S=postgres-erp"] if verb == "logs" else ["SERVICE=planner-api"]))
        assert refused.returncode == 1 and said in " ".join(refused.stderr.split()), refused.stderr
    refused = droplet.verb("psql", "SQL=SELECT 1")
    assert refused.returncode == 1 and "run: apt-get install postgresql-client" in refused.stderr, refused.stderr
    droplet.shell("apt-get install -q -y --no-install-recommends postgresql-client >/dev/null 2>&1")
    done = droplet.verb("psql", "SQL=SELECT current_user, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", "-XAt")
    assert (done.returncode, done.stdout.strip()) == (0, "erp_admin|t"), done.stderr


def test_rows_and_tokens_and_keys(deployed: Pair) -> None:
    droplet = deployed.droplet
    assert droplet.verb("seed").returncode == 0
    assert deployed.asked("/erp/people?select=id&id=eq.-11") == '[{"id":-11}] 200'
    assert droplet.verb("seed", "STATE=absent").returncode == 0
    assert droplet.verb("rotate").returncode == 0
    assert deployed.asked("/erp/people") == "[] 200"
    token = droplet.verb("token", "ROLE=erp_reader", "SUB=leaver").stdout.strip()
    assert droplet.verb("revoke", "SUB=leaver").returncode == 0
    code = droplet.shell(
        f'curl -s -o /dev/null -w "%{{http_code}}" -H "Authorization: Bearer {token}" http://127.0.0.1:3000/erp/people'
    )
    assert code == "401"
    deployed.settled()


def test_what_somebody_did_by_hand_is_put_right(deployed: Pair) -> None:
    droplet, server = deployed.droplet, deployed.server
    server.project.query("DROP TRIGGER people_updated_at ON erp.people; GRANT DELETE ON erp.people TO erp_reader")
    server.project.query("ALTER ROLE portfolio_authenticator PASSWORD 'by-hand' CONNECTION LIMIT 3")
    droplet.shell(f"echo no certificate >{DIRECTORY}/postgrest-erp/secrets/ca.crt")
    droplet.shell(f"rm {DIRECTORY}/postgres-erp/pgpass {DIRECTORY}/postgres-erp/ca.crt")
    code, plan = droplet.found("plan")
    named = {effect["object"] for effect in plan["effects"]}
    assert code == 2, plan
    assert {f"{DIRECTORY}/postgres-erp/pgpass", f"{DIRECTORY}/postgrest-erp/secrets/ca.crt"} <= named, named
    deployed.run()
    droplet.until_well("verify")
    droplet.until_well("schema")
    deployed.settled()


def refusal(pair: Pair, **variables: object) -> str:
    """The last sentence of a run that must not come far."""
    done = pair.droplet.run("-e", json.dumps(variables))
    assert done.returncode != 0, done.output
    assert PASSWORD not in done.output and quote(PASSWORD, safe="") not in done.output
    return " ".join(done.output.split())


def test_another_certificate_and_a_silent_server_are_named(
    deployed: Pair, tmp_path_factory: pytest.TempPathFactory
) -> None:
    droplet, server = deployed.droplet, deployed.server
    before = droplet.containers()
    other = Authority("Somebody else's CA").write(tmp_path_factory.mktemp("other") / "ca.crt")
    said = refusal(deployed, portfolio_database_ca=str(other))
    assert f"the certificate of {server.host} is not signed by one of portfolio_database_ca" in said
    wrong = server.uri().replace(quote(PASSWORD, safe=""), "of-somebody-else")
    assert f'password authentication failed for user "{ADMIN}"' in refusal(deployed, portfolio_database_uri=wrong)
    assert "set portfolio_database_major if that is meant" in refusal(deployed, portfolio_database_major=15)
    assert "portfolio_topology is single, and" in refusal(
        deployed, portfolio_topology="single", portfolio_database_major=15
    )
    server.project.cluster.halt()
    try:
        assert f"cannot log in to database defaultdb at {server.host}" in refusal(deployed)
        code, report = droplet.found("status")
        assert code == 2 and report["problems"][0]["object"] == "database", report
        code, report = droplet.found("verify")
        assert code == 2 and report["broken"]["object"] == "database", report
    finally:
        server.project.cluster.start()
    deployed.run()
    droplet.until_well("status")
    assert droplet.containers() == before
    deployed.settled()


def test_the_droplet_goes_and_comes_back_to_the_same_rows(deployed: Pair) -> None:
    droplet, project = deployed.droplet, deployed.server.project
    assert droplet.verb("seed").returncode == 0
    rows = project.query("SELECT count(*) FROM erp.people")
    listed = droplet.verb("destroy", "DATA=yes", "YES=1")
    assert listed.returncode == 0, listed.stderr
    assert project.query("SELECT count(*) FROM erp.people") == rows != [(0,)]
    assert droplet.containers() == {} and droplet.shell(f"ls {DIRECTORY} 2>/dev/null || echo gone") == "gone"
    deployed.run()
    assert project.query("SELECT count(*) FROM erp.people") == rows
    assert deployed.asked("/erp/people?select=id&id=eq.-11") == '[{"id":-11}] 200'
    deployed.settled()
