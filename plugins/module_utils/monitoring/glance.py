# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For the verb status: what runs answers at this moment, and a mark of everything that only somebody can change.

A full look needs the control node, and takes seconds. What it found well stays so while the mark is the same and the
inventory is; what can fail by itself is asked here, each time.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.links import OK, container_problems, judged
from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring import look, report
from ansible_collections.bestviable.portfolio.plugins.module_utils.server import docker_parse, host
from ansible_collections.bestviable.portfolio.plugins.module_utils.server.docker_api import DockerApi, DockerError

Json = dict[str, Any]
# Beginnings of what programs write by themselves from minute to minute, from the directory of each on.
BY_ITSELF = ("monitoring/st", "postgres-erp/run/", "postgres-erp/spool", "postgres-erp-backup/state", "traefik/tmp/")


def glance(config: Json) -> Json:
    """`mark`, and `report` as report.status_report makes it; None where it takes a full look to say what is wrong."""
    found = look.everything(config)
    try:
        beside = engine(config, found["engine"]["containers"])
    except DockerError:
        return {"mark": None, "report": None}
    fixed = [config, beside["fixed"], sorted(files(config["directories"]))]
    mark = hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()
    status = host.read_marker(f"{config['runtime']}/status.json")
    return {"mark": mark, "report": reported(config, found, beside, status, time.time())}


def engine(config: Json, containers: Json) -> Json:
    """What the engine says beside the containers; `fixed` is what changes by nobody but a person."""
    with DockerApi(config["docker_socket"], look.ENGINE_TIMEOUT) as api:
        running = api.get("/containers/json") or []
        volume = api.volume(config["data_volume"])
        version = (api.get("/version") or {}).get("Version")
        networks = {name: api.network(name) for name in config["networks"]}
        images = {there["image"]: api.image(there["image"]) for there in containers.values() if there}
        ours = docker_parse.names(api.ours())
    data = host.data_directory((volume or {}).get("Mountpoint"))
    return {
        "version": version,
        "networks": {name: docker_parse.network(there) if there else None for name, there in networks.items()},
        "free_mb": data.pop("free_mb"),
        "fixed": {
            "version": version,
            "data": data,
            "users": docker_parse.users(running, config["data_volume"]),
            "others": [docker_parse.proxies(running), docker_parse.others(running, "cloudflared"), ours],
            "images": {name: there and there.get("Id") for name, there in images.items()},
            "containers": {name: there and there["image_id"] for name, there in containers.items()},
        },
    }


def files(directories: list[str]) -> Iterator[tuple[Any, ...]]:
    """Every file of ours as the file system knows it; none is read. Beside these directories may be anybody's."""
    for ours in directories:
        for directory, _below, names in os.walk(ours):
            for name in names:
                path = os.path.join(directory, name)
                if os.path.relpath(path, os.path.dirname(ours)).startswith(BY_ITSELF):
                    continue
                with suppress(FileNotFoundError):
                    there = os.lstat(path)
                    yield path, there.st_mode, there.st_uid, there.st_gid, there.st_size, there.st_mtime_ns


def reported(config: Json, found: Json, beside: Json, status: Json | None, now: float) -> Json | None:
    """The report of a server on which everything is well; None where something is not. Pure."""
    server = {
        "docker": {**found["engine"]["docker"], "version": beside["version"]},
        "containers": found["engine"]["containers"],
        "networks": beside["networks"],
    }
    schema, free = found["schema"], beside["free_mb"]
    answers = {**found["answers"], "connectors": {"reachable": True}}
    if schema.get("drift") is not False or free is None or free < config["full_mb"]:
        return None
    if any(container_problems(server, wanted) for wanted in config["containers"]):
        return None
    if any(judged({**link, "answer": answers.get(link["name"])}, server)[0] != OK for link in config["links"]):
        return None
    made = report.status_report(
        {
            "host": config["host"],
            "server": server,
            "error": "",
            "deployed": True,
            "containers": config["containers"],
            "networks": config["networks"],
            "token": "",
            "schema": {
                "reachable": True,
                # Of the files that a full look knew; the control node asks only while they are the same.
                "status": "current",
                "ledger_version": schema["version"],
                "tables": schema["tables"],
            },
            "tables": dict(config["tables"]),
            "monitoring": {"wanted": True, "status": status, "now": now},
            "chain": [
                {**link, "answer": None if link["unasked"] else answers.get(link["name"])} for link in config["chain"]
            ],
        }
    )
    return made if made["exit"] == 0 else None
