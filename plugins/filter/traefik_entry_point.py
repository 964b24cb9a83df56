# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter traefik_entry_point: by which entry point a Traefik of somebody else takes requests from the tunnel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

USUAL = "web"
HTTP = 80


def traefik_entry_point(traefiks: Iterable[Mapping[str, Any]]) -> str:
    """Return the name of the first one on port 80, rather one that does not send everybody on to HTTPS."""
    found = [
        (point["redirects"], name)
        for traefik in traefiks
        for name, point in traefik["entry_points"].items()
        if point["port"] == HTTP
    ]
    return min(found, default=(False, USUAL), key=lambda pair: pair[0])[1]


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"traefik_entry_point": traefik_entry_point}
