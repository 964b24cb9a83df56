# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program out of the image that the tests deploy, and one that runs as the roles want it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path

import pytest

from tests.integration.traefik.proxy import Change, Proxy, behind, proxy, unchanged
from tests.server import ROOT

IMAGE = "portfolio.local/traefik:3.7"
Start = Callable[..., AbstractContextManager[Proxy]]


@pytest.fixture(scope="session")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if os.geteuid():
        pytest.skip("only root can build and open the image")
    subprocess.run([str(ROOT / "images" / "build"), "traefik"], check=True, capture_output=True)
    path = tmp_path_factory.mktemp("program") / "traefik"
    docker = ["docker", "--host", "unix:///var/run/docker.sock"]
    container = subprocess.run([*docker, "create", IMAGE], check=True, capture_output=True, text=True).stdout.strip()
    try:
        subprocess.run(
            [*docker, "cp", f"{container}:/usr/local/bin/traefik", str(path)], check=True, capture_output=True
        )
    finally:
        subprocess.run([*docker, "rm", container], check=True, capture_output=True)
    return path


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    with behind() as port:
        yield port


@pytest.fixture(scope="module")
def start(binary: Path, upstream: int, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Starts one more, with a guard taken out or another setting."""
    base, number = tmp_path_factory.mktemp("proxies"), count()

    def started(change: Change = unchanged, believed: list[str] | None = None) -> AbstractContextManager[Proxy]:
        return proxy(binary, base / str(next(number)), upstream, change, believed)

    return started


@pytest.fixture(scope="module")
def traefik(start: Start) -> Iterator[Proxy]:
    """As the roles write it; what counts requests is not asked for in a row here."""
    with start(unlimited) as running:
        yield running


def unlimited(_static: object, http: dict[str, dict[str, dict[str, dict[str, int]]]]) -> None:
    """All that a test file asks comes from one client; the limit has tests of its own."""
    http["middlewares"]["erp-db-rate"]["rateLimit"] |= {"average": 10000, "burst": 10000}
