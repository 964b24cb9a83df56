# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cloudflare Access: made before the name is published, put right, renewed, and taken away in reverse (case 35)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.cloudflare_tunnel.driver import HOST, Driver
from tests.integration.cloudflare_tunnel.test_faults import ACCESS, REMOTE, reached

NAME = f"bestviable.portfolio {HOST}"


def only(items: dict[str, Any]) -> dict[str, Any]:
    [item] = items.values()
    found: dict[str, Any] = item
    return found


def test_everything_in_its_order(driver: Driver) -> None:
    planned = driver.good(check=True, **REMOTE)
    result = driver.good(**REMOTE)
    assert result["actions"] == [
        "create_tunnel",
        "create_service_token",
        "create_policy",
        "create_app",
        "put_configuration",
        "create_record",
    ]
    assert all(planned[key] == result[key] for key in ("actions", "effects", "diff"))
    assert planned["access_aud"] is None and result["access_aud"] == only(driver.fake.state.apps)["aud"]
    reached(driver)
    app = only(driver.fake.state.apps)
    assert app["type"] == "self_hosted" and app["service_auth_401_redirect"] and not app["app_launcher_visible"]
    assert len(driver.nothing_to_do(**REMOTE)["calls"]) == 6


def test_a_local_tunnel_gets_the_audience_only(driver: Driver) -> None:
    result = driver.good(**ACCESS)
    assert "put_configuration" not in result["actions"] and len(result["access_aud"]) == 64
    assert driver.nothing_to_do(**ACCESS)["access_aud"] == result["access_aud"]


@pytest.mark.parametrize(
    ("change", "action"),
    [
        (lambda state: only(state.policies).update(decision="bypass"), "update_policy"),
        (lambda state: only(state.policies).update(include=[{"everyone": {}}]), "update_policy"),
        (lambda state: only(state.apps).update(app_launcher_visible=True), "update_app"),
        (lambda state: only(state.apps).update(service_auth_401_redirect=False), "update_app"),
        (lambda state: only(state.apps).update(policies=[]), "update_app"),
        (lambda state: state.apps.clear(), "create_app"),
    ],
)
def test_what_somebody_changed_is_put_right(driver: Driver, change: Any, action: str) -> None:
    driver.good(**ACCESS)
    change(driver.fake.state)
    assert driver.good(check=True, **ACCESS)["actions"] == [action]
    assert driver.good(**ACCESS)["actions"] == [action]
    reached(driver)
    driver.nothing_to_do(**ACCESS)


def test_a_service_token_that_somebody_deleted(driver: Driver) -> None:
    driver.good(**REMOTE)
    driver.fake.state.service_tokens.clear()
    assert driver.good(**REMOTE)["actions"] == ["create_service_token", "update_policy"]
    reached(driver)


def test_an_application_that_somebody_deleted_gives_another_audience(driver: Driver) -> None:
    before = driver.good(**REMOTE)["access_aud"]
    driver.fake.state.apps.clear()
    result = driver.good(**REMOTE)
    assert result["actions"] == ["create_app", "put_configuration"] and result["access_aud"] != before
    reached(driver)


def test_a_policy_that_somebody_added_is_named_and_kept(driver: Driver) -> None:
    driver.good(**ACCESS)
    state = driver.fake.state
    other = state.create_policy({"name": "staff", "decision": "allow", "include": [{"everyone": {}}]})
    only(state.apps)["policies"].append(other["id"])
    only(state.apps)["custom_deny_message"] = "no"
    told = (
        f"application {HOST}: has the policy 'staff' (allow) beside ours; remove it in the dashboard if nobody meant it"
    )
    assert driver.nothing_to_do(**ACCESS)["warnings"] == [told]
    only(state.apps)["app_launcher_visible"] = True
    driver.good(**ACCESS)
    assert other["id"] in only(state.apps)["policies"] and only(state.apps)["custom_deny_message"] == "no"


def test_an_application_of_somebody_else(driver: Driver) -> None:
    state = driver.fake.state
    policy = state.create_policy({"name": "staff", "decision": "allow", "include": [{"everyone": {}}]})
    made = {"type": "self_hosted", "domain": HOST, "name": "theirs", "policies": [policy["id"]], "tags": ["a"]}
    identifier = state.create_app(made)["id"]
    assert f"Access has an application 'theirs' for {HOST} that is not ours; remove it" in driver.refused(**ACCESS)
    assert "update_app" in driver.good(takeover=True, **ACCESS)["actions"]
    app = state.apps[identifier]
    assert (
        app["name"] == NAME and app["tags"] == ["a"] and policy["id"] in app["policies"] and len(app["policies"]) == 2
    )
    assert driver.nothing_to_do(**ACCESS)["warnings"] != []


@pytest.mark.parametrize("kind", ["service_tokens", "policies", "apps"])
def test_two_of_a_name(driver: Driver, kind: str) -> None:
    driver.good(**ACCESS)
    items = getattr(driver.fake.state, kind)
    items["0" * 8 + "-0000-0000-0000-" + "0" * 12] = {**only(items), "id": "0" * 8 + "-0000-0000-0000-" + "0" * 12}
    if kind == "policies":
        only(driver.fake.state.apps)["policies"] = list(items)
    assert "Access has 2 of " in driver.refused(**ACCESS)


def test_rotation_by_another_word(driver: Driver) -> None:
    driver.good(**ACCESS)
    before = driver.held()
    only(driver.fake.state.service_tokens)["expires_at"] = "2027-01-01T00:00:00Z"
    planned = driver.good(check=True, access_rotation="2026-07", **ACCESS)
    assert planned["actions"] == ["rotate_service_token"] and driver.held() == before
    driver.good(access_rotation="2026-07", **ACCESS)
    after = driver.held()
    assert after["client_id"] == before["client_id"] and after["client_secret"] != before["client_secret"]
    reached(driver)
    rotate = next(item for item in driver.fake.log if item.path.endswith("/rotate"))
    until = datetime.fromisoformat(rotate.body["previous_client_secret_expires_at"])
    assert timedelta(hours=23) < until - datetime.now(UTC) < timedelta(hours=25)
    assert not only(driver.fake.state.service_tokens)["expires_at"].startswith("2027-01-01")
    driver.nothing_to_do(access_rotation="2026-07", **ACCESS)


def test_rotation_at_once(driver: Driver) -> None:
    driver.good(**ACCESS)
    driver.good(access_rotation="leaked", access_rotation_overlap=0, **ACCESS)
    assert next(item for item in driver.fake.log if item.path.endswith("/rotate")).body == {}


def test_a_lost_secret_is_no_reason_to_shut_others_out(driver: Driver) -> None:
    driver.good(**ACCESS)
    driver.record.unlink()
    assert "is not in record_file, and the API tells it once only; restore that file" in driver.refused(**ACCESS)
    driver.good(access_rotation="lost", **ACCESS)
    reached(driver)


@pytest.mark.parametrize(("days", "warned"), [(29, True), (31, False)])
@pytest.mark.parametrize("field", ["expires_at", "created_at"])
def test_a_service_token_that_ends_soon(driver: Driver, days: int, warned: bool, field: str) -> None:
    """Told by the API, or counted from the creation where it is an older one."""
    driver.good(**ACCESS)
    token = only(driver.fake.state.service_tokens)
    end = datetime.now(UTC) + timedelta(days=days)
    if field == "created_at":
        token.pop("expires_at")
        token["created_at"] = (end - timedelta(hours=8760)).strftime("%Y-%m-%dT%H:%M:%SZ")
    else:
        token["expires_at"] = end.strftime("%Y-%m-%dT%H:%M:%SZ")
    told = f"service token {NAME}: expires on {end:%Y-%m-%d}; set access_rotation to another word"
    assert driver.nothing_to_do(**ACCESS)["warnings"] == ([told] if warned else [])


def test_switched_off_in_reverse(driver: Driver) -> None:
    driver.good(**REMOTE)
    result = driver.good(mode="remote")
    assert result["actions"] == ["put_configuration", "delete_app", "delete_policy", "delete_service_token"]
    state = driver.fake.state
    assert not state.apps and not state.policies and not state.service_tokens
    [tunnel] = state.live("portfolio")
    assert "originRequest" not in tunnel["config"]["ingress"][0]
    assert driver.held()["client_secret"] == ""
    driver.nothing_to_do(mode="remote")


def test_what_others_have_in_access_stays(driver: Driver) -> None:
    state = driver.fake.state
    state.create_service_token({"name": "theirs", "duration": "1h"})
    state.create_policy({"name": "theirs", "decision": "allow", "include": []})
    state.create_app({"type": "self_hosted", "domain": "other.example.com", "name": "theirs", "policies": []})
    driver.good(**REMOTE)
    driver.good(state="absent")
    assert [len(items) for items in (state.apps, state.policies, state.service_tokens)] == [1, 1, 1]
