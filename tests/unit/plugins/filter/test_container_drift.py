"""container_drift: one effect a difference."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.filter.container_drift import container_drift
from ansible_collections.bestviable.portfolio.plugins.filter.subnet_overlaps import subnet_overlaps

LABEL = "bestviable.portfolio.config-hash"
COMPOSE = "com.docker.compose.config-hash"
PORT = {"host_ip": "127.0.0.1", "host_port": 3000, "container_port": 3000}
CONTAINER: dict[str, Any] = {
    "state": "running", "image_id": "sha256:a", "labels": {LABEL: "h", COMPOSE: "c"}, "memory": 314572800,
    "memory_swap": 314572800, "nano_cpus": 500000000, "networks": {"portfolio-network": "172.28.10.2"},
    "started_at": "2026-11-23T12:00:00.123456789Z", "ports": [PORT],
}  # fmt: skip
WANTED: dict[str, Any] = {
    "name": "postgres-erp",
    "image_id": "sha256:a",
    "config_hash": "h",
    "compose_hash": "c",
    "memory": "314572800",
    "cpus": "0.5",
    "networks": ["portfolio-network"],
    "ports": [PORT],
}
STARTED = 1795435200.123456789
RESTARTS: list[tuple[dict[str, Any], str]] = [
    ({"state": "exited"}, "it is exited"),
    ({"image_id": "sha256:b"}, "it runs another image"),
    ({"labels": {COMPOSE: "c"}}, "its compose file has changed"),
    ({"labels": {LABEL: "h", COMPOSE: "d"}}, "it was brought up by hand from another file"),
    ({"ports": []}, "it publishes no port instead of 127.0.0.1:3000"),
    (
        {"ports": [PORT, {"host_ip": "", "host_port": 5432, "container_port": 5432}]},
        "it publishes *:5432, 127.0.0.1:3000 instead of 127.0.0.1:3000",
    ),
]
CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"memory": 209715200}, "its memory is 200 MB instead of 300 MB"),
    ({"memory_swap": -1}, "it may use swap"),
    ({"nano_cpus": 0}, "it has 0 processors instead of 0.5"),
    ({"networks": {}}, "it is not connected to portfolio-network"),
]


def drift(container: dict[str, Any] | None, wanted: dict[str, Any] = WANTED) -> list[tuple[str, str]]:
    effects = container_drift(container, wanted)
    assert all(each["object"] == "postgres-erp" for each in effects)
    return [(each["effect"], each["detail"]) for each in effects]


def test_no_difference() -> None:
    assert drift(CONTAINER) == []


def test_no_container() -> None:
    assert drift(None) == [("restart", "there is no container")]


@pytest.mark.parametrize(("change", "phrase"), RESTARTS)
def test_what_only_a_start_puts_right(change: dict[str, Any], phrase: str) -> None:
    assert drift(CONTAINER | change) == [("restart", phrase)]


@pytest.mark.parametrize(("change", "phrase"), CHANGES)
def test_what_is_put_right_while_it_runs(change: dict[str, Any], phrase: str) -> None:
    assert drift(CONTAINER | change) == [("change", phrase)]


def test_a_start_puts_the_limits_right_too() -> None:
    assert drift(CONTAINER | CHANGES[0][0] | RESTARTS[1][0]) == [
        ("restart", RESTARTS[1][1]),
        ("restart", CHANGES[0][1]),
    ]


def test_a_start_that_nobody_remembered_is_not_judged() -> None:
    assert drift(CONTAINER | {"labels": {LABEL: "h", COMPOSE: "d"}}, WANTED | {"compose_hash": ""}) == []


@pytest.mark.parametrize(("newer_than", "expected"), [(STARTED - 1, 0), (STARTED + 1, 1), (None, 0)])
def test_newer_file(newer_than: float | None, expected: int) -> None:
    assert len(drift(CONTAINER, WANTED | {"newer_than": newer_than})) == expected


def test_a_container_that_never_ran_has_no_start() -> None:
    never = CONTAINER | {"state": "created", "started_at": None, "networks": {}}
    assert drift(never, WANTED | {"newer_than": STARTED}) == [("restart", "it is created")]


def test_overlaps_ignore_the_default_route() -> None:
    routes = [{"destination": "0.0.0.0/0", "interface": "eth0"}, {"destination": "172.28.0.0/16", "interface": "eth1"}]
    assert subnet_overlaps(
        [{"key": "a", "value": "172.28.10.0/24"}, {"key": "b", "value": "172.29.0.0/24"}], routes
    ) == ["a 172.28.10.0/24 and 172.28.0.0/16 on eth1"]
