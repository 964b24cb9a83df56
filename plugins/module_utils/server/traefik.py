# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Traefik that somebody else runs was told at its start, reduced to what decides about our route. Pure.

Traefik reads a file, or else its arguments, or else its environment; never two of them. All three become one list here:
`entryPoints.web.address` and its value. What is not asked for does not leave this module: others keep secrets there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Json = dict[str, Any]
# Names as they are written, though Traefik takes them in any case; a list has its name once for each of its values.
Settings = list[tuple[str, str]]
# Reads a file in the container; None where there is none.
Read = Callable[[str], "bytes | None"]

PLACES = ("/etc/traefik/traefik", "{}/traefik")
EXTENSIONS = ("toml", "yaml", "yml")
VERSION = "org.opencontainers.image.version"
SOCKET = "docker.sock"


class UnreadableError(Exception):
    """A file that is there and cannot be read; says why."""


def describe(answer: Json, read: Read) -> Json:
    """One Traefik, from what the engine says of its container and from its file."""
    config = answer.get("Config") or {}
    labels = config.get("Labels") or {}
    found: Json = {
        "name": (answer.get("Name") or "").lstrip("/"),
        "version": _version(labels.get(VERSION) or "", config.get("Image") or ""),
        "socket": any(str(mount.get("Source")).endswith(SOCKET) for mount in answer.get("Mounts") or []),
        "unread": "",
        "entry_points": {},
        "insecure_api": False,
        "open_dashboard": False,
    }
    try:
        settings = _settings(config, read)
    except UnreadableError as reason:
        return {**found, "unread": str(reason)}
    insecure = _true(settings, "api.insecure")
    dashboard = _on(settings, "api") and not _false(settings, "api.dashboard")
    return {
        **found,
        "entry_points": _entry_points(settings),
        "insecure_api": insecure,
        "open_dashboard": dashboard and not insecure and _unprotected_api(labels),
    }


def _settings(config: Json, read: Read) -> Settings:
    given = of_arguments([*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])])
    named = _last(given, "configfile")
    directory = (config.get("WorkingDir") or "").rstrip("/")
    for path in [named] if named else [f"{place.format(directory)}.{end}" for place in PLACES for end in EXTENSIONS]:
        content = read(path)
        if content is not None:
            return of_file(path, content)
    if named:
        raise UnreadableError(f"{named} is not in its container")
    return given or of_environment(config.get("Env") or [])


def of_arguments(arguments: list[str]) -> Settings:
    """`--name=value`, `--name value`, and `--name` alone, which is true."""
    found: Settings = []
    for argument, following in zip(arguments, [*arguments[1:], "-"], strict=False):
        if argument.startswith("-"):
            name, separator, value = argument.lstrip("-").partition("=")
            found += _each(name, value if separator else "true" if following.startswith("-") else following)
    return found


def of_environment(lines: list[str]) -> Settings:
    """Traefik makes all of a name lower case."""
    found: Settings = []
    for line in lines:
        name, _separator, value = line.partition("=")
        if name.startswith("TRAEFIK_"):
            found += _each(name.removeprefix("TRAEFIK_").replace("_", ".").lower(), value)
    return found


def of_file(path: str, content: bytes) -> Settings:
    if path.endswith(".toml"):
        raise UnreadableError(f"{path} is TOML, which is not read here")
    try:
        import yaml

        return list(_leaves(yaml.safe_load(content), ""))
    except ImportError as error:
        raise UnreadableError(f"{path} is YAML, for which this server's Python has no library yet") from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise UnreadableError(f"{path} is not valid YAML") from error


def _leaves(node: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from _leaves(value, f"{name}.{key}" if name else str(key))
    elif isinstance(node, list):
        for value in node:
            yield from _leaves(value, name)
    else:
        # A section without a value is switched on by being there.
        yield name, "true" if node in (None, {}) else str(node)


def _each(name: str, value: str) -> Settings:
    """A list comes as one text with commas, or as name[0], name[1]."""
    return [(re.sub(r"\[\d+\]$", "", name), part.strip()) for part in value.split(",")]


def _entry_points(settings: Settings) -> dict[str, Json]:
    names = {name.split(".")[1] for name, _value in settings if name.lower().startswith("entrypoints.")}
    addresses = {name: _last(settings, f"entrypoints.{name}.address") for name in sorted(names)}
    # Without any it opens one.
    return {name: _entry_point(settings, name, address) for name, address in (addresses or {"http": ":80"}).items()}


def _entry_point(settings: Settings, name: str, address: str) -> Json:
    path = f"entrypoints.{name}"
    trusted = _values(settings, f"{path}.forwardedheaders.trustedips")
    return {
        "port": _port(address),
        "believes_all": _true(settings, f"{path}.forwardedheaders.insecure") or any(t.endswith("/0") for t in trusted),
        "aliases": _last(settings, f"{path}.http.aliasheadersstrategy") or "keep",
        "redirects": _on(settings, f"{path}.http.redirections.entrypoint"),
    }


def _port(address: str) -> int | None:
    """Of `:80` or `10.0.0.1:80/tcp`; of UDP none."""
    plain, _separator, protocol = address.partition("/")
    port = plain.rpartition(":")[2]
    return int(port) if port.isdigit() and protocol.lower() != "udp" else None


def _unprotected_api(labels: Mapping[str, str]) -> bool:
    """Whether a label of its own container leads to its inside, with nothing that stands before it."""
    lower = {name.lower(): value for name, value in labels.items()}
    return any(
        name.startswith("traefik.http.routers.")
        and name.endswith(".service")
        and value in ("api@internal", "dashboard@internal")
        and f"{name.rpartition('.')[0]}.middlewares" not in lower
        for name, value in lower.items()
    )


def _version(label: str, image: str) -> str | None:
    """Exact, from the image's own label or its tag; a moving tag says nothing."""
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    found = next(filter(None, (re.match(r"v?(\d+\.\d+\.\d+)", text) for text in (label, tag))), None)
    return found[1] if found else None


def _values(settings: Settings, path: str) -> list[str]:
    return [value for name, value in settings if name.lower() == path.lower()]


def _on(settings: Settings, path: str) -> bool:
    """A section is on when it, or anything in it, is named."""
    named = any(f"{name}.".lower().startswith(f"{path}.".lower()) for name, _value in settings)
    return named and not _false(settings, path)


def _last(settings: Settings, path: str) -> str:
    return ["", *_values(settings, path)][-1]


def _true(settings: Settings, path: str) -> bool:
    return _last(settings, path).lower() in ("true", "1", "t")


def _false(settings: Settings, path: str) -> bool:
    return _last(settings, path).lower() in ("false", "0", "f")
