# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel and the distribution write about themselves, as Python values. Pure: text in, values out."""

from __future__ import annotations

import ipaddress
import shlex
import struct
from typing import NamedTuple

TCP_LISTEN = "0A"
ROUTE_UP = 0x1
# What is asked of systemd about a unit.
UNIT_PROPERTIES = ("Id", "LoadState", "ActiveState", "UnitFileState", "NeedDaemonReload")


class Listener(NamedTuple):
    """One listening TCP socket; the inode leads to the process that holds it."""

    address: str
    port: int
    inode: str


def parse_os_release(text: str) -> dict[str, str | None]:
    """os-release(5): shell assignments, quoted or not; lines that are none are left out."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, separator, raw = line.strip().partition("=")
        if not separator or key.startswith("#"):
            continue
        try:
            words = shlex.split(raw)
        except ValueError:
            continue
        found[key] = words[0] if words else ""
    return {
        "id": found.get("ID"),
        "version_id": found.get("VERSION_ID"),
        "codename": found.get("VERSION_CODENAME"),
        "name": found.get("PRETTY_NAME"),
    }


def parse_meminfo(text: str) -> dict[str, int | None]:
    """Total and available memory in MiB (`MemAvailable` counts the caches that the kernel would give back)."""
    kilobytes: dict[str, int] = {}
    for line in text.splitlines():
        key, _separator, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdigit():
            kilobytes[key] = int(words[0])
    total, available = kilobytes.get("MemTotal"), kilobytes.get("MemAvailable")
    return {
        "total_mb": None if total is None else total // 1024,
        "available_mb": None if available is None else available // 1024,
    }


def parse_units(text: str) -> dict[str, dict[str, bool] | None]:
    """The answer of `systemctl show`: properties of one unit after the other, an empty line between them."""
    found: dict[str, dict[str, bool] | None] = {}
    for block in text.strip().split("\n\n"):
        said = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" in said:
            found[said["Id"]] = (
                None
                if said.get("LoadState") == "not-found"
                else {
                    "enabled": said.get("UnitFileState") == "enabled",
                    "active": said.get("ActiveState") == "active",
                    "stale": said.get("NeedDaemonReload") == "yes",
                }
            )
    return found


def parse_routes(text: str) -> list[dict[str, str]]:
    """/proc/net/route (IPv4), each route as CIDR; addresses stand there as little-endian hexadecimal numbers."""
    routes = []
    for line in text.splitlines()[1:]:
        columns = line.split()
        if len(columns) < 8 or not int(columns[3], 16) & ROUTE_UP:
            continue
        address, mask = (_ipv4(columns[index]) for index in (1, 7))
        network = ipaddress.ip_network(f"{address}/{mask}", strict=False)
        routes.append({"destination": str(network), "interface": columns[0]})
    return routes


def parse_listeners(text: str) -> list[Listener]:
    """The listening sockets of /proc/net/tcp or /proc/net/tcp6."""
    listeners = []
    for line in text.splitlines()[1:]:
        columns = line.split()
        if len(columns) < 10 or columns[3] != TCP_LISTEN:
            continue
        host, _separator, port = columns[1].rpartition(":")
        address = _ipv4(host) if len(host) == 8 else _ipv6(host)
        listeners.append(Listener(address, int(port, 16), columns[9]))
    return listeners


def parse_system_identifier(pg_control: bytes) -> str | None:
    """The first field of global/pg_control; a string, since it does not fit into the numbers of JSON readers."""
    if len(pg_control) < 8:
        return None
    (identifier,) = struct.unpack("<Q", pg_control[:8])
    return str(identifier)


def _ipv4(number: str) -> str:
    return str(ipaddress.IPv4Address(bytes.fromhex(number)[::-1]))


def _ipv6(number: str) -> str:
    """Four 32-bit words, each in the byte order of the machine."""
    raw = bytes.fromhex(number)
    words = [raw[start : start + 4][::-1] for start in range(0, 16, 4)]
    return str(ipaddress.IPv6Address(b"".join(words)))
