# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the containers may do, and what can be reached of them from where."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.security.chain import API_PORT, DATABASE_NETWORK, INGRESS, LOCAL_PORT, Chain

CONTAINERS = ["postgres-erp", "postgrest-erp", "traefik"]


def inspected(chain: Chain, container: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(chain.droplet.shell(f"docker inspect {container}"))[0]
    return found


def database_client(chain: Chain, network: str, command: str) -> str:
    """What a container of that network, made from the database's image, is told."""
    image = inspected(chain, "postgres-erp")["Config"]["Image"]
    return chain.droplet.shell(
        f'docker run --rm --network {network} --user 65534 --entrypoint sh {image} -c "{command}" 2>&1', check=False
    )


@pytest.mark.parametrize("container", CONTAINERS)
def test_what_a_container_may_do(chain: Chain, container: str) -> None:
    """T37: it writes nowhere but where it must, has no right of the kernel, is nobody, and its use is bounded."""
    found = inspected(chain, container)
    host = found["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert not host["Privileged"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert found["Config"]["User"].split(":")[0] not in {"", "0", "root", "1000"}
    assert 0 < host["Memory"] == host["MemorySwap"]
    assert host["NanoCpus"] > 0
    assert host["PidsLimit"] > 0
    assert host["PidMode"] == host["IpcMode"].replace("private", "") == host["UTSMode"] == ""
    assert not any("docker.sock" in mount["Source"] for mount in found["Mounts"])
    assert host["LogConfig"]["Config"]["max-size"]


@pytest.mark.parametrize("container", CONTAINERS)
def test_what_a_container_runs_as(chain: Chain, container: str) -> None:
    """T37: as the kernel sees it."""
    pid = inspected(chain, container)["State"]["Pid"]
    status = dict(line.split(":\t", 1) for line in chain.droplet.shell(f"cat /proc/{pid}/status").splitlines())
    assert "0" not in status["Uid"].split()
    assert status["CapEff"] == status["CapPrm"] == status["CapBnd"] == "0" * 16
    assert status["NoNewPrivs"] == "1"


def test_what_is_published(chain: Chain) -> None:
    """T34, T35: one port, on the server's own address."""
    published = {name: inspected(chain, name)["HostConfig"]["PortBindings"] for name in CONTAINERS}
    assert list(published.pop("traefik").values()) == [[{"HostIp": "127.0.0.1", "HostPort": str(LOCAL_PORT)}]]
    assert not any(published.values())
    [own] = chain.droplet.shell("hostname -i").split()[:1]
    for port in (LOCAL_PORT, API_PORT, 5432, 80, 8080, 8082):
        with pytest.raises(OSError):
            chain.connect_to((own, port), 3)


@pytest.mark.parametrize("port", [3001, 8080])
@pytest.mark.parametrize("network", [INGRESS, DATABASE_NETWORK])
def test_no_admin_port_of_the_api(chain: Chain, network: str, port: int) -> None:
    """T34: it shows the schemas and would take orders."""
    with pytest.raises(OSError):
        chain.connect_to((chain.ip("postgrest-erp", network), port), 3)


@pytest.mark.parametrize("port", [8080, 8082, 443, 9000])
def test_no_other_port_of_the_proxy(chain: Chain, port: int) -> None:
    """T34: neither dashboard nor health check."""
    with pytest.raises(OSError):
        chain.connect_to((chain.ip("traefik"), port), 3)


def test_the_proxy_answers_for_nothing_of_its_own(chain: Chain) -> None:
    """T34: no dashboard, no API of its own behind any name."""
    for path in ("/dashboard/", "/api/rawdata", "/ping", "/metrics", "/debug/pprof/"):
        assert chain.ask("GET", path).status == 404
        assert chain.ask("GET", path, via="local").status == 404


def test_the_database_is_not_reached_from_the_proxys_network(chain: Chain) -> None:
    """T35: neither by name nor by address; from its own network it is."""
    address = chain.ip("postgres-erp", DATABASE_NETWORK)
    assert "accepting" in database_client(chain, DATABASE_NETWORK, "pg_isready -h postgres-erp -t 3")
    for host in ("postgres-erp", address):
        assert "no " in database_client(chain, INGRESS, f"pg_isready -h {host} -t 3")


@pytest.mark.parametrize("user", ["postgres", "erp_admin", "portfolio_authenticator", "erp_reader", "nobody"])
def test_nobody_comes_in_over_tcp_without_the_password(chain: Chain, user: str) -> None:
    """T35: not with a wrong one, not with none; and postgres not at all."""
    for password in ("wrong", ""):
        command = f"PGPASSWORD={password} psql -w -h postgres-erp -U {user} -d portfolio -c 'SELECT 1'"
        said = database_client(chain, DATABASE_NETWORK, command)
        assert "FATAL" in said or "no password supplied" in said
        assert "(1 row)" not in said
    if user in {"postgres", "erp_reader", "nobody"}:
        assert "rejects connection" in said


def test_no_rule_lets_anybody_in_unasked(chain: Chain) -> None:
    """T35: no line trusts, and the last one refuses."""
    rules = [
        line.split("|")
        for line in chain.sql("SELECT type, auth_method FROM pg_hba_file_rules ORDER BY line_number").splitlines()
    ]
    assert {method for kind, method in rules if kind == "local"} <= {"peer", "scram-sha-256", "reject"}
    assert {method for kind, method in rules if kind != "local"} <= {"scram-sha-256", "reject"}
    assert rules[-1][1] == "reject"
