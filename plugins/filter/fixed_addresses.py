# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter fixed_addresses: addresses of a Docker network that a container can be given for good."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any


def fixed_addresses(network: Mapping[str, Any], count: int) -> list[str]:
    """Return *count* addresses of *network* (of server_info), from its end; none where Docker would refuse them.

    Docker hands its own out from the beginning, and from its range only where the network has one; so those outside the
    range come first.
    """
    subnet = next((IPv4Network(text, strict=False) for text in network["subnets"] if ":" not in text), None)
    if subnet is None or not network["given"]:
        return []
    # The first one is the gateway's, also where the network does not say so.
    taken = {*network["gateways"], str(subnet[1])} if subnet.num_addresses > 1 else set()
    ranges = [IPv4Network(text, strict=False) for text in network["ranges"] if ":" not in text]
    for avoided in (ranges, []):
        found = [address for address, _number in zip(_from_the_end(subnet, taken, avoided), range(count), strict=False)]
        if len(found) == count:
            return found
    return []


def _from_the_end(subnet: IPv4Network, taken: set[str], avoided: list[IPv4Network]) -> Iterator[str]:
    address = subnet.broadcast_address
    while (address := IPv4Address(int(address) - 1)) > subnet.network_address:
        inside = next((one for one in avoided if address in one), None)
        if inside is not None:
            address = inside.network_address
        elif str(address) not in taken:
            yield str(address)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"fixed_addresses": fixed_addresses}
