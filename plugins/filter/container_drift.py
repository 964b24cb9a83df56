# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter container_drift: what has to be done with a container so that it is the one that is wanted."""

from __future__ import annotations

from typing import Any

from ansible_collections.bestviable.portfolio.plugins.filter.docker_time import docker_time

LABEL = "bestviable.portfolio.config-hash"
COMPOSE_LABEL = "com.docker.compose.config-hash"
MEGABYTE = 1024 * 1024


def container_drift(container: dict[str, Any] | None, wanted: dict[str, Any]) -> list[dict[str, str]]:
    """Return one effect for each difference between *container* (of server_info) and *wanted*.

    *wanted* holds name, image_id, config_hash, memory (bytes), cpus, networks, ports and optionally compose_hash (the
    label that compose gave it at our start) and newer_than (seconds since 1970). Limits and networks of a running
    container are a `change`; when it has to be made again or started for anything else, that puts them right too, and
    all of them are a `restart`.
    """
    made = _made_anew(container, wanted)
    adjusted = _limits(container, wanted) + _networks(container, wanted) if container else []
    kind = "restart" if made else "change"
    return [{"effect": kind, "object": str(wanted["name"]), "detail": phrase} for phrase in made + adjusted]


def _made_anew(container: dict[str, Any] | None, wanted: dict[str, Any]) -> list[str]:
    """What only a new or a started container puts right."""
    if not container:
        return ["there is no container"]
    reasons = [] if container["state"] == "running" else [f"it is {container['state']}"]
    if container["image_id"] != wanted["image_id"]:
        reasons.append("it runs another image")
    if container["labels"].get(LABEL) != wanted["config_hash"]:
        reasons.append("its compose file has changed")
    elif wanted.get("compose_hash") and container["labels"].get(COMPOSE_LABEL) != wanted["compose_hash"]:
        reasons.append("it was brought up by hand from another file")
    if _ports(container["ports"]) != _ports(wanted["ports"]):
        reasons.append(f"it publishes {_said(container['ports'])} instead of {_said(wanted['ports'])}")
    started = container["state"] == "running" and wanted.get("newer_than")
    if started and docker_time(container["started_at"]) < float(wanted["newer_than"]):
        reasons.append("a file that it reads at its start is newer")
    return reasons


def _limits(container: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    reasons = []
    memory = int(wanted["memory"])
    if container["memory"] != memory:
        reasons.append(f"its memory is {container['memory'] // MEGABYTE} MB instead of {memory // MEGABYTE} MB")
    elif container["memory_swap"] != memory:
        reasons.append("it may use swap")
    cpus = container["nano_cpus"] / 1e9
    if abs(cpus - float(wanted["cpus"])) > 1e-6:
        reasons.append(f"it has {cpus:g} processors instead of {float(wanted['cpus']):g}")
    return reasons


def _networks(container: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    missing = sorted(set(wanted["networks"]) - set(container["networks"]))
    # A container that does not run is connected when it starts.
    return [f"it is not connected to {name}" for name in missing if container["state"] == "running"]


def _ports(bindings: list[dict[str, Any]]) -> list[tuple[str, int, int]]:
    return sorted((each["host_ip"], int(each["host_port"] or 0), int(each["container_port"])) for each in bindings)


def _said(bindings: list[dict[str, Any]]) -> str:
    return ", ".join(f"{ip or '*'}:{port}" for ip, port, _inside in _ports(bindings)) or "no port"


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"container_drift": container_drift}
