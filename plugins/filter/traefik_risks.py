# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter traefik_risks: what is dangerous, for the data API too, in a Traefik that somebody else runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Traefik = Mapping[str, Any]
# Each kind of danger with what shows it, of one Traefik and the entry point that our route uses there.
KINDS: dict[str, Callable[[Traefik, Mapping[str, Any], str], bool]] = {
    "unread": lambda traefik, _point, _oldest: bool(traefik["unread"]),
    "version": lambda traefik, _point, _oldest: not traefik["version"],
    "old": lambda traefik, _point, oldest: bool(traefik["version"]) and _key(traefik["version"]) < _key(oldest),
    "insecure_api": lambda traefik, _point, _oldest: bool(traefik["insecure_api"]),
    "open_dashboard": lambda traefik, _point, _oldest: bool(traefik["open_dashboard"]),
    "believes_all": lambda _traefik, point, _oldest: bool(point.get("believes_all")),
    "aliases": lambda _traefik, point, _oldest: point.get("aliases") == "keep",
    "redirects": lambda _traefik, point, _oldest: bool(point.get("redirects")),
    "socket": lambda traefik, _point, _oldest: bool(traefik["socket"]),
}


def traefik_risks(traefiks: Iterable[Traefik], entry_point: str, oldest: str) -> dict[str, str]:
    """Return for each kind of danger the names of those that have it, with commas; an empty text where none has."""
    listed = list(traefiks)
    return {
        kind: ", ".join(
            traefik["name"] for traefik in listed if shown(traefik, _point(traefik, entry_point), oldest)
        )
        for kind, shown in KINDS.items()
    }  # fmt: skip


def _point(traefik: Traefik, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = traefik["entry_points"].get(name, {})
    return found


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"traefik_risks": traefik_risks}
