# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The route of the API: one template, and its two forms, a file and labels, say the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.filter.traefik_labels import traefik_labels

from tests.route import doors, render

NETWORK = "docker_proxy"


@pytest.fixture(name="file", scope="module")
def _file() -> dict[str, Any]:
    route: dict[str, Any] = render("postgrest_erp/templates/route.yml.j2", doors=doors("_traefik_doors"))
    return route


@pytest.fixture(name="labels", scope="module")
def _labels() -> dict[str, str]:
    return traefik_labels(render("postgrest_erp/templates/route.yml.j2", doors=doors("_postgrest_erp_doors")), NETWORK)


def texts(node: Any, path: str) -> Iterator[tuple[str, str]]:
    """Each leaf of the file with the text that a label has for it."""
    if isinstance(node, dict):
        for name, below in node.items():
            yield from texts(below, f"{path}.{name}")
    elif isinstance(node, list):
        yield path, ",".join(map(str, node))
    else:
        yield path, json.dumps(node) if isinstance(node, bool) else str(node)


def test_file_and_labels_are_the_same_route(file: dict[str, Any], labels: dict[str, str]) -> None:
    """A Traefik that somebody else runs has no local door; a label names the port, and cannot hold a transport."""
    http = file["http"]
    wanted = {
        **dict(texts({name: r for name, r in http["routers"].items() if "local" not in name}, "traefik.http.routers")),
        **dict(texts(http["middlewares"], "traefik.http.middlewares")),
        **{
            f"traefik.http.services.{name}.{key}": value
            for name, service in http["services"].items()
            for key, value in (
                ("loadBalancer.server.port", "3000"),
                ("middlewares", ",".join(service["middlewares"])),
            )
        },
        "traefik.enable": "true",
        "traefik.docker.network": NETWORK,
    }
    assert labels == wanted


def test_local_door_is_the_public_one_but_for_host_and_rate(file: dict[str, Any]) -> None:
    routers = file["http"]["routers"]
    public = {name for name in routers if not name.endswith("-local")}
    assert set(routers) == public | {f"{name}-local" for name in public}
    for name in public:
        there, here = routers[name], routers[f"{name}-local"]
        assert here["middlewares"] == [step for step in there["middlewares"] if step != "erp-db-rate"]
        assert here["rule"].partition(" && ")[2] == there["rule"].partition(" && ")[2]


def test_every_router_has_its_middlewares_in_order(file: dict[str, Any]) -> None:
    http = file["http"]
    for name, router in http["routers"].items():
        prefix = name.removeprefix("erp-db-").removesuffix("-local").removesuffix("-large").removesuffix("-head")
        rate = [] if name.endswith("-local") else ["rate"]
        wanted = ["headers", *rate, f"strip-{prefix}", f"profile-{prefix}"]
        assert router["middlewares"] == [f"erp-db-{step}" for step in wanted]
        assert set(router["middlewares"]) <= set(http["middlewares"])
        [kind] = re.findall(r"-(large|head)", name) or [""]
        assert router["service"] == f"erp-db-{kind}".rstrip("-")
        assert ("Method(`HEAD`)" in router["rule"]) == (kind == "head")


def test_places_are_counted_for_all_doors_and_taken_when_the_body_is_there(file: dict[str, Any]) -> None:
    """A router's own middleware would count for its prefix and door alone; and who sends slowly must hold no place."""
    http = file["http"]
    steps = {name: service["middlewares"] for name, service in http["services"].items()}
    assert steps == {
        "erp-db": ["erp-db-waiting", "erp-db-body", "erp-db-in-flight"],
        "erp-db-head": ["erp-db-waiting", "erp-db-body-head", "erp-db-in-flight-head"],
        "erp-db-large": ["erp-db-waiting", "erp-db-body-large", "erp-db-in-flight-large", "erp-db-expect"],
    }
    gone = http["middlewares"]["erp-db-headers"]["headers"]["customRequestHeaders"]
    for name in ("waiting", "in-flight", "in-flight-large", "in-flight-head"):
        [criterion] = http["middlewares"][f"erp-db-{name}"]["inFlightReq"]["sourceCriterion"].values()
        assert gone[criterion] == "", f"{name}: a client could choose the count that it belongs to"


def test_a_small_body_says_so(file: dict[str, Any]) -> None:
    """The rule's digits are the cap's, and an unread body of that size does not make PostgREST hang up (8192 bytes)."""
    http = file["http"]
    most = http["middlewares"]["erp-db-body"]["buffering"]["maxRequestBodyBytes"]
    rule = http["routers"]["erp-db-erp-large"]["rule"]
    [digits] = re.findall(r"!HeaderRegexp\(`Content-Length`, `(.+)`\)$", rule)
    for length in (0, 9, 10, 999, 1000, most - 1, most):
        assert re.search(digits, str(length))
    for length in ("", most + 1, 8192, 10000, 99999, "0x10", "1e3"):
        assert not re.search(digits, str(length))
    assert http["routers"]["erp-db-erp-large"]["priority"] > http["routers"]["erp-db-erp"]["priority"]


def test_the_connectors_are_believed_and_nobody_else() -> None:
    nobody = render("traefik/templates/traefik.yml.j2")["entryPoints"]
    assert nobody["web"]["forwardedHeaders"] == {"trustedIPs": []}
    assert "forwardedHeaders" not in nobody["local"]
    addresses = ["172.28.11.254", "172.28.11.253"]
    ours = render("traefik/templates/traefik.yml.j2", _portfolio_connector_addresses=addresses)["entryPoints"]
    assert ours["web"]["forwardedHeaders"] == {"trustedIPs": [f"{address}/32" for address in addresses]}


def test_labels_name_the_entry_point_of_the_other_traefik() -> None:
    point = {"port": 80, "believes_all": False, "aliases": "keep", "redirects": False}
    there = {"_portfolio_server": {"traefiks": [{"entry_points": {"public": point}}]}}
    assert {door["entry_point"] for door in doors("_postgrest_erp_doors", **there)} == {"public"}
    named = there | {"postgrest_erp_traefik_entrypoint": "plain"}
    assert {door["entry_point"] for door in doors("_postgrest_erp_doors", **named)} == {"plain"}


def test_prefixes_lead_to_the_schemas_of_the_api(file: dict[str, Any]) -> None:
    compose = render(
        "postgrest_erp/templates/docker-compose.yml.j2", _postgrest_erp_labels={}, _postgrest_erp_version="12"
    )
    (service,) = compose["services"].values()
    schemas = []
    for name, router in file["http"]["routers"].items():
        found = re.search(r" && \(Path\(`/(\w+)`\) \|\| PathPrefix\(`/(\w+)/`\)\)( && \(?Method.*)?$", router["rule"])
        assert found, f"{name}: a prefix without its final slash would serve its neighbours too"
        assert found[1] == found[2]
        profile = file["http"]["middlewares"][f"erp-db-profile-{found[1]}"]["headers"]["customRequestHeaders"]
        assert set(profile) == {"Accept-Profile", "Content-Profile"}
        assert len(set(profile.values())) == 1
        schemas.append(profile["Accept-Profile"])
    assert set(schemas) == set(service["environment"]["PGRST_DB_SCHEMAS"].split(","))


def test_every_name_is_ours(file: dict[str, Any]) -> None:
    """Names are shared by all applications of a Traefik."""
    for section in file["http"].values():
        assert all(name.startswith("erp-db") for name in section)


def test_doors_are_entry_points_and_none_is_open() -> None:
    static = render("traefik/templates/traefik.yml.j2")
    (service,) = render("traefik/templates/docker-compose.yml.j2")["services"].values()
    assert {door["entry_point"] for door in doors("_traefik_doors")} == set(static["entryPoints"]) - {"ping"}
    for name in ("web", "local"):
        http = static["entryPoints"][name]["http"]
        assert set(http["encodedCharacters"].values()) == {False}
        assert len(http["encodedCharacters"]) == 7
        assert http["aliasHeadersStrategy"] == "delete"
    assert static["accessLog"]["fields"]["queryParameters"] == {"defaultMode": "drop"}
    assert static["accessLog"]["fields"]["headers"]["defaultMode"] == "drop"
    assert "Authorization" not in static["accessLog"]["fields"]["headers"]["names"]
    assert [port.rpartition(":")[0] for port in service["ports"]] == ["127.0.0.1:3000"]
    assert not any("docker.sock" in volume for volume in service["volumes"])


@pytest.mark.parametrize("version", ["12", "14"])
def test_no_secret_and_no_anonymous_role_in_the_compose_file(version: str) -> None:
    template = "postgrest_erp/templates/docker-compose.yml.j2"
    (service,) = render(template, _postgrest_erp_labels={}, _postgrest_erp_version=version)["services"].values()
    environment = service["environment"]
    assert environment["PGRST_DB_URI"].startswith("@/run/secrets/")
    assert environment["PGRST_JWT_SECRET"].startswith("@/run/secrets/")
    assert "PGRST_DB_ANON_ROLE" not in environment
    assert "ports" not in service
    # Its admin port shows the schema: nobody outside the container may reach it.
    assert environment.get("PGRST_ADMIN_SERVER_HOST", "127.0.0.1") == "127.0.0.1"
    assert ("PGRST_ADMIN_SERVER_PORT" in environment) == ("healthcheck" in service) == (version == "14")
