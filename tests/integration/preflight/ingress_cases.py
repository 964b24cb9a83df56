# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of test_refusals.py about what stands between the public name and the API."""

from __future__ import annotations

from typing import Any

# A Traefik of somebody else without a fault, and the network that the tunnel's connectors have addresses in.
SOUND: dict[str, Any] = {
    "name": "edge",
    "version": "3.7.15",
    "socket": False,
    "unread": "",
    "entry_points": {"web": {"port": 80, "believes_all": False, "aliases": "delete", "redirects": False}},
    "insecure_api": False,
    "open_dashboard": False,
}
BAD_POINT = {"port": 80, "believes_all": True, "aliases": "keep", "redirects": True}
INGRESS: dict[str, Any] = {
    "id": "1", "driver": "bridge", "internal": False, "subnets": ["172.28.11.0/24"], "gateways": [], "ranges": [],
    "given": True, "labels": {}, "containers": {"cloudflared-1": "172.28.11.254", "traefik": "172.28.11.2"},
}  # fmt: skip
TUNNEL = {"cloudflare_ingress_state": "present"}
OURS_TOO = {"traefik_install": "always"}

CASES: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "old_proxy": ({}, {"traefik_image": "traefik:v3.6.1"}, ["traefik:v3.6.1", "3.7.13"]),
    "sound_ingress": ({"networks": {"docker_proxy": INGRESS}, "traefiks": [SOUND]}, TUNNEL | OURS_TOO, []),
    "address_of_a_connector": (
        {"networks": {"docker_proxy": INGRESS | {"containers": {"blog": "172.28.11.253"}}}},
        TUNNEL,
        ["blog (172.28.11.253)", "docker_proxy", "docker network disconnect docker_proxy blog."],
    ),
    # Only the doctor says something of these; an address matters where connectors are ours.
    "subnet_of_docker": ({"networks": {"docker_proxy": INGRESS | {"given": False}}}, TUNNEL, []),
    "dangerous_ingress": (
        {
            "networks": {"docker_proxy": INGRESS | {"subnets": ["172.28.11.0/30"], "containers": {}}},
            "traefiks": [
                SOUND,
                SOUND | {"name": "old", "version": "2.11.9", "entry_points": {"web": BAD_POINT}, "socket": True},
                SOUND | {"name": "open", "insecure_api": True, "version": None},
                SOUND | {"name": "shown", "open_dashboard": True},
                SOUND | {"name": "closed", "unread": "/a.toml is TOML", "entry_points": {}},
            ],
        },
        TUNNEL | OURS_TOO,
        [],
    ),
}
WARNED = {
    "subnet_of_docker": {"fixed addresses"},
    "dangerous_ingress": {
        "fixed addresses",
        *(
            f"other Traefik, {danger}"
            for danger in (
                "its configuration",
                "its version",
                "an old version",
                "an open API",
                "an open dashboard",
                "addresses of clients",
                "names of headers",
                "redirects",
                "Docker's socket",
            )
        ),
    },
}
