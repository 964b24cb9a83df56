"""What the engine answers, from answers recorded of Docker 20.10 and from the ways in which other engines differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.server import docker_parse

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "recorded" / "docker-20.10.json").read_text())


def test_engine() -> None:
    assert docker_parse.engine(RECORDED["info"], RECORDED["version"]) == {
        "version": "20.10.24+dfsg1",
        "api_version": "1.41",
        "root_dir": "/var/lib/docker",
        "rootless": False,
        "swarm": False,
        "desktop": False,
        "live_restore": False,
        "logging_driver": "json-file",
    }


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("rootless", {"SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless", "name=cgroupns"]}),
        ("desktop", {"OperatingSystem": "Docker Desktop"}),
        ("swarm", {"Swarm": {"LocalNodeState": "active"}}),
        ("swarm", {"Swarm": {"LocalNodeState": "locked"}}),
    ],
)
def test_engines_that_roles_refuse(key: str, change: dict[str, Any]) -> None:
    engine = docker_parse.engine({**RECORDED["info"], **change}, RECORDED["version"])
    assert [name for name in ("rootless", "swarm", "desktop") if engine[name]] == [key]


def test_an_engine_that_says_nothing() -> None:
    engine = docker_parse.engine({}, {})
    assert (engine["version"], engine["rootless"], engine["swarm"], engine["desktop"]) == (None, False, False, False)


def test_running_container() -> None:
    container = docker_parse.container(RECORDED["containers"]["postgres-erp"])
    mounts = container.pop("mounts")
    labels = container.pop("labels")
    assert labels["bestviable.portfolio"] == "postgres_erp"
    assert container == {
        "id": "e022c6f75d72d40a8e95813940f628cbd0af1156e9fc998d61aa7a7f586d19e2",
        "image": "portfolio.local/postgres:15",
        "image_id": "sha256:9887e65c9dfea14bdde2e65a1dbb19bb46afb70904d99e69b9d04ab3eaecc62d",
        "state": "running",
        "health": "healthy",
        "started_at": "2026-11-23T12:44:53.923748503Z",
        "finished_at": None,
        "exit_code": 0,
        "restart_count": 0,
        "networks": {"portfolio-network": "172.28.10.2"},
        "memory": 314572800,
        "memory_swap": 314572800,
        "nano_cpus": 500000000,
        "ports": [],
    }
    assert mounts[0] == {
        "type": "volume",
        "name": "postgres-erp-data",
        "source": "/var/lib/docker/volumes/postgres-erp-data/_data",
        "destination": "/var/lib/postgresql/data",
        "read_write": True,
    }
    assert [mount["read_write"] for mount in mounts] == [True, False, True]


def test_container_that_restarts_again_and_again() -> None:
    container = docker_parse.container(RECORDED["containers"]["t5-traefik"])
    assert (container["state"], container["health"], container["restart_count"]) == ("restarting", None, 8)
    assert (container["finished_at"], container["exit_code"]) == ("2026-11-23T12:58:04.448082323Z", 1)
    assert container["networks"] == {"t5-proxy": None}
    assert container["ports"] == [
        {"host_ip": "127.0.0.1", "host_port": 3005, "container_port": 3000, "protocol": "tcp"}
    ]


def test_container_that_never_started() -> None:
    created = {**RECORDED["containers"]["t5-traefik"], "State": {"Status": "created", "StartedAt": docker_parse.NEVER}}
    assert docker_parse.container(created)["started_at"] is None


def test_the_environment_of_a_container_never_comes_out() -> None:
    answer = json.loads(json.dumps(RECORDED["containers"]["postgres-erp"]))
    answer["Config"]["Env"] = ["POSTGRES_PASSWORD=geheim-5f2a"]
    assert "geheim" not in json.dumps(docker_parse.container(answer))


@pytest.mark.parametrize("port", ["", "8000-8010", None])
def test_a_port_that_is_no_number(port: str | None) -> None:
    answer = {"HostConfig": {"PortBindings": {"80/udp": [{"HostIp": "", "HostPort": port}]}}}
    assert docker_parse.container(answer)["ports"] == [
        {"host_ip": "", "host_port": None, "container_port": 80, "protocol": "udp"}
    ]


def test_network() -> None:
    network = docker_parse.network(RECORDED["network"])
    assert network == {
        "id": RECORDED["network"]["Id"],
        "driver": "bridge",
        "internal": False,
        "subnets": ["172.29.52.0/24"],
        "gateways": [],
        "ranges": [],
        "given": True,
        "labels": {},
        "containers": {"t5-postgrest": "172.29.52.2"},
    }


def test_host_network_without_ranges() -> None:
    answer = {"Name": "host", "Driver": "host", "IPAM": {"Driver": "default", "Config": None}, "Labels": None}
    assert docker_parse.network(answer)["subnets"] == []


@pytest.mark.parametrize(
    ("entry", "labels", "given"),
    [
        # Docker 20.10's answer to a bare `docker network create`.
        ({"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.1"}, {}, False),
        ({"Subnet": "192.168.48.0/20", "Gateway": "192.168.48.1"}, {}, False),
        ({"Subnet": "10.9.4.0/24", "Gateway": "10.9.4.1"}, {}, False),
        ({"Subnet": "172.18.0.0/16"}, {}, True),
        ({"Subnet": "172.18.4.0/24", "Gateway": "172.18.4.1"}, {}, True),
        ({"Subnet": "172.18.0.0/16", "IPRange": "172.18.0.0/17", "Gateway": "172.18.0.1"}, {}, True),
        ({"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.1"}, {"bestviable.portfolio": "docker_proxy"}, True),
        ({"Subnet": "2001:db8::/64"}, {}, False),
    ],
)
def test_whose_choice_the_subnet_is(entry: dict[str, str], labels: dict[str, str], given: bool) -> None:
    pools = docker_parse.address_pools({"DefaultAddressPools": [{"Base": "10.9.0.0/16", "Size": 24}]})
    assert docker_parse.network({"IPAM": {"Config": [entry]}, "Labels": labels}, pools)["given"] == given


def test_volume() -> None:
    assert docker_parse.volume(RECORDED["volume"]) == {
        "driver": "local",
        "mountpoint": "/var/lib/docker/volumes/postgres-erp-data/_data",
        "labels": {"bestviable.portfolio": "postgres-erp"},
    }


def test_image() -> None:
    image = docker_parse.image(RECORDED["image"])
    assert (image["env"]["PG_MAJOR"], image["user"], image["digests"]) == ("15", "", [])
    assert image["entrypoint"] == ["docker-entrypoint.sh"]


def test_image_of_a_newer_engine_without_empty_keys() -> None:
    assert docker_parse.image({"Id": "sha256:1", "Config": {"Env": ["A=b=c", "D"]}}) == {
        "id": "sha256:1",
        "user": "",
        "labels": {},
        "env": {"A": "b=c", "D": ""},
        "digests": [],
        "entrypoint": [],
    }


def test_publishers_are_only_what_the_host_shows() -> None:
    assert docker_parse.publishers(RECORDED["running"]) == [
        {"container": "portfolio-droplet", "host_ip": "127.0.0.1", "host_port": 2322, "container_port": 22}
    ]


@pytest.mark.parametrize(
    ("image", "labels", "expected"),
    [
        ("traefik:v3.7.15", {}, ["proxy"]),
        ("registry.example:5000/owner/traefik@sha256:12", None, ["proxy"]),
        ("portfolio.local/traefik:3.7", {"bestviable.portfolio": "traefik"}, []),
        ("owner/traefik-forward-auth:2", {}, []),
        (None, {}, []),
    ],
)
def test_a_traefik_that_is_not_ours(image: str | None, labels: dict[str, str] | None, expected: list[str]) -> None:
    assert docker_parse.proxies([{"Names": ["/proxy"], "Image": image, "Labels": labels}]) == expected


def test_who_has_a_volume_mounted() -> None:
    running: list[dict[str, Any]] = [
        {"Names": ["/postgres-erp"], "Mounts": [{"Type": "volume", "Name": "data"}, {"Type": "bind"}]},
        {"Names": ["/by-hand"], "Mounts": [{"Type": "volume", "Name": "data"}]},
        {"Names": ["/other"], "Mounts": None},
    ]
    assert docker_parse.users(running, "data") == ["by-hand", "postgres-erp"]
    assert docker_parse.users(running, "") == []


def test_publishers_of_two_address_families_are_sorted() -> None:
    ports = [{"IP": address, "PrivatePort": 5432, "PublicPort": 5432} for address in ("::", "127.0.0.1")]
    found = docker_parse.publishers([{"Names": ["/somebody"], "Ports": ports}])
    assert [row["host_ip"] for row in found] == ["127.0.0.1", "::"]
