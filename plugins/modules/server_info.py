#!/usr/bin/python
# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the server's state in one remote execution."""

from __future__ import annotations

DOCUMENTATION = r"""
module: server_info
short_description: Read the state of a server, its Docker Engine and our parts of it, in one call
version_added: 0.1.0
description:
  - Reads distribution, memory, disk, ports, files, Docker Engine, containers, networks, volumes and images at once, so
    that roles decide on the answer with cheap conditions instead of asking again and again.
  - Needs nothing but Python on the server. What is not there is V(null) in the answer and never a failure, so the first
    C(--check) on a bare server works.
  - Docker is always asked over the local socket, whatever C(DOCKER_HOST) or the current context say. Where those lead
    is reported.
author:
  - Best Viable (@bestviable)
options:
  containers:
    description: Names of the containers to describe.
    type: list
    elements: str
    default: []
  networks:
    description: Names of the networks to describe.
    type: list
    elements: str
    default: []
  volumes:
    description: Names of the volumes to describe.
    type: list
    elements: str
    default: []
  images:
    description: References of the images to describe, with tag, digest or id.
    type: list
    elements: str
    default: []
  ports:
    description: TCP ports of which the occupant is to be named.
    type: list
    elements: int
    default: []
  files:
    description: Paths to look at; links are not followed.
    type: list
    elements: str
    default: []
  checksums:
    description: Paths of small files whose content is to be compared; links are not followed.
    type: list
    elements: str
    default: []
  markers:
    description: Small JSON files to be returned parsed, each a name and its path.
    type: dict
    default: {}
  units:
    description: Names of units of systemd, with their endings.
    type: list
    elements: str
    default: []
  data_volume:
    description: Name of the volume with the data of PostgreSQL in C(pgdata), to be looked into.
    type: str
  docker_socket:
    description: The socket of the local Docker Engine.
    type: path
    default: /var/run/docker.sock
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and return the same without modifying anything.
    details: [The module never changes anything.]
  diff_mode:
    support: none
    description: Returns details on what has changed when in diff mode.
    details: [The module never changes anything.]
"""

EXAMPLES = r"""
- name: Read the server's state
  bestviable.portfolio.server_info:
    containers: [postgres-erp, postgrest-erp]
    networks: [portfolio-network]
    volumes: [postgres-erp-data]
    data_volume: postgres-erp-data
    ports: [3000]
    markers:
      data: /opt/portfolio/postgres-erp/marker.json
  register: state

- name: Refuse a server whose port 3000 is taken by somebody else
  ansible.builtin.assert:
    that: state.server.ports['3000'] is none or state.server.ports['3000'].container == 'traefik'
"""

RETURN = r"""
server:
  description: The state. Every key is always there; what was asked for and is missing is V(null).
  returned: always
  type: dict
  contains:
    uid:
      description: The user that the module ran as.
      type: int
    distribution:
      description: The keys C(id), C(version_id), C(codename) and C(name) of C(/etc/os-release).
      type: dict
    architecture:
      description: Machine hardware name, such as C(x86_64).
      type: str
    init:
      description: Either C(systemd) or C(none).
      type: str
    time:
      description: The server's clock, in seconds since 1970.
      type: float
    memory:
      description: C(total_mb) and C(available_mb).
      type: dict
    disk:
      description: C(path), C(total_mb) and C(free_mb) of the file system that holds Docker's data.
      type: dict
    libraries:
      description: For C(psycopg2), C(yaml), C(requests) and C(apt) whether this Python has them.
      type: dict
    docker:
      description: >-
        C(cli), C(reachable), C(version), C(api_version), C(compose), C(root_dir), C(rootless), C(swarm), C(desktop),
        C(context) (the address that the CLI would use), C(live_restore), C(logging_driver) and C(error).
      type: dict
    networks:
      description: >-
        For each name C(id), C(driver), C(internal), C(subnets), C(gateways), C(ranges) (where addresses that Docker
        chooses come from), C(given) (whether the subnet is somebody's choice and not Docker's), C(labels) and
        C(containers), the running ones with their addresses.
      type: dict
    routes:
      description: The IPv4 routes, C(destination) in CIDR notation and C(interface).
      type: list
      elements: dict
    volumes:
      description: For each name C(driver), C(mountpoint) and C(labels).
      type: dict
    containers:
      description: >-
        For each name, and for each container that carries the label C(bestviable.portfolio), running or not, C(id),
        C(image), C(image_id), C(state), C(health), C(started_at), C(finished_at), C(exit_code),
        C(restart_count), C(labels), C(networks), C(memory), C(memory_swap), C(nano_cpus), C(ports) and C(mounts).
      type: dict
    publishers:
      description: Published ports of all running containers, C(container), C(host_ip), C(host_port), C(container_port).
      type: list
      elements: dict
    traefiks:
      description: >-
        The running Traefik containers that this collection did not make. Of each C(name), C(version) (where its image
        tells an exact one), C(socket) (whether Docker's is mounted), C(entry_points) (of each C(port), C(believes_all),
        C(aliases) and C(redirects)), C(insecure_api), C(open_dashboard), and C(unread), which says why its
        configuration could not be read.
      type: list
      elements: dict
    cloudflareds:
      description: >-
        Connectors of a Cloudflare tunnel that run and that this collection did not make, containers and units
        C(cloudflared*.service). Each with C(kind), V(docker) or V(systemd), C(name), C(config), the path of its
        configuration on the server, C(file_mounted), whether just this file is mounted, C(token), whether it was
        started with one, C(started_at) and C(networks).
      type: list
      elements: dict
    data_users:
      description: Names of the running containers that have O(data_volume) mounted.
      type: list
      elements: str
    images:
      description: For each reference C(id), C(user), C(labels), C(env), C(digests) and C(entrypoint).
      type: dict
    ports:
      description: For each port C(address), C(process), C(pid) and C(container), or V(null) where it is free.
      type: dict
    files:
      description: For each path C(type) (file, directory, link, other), C(uid), C(gid), C(mode) and C(mtime).
      type: dict
    units:
      description: >-
        For each unit C(enabled), C(active) and C(stale) (its file is newer than what systemd knows of it); V(null)
        where systemd does not know it, or does not run.
      type: dict
    checksums:
      description: For each path C(sha256), C(uid), C(gid) and C(mode) of an ordinary file, else V(null).
      type: dict
    markers:
      description: The parsed files; a file that holds no JSON object is C(error) with a sentence.
      type: dict
    data_volume:
      description: >-
        C(exists), C(labels), C(empty), C(pg_version), C(system_identifier), C(path) on the server, C(total_mb) and
        C(free_mb) of the file system that holds it, and C(ballast_mb), what the file C(ballast) takes of that;
        V(null) when not asked for.
      type: dict
"""

import os
import tarfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bestviable.portfolio.plugins.module_utils.server import (
    cloudflared,
    docker_client,
    docker_parse,
    host,
    host_parse,
    traefik,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.server.docker_api import DockerApi, DockerError

NAMES = {"type": "list", "elements": "str", "default": []}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "containers": NAMES,
    "networks": NAMES,
    "volumes": NAMES,
    "images": NAMES,
    "ports": {"type": "list", "elements": "int", "default": []},
    "files": NAMES,
    "checksums": NAMES,
    "markers": {"type": "dict", "default": {}},
    "units": NAMES,
    "data_volume": {"type": "str"},
    "docker_socket": {"type": "path", "default": "/var/run/docker.sock"},
}
# Docker's default place for its data, as long as no engine can be asked.
DEFAULT_ROOT = "/var/lib/docker"
# What is shown beside the engine, not as a part of it.
OBJECTS = (
    *("containers", "networks", "volumes", "images"),
    *("publishers", "traefiks", "cloudflareds", "data_users"),
)
Answer = TypeVar("Answer")


def read_engine(params: dict[str, Any]) -> dict[str, Any]:
    """All that comes from the Docker Engine. Whatever fails first ends the questions and stands in `error`."""
    found: dict[str, Any] = {
        "reachable": False,
        "error": None,
        **docker_parse.engine({}, {}),
        "publishers": [],
        "traefiks": [],
        "cloudflareds": [],
        "data_users": [],
        **{kind: dict.fromkeys(params[kind]) for kind in ("containers", "networks", "volumes", "images")},
    }
    try:
        with DockerApi(params["docker_socket"]) as api:
            info = api.get("/info") or {}
            found.update(docker_parse.engine(info, api.get("/version") or {}), reachable=True)
            running = api.get("/containers/json") or []
            found["publishers"] = docker_parse.publishers(running)
            found["traefiks"] = _traefiks(api, docker_parse.proxies(running))
            found["cloudflareds"] = _cloudflareds(api, docker_parse.others(running, "cloudflared"))
            found["data_users"] = docker_parse.users(running, params["data_volume"] or "")
            ours = dict.fromkeys([*params["containers"], *docker_parse.names(api.ours())])
            found["containers"] = _described(list(ours), api.container, docker_parse.container)
            network = partial(docker_parse.network, pools=docker_parse.address_pools(info))
            found["networks"] = _described(params["networks"], api.network, network)
            found["images"] = _described(params["images"], api.image, docker_parse.image)
            wanted = {*params["volumes"], *filter(None, [params["data_volume"]])}
            found["volumes"] = _described(sorted(wanted), api.volume, docker_parse.volume)
    except DockerError as error:
        found["error"] = str(error)
    return found


def _described(
    names: list[str],
    ask: Callable[[str], dict[str, Any] | None],
    describe: Callable[[dict[str, Any]], Answer],
) -> dict[str, Answer | None]:
    answers = {name: ask(name) for name in names}
    return {name: None if answer is None else describe(answer) for name, answer in answers.items()}


def _traefiks(api: DockerApi, names: list[str]) -> list[dict[str, Any]]:
    """Those of others. What cannot be read of one is said of it, and ends no other question."""

    def read(name: str, path: str) -> bytes | None:
        try:
            return api.file(name, path)
        except (DockerError, tarfile.TarError) as error:
            raise traefik.UnreadableError(f"{path} cannot be fetched from its container ({error})") from error

    answers = {name: api.container(name) for name in names}
    return [traefik.describe(answer, partial(read, name)) for name, answer in answers.items() if answer is not None]


def _cloudflareds(api: DockerApi, names: list[str]) -> list[dict[str, Any]]:
    """Those of others that run a tunnel."""
    answers = [api.container(name) for name in names]
    return [found for answer in answers if answer and (found := cloudflared.container(answer, os.path.exists))]


def look_into(name: str | None, volume: dict[str, Any] | None, reachable: bool) -> dict[str, Any] | None:
    """The data volume. Without an engine to ask, Docker's default place tells whether data are there."""
    if name is None:
        return None
    mountpoint = volume["mountpoint"] if volume else None
    if not reachable and os.path.isdir(f"{DEFAULT_ROOT}/volumes/{name}/_data"):
        mountpoint = f"{DEFAULT_ROOT}/volumes/{name}/_data"
    return {
        "exists": mountpoint is not None,
        "labels": volume["labels"] if volume else {},
        **host.data_directory(mountpoint),
    }


def read_server(params: dict[str, Any]) -> dict[str, Any]:
    cli = docker_client.find_cli()
    compose = docker_client.start_compose_version(cli) if cli else None
    engine = read_engine(params)
    objects = {key: engine.pop(key) for key in OBJECTS}
    volume = objects["volumes"].get(params["data_volume"])
    return {
        "uid": os.geteuid(),
        "distribution": host.distribution(),
        "architecture": os.uname().machine,
        "init": host.init_system(),
        "time": time.time(),
        "memory": host_parse.parse_meminfo(host.read_text("/proc/meminfo")),
        "disk": host.disk(engine["root_dir"] or DEFAULT_ROOT),
        "libraries": host.libraries(),
        "routes": host_parse.parse_routes(host.read_text("/proc/net/route")),
        **objects,
        "cloudflareds": [*objects["cloudflareds"], *cloudflared.units()],
        "volumes": {name: objects["volumes"].get(name) for name in params["volumes"]},
        "ports": host.ports(params["ports"], objects["publishers"]),
        "files": {path: host.describe_file(path) for path in params["files"]},
        "units": host.units(params["units"]),
        "checksums": {path: host.checksum(path) for path in params["checksums"]},
        "markers": {name: host.read_marker(path) for name, path in params["markers"].items()},
        "data_volume": look_into(params["data_volume"], volume, engine["reachable"]),
        "docker": {
            "cli": cli,
            "context": docker_client.endpoint(os.environ, host.home(), host.read_bytes),
            "compose": docker_client.finish_compose_version(compose),
            **engine,
        },
    }


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    module.exit_json(changed=False, server=read_server(module.params))


if __name__ == "__main__":
    main()
