# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter container_drift: why a container is not the one that is wanted."""

from __future__ import annotations

from typing import Any

from ansible_collections.bestviable.portfolio.plugins.filter.docker_time import docker_time

LABEL = "bestviable.portfolio.config-hash"
MEGABYTE = 1024 * 1024


def container_drift(container: dict[str, Any] | None, wanted: dict[str, Any]) -> list[str]:
    """Return one phrase for each difference between *container* (of server_info) and *wanted*.

    *wanted* holds image_id, config_hash, memory (bytes), cpus, networks and optionally newer_than (seconds since 1970).
    """
    if not container:
        return ["there is no container"]
    reasons = _settings(container, wanted)
    if container["state"] != "running":
        return [f"it is {container['state']}", *reasons]
    missing = sorted(set(wanted["networks"]) - set(container["networks"]))
    if missing:
        reasons.append("it is not connected to " + ", ".join(missing))
    if wanted.get("newer_than") and docker_time(container["started_at"]) < float(wanted["newer_than"]):
        reasons.append("a file that it reads at its start is newer")
    return reasons


def _settings(container: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """What differs in how the container was made, running or not."""
    reasons = []
    if container["image_id"] != wanted["image_id"]:
        reasons.append("it runs another image")
    if container["labels"].get(LABEL) != wanted["config_hash"]:
        reasons.append("its compose file has changed")
    memory = int(wanted["memory"])
    if container["memory"] != memory:
        reasons.append(f"its memory is {container['memory'] // MEGABYTE} MB instead of {memory // MEGABYTE} MB")
    elif container["memory_swap"] != memory:
        reasons.append("it may use swap")
    cpus = container["nano_cpus"] / 1e9
    if abs(cpus - float(wanted["cpus"])) > 1e-6:
        reasons.append(f"it has {cpus:g} processors instead of {float(wanted['cpus']):g}")
    return reasons


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"container_drift": container_drift}
