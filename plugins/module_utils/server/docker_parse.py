# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Docker Engine answers, reduced to what roles decide on. Pure; keys that an engine lacks are forgiven."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import Any

Json = dict[str, Any]

# Go's zero time: the container never started, or never ended.
NEVER = "0001-01-01T00:00:00Z"
# Where Docker takes a subnet from when none is given: base, and the length of what it cuts from it.
POOLS = (("172.16.0.0/12", 16), ("192.168.0.0/16", 20))


def engine(info: Json, version: Json) -> Json:
    """The engine itself, and the kinds of engine that the roles refuse."""
    return {
        "version": version.get("Version"),
        "api_version": version.get("ApiVersion"),
        "root_dir": info.get("DockerRootDir"),
        "rootless": any("name=rootless" in option for option in info.get("SecurityOptions") or []),
        "swarm": (info.get("Swarm") or {}).get("LocalNodeState", "inactive") not in ("", "inactive"),
        "desktop": info.get("OperatingSystem") == "Docker Desktop",
        "live_restore": info.get("LiveRestoreEnabled"),
        "logging_driver": info.get("LoggingDriver"),
    }


def container(answer: Json) -> Json:
    """One container; its environment is left out on purpose, since other people keep secrets there."""
    state, host, config = (answer.get(key) or {} for key in ("State", "HostConfig", "Config"))
    return {
        "id": answer.get("Id"),
        "image": config.get("Image"),
        "image_id": answer.get("Image"),
        "state": state.get("Status"),
        "health": (state.get("Health") or {}).get("Status"),
        "started_at": _time(state.get("StartedAt")),
        "finished_at": _time(state.get("FinishedAt")),
        "exit_code": state.get("ExitCode"),
        "restart_count": answer.get("RestartCount"),
        "labels": config.get("Labels") or {},
        "networks": {
            name: _address(attached.get("IPAddress"))
            for name, attached in ((answer.get("NetworkSettings") or {}).get("Networks") or {}).items()
        },
        "memory": host.get("Memory"),
        "memory_swap": host.get("MemorySwap"),
        "nano_cpus": host.get("NanoCpus"),
        "ports": _bindings(host.get("PortBindings") or {}),
        "mounts": [
            {
                "type": mount.get("Type"),
                "name": mount.get("Name"),
                "source": mount.get("Source"),
                "destination": mount.get("Destination"),
                "read_write": mount.get("RW"),
            }
            for mount in answer.get("Mounts") or []
        ],
    }


def address_pools(info: Json) -> list[tuple[str, int]]:
    """Where this engine takes subnets from; those before somebody configured others count too."""
    configured = info.get("DefaultAddressPools") or []
    return [*POOLS, *((str(pool["Base"]), int(pool["Size"])) for pool in configured)]


def network(answer: Json, pools: Sequence[tuple[str, int]] = POOLS) -> Json:
    ranges = (answer.get("IPAM") or {}).get("Config") or []
    return {
        "id": answer.get("Id"),
        "driver": answer.get("Driver"),
        "internal": bool(answer.get("Internal")),
        "subnets": [entry["Subnet"] for entry in ranges if entry.get("Subnet")],
        "gateways": [entry["Gateway"] for entry in ranges if entry.get("Gateway")],
        "ranges": [entry["IPRange"] for entry in ranges if entry.get("IPRange")],
        "given": "bestviable.portfolio" in (answer.get("Labels") or {}) or _given(ranges, pools),
        "labels": answer.get("Labels") or {},
        "containers": {
            member.get("Name"): _address(member.get("IPv4Address"))
            for member in (answer.get("Containers") or {}).values()
        },
    }


def _given(ranges: Sequence[Json], pools: Sequence[tuple[str, int]]) -> bool:
    """Whether somebody gave the subnet; only then does Docker hand out addresses that are asked for.

    The engine does not say it. A subnet of its own choice is cut from a pool, and has a gateway and nothing else.
    """
    first: Json = next((entry for entry in ranges if "." in (entry.get("Subnet") or "")), {})
    if not first:
        return False
    subnet = IPv4Network(first["Subnet"], strict=False)
    from_pool = any(
        subnet.prefixlen == size and subnet.subnet_of(IPv4Network(base)) for base, size in pools if "." in base
    )
    return not first.get("Gateway") or bool(first.get("IPRange")) or not from_pool


def volume(answer: Json) -> Json:
    return {
        "driver": answer.get("Driver"),
        "mountpoint": answer.get("Mountpoint"),
        "labels": answer.get("Labels") or {},
    }


def image(answer: Json) -> Json:
    config = answer.get("Config") or {}
    return {
        "id": answer.get("Id"),
        "user": config.get("User") or "",
        "labels": config.get("Labels") or {},
        "env": dict(_assignment(line) for line in config.get("Env") or []),
        "digests": answer.get("RepoDigests") or [],
        "entrypoint": config.get("Entrypoint") or [],
    }


def publishers(running: list[Json]) -> list[Json]:
    """Every port that a running container publishes on the host, whoever started it."""
    found = []
    for entry in running:
        name = (entry.get("Names") or ["/"])[0].lstrip("/")
        for port in entry.get("Ports") or []:
            if port.get("PublicPort"):
                found.append(
                    {
                        "container": name,
                        "host_ip": port.get("IP"),
                        "host_port": port["PublicPort"],
                        "container_port": port.get("PrivatePort"),
                    }
                )
    return sorted(found, key=lambda row: (row["host_port"], row["container"], str(row["host_ip"])))


def users(running: list[Json], volume_name: str) -> list[str]:
    """Names of the running containers that have a volume mounted, whoever started them."""
    return names(
        [entry for entry in running if any(mount.get("Name") == volume_name for mount in entry.get("Mounts") or [])]
    )


def proxies(running: list[Json]) -> list[str]:
    """Names of the running Traefik containers that are not ours."""
    return others(running, "traefik")


def others(running: list[Json], program: str) -> list[str]:
    """Names of the running containers that are not ours and whose image is called so, whoever tagged it."""
    return names(
        [
            entry
            for entry in running
            if _repository(entry.get("Image") or "") == program
            and "bestviable.portfolio" not in (entry.get("Labels") or {})
        ]
    )


def names(entries: list[Json]) -> list[str]:
    return sorted((entry.get("Names") or ["/"])[0].lstrip("/") for entry in entries)


def _repository(reference: str) -> str:
    """Last part of an image's name, without registry, owner, tag and digest."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[0]


def _time(stamp: str | None) -> str | None:
    return None if stamp == NEVER else stamp


def _bindings(bindings: Json) -> list[Json]:
    return [
        {
            "host_ip": target.get("HostIp") or "",
            "host_port": _number(target.get("HostPort")),
            "container_port": int(inside.partition("/")[0]),
            "protocol": inside.partition("/")[2] or "tcp",
        }
        for inside, targets in sorted(bindings.items())
        for target in targets or []
    ]


def _number(text: str | None) -> int | None:
    """A port as a number; a range, or a port that the engine is to choose, is none."""
    return int(text) if text and text.isdigit() else None


def _address(text: str | None) -> str | None:
    """An address without its prefix length; a stopped container has none."""
    return (text or "").partition("/")[0] or None


def _assignment(line: str) -> tuple[str, str]:
    key, _separator, value = line.partition("=")
    return key, value
