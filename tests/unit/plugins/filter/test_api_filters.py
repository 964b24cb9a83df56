# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters jwks and traefik_labels."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.bestviable.portfolio.plugins.filter.jwks import jwks
from ansible_collections.bestviable.portfolio.plugins.filter.traefik_labels import traefik_labels
from ansible_collections.bestviable.portfolio.plugins.plugin_utils import tokens


def configuration(**service: Any) -> dict[str, Any]:
    return {
        "http": {
            "routers": {"r": {"entryPoints": ["web", "other"], "rule": "Host(`a`)", "priority": 1000}},
            "middlewares": {"m": {"headers": {"forceSTSHeader": True, "customRequestHeaders": {"Cookie": ""}}}},
            "services": {"s": {"loadBalancer": {"servers": [{"url": "http://api:3000"}], **service}}},
            "serversTransports": {"t": {"maxIdleConnsPerHost": -1}},
        }
    }


def test_one_key_is_a_set_of_one() -> None:
    pem = tokens.new_key()
    assert jwks(pem) == jwks([pem]) == tokens.jwks([pem])
    assert jwks([]) == {"keys": []}


def test_bad_key_is_a_filter_error() -> None:
    with pytest.raises(AnsibleFilterError, match="Ed25519"):
        jwks("no key")


def test_labels_of_a_configuration() -> None:
    assert traefik_labels(configuration(serversTransport="t"), "docker_proxy") == {
        "traefik.enable": "true",
        "traefik.docker.network": "docker_proxy",
        "traefik.http.routers.r.entryPoints": "web,other",
        "traefik.http.routers.r.rule": "Host(`a`)",
        "traefik.http.routers.r.priority": "1000",
        "traefik.http.middlewares.m.headers.forceSTSHeader": "true",
        "traefik.http.middlewares.m.headers.customRequestHeaders.Cookie": "",
        "traefik.http.services.s.loadBalancer.server.port": "3000",
    }


@pytest.mark.parametrize("servers", [[{"url": "http://api"}], [{"url": "http://a:1"}, {"url": "http://b:1"}]])
def test_a_service_that_labels_cannot_say_is_refused(servers: list[dict[str, str]]) -> None:
    with pytest.raises(AnsibleFilterError, match="service s has no single server"):
        traefik_labels(configuration(servers=servers), "docker_proxy")
