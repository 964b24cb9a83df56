# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/INGRESS.md draws the chain with the names, networks and addresses that the roles give it."""

from __future__ import annotations

import re
import textwrap

import yaml
from ansible_collections.bestviable.portfolio.plugins.filter.fixed_addresses import fixed_addresses
from ansible_collections.bestviable.portfolio.plugins.filter.traefik_risks import KINDS

from tests.consistency.repository import defaults, load, options, read
from tests.route import render

PAGE = read("docs/INGRESS.md")
NAMES = load("roles/portfolio/vars/main.yml")["_portfolio_containers"]
SUBNETS = defaults("docker_host")["docker_host_subnets"]
INGRESS = defaults("portfolio")["portfolio_ingress_network"]


def picture() -> str:
    found = re.search(r"<!-- picture: the chain -->\n```\n(.*?)```", PAGE, re.S)
    assert found
    return found[1]


def test_the_picture_has_every_network_with_its_subnet() -> None:
    assert dict(re.findall(r"(\w+[_-]\w+) +(\d+\.\d+\.\d+\.\d+/\d+)", picture())) == SUBNETS


def test_the_picture_has_the_connectors_at_their_addresses() -> None:
    drawn = re.findall(r"cloudflared-(\d) (\.\d+)", picture())
    network = {"subnets": [SUBNETS[INGRESS]], "gateways": [], "ranges": [], "given": True}
    addresses = fixed_addresses(network, len(drawn))
    assert drawn == [(str(n), "." + address.rpartition(".")[2]) for n, address in enumerate(addresses, 1)]


def test_the_picture_has_each_program_at_its_port() -> None:
    ports = {
        point: found["address"] for point, found in render("traefik/templates/traefik.yml.j2")["entryPoints"].items()
    }
    api = load("roles/postgrest_erp/vars/main.yml")["_postgrest_erp_port"]
    [published] = render("traefik/templates/docker-compose.yml.j2")["services"][NAMES["proxy"]]["ports"]
    wanted = {
        (NAMES["proxy"], ports["web"].lstrip(":")),
        (NAMES["proxy"], ports["local"].lstrip(":")),
        (NAMES["api"], str(api)),
        (NAMES["database"], "5432"),
        ("127.0.0.1", published.split(":")[1]),
    }
    assert set(re.findall(r"([\w.-]+):(\d+)", picture())) == wanted


def test_the_lines_of_the_picture_end_at_its_edge() -> None:
    assert len({len(line) for line in picture().splitlines()}) == 1


def test_every_danger_of_another_traefik_is_told() -> None:
    checks = {check["name"] for check in load("roles/traefik/vars/main.yml")["_traefik_other_checks"]}
    assert len(checks) == len(KINDS)
    assert set(re.findall(r"\b3\.\d+\.\d+\b", PAGE)) == {load("roles/traefik/vars/main.yml")["_traefik_oldest"]}


def test_what_the_page_puts_into_an_inventory_are_options() -> None:
    known = options("cloudflare_ingress")
    found = re.findall(r"^ *<!-- inventory: \w+ -->\n *```yaml\n(.*?)^ *```", PAGE, re.S | re.M)
    given = {name: value for text in found for name, value in yaml.safe_load(textwrap.dedent(text)).items()}
    assert len(found) == 2 and given["cloudflare_ingress_state"] == "present"
    assert {name: value for name, value in given.items() if value == known[name]["default"]} == {}


def test_the_options_that_the_page_names_by_half_are_options() -> None:
    """In the tables of what stands in the way they stand as the modules call them."""
    table = PAGE.split("| the server | why | what to do |")[1].split("\n\n")[0]
    remedies = [line.split("|")[3] for line in table.splitlines()[2:]]
    named = {word for remedy in remedies for word in re.findall(r"`(\w+)", remedy)}
    assert named and named <= {name.removeprefix("cloudflare_ingress_") for name in options("cloudflare_ingress")}
