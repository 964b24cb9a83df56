# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rule answers, and where ours goes."""

from __future__ import annotations

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import (
    Rule,
    arrange,
    differs_in_access_only,
    match,
    merge,
    wanted_rule,
)

from tests.unit.plugins.module_utils.cloudflared.family import HOSTNAME, SERVICE

SHOP: Rule = {"hostname": "shop.bestviable.com", "service": "http://shop:8080", "unknown": {"kept": [1]}}
WILDCARD: Rule = {"hostname": "*.bestviable.com", "service": "http://w:80"}
LAST: Rule = {"service": "http_status:404"}
OURS = wanted_rule(HOSTNAME, SERVICE)
OLD: Rule = {"hostname": HOSTNAME, "service": "http://old:80"}


@pytest.mark.parametrize(
    ("hostname", "path", "expected"),
    [
        ("a.example.com", "/", 0),
        ("a.example.com:443", "/", 0),
        ("A.example.com", "/", 5),
        ("Mixed.example.com", "/", 1),
        ("mixed.example.com", "/", 1),
        ("p.example.com", "/x/health/y", 2),
        ("p.example.com", "/", 5),
        ("x.y.wild.example.com", "/", 3),
        ("wild.example.com", "/", 5),
        ("notwild.example.com", "/", 5),
        ("xn--bcher-kva.example", "/", 4),
        ("bücher.example", "/", 4),
    ],
)
def test_the_first_rule_that_matches_answers(hostname: str, path: str, expected: int) -> None:
    names = ["a.example.com", "Mixed.example.com", "p.example.com", "*.wild.example.com", "bücher.example"]
    rules: list[Rule] = [{"hostname": name, "service": "http://x"} for name in names]
    rules[2]["path"] = "/health"
    assert match([*rules, LAST], hostname, path) == expected


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([LAST], [OURS, LAST]),
        ([SHOP, LAST], [SHOP, OURS, LAST]),
        ([SHOP, WILDCARD, LAST], [SHOP, OURS, WILDCARD, LAST]),
        ([SHOP, {"hostname": "*.BESTVIABLE.com"}, LAST], [SHOP, OURS, {"hostname": "*.BESTVIABLE.com"}, LAST]),
        ([{"hostname": "*.viable.com"}, LAST], [{"hostname": "*.viable.com"}, OURS, LAST]),
        ([{"path": "/health"}, SHOP, LAST], [OURS, {"path": "/health"}, SHOP, LAST]),
        ([SHOP, {"hostname": "*"}], [SHOP, OURS, {"hostname": "*"}]),
        # It stays where somebody put it, as long as it gets its requests.
        ([OLD, SHOP, WILDCARD, LAST], [OURS, SHOP, WILDCARD, LAST]),
        ([OURS, SHOP, LAST], [OURS, SHOP, LAST]),
        ([SHOP, WILDCARD, OURS, LAST], [SHOP, OURS, WILDCARD, LAST]),
    ],
)
def test_ours_stands_above_what_would_take_its_requests(rules: list[Rule], expected: list[Rule]) -> None:
    merged = merge(rules, HOSTNAME, OURS)
    assert merged == expected
    assert merge(merged, HOSTNAME, OURS) == merged
    # Foreign rules are handed on as they are, with what nobody here knows.
    assert [rule for rule in merged if rule.get("hostname") != HOSTNAME] == [
        rule for rule in rules if rule not in (OLD, OURS)
    ]


def test_a_rule_that_is_right_is_not_written_again() -> None:
    assert arrange([OURS, LAST], HOSTNAME, OURS) == [0, 1]
    assert arrange([OLD, LAST], HOSTNAME, OURS) == [None, 1]
    assert arrange([OURS, LAST], HOSTNAME, None) == [1]
    assert arrange([LAST], HOSTNAME, None) == [0]


def test_former_names_go() -> None:
    old: Rule = {"hostname": "Old.bestviable.com", "service": SERVICE}
    assert merge([old, SHOP, LAST], HOSTNAME, OURS, ["old.bestviable.com"]) == [SHOP, OURS, LAST]
    assert merge([old, SHOP, LAST], HOSTNAME, OURS) == [old, SHOP, OURS, LAST]


def test_the_origin_check_may_come_and_go() -> None:
    checked = wanted_rule(HOSTNAME, SERVICE, {"team_name": "team", "aud_tags": ["ab12"]})
    assert differs_in_access_only(OURS, checked) and differs_in_access_only(checked, OURS)
    assert not differs_in_access_only({**OURS, "originRequest": {"noTLSVerify": True}}, OURS)
    assert not differs_in_access_only(OLD, OURS)
