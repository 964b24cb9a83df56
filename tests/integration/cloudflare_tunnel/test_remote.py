# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tunnel whose rules are in the dashboard, with rules of others; the numbers are those of the cases of the design."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.integration.cloudflare_tunnel.driver import HOST, Driver
from tests.integration.cloudflare_tunnel.test_converge import RULES

OURS = {"hostname": HOST, "service": "http://traefik:80"}
Rules = list[dict[str, Any]]


def tunnel_with(driver: Driver, rules: Rules) -> dict[str, Any]:
    return driver.fake.state.tunnels[driver.fake.state.add_tunnel("portfolio", "cloudflare", copy.deepcopy(rules))]


def test_30_what_is_not_ours_is_sent_back_unchanged(driver: Driver) -> None:
    tunnel = tunnel_with(driver, RULES)
    tunnel["config"] |= {"originRequest": {"connectTimeout": 3}, "later": {"deep": [1, {"a": None}]}}
    others = copy.deepcopy({key: value for key, value in tunnel["config"].items() if key != "ingress"})
    assert driver.good()["actions"] == ["recover_credentials", "put_configuration", "create_record"]
    assert tunnel["config"]["ingress"] == [RULES[0], OURS, *RULES[1:]]
    assert {key: value for key, value in tunnel["config"].items() if key != "ingress"} == others
    result = driver.nothing_to_do()
    assert len(result["calls"]) == 4


def test_a_tunnel_without_any_rule(driver: Driver) -> None:
    assert driver.good(mode="remote")["mode"] == "remote"
    [tunnel] = driver.fake.state.live("portfolio")
    assert tunnel["config"]["ingress"] == [OURS, {"service": "http_status:404"}]
    driver.nothing_to_do(mode="remote")


@pytest.mark.parametrize(
    ("rules", "after"),
    [
        # 24: our service, changed by hand; 25: our rule below the wildcard; beside both, an option of our rule.
        ([{**OURS, "service": "http://x:1"}, *RULES], [OURS, *RULES]),
        ([RULES[0], RULES[1], OURS, RULES[2]], [RULES[0], OURS, RULES[1], RULES[2]]),
        ([{**OURS, "originRequest": {"noTLSVerify": True}}, RULES[2]], [OURS, RULES[2]]),
    ],
)
def test_24_25_our_rule_is_put_right(driver: Driver, rules: Rules, after: Rules) -> None:
    tunnel = tunnel_with(driver, [RULES[2]])
    driver.good()
    tunnel["config"]["ingress"] = copy.deepcopy(rules)
    result = driver.good()
    assert result["actions"] == ["put_configuration"] and tunnel["config"]["ingress"] == after
    assert HOST in result["diff"][0]["after"] and "noTLSVerify" not in str(result["diff"])


@pytest.mark.parametrize(
    "rule", [{**OURS, "path": ""}, {**OURS, "originRequest": {}}, {**OURS, "hostname": HOST.upper()}]
)
def test_what_the_api_adds_is_no_difference(driver: Driver, rule: dict[str, Any]) -> None:
    tunnel = tunnel_with(driver, [RULES[0]])
    tunnel["config"]["ingress"] = [rule, RULES[2]]
    result = driver.good()
    assert ("put_configuration" in result["actions"]) is (rule["hostname"] != HOST)
    driver.nothing_to_do()


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([OURS, OURS, RULES[2]], f"has 2 rules for {HOST}; remove all but one"),
        ([{**OURS, "path": "/x"}, RULES[2]], f"has a rule for {HOST} with a path; remove it"),
        ([RULES[0]], "does not end in a rule that matches all; add one"),
        ([{**OURS, "service": "http://x:1"}, RULES[2]], f"routes {HOST} to http://x:1; set takeover"),
        (["text"], "has no list of rules; see it"),
    ],
)
def test_22_rules_that_are_refused(driver: Driver, rules: Any, words: str) -> None:
    tunnel_with(driver, rules)
    assert f"The configuration of tunnel portfolio {words}" in driver.refused()


def test_a_rule_of_somebody_else_is_taken_when_told(driver: Driver) -> None:
    tunnel = tunnel_with(driver, [{**OURS, "service": "http://x:1"}, RULES[2]])
    driver.good(takeover=True)
    assert tunnel["config"]["ingress"] == [OURS, RULES[2]]
    driver.nothing_to_do()


def test_absent_leaves_a_rule_of_somebody_else(driver: Driver) -> None:
    rules = [{**OURS, "service": "http://x:1"}, RULES[2]]
    tunnel = tunnel_with(driver, rules)
    driver.nothing_to_do(state="absent")
    assert tunnel["config"]["ingress"] == rules


def at_configuration(driver: Driver, method: str, change: Any, times: int = 1) -> None:
    """Somebody changes the configuration right after one of our calls of it."""
    left = [times]

    def hook(number: int) -> None:
        exchange = driver.fake.log[number - 1]
        early = method == "PUT" or not any(item.method == "PUT" for item in driver.fake.log)
        if exchange.method == method and exchange.path.endswith("/configurations") and left[0] and early:
            left[0] -= 1
            change()

    driver.fake.hook = hook


def test_30_a_change_before_our_put_is_seen(driver: Driver) -> None:
    """The second GET of a run is right before its PUT; what changed since the first is kept."""
    tunnel = tunnel_with(driver, RULES)

    def add() -> None:
        tunnel["config"]["ingress"] = [{"hostname": "new.example.com", "service": "http://new:1"}, *RULES]
        tunnel["version"] += 1

    at_configuration(driver, "GET", add)
    driver.good()
    names = [rule.get("hostname") for rule in tunnel["config"]["ingress"]]
    assert names == ["new.example.com", "app.example.com", HOST, "*.example.com", None]


def test_30_a_change_that_our_put_overwrote_is_told(driver: Driver) -> None:
    tunnel = tunnel_with(driver, RULES)

    def hook(number: int) -> None:
        gets = [item for item in driver.fake.log if item.path.endswith("/configurations")]
        if len(gets) == 2 and driver.fake.log[-1] is gets[-1]:
            tunnel["version"] += 1

    driver.fake.hook = hook
    result = driver.run()
    assert (
        "was changed by somebody else in the same moment (version 1 became 3); look in the dashboard" in result["msg"]
    )


def test_30_a_change_that_overwrote_ours_is_made_good_once(driver: Driver) -> None:
    tunnel = tunnel_with(driver, RULES)

    def revert() -> None:
        tunnel["config"] = {"ingress": copy.deepcopy(RULES)}
        tunnel["version"] += 1

    at_configuration(driver, "PUT", revert)
    driver.good()
    assert OURS in tunnel["config"]["ingress"]
    driver.nothing_to_do()


def test_30_and_again_is_told(driver: Driver) -> None:
    tunnel = tunnel_with(driver, RULES)

    def revert() -> None:
        tunnel["config"] = {"ingress": copy.deepcopy(RULES)}

    at_configuration(driver, "PUT", revert, times=9)
    assert "is changed by somebody else at the same time; let the other one finish" in driver.run()["msg"]
    assert len(driver.fake.sent("PUT")) == 2


def test_a_lower_wildcard_and_a_rule_with_a_path_do_not_take_our_requests(driver: Driver) -> None:
    rules = [{"hostname": "*.example.com", "path": "/x", "service": "http://x:1"}, *RULES]
    tunnel = tunnel_with(driver, rules)
    driver.good()
    assert tunnel["config"]["ingress"] == [OURS, *rules]
