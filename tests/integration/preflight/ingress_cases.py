# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of test_refusals.py about what stands between the public name and the API."""

from __future__ import annotations

import base64
from typing import Any

from tests.integration.preflight.recorded import OURS, STRANGER

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
# As `base64` of what the dashboard shows it to hold.
CONNECTOR_TOKEN = base64.b64encode(b'{"a": "account", "t": "tunnel", "s": "secret"}').decode()
SHOP: dict[str, Any] = {
    "kind": "docker",
    "name": "shop",
    "config": "/srv/shop/config.yml",
    "file_mounted": False,
    "token": False,
    "started_at": "2026-01-01T00:00:00Z",
    "networks": ["docker_proxy"],
}


def publishing(**variables: Any) -> dict[str, Any]:
    """Of a server that is to be published, by connectors of its own, without the API."""
    return {
        "cloudflare_ingress_state": "present",
        "cloudflare_ingress_connector_token": CONNECTOR_TOKEN,
        "inventory_dir": "/nowhere",
        **variables,
    }


TUNNEL = publishing()
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
    "published": ({"cloudflareds": [SHOP]}, publishing(cloudflare_ingress_install="always"), []),
    # What is wrong is told in one message, however much it is.
    "published_by_wrong_options": (
        {},
        publishing(
            cloudflare_ingress_memory="lots",
            cloudflare_ingress_connectors=26,
            cloudflare_ingress_backup_keep=0,
            cloudflare_ingress_restart={"docker": "shop", "systemd": "cloudflared"},
            cloudflare_ingress_install="always",
            cloudflare_ingress_config_path="/srv/shop/config.yml",
            cloudflare_ingress_image="",
            cloudflare_ingress_connector_token=base64.b64encode(b'{"a": 1}').decode(),
            cloudflare_ingress_access=True,
        ),
        [
            *("cloudflare_ingress_memory is lots", "cloudflare_ingress_connectors is 26"),
            *(
                "cloudflare_ingress_backup_keep is 0",
                "names docker and systemd",
                "cloudflare_ingress_install is always",
            ),
            *("cloudflared cannot be built", "cloudflare_ingress_connector_token is not", "There is no API token"),
            *("needs the name of the team", "needs the API", "/nowhere/.cloudflare_api_token", "docs/INGRESS.md"),
        ],
    ),
    "connectors_of_the_same_name": (
        {
            "containers": {
                "cloudflared-1": STRANGER | {"image": "cloudflare/cloudflared:2026.8.2", "labels": OURS},
                "cloudflared-2": STRANGER,
            },
            "images": {"cloudflare/cloudflared:2026.8.2": {"id": "sha256:new", "env": {}}},
        },
        publishing(),
        ["sha256:new", "cloudflare_ingress_accept_image", "docker rename cloudflared-2"],
    ),
    "accepted_connector_tag": (
        {
            "containers": {"cloudflared-1": STRANGER | {"image": "cloudflare/cloudflared:2026.8.2", "labels": OURS}},
            "images": {"cloudflare/cloudflared:2026.8.2": {"id": "sha256:new", "env": {}}},
        },
        publishing(cloudflare_ingress_accept_image="sha256:new"),
        [],
    ),
    "several_connectors": (
        {"cloudflareds": [SHOP, SHOP | {"name": "wiki", "config": "/srv/wiki/config.yml"}]},
        publishing(),
        ["shop and wiki", "/srv/shop/config.yml, /srv/wiki/config.yml"],
    ),
    "connector_of_another_tunnel": (
        {"cloudflareds": [SHOP | {"config": None, "token": True}]},
        publishing(_cloudflare_ingress_plan={"actions": ["create_tunnel"], "mode": "local"}),
        [
            "reads none that can be found",
            "no tunnel portfolio, and shop on connector",
            "cloudflare_ingress_tunnel_name",
        ],
    ),
    "tunnel_that_nobody_runs": (
        {"cloudflareds": [SHOP]},
        publishing(_cloudflare_ingress_plan={"actions": [], "mode": "remote", "connections": 0}),
        ["No connector runs the tunnel portfolio", "there is shop on tunnel", "cloudflare_ingress_install to always"],
    ),
    "connector_with_just_the_file": (
        {"cloudflareds": [SHOP | {"file_mounted": True}]},
        publishing(),
        ["/srv/shop/config.yml", "mount its directory"],
    ),
    "nobody_who_reads_the_file": (
        {},
        publishing(cloudflare_ingress_config_path="/etc/cloudflared/config.yml"),
        ["/etc/cloudflared/config.yml", "cloudflare_ingress_restart"],
    ),
}
WARNED = {
    "subnet_of_docker": {"fixed addresses"},
    "dangerous_ingress": {
        "fixed addresses",
        "configuration of another Traefik",
        "version of another Traefik",
        "age of another Traefik",
        "open API of another Traefik",
        "open dashboard of another Traefik",
        "trusted addresses of another Traefik",
        "header names of another Traefik",
        "redirection of another Traefik",
        "Docker's socket in another Traefik",
    },
}
