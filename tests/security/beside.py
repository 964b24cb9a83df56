# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second API or proxy beside the deployed one, from the same image, with a guard taken out: what the guard is for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from tests.security.chain import API_PORT, DATABASE_NETWORK, INGRESS, Address, Chain
from tests.server import DIRECTORY
from tests.waiting import until

API, PROXY = "beside-api", "beside-proxy"
Configuration = dict[str, Any]


@contextmanager
def api_beside(chain: Chain, **environment: str) -> Iterator[Address]:
    """The same PostgREST, as big and as poor, with other settings; it starts again when it is killed."""
    shell = chain.droplet.shell
    deployed = json.loads(shell("docker inspect postgrest-erp"))[0]
    settings = dict(line.split("=", 1) for line in deployed["Config"]["Env"]) | environment
    given = " ".join(f"-e '{name}={value}'" for name, value in settings.items())
    limits = "--memory {Memory} --memory-swap {Memory}".format(**deployed["HostConfig"])
    try:
        shell(
            f"docker run -d --name {API} --restart unless-stopped --network {DATABASE_NETWORK} {limits} "
            f"--user {deployed['Config']['User']} -v {DIRECTORY}/postgrest-erp/secrets:/run/secrets:ro {given} "
            f"{deployed['Config']['Image']}"
        )
        address = (chain.ip(API, DATABASE_NETWORK), API_PORT)
        # 503 as long as it has not read the schemas.
        until(lambda: chain.ask("GET", "/", chain.token("erp_reader"), via=address).status < 500)
        yield address
    finally:
        shell(f"docker rm -f {API}")
        chain.forget()


def api_restarts(chain: Chain) -> int:
    return int(chain.droplet.shell(f"docker inspect -f '{{{{.RestartCount}}}}' {API}"))


@contextmanager
def proxy_beside(chain: Chain, change: Callable[[Configuration, Configuration], None]) -> Iterator[Address]:
    """The same Traefik with its static and its dynamic configuration changed; the address of its public door."""
    shell, conf, copy = chain.droplet.shell, f"{DIRECTORY}/traefik/conf", f"/tmp/{PROXY}"
    static = yaml.safe_load(shell(f"cat {conf}/traefik.yml"))
    dynamic = yaml.safe_load(shell(f"cat {conf}/dynamic/erp-db.yml"))
    change(static, dynamic["http"])
    try:
        shell(f"mkdir -p {copy}/dynamic")
        shell(f"cat > {copy}/traefik.yml", given=json.dumps(static))
        shell(f"cat > {copy}/dynamic/erp-db.yml", given=json.dumps(dynamic))
        image = shell("docker inspect -f '{{.Config.Image}}' traefik")
        shell(
            f"docker run -d --name {PROXY} --network {INGRESS} --memory 128m -v {copy}:/etc/traefik:ro "
            f"--sysctl net.ipv4.ip_unprivileged_port_start=0 {image}"
        )
        address = (chain.ip(PROXY), 80)
        until(lambda: chain.ask("GET", "/erp/people", via=address).status == 401)
        yield address
    finally:
        shell(f"docker rm -f {PROXY}; rm -r {copy}")
        chain.forget()
