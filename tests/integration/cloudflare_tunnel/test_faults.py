# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API refuses, breaks, hangs or talks nonsense: one sentence or the goal, and never two of anything."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.cloudflare_tunnel.driver import HOST, Driver
from tests.lab.cloudflare.fake import Fault

ACCESS: dict[str, Any] = {"access": True, "access_team": "example"}
REMOTE: dict[str, Any] = {"mode": "remote", **ACCESS}
# Each call of a first run with everything, by its method and the end of its path.
CALLS = [
    ("GET", "/user/tokens/verify$"),
    ("GET", "/zones$"),
    ("GET", "/cfd_tunnel$"),
    ("GET", "/dns_records$"),
    ("GET", "/access/apps$"),
    ("GET", "/access/service_tokens$"),
    ("GET", "/access/policies$"),
    ("POST", "/cfd_tunnel$"),
    ("POST", "/access/service_tokens$"),
    ("POST", "/access/policies$"),
    ("POST", "/access/apps$"),
    ("GET", "/configurations$"),
    ("PUT", "/configurations$"),
    ("POST", "/dns_records$"),
]
FAULTS: dict[str, dict[str, Any]] = {
    "500": {"kind": "status", "status": 500},
    "503": {"kind": "status", "status": 503},
    "closed": {"kind": "close"},
    "closed after": {"kind": "close", "after": True},
    "503 after": {"kind": "status", "status": 503, "after": True},
    "html": {"kind": "html"},
    "html after": {"kind": "html", "after": True},
    "cut": {"kind": "cut", "after": True},
    "unsuccessful": {"kind": "unsuccessful"},
    "no result": {"kind": "no result", "after": True},
    "null": {"kind": "null", "after": True},
    "no result_info": {"kind": "no result_info", "after": True},
}

QUICK = {"503", "closed after", "html after", "null"}


def single(driver: Driver) -> None:
    """One of each thing, however often it was tried."""
    state = driver.fake.state
    assert len(state.live("portfolio")) <= 1 and len(state.records) <= 1
    assert len(state.apps) <= 1 and len(state.policies) <= 1 and len(state.service_tokens) <= 1


def reached(driver: Driver) -> None:
    """All is there and belongs together."""
    state, held = driver.fake.state, driver.held()
    [tunnel], [record] = state.live("portfolio"), state.records.values()
    [app], [policy], [token] = state.apps.values(), state.policies.values(), state.service_tokens.values()
    assert record["content"] == f"{tunnel['id']}.cfargotunnel.com"
    assert held["tunnel_secret"] == tunnel["tunnel_secret"] and held["tunnel_id"] == tunnel["id"]
    assert (held["client_id"], held["client_secret"]) == (token["client_id"], token["client_secret"])
    assert app["policies"] == [policy["id"]] == [held["policy_id"]] and app["id"] == held["app_id"]
    assert policy["include"] == [{"service_token": {"token_id": token["id"]}}]
    if tunnel["config_src"] == "cloudflare":
        [rule, last] = tunnel["config"]["ingress"]
        check = {"required": True, "teamName": "example", "audTag": [app["aud"]]}
        assert rule == {"hostname": HOST, "service": "http://traefik:80", "originRequest": {"access": check}}
        assert last == {"service": "http_status:404"}


def is_sentence(result: dict[str, Any]) -> bool:
    text = str(result["msg"]).removesuffix(" Nothing was changed.")
    return "; " in text and "\n" not in text and "Traceback" not in text and len(text) < 600


@pytest.mark.parametrize("times", [1, pytest.param(99, marks=pytest.mark.long)])
@pytest.mark.parametrize(
    "fault", [name if name in QUICK else pytest.param(name, marks=pytest.mark.long) for name in FAULTS]
)
def test_17_each_call_breaks(driver: Driver, fault: str, times: int) -> None:
    """Once or for good: converged or one sentence; then it is whole, and one of each."""
    for method, path in CALLS:
        driver.fake.faults = [Fault(method=method, path=path, times=times, **FAULTS[fault])]
        result = driver.run(**REMOTE)
        assert not result.get("failed") or is_sentence(result), result
        single(driver)
        driver.fake.faults = []
        driver.good(**REMOTE)
        reached(driver)
        driver.nothing_to_do(**REMOTE)
        forget(driver)


def forget(driver: Driver) -> None:
    """As before the first run."""
    state = driver.fake.state
    for items in (state.tunnels, state.records, state.apps, state.policies, state.service_tokens):
        items.clear()
    driver.record.unlink(missing_ok=True)


@pytest.mark.parametrize("after", [False, True], ids=["lost", "took effect"])
@pytest.mark.parametrize(("method", "path"), [call for call in CALLS if call[0] != "GET"])
def test_11_17_each_change_hangs(driver: Driver, method: str, path: str, after: bool) -> None:
    driver.fake.faults = [Fault("hang", method, path, after=after)]
    result = driver.run(**REMOTE)
    assert not result.get("failed") or ("no answer within 1 s" in result["msg"] and is_sentence(result)), result
    # What took effect is found again.
    assert not (after and result.get("failed")), result
    single(driver)
    driver.good(**REMOTE)
    reached(driver)


def test_10_another_run_is_faster(driver: Driver) -> None:
    """Between our look and our POST somebody makes the tunnel."""

    def race(number: int) -> None:
        if driver.fake.log[number - 1].path.endswith("/cfd_tunnel") and not driver.fake.state.tunnels:
            driver.fake.state.add_tunnel("portfolio")

    driver.fake.hook = race
    result = driver.good()
    assert [item.status for item in driver.fake.log if item.call[0] == "POST"] == [409, 200]
    [tunnel] = driver.fake.state.live("portfolio")
    assert result["tunnel_id"] == tunnel["id"] and driver.held()["tunnel_secret"] == tunnel["tunnel_secret"]
    assert driver.held()["made"] is False
    driver.nothing_to_do()


def test_10_and_makes_it_of_the_other_kind(driver: Driver) -> None:
    def race(number: int) -> None:
        if driver.fake.log[number - 1].path.endswith("/cfd_tunnel") and not driver.fake.state.tunnels:
            driver.fake.state.add_tunnel("portfolio", "cloudflare")

    driver.fake.hook = race
    assert "takes its rules from config_src cloudflare" in driver.run(mode="local")["msg"]


def test_11_a_tunnel_that_was_made_without_an_answer_is_ours(driver: Driver) -> None:
    driver.fake.faults = [Fault("close", "POST", "/cfd_tunnel$", after=True)]
    driver.good()
    assert driver.held()["made"] is True and len(driver.fake.state.tunnels) == 1


@pytest.mark.parametrize("kind", ["user", "account"])
def test_14_a_token_that_is_not_accepted(driver: Driver, kind: str) -> None:
    driver.fake.state.token_kind = kind
    driver.good()
    message = driver.refused(api_token="another")
    assert "The API token is not accepted by GET" in message and "9109 Invalid access token" in message


@pytest.mark.parametrize("kind", ["user", "account"])
def test_14_a_token_that_ends(driver: Driver, kind: str) -> None:
    state = driver.fake.state
    state.token_kind, state.token_expires = kind, "2020-01-02T03:04:05Z"
    assert "The API token is expired since 2020-01-02; create a new one in the dashboard" in driver.refused()
    state.token_expires, state.token_status = "", "disabled"
    assert "The API token is disabled; create a new one" in driver.refused()


def test_14_a_token_that_ends_soon(driver: Driver) -> None:
    from datetime import UTC, datetime, timedelta

    for days, warned in ((13, True), (15, False)):
        expires = datetime.now(UTC) + timedelta(days=days)
        driver.fake.state.token_expires = expires.strftime("%Y-%m-%dT%H:%M:%SZ")
        told = f"API token: expires on {expires:%Y-%m-%d}; create a new one in the dashboard and set api_token"
        assert driver.good()["warnings"] == ([told] if warned else [])


@pytest.mark.parametrize(
    ("path", "permission"),
    [
        ("/dns_records", "Zone › DNS › Edit"),
        ("^/zones$", "Zone › Zone › Read"),
        ("/cfd_tunnel", "Account › Cloudflare Tunnel › Edit"),
        ("/access/apps", "Account › Access: Apps and Policies › Edit"),
        ("/access/policies", "Account › Access: Apps and Policies › Edit"),
        ("/access/service_tokens", "Account › Access: Service Tokens › Edit"),
    ],
)
def test_15_a_permission_that_lacks_is_named(driver: Driver, path: str, permission: str) -> None:
    driver.fake.denied = path
    message = driver.refused(**ACCESS)
    assert "The API token may not GET" in message and f"; give it the permission {permission}." in message


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_16_too_many_requests(driver: Driver, method: str) -> None:
    driver.fake.faults = [Fault("status", method, "/cfd_tunnel$", 2, status=429, headers={"Retry-After": "1"})]
    driver.good()
    assert driver.slept == [1.0, 1.0]
    single(driver)


@pytest.mark.parametrize(("header", "waits"), [("7", [7.0] * 3), ("9999", [60.0] * 3), ("soon", [1.0, 2.0, 4.0])])
def test_16_always_too_many(driver: Driver, header: str, waits: list[float]) -> None:
    driver.fake.faults = [Fault("status", "GET", "/zones$", 99, status=429, headers={"Retry-After": header})]
    message = driver.run()["msg"]
    assert "GET /zones is refused because of too many requests (429: 10429 a fault of the tests, 4 tries)" in message
    assert driver.slept == waits


def test_17_a_get_is_tried_four_times_and_a_post_once(driver: Driver) -> None:
    driver.fake.faults = [Fault("status", "GET", "/zones$", 3)]
    driver.good()
    assert driver.slept == [1.0, 2.0, 4.0]
    forget(driver)
    driver.slept.clear()
    driver.fake.faults = [Fault("status", "POST", "/cfd_tunnel$", 1)]
    assert "POST /accounts/" in driver.run()["msg"] and driver.slept == []


@pytest.mark.parametrize(
    ("fault", "changed"),
    [({"kind": "status", "status": 403}, False), ({"kind": "status", "status": 503}, True), ({"kind": "close"}, True)],
)
def test_nothing_was_changed_is_said_where_it_is_certain(driver: Driver, fault: dict[str, Any], changed: bool) -> None:
    """A refusal did nothing; of a call without an answer nobody knows."""
    driver.fake.faults = [Fault(method="POST", path="/cfd_tunnel$", times=9, **fault)]
    result = driver.run()
    assert result["failed"] and result["changed"] is changed
    assert result["msg"].endswith(". Nothing was changed.") is not changed


def test_what_was_done_before_a_failure_is_told(driver: Driver) -> None:
    driver.fake.faults = [Fault("status", "POST", "/dns_records$", status=403)]
    result = driver.run()
    assert result["changed"] and f"1 of 2 changes of {HOST} were made; run again" in result["warnings"]
    assert "give it the permission Zone › DNS › Edit" in result["msg"]


def test_18_words_of_the_api_stay_on_one_line(driver: Driver) -> None:
    driver.fake.faults = [Fault("unsuccessful", "GET", "/zones$")]
    assert "GET /zones was not answered as Cloudflare's API answers (200: 1001 odd); see what" in driver.refused_once()


def test_20_a_zone_that_the_token_does_not_see(driver: Driver) -> None:
    message = driver.refused(hostname="erp-db.example.org")
    assert "The API token does not see the zone example.org; correct zone, or give the token" in message


def test_20_two_zones_of_the_name(driver: Driver) -> None:
    driver.fake.state.zones.append({"id": "0" * 32, "name": "example.com", "account": {"id": "1" * 32}})
    assert "There are 2 zones example.com (" in driver.refused()


def test_33_a_record_that_cannot_be_written(driver: Driver) -> None:
    driver.record = driver.record.parent / "missing" / "record.json"
    result = driver.run()
    assert "cannot be written (No such file or directory); correct its directory" in result["msg"]
    assert driver.fake.sent("POST") == [] and result["msg"].endswith("Nothing was changed.")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not JSON; restore it"),
        ("[]", "is none of this version"),
        ('{"version": 2}', "is none of this version"),
        ('{"version": 1, "tunnel_id": 5}', "is none of this version"),
        ('{"version": 1, "hostnames": [1]}', "is none of this version"),
        ('{"version": 1, "later": ""}', "is none of this version"),
    ],
)
def test_a_record_that_is_none(driver: Driver, content: str, words: str) -> None:
    driver.record.write_text(content)
    driver.record.chmod(0o600)
    assert words in driver.run()["msg"] and driver.fake.log == []


def test_a_record_that_others_can_read(driver: Driver) -> None:
    driver.good()
    driver.record.chmod(0o644)
    assert f"can be read by others; run: chmod 600 {driver.record}" in driver.refused()
