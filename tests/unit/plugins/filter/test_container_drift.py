"""container_drift: one phrase a difference."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.filter.container_drift import container_drift
from ansible_collections.bestviable.portfolio.plugins.filter.subnet_overlaps import subnet_overlaps

LABEL = "bestviable.portfolio.config-hash"
CONTAINER: dict[str, Any] = {
    "state": "running", "image_id": "sha256:a", "labels": {LABEL: "h"}, "memory": 314572800, "memory_swap": 314572800,
    "nano_cpus": 500000000, "networks": {"portfolio-network": "172.28.10.2"},
    "started_at": "2026-11-23T12:00:00.123456789Z",
}  # fmt: skip
WANTED: dict[str, Any] = {
    "image_id": "sha256:a",
    "config_hash": "h",
    "memory": "314572800",
    "cpus": "0.5",
    "networks": ["portfolio-network"],
}
STARTED = 1795435200.123456789


def test_no_difference() -> None:
    assert container_drift(CONTAINER, WANTED) == []


def test_no_container() -> None:
    assert container_drift(None, WANTED) == ["there is no container"]


@pytest.mark.parametrize(
    ("change", "phrase"),
    [
        ({"state": "exited"}, "it is exited"),
        ({"image_id": "sha256:b"}, "it runs another image"),
        ({"labels": {}}, "its compose file has changed"),
        ({"memory": 209715200}, "its memory is 200 MB instead of 300 MB"),
        ({"memory_swap": -1}, "it may use swap"),
        ({"nano_cpus": 0}, "it has 0 processors instead of 0.5"),
        ({"networks": {}}, "it is not connected to portfolio-network"),
    ],
)
def test_each_difference(change: dict[str, Any], phrase: str) -> None:
    assert container_drift(CONTAINER | change, WANTED) == [phrase]


@pytest.mark.parametrize(("newer_than", "expected"), [(STARTED - 1, 0), (STARTED + 1, 1), (None, 0)])
def test_newer_file(newer_than: float | None, expected: int) -> None:
    assert len(container_drift(CONTAINER, WANTED | {"newer_than": newer_than})) == expected


def test_a_container_that_never_ran_has_no_start() -> None:
    never = CONTAINER | {"state": "created", "started_at": None, "networks": {}}
    assert container_drift(never, WANTED | {"newer_than": STARTED}) == ["it is created"]


def test_overlaps_ignore_the_default_route() -> None:
    routes = [{"destination": "0.0.0.0/0", "interface": "eth0"}, {"destination": "172.28.0.0/16", "interface": "eth1"}]
    assert subnet_overlaps(
        [{"key": "a", "value": "172.28.10.0/24"}, {"key": "b", "value": "172.29.0.0/24"}], routes
    ) == ["a 172.28.10.0/24 and 172.28.0.0/16 on eth1"]
