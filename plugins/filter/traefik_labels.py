# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter traefik_labels: a dynamic configuration of Traefik as labels of the container that it leads to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from ansible.errors import AnsibleFilterError


def traefik_labels(configuration: dict[str, Any], network: str) -> dict[str, str]:
    """Return the labels for Traefik's Docker provider.

    Two things differ from a file by Traefik's own rules: a label names the container's port instead of an address, and
    labels cannot hold the section serversTransports.
    """
    http = configuration["http"]
    tree = {
        "routers": http["routers"],
        "middlewares": http["middlewares"],
        "services": {name: _service(name, service) for name, service in http["services"].items()},
    }
    labels = {"traefik.enable": "true", "traefik.docker.network": network}
    labels.update((f"traefik.http.{path}", value) for path, value in _leaves(tree, ""))
    return labels


def _service(name: str, service: dict[str, Any]) -> dict[str, Any]:
    servers = service["loadBalancer"]["servers"]
    port = urlsplit(servers[0]["url"]).port
    if len(servers) != 1 or port is None:
        raise AnsibleFilterError(
            f"traefik_labels: service {name} has no single server with a port in its URL; give it one."
        )
    middlewares = {"middlewares": service["middlewares"]} if "middlewares" in service else {}
    return {**middlewares, "loadBalancer": {"server": {"port": port}}}


def _leaves(node: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list):
        yield path, ",".join(str(item) for item in node)
    else:
        yield path, str(node).lower() if isinstance(node, bool) else str(node)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"traefik_labels": traefik_labels}
