# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter subnet_overlaps: which subnets overlap a route of the host."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any


def subnet_overlaps(subnets: list[dict[str, str]], routes: list[dict[str, str]]) -> list[str]:
    """Return one phrase for each subnet (key: name, value: CIDR) that overlaps a route other than the default route."""
    found = []
    for subnet in subnets:
        wanted = ip_network(subnet["value"])
        for route in routes:
            there = ip_network(route["destination"])
            if there.prefixlen > 0 and wanted.overlaps(there):
                found.append(f"{subnet['key']} {wanted} and {there} on {route['interface']}")
    return found


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"subnet_overlaps": subnet_overlaps}
