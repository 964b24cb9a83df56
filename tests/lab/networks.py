# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a machine is found by what runs in its engine's networks."""

from __future__ import annotations

import json
import subprocess
from ipaddress import ip_network


def gateway(inspected: str) -> str:
    """The machine's address in a network, of what `docker network inspect` says: the first of its range.

    An engine of 20.10 names the gateway of a network that it made itself only from its second start on.
    """
    return str(next(ip_network(json.loads(inspected)[0]["IPAM"]["Config"][0]["Subnet"]).hosts()))


def bridge() -> str:
    """This machine's address as servers of the lab, and what runs in them, see it."""
    command = ["docker", "network", "inspect", "bridge"]
    return gateway(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
