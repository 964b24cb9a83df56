# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connectors of a tunnel that somebody else runs on this server, and nothing of their secrets."""

from __future__ import annotations

import glob
import os
import posixpath
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

Json = dict[str, Any]
Exists = Callable[[str], bool]

UNITS = "/etc/systemd/system/cloudflared*.service"
PROPERTIES = "Id,ActiveState,ExecStart,Environment,ExecMainStartTimestampMonotonic"
TIMEOUT = 5.0
# Where it looks without --config, in its order; the first is the home directory's.
PLACES = (".cloudflared", ".cloudflare-warp", "cloudflare-warp", "/etc/cloudflared", "/usr/local/etc/cloudflared")
# The home directory of its image, and of a unit without User=.
IMAGE_HOME, UNIT_HOME = "/home/nonroot", "/root"
TOKENS = {"TUNNEL_TOKEN", "TUNNEL_TOKEN_FILE"}


def option(arguments: list[str], name: str) -> str | None:
    """The value of a flag, written in one word or in two, with one dash or two."""
    for place, word in enumerate(arguments):
        flag, equals, value = word.partition("=")
        if flag in (f"-{name}", f"--{name}"):
            return value if equals else (arguments[place + 1] if place + 1 < len(arguments) else "")
    return None


def runs_tunnel(arguments: list[str]) -> bool:
    """Not its updates, nor its other uses."""
    return "tunnel" in arguments[1:] and posixpath.basename(arguments[0]) == "cloudflared"


def has_token(arguments: list[str], environment: Iterable[str]) -> bool:
    given = {line.partition("=")[0] for line in environment}
    return bool(given & TOKENS) or any(option(arguments, name) is not None for name in ("token", "token-file"))


def candidates(arguments: list[str], home: str) -> list[str]:
    """Where its configuration may be, as the process sees it."""
    given = option(arguments, "config")
    if given:
        return [given]
    names = ("config.yml", "config.yaml")
    return [posixpath.join(home, place, name) for place in PLACES for name in names]


def on_host(path: str, mounts: list[Json]) -> tuple[str, bool] | None:
    """Where a path of a container lies on the server, and whether just this file is mounted."""
    best: tuple[str, bool] | None = None
    longest = 0
    for mount in mounts:
        inside, source = str(mount.get("Destination") or "").rstrip("/"), str(mount.get("Source") or "")
        if source and len(inside) >= longest and (path == inside or path.startswith(f"{inside}/")):
            longest, best = len(inside), (source + path[len(inside) :], path == inside)
    return best


def container(answer: Json, exists: Exists) -> Json | None:
    """A running container of somebody else, from what the engine says of it; None where it runs no tunnel."""
    config, state = answer.get("Config") or {}, answer.get("State") or {}
    arguments = [str(answer.get("Path") or ""), *map(str, answer.get("Args") or [])]
    # An image may start it by a program of its own.
    if not runs_tunnel(["cloudflared", *arguments]):
        return None
    environment = config.get("Env") or []
    home = next((line[5:] for line in environment if line.startswith("HOME=")), IMAGE_HOME)
    places = [on_host(path, answer.get("Mounts") or []) for path in candidates(arguments, home)]
    found = next((place for place in places if place and exists(place[0])), None)
    return {
        "kind": "docker",
        "name": str(answer.get("Name") or "").lstrip("/"),
        "config": found[0] if found else None,
        "file_mounted": bool(found and found[1]),
        "token": has_token(arguments, environment),
        "started_at": state.get("StartedAt"),
        "networks": sorted((answer.get("NetworkSettings") or {}).get("Networks") or {}),
    }


def unit(properties: Mapping[str, str], boot: float, exists: Exists) -> Json | None:
    """An active unit, from its properties; `boot` is when the machine started, in seconds since 1970."""
    command = re.search(r"argv\[\]=(.*?) ; ", properties.get("ExecStart", ""))
    arguments = command[1].split() if command else [""]
    if properties.get("ActiveState") != "active" or not runs_tunnel(arguments):
        return None
    started = boot + int(properties.get("ExecMainStartTimestampMonotonic") or 0) / 1e6
    return {
        "kind": "systemd",
        "name": properties["Id"].removesuffix(".service"),
        "config": next(filter(exists, candidates(arguments, UNIT_HOME)), None),
        "file_mounted": False,
        "token": has_token(arguments, properties.get("Environment", "").split()),
        "started_at": datetime.fromtimestamp(started, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "networks": [],
    }


def blocks(text: str) -> Iterator[dict[str, str]]:
    """What `systemctl show` says of several units."""
    for block in text.strip().split("\n\n"):
        yield {key: value for key, _equals, value in (line.partition("=") for line in block.splitlines())}


def units() -> list[Json]:
    """Asked only where there is such a unit, so that a server without one pays nothing."""
    names = sorted(map(os.path.basename, glob.glob(UNITS)))
    program = shutil.which("systemctl") if names else None
    if program is None:
        return []
    try:
        command = [program, "show", f"--property={PROPERTIES}", *names]
        said = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return []
    boot = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
    return [found for block in blocks(said) if (found := unit(block, boot, os.path.exists))]
