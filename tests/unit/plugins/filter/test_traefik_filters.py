# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters fixed_addresses, traefik_entry_point and traefik_risks."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.filter.fixed_addresses import fixed_addresses
from ansible_collections.bestviable.portfolio.plugins.filter.traefik_entry_point import traefik_entry_point
from ansible_collections.bestviable.portfolio.plugins.filter.traefik_risks import KINDS, traefik_risks

POINT = {"port": 80, "believes_all": False, "aliases": "delete", "redirects": False}
SOUND: dict[str, Any] = {
    "name": "edge", "version": "3.7.15", "socket": False, "unread": "", "entry_points": {"web": POINT},
    "insecure_api": False, "open_dashboard": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("network", "count", "addresses"),
    [
        ({"subnets": ["172.28.11.0/24"]}, 2, ["172.28.11.254", "172.28.11.253"]),
        ({"subnets": ["172.28.11.0/24"], "ranges": ["172.28.11.0/25"]}, 1, ["172.28.11.254"]),
        ({"subnets": ["172.28.11.0/24"], "gateways": ["172.28.11.254"]}, 1, ["172.28.11.253"]),
        # Docker chooses from the second half: not there.
        ({"subnets": ["10.0.0.0/8"], "ranges": ["10.128.0.0/9"]}, 1, ["10.127.255.255"]),
        # It chooses from everywhere.
        ({"subnets": ["172.28.11.0/24"], "ranges": ["172.28.11.0/24"]}, 1, ["172.28.11.254"]),
        ({"subnets": ["2001:db8::/64", "172.28.11.0/28"]}, 1, ["172.28.11.14"]),
        # .1 is the gateway's, .7 is for all.
        ({"subnets": ["172.28.11.0/29"]}, 5, [f"172.28.11.{number}" for number in (6, 5, 4, 3, 2)]),
        ({"subnets": ["172.28.11.0/29"]}, 6, []),
        ({"subnets": ["172.28.11.0/24"], "given": False}, 2, []),
        ({"subnets": []}, 2, []),
        ({"subnets": ["172.28.11.4/32"]}, 1, []),
        ({"subnets": ["172.28.11.0/24"]}, 0, []),
    ],
)
def test_fixed_addresses(network: dict[str, Any], count: int, addresses: list[str]) -> None:
    assert fixed_addresses({"gateways": [], "ranges": [], "given": True} | network, count) == addresses


@pytest.mark.parametrize(
    ("points", "name"),
    [
        ([{"public": POINT, "secure": POINT | {"port": 443}}], "public"),
        ([{"a": POINT | {"redirects": True}, "b": POINT}], "b"),
        ([{"a": POINT | {"redirects": True}}], "a"),
        ([{}, {"public": POINT}], "public"),
        ([{"internal": POINT | {"port": 8000}}], "web"),
        ([], "web"),
    ],
)
def test_entry_point(points: list[dict[str, Any]], name: str) -> None:
    assert traefik_entry_point([SOUND | {"entry_points": each} for each in points]) == name


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("unread", {"unread": "it is TOML", "entry_points": {}}),
        ("version", {"version": None}),
        ("old", {"version": "3.7.9"}),
        ("old", {"version": "2.11.60"}),
        ("insecure_api", {"insecure_api": True}),
        ("open_dashboard", {"open_dashboard": True}),
        ("believes_all", {"entry_points": {"web": POINT | {"believes_all": True}}}),
        ("aliases", {"entry_points": {"web": POINT | {"aliases": "keep"}}}),
        ("redirects", {"entry_points": {"web": POINT | {"redirects": True}}}),
        ("socket", {"socket": True}),
    ],
)
def test_each_risk_is_told_of_who_has_it(kind: str, change: dict[str, Any]) -> None:
    found = traefik_risks([SOUND, SOUND | change | {"name": "other"}], "web", "3.7.13")
    assert found == dict.fromkeys(KINDS, "") | {kind: "other"}


def test_names_of_several() -> None:
    assert traefik_risks([SOUND | {"socket": True}] * 2, "web", "3.7.13")["socket"] == "edge, edge"
    assert set(traefik_risks([], "web", "3.7.13").values()) == {""}
