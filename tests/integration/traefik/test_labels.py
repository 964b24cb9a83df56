# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Traefik that somebody else runs: what is found of it, and that our labels are a route for it."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.filter.traefik_labels import traefik_labels

from tests.ansible_task import run_module
from tests.integration.traefik.conftest import IMAGE
from tests.integration.traefik.proxy import HOSTNAME
from tests.route import doors, render
from tests.server import ROOT
from tests.waiting import until

STATIC = """
entryPoints:
  frontDoor:
    address: ":80"
    forwardedHeaders: {insecure: true}
api: {insecure: true}
providers:
  docker: {exposedByDefault: false, constraints: "Label(`only`, `NAME`)"}
certificatesResolvers: {le: {acme: {email: a@example.com, eab: {kid: k, hmacEncoded: geheim-5f2a}}}}
"""


def docker(*arguments: str) -> str:
    command = ["docker", "--host", "unix:///var/run/docker.sock", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def address(container: str) -> str:
    return docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of one that is careless; a container NAME-api beside it is the test's to make."""
    if os.geteuid():
        pytest.skip("only root can build the image")
    subprocess.run([str(ROOT / "images" / "build"), "traefik"], check=True, capture_output=True)
    name = f"portfolio-test-{uuid.uuid4().hex[:8]}"
    conf: Path = tmp_path_factory.mktemp("conf")
    (conf / "real.yml").write_text(STATIC.replace("NAME", name))
    (conf / "traefik.yml").symlink_to("real.yml")
    try:
        docker("network", "create", name)
        docker("run", "-d", "--name", name, "--network", name, "--volume", f"{conf}:/etc/traefik:ro",
               "--volume", "/var/run/docker.sock:/var/run/docker.sock:ro", IMAGE)  # fmt: skip
        yield name
    finally:
        subprocess.run(["docker", "rm", "--force", name, f"{name}-api"], capture_output=True, check=False)
        subprocess.run(["docker", "network", "rm", name], capture_output=True, check=False)


@pytest.fixture(scope="module")
def server(other: str) -> dict[str, Any]:
    result = run_module("server_info", {"networks": [other]})
    assert "geheim" not in str(result)
    found: dict[str, Any] = result["server"]
    return found


def test_what_is_found_of_it(other: str, server: dict[str, Any]) -> None:
    [found] = [traefik for traefik in server["traefiks"] if traefik["name"] == other]
    assert found == {
        "name": other,
        # The tag is 3.7.
        "version": None,
        "socket": True,
        "unread": "",
        "entry_points": {
            "frontDoor": {"port": 80, "believes_all": True, "aliases": "keep", "redirects": False},
        },
        "insecure_api": True,
        "open_dashboard": False,
    }


def test_whose_choice_the_subnet_of_a_bare_network_is(other: str, server: dict[str, Any]) -> None:
    """Docker's; and it refuses an address that is asked for there."""
    network = server["networks"][other]
    assert not network["given"]
    wanted = network["subnets"][0].rpartition(".")[0] + ".250"
    with pytest.raises(subprocess.CalledProcessError) as refused:
        docker("run", "--rm", "--network", other, "--ip", wanted, IMAGE, "version")
    assert "user configured subnets" in refused.value.stderr


def ask(other: str, path: str, body: bytes | None = None) -> int:
    connection = HTTPConnection(address(other), timeout=10)
    try:
        connection.request("POST" if body else "GET", path, body, {"Host": HOSTNAME})
        return connection.getresponse().status
    finally:
        connection.close()


def test_labels_are_a_route_for_it(other: str, server: dict[str, Any]) -> None:
    """With the entry point that was found; its ping stands for the API here."""
    found = [traefik for traefik in server["traefiks"] if traefik["name"] == other]
    route = render(
        "postgrest_erp/templates/route.yml.j2",
        doors=doors("_postgrest_erp_doors", _portfolio_server={"traefiks": found}),
    )
    labels = traefik_labels(route, other) | {"only": other}
    given = [part for name, value in labels.items() for part in ("--label", f"{name}={value}")]
    docker("run", "-d", "--name", f"{other}-api", "--network", other, *given, IMAGE,
           "--entrypoints.api.address=:3000", "--ping.entrypoint=api")  # fmt: skip
    until(lambda: ask(other, "/erp/ping") == 200)
    assert ask(other, "/erpping") == 404
    # Nothing of it that Traefik would not read.
    assert "ERR" not in docker("logs", other)
    assert ask(other, "/erp/ping", b"x" * 200000) == 413
