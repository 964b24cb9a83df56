# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/SERVICE_INVENTORY.md from a deployed server: `make docs` reads this machine's, a test compares a droplet's.

What differs from server to server (ids, dates, the directory) is left out or given as the default has it.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

from tests.consistency.repository import ROOT, defaults, load
from tests.generate.database_schema import code, table_of
from tests.generate.live import LABEL, File, Server, read

TARGET = ROOT / "docs/SERVICE_INVENTORY.md"
IMAGES: dict[str, dict[str, str]] = defaults("portfolio")["portfolio_images"]
DIRECTORY: str = defaults("portfolio")["portfolio_directory"]
VERSIONS: dict[str, dict[str, Any]] = load("roles/postgrest_erp/vars/main.yml")["_postgrest_erp_versions"]

WHAT = {
    "postgres-erp": "the database server",
    "postgres-erp-backup": "backups of the database, by pgBackRest; its timers are systemd's",
    "postgrest-erp": "the data API: HTTP in, SQL out",
    "traefik": "the reverse proxy in front of the API, where no other Traefik runs",
}
NETWORKS = {
    "portfolio-network": "the database and the services that log in to it",
    "docker_proxy": "the reverse proxy and what it publishes",
}
# Files with mode 0600 or less, below the directory: what each is. One that is not named here stops the generator.
CLOSED = {
    ".portfolio/history.jsonl": "the runs that changed something or failed",
    ".portfolio/last_run.json": "when a run last ended, and how",
    "monitoring/webhook_url": "where alarms go, with what that address may hold",
    "postgres-erp/marker.json": "no secret: it says that data exist, by the system identifier",
    "postgres-erp/secrets/erp_admin": "password of the login `erp_admin`, made on the server",
    "postgres-erp/secrets/portfolio_authenticator": "password of PostgREST's login, made on the server",
    "postgres-erp-backup/conf/pgbackrest.conf": "key of the bucket and passphrase of the backups, where there are any",
    "postgrest-erp/monitor_token": "token of `erp_monitor`, which proves the whole chain; may execute one function",
    "postgrest-erp/secrets/db_uri": "PostgREST's connection, with the password in it",
    "postgrest-erp/secrets/jwks.json": "no secret: the public keys by which tokens are checked",
}
ROOT_READS = {
    ".portfolio/history.jsonl": "`make history`",
    ".portfolio/last_run.json": "the collector",
    "monitoring/webhook_url": "the collector",
    "postgres-erp/marker.json": "every run",
    "postgres-erp/secrets/erp_admin": "a run, to log in with it; whoever connects as `erp_admin` over TCP",
    "postgres-erp/secrets/portfolio_authenticator": "a run, to log in with it",
    "postgrest-erp/monitor_token": "a run, to ask for the API's health",
}

HEAD = """\
# What runs on the server

<!-- Made by `make docs` from a deployed server; a test compares it with another one. -->

{count} containers of ours, each with its own directory below `portfolio_directory` (`{directory}` unless the inventory
says otherwise; `inventories/droplet` does). Each carries the label `{label}`. Ids and dates are left out, and so is
what Docker itself adds.

"""


def size(number: int) -> str:
    """Bytes as compose files write them."""
    return f"{number // 2**20} MB"


def seconds(nanoseconds: int) -> str:
    return f"{nanoseconds // 10**9} s"


def here(server: Server, path: str) -> str:
    """A path with the default directory in place of the server's."""
    return path.replace(server.directory, DIRECTORY, 1)


def name_of(container: dict[str, Any]) -> str:
    return str(container["Name"]).removeprefix("/")


def images(container: dict[str, Any]) -> tuple[str, str]:
    """The image from a registry and the one built from packages; one that is neither is shown as it is, twice."""
    running = container["Config"]["Image"]
    for part, built in IMAGES["build"].items():
        # One is made on the server itself.
        official = IMAGES["registry"].get(part, f"{IMAGES['registry']['postgres']} and its distribution's {part}")
        if running in (built, official):
            return official, built
    return running, running


def published(container: dict[str, Any]) -> list[tuple[str, str]]:
    ports: dict[str, list[dict[str, str]] | None] = container["HostConfig"]["PortBindings"] or {}
    return sorted(
        (f"{binding['HostIp']}:{binding['HostPort']}", inside)
        for inside, bindings in ports.items()
        for binding in bindings or ()
    )


def limits(container: dict[str, Any]) -> tuple[str, ...]:
    host = container["HostConfig"]
    swap = host["MemorySwap"] - host["Memory"]
    return (
        size(host["Memory"]),
        size(swap) if swap else "none",
        f"{host['NanoCpus'] / 10**9:g}",
        str(host["PidsLimit"]),
        size(host["ShmSize"]),
        f"{host['LogConfig']['Config']['max-file']} × {host['LogConfig']['Config']['max-size']}",
    )


def rights(container: dict[str, Any]) -> tuple[str, ...]:
    host = container["HostConfig"]
    return (
        container["Config"]["User"],
        "read only" if host["ReadonlyRootfs"] else "writable",
        ", ".join([*(host["CapAdd"] or ()), *(f"no {one}" for one in host["CapDrop"] or ())]),
        ", ".join(sorted(host["SecurityOpt"] or ())),
        ", ".join(f"{key}={value}" for key, value in sorted((host.get("Sysctls") or {}).items())),
        host["RestartPolicy"]["Name"],
    )


def mounts(server: Server, container: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for mount in sorted(container["Mounts"], key=lambda one: str(one["Destination"])):
        place = f"volume {code(mount['Name'])}" if mount["Type"] == "volume" else code(here(server, mount["Source"]))
        yield code(name_of(container)), place, code(mount["Destination"]), "read, write" if mount["RW"] else "read"
    for place in sorted(container["HostConfig"].get("Tmpfs") or {}):
        yield code(name_of(container)), "memory (tmpfs)", code(place), "read, write"


def health(container: dict[str, Any]) -> tuple[str, ...]:
    check = container["Config"].get("Healthcheck")
    name = code(name_of(container))
    if not check:
        return name, "none", "", "", "", ""
    times = (seconds(check[key]) for key in ("Interval", "Timeout", "StartPeriod"))
    return name, code(shlex.join(check["Test"][1:])), *times, str(check["Retries"])


def readers(server: Server, file: File, short: str) -> str:
    """The containers that have its directory and its owner's number, then who reads it as root."""
    inside = [
        code(name_of(container))
        for container in server.containers
        for mount in container["Mounts"]
        if PurePosixPath(file.path).is_relative_to(mount["Source"])
        and container["Config"]["User"].partition(":")[0] == str(file.owner)
    ]
    by_root = [ROOT_READS[short]] if short in ROOT_READS else []
    return "; ".join([*inside, *by_root])


def secrets(server: Server) -> Iterator[tuple[str, ...]]:
    for file in server.closed:
        short = file.path.removeprefix(f"{server.directory}/")
        if short not in CLOSED:
            raise SystemExit(f"tests/generate/service_inventory.py: say in CLOSED what {short} is.")
        owner = "root" if file.owner == 0 else str(file.owner)
        yield code(here(server, file.path)), owner, file.mode, readers(server, file, short), CLOSED[short]


def attached(server: Server, network: str) -> str:
    inside = [name_of(one) for one in server.containers if network in (one["NetworkSettings"]["Networks"] or {})]
    return ", ".join(map(code, inside))


def networks(server: Server) -> Iterator[tuple[str, ...]]:
    for one in server.networks:
        subnets = ", ".join(sorted(code(config["Subnet"]) for config in one["IPAM"]["Config"]))
        reach = "no way out" if one["Internal"] else "has a way out"
        yield code(one["Name"]), one["Driver"], subnets, reach, attached(server, one["Name"]), NETWORKS[one["Name"]]


def volumes(server: Server) -> Iterator[tuple[str, ...]]:
    for one in server.volumes:
        users = [
            f"{code(name_of(container))} at {code(mount['Destination'])}"
            for container in server.containers
            for mount in container["Mounts"]
            if mount.get("Name") == one["Name"]
        ]
        yield code(one["Name"]), one["Driver"], ", ".join(users)


def each(server: Server, row: Any) -> Iterable[tuple[str, ...]]:
    return ((code(name_of(one)), *row(one)) for one in server.containers)


def with_other_versions() -> str:
    """What the running version does not show: the health check of the one that servers have by default."""
    known = ", ".join(
        f"with {version} {code(shlex.join(entry['healthcheck'][1:])) if entry['healthcheck'] else 'none'}"
        for version, entry in sorted(VERSIONS.items(), reverse=True)
    )
    return f"PostgREST's depends on its version: {known}. Its health is asked through the whole chain by every run.\n\n"


def generate(server: Server) -> str:
    """The whole document."""
    text = HEAD.format(count=len(server.containers), directory=DIRECTORY, label=LABEL)
    rows = ((code(name_of(one)), WHAT[name_of(one)], *map(code, images(one))) for one in server.containers)
    text += "## Containers and images\n\n"
    text += table_of(("container", "what", "image from a registry", "image built from packages"), rows)
    text += "## Limits\n\n" + table_of(
        ("container", "memory", "swap", "processors", "processes", "shared memory", "log"), each(server, limits)
    )
    text += "## Rights\n\n" + table_of(
        ("container", "user", "root file system", "capabilities", "security", "sysctls", "restart"),
        each(server, rights),
    )
    text += "## Networks\n\nMade before the containers; one that was there before the first run is kept as it is.\n\n"
    text += table_of(("network", "driver", "subnet", "", "containers", "for"), networks(server))
    text += "## Published ports\n\n"
    doors = [
        (code(outside), code(name_of(one)), code(inside))
        for one in server.containers
        for outside, inside in published(one)
    ]
    text += table_of(("on the server", "container", "port inside"), doors)
    text += "Nothing else is published: the database answers on its network and on its socket only.\n\n"
    text += "## Volumes\n\nExternal: `docker compose down -v` leaves it.\n\n"
    text += table_of(("volume", "driver", "mounted by"), volumes(server))
    text += "## Mounts\n\n"
    places = [row for one in server.containers for row in mounts(server, one)]
    text += table_of(("container", "on the server", "in the container", "access"), places)
    text += "## Health checks\n\n"
    text += table_of(
        ("container", "command", "every", "gives up after", "grace", "retries"), map(health, server.containers)
    )
    text += with_other_versions()
    text += "## Secrets\n\nEvery file on the server that only its owner can open, by name.\n\n"
    text += table_of(("file", "owner", "mode", "read by", "what"), secrets(server))
    key = (
        "`.token_signing_key.pem` beside the inventory, mode 0600, or `vault_postgrest_erp_signing_key` in `vault.yml`"
    )
    return f"{text}The key that signs tokens is not on the server: {key}, on the control node.\n"


def on_this_machine(command: str) -> str:
    done = subprocess.run(["sh", "-c", command], check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(
            f"docs/SERVICE_INVENTORY.md: Docker on this machine says: {done.stderr.strip()}; run: make deploy"
        )
    return done.stdout


if __name__ == "__main__":
    TARGET.write_text(generate(read(on_this_machine)), encoding="utf-8")
