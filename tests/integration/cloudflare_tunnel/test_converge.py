# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From nothing to the name, again, and away; the numbers are those of the cases of the design."""

from __future__ import annotations

import json
import stat
from typing import Any

import pytest

from tests.integration.cloudflare_tunnel.driver import HOST, Driver

RULES: list[dict[str, Any]] = [
    {
        "hostname": "app.example.com",
        "service": "http://app:80",
        "originRequest": {"connectTimeout": 5, "later": {"a": 1}},
    },
    {"hostname": "*.example.com", "service": "http://wild:80", "unknown": [1]},
    {"service": "http_status:404"},
]


def cname(driver: Driver) -> dict[str, Any]:
    [record] = [item for item in driver.fake.state.records.values() if item["name"] == HOST]
    return record


def test_01_fresh(driver: Driver) -> None:
    result = driver.good()
    assert result["changed"] and result["actions"] == ["create_tunnel", "create_record"] and result["mode"] == "local"
    [tunnel] = driver.fake.state.live("portfolio")
    assert result["tunnel_id"] == tunnel["id"] and tunnel["config_src"] == "local"
    assert driver.fake.sent("POST", "PUT", "PATCH", "DELETE") == [
        f"POST /accounts/{driver.fake.state.account}/cfd_tunnel",
        f"POST /zones/{driver.fake.state.zone}/dns_records",
    ]
    record = cname(driver)
    assert (record["content"], record["proxied"], record["ttl"]) == (result["cname"], True, 1)
    assert record["comment"] == "managed by bestviable.portfolio"
    held = driver.held()
    assert held["tunnel_secret"] == tunnel["tunnel_secret"] and held["tunnel_id"] == tunnel["id"]
    assert stat.S_IMODE(driver.record.stat().st_mode) == 0o600


def test_02_again_is_three_gets(driver: Driver) -> None:
    driver.good()
    before = driver.record.stat()
    result = driver.nothing_to_do()
    assert [call.rpartition("/")[2] for call in result["calls"]] == ["verify", "cfd_tunnel", "dns_records"]
    assert driver.record.stat().st_mtime_ns == before.st_mtime_ns


def test_03_check_on_fresh(driver: Driver) -> None:
    result = driver.good(check=True)
    assert result["changed"] and driver.fake.sent("POST", "PUT", "PATCH", "DELETE") == []
    assert not driver.record.exists() and result["tunnel_id"] is None and result["cname"] is None
    done = driver.good()
    assert [result[key] for key in ("actions", "effects", "diff")] == [
        done[key] for key in ("actions", "effects", "diff")
    ]
    assert (
        result["diff"][1]["after_header"] == f"DNS record {HOST}"
        and "(new).cfargotunnel.com" in result["diff"][1]["after"]
    )


def test_04_a_tunnel_that_exists_is_used(driver: Driver) -> None:
    identifier = driver.fake.state.add_tunnel("portfolio")
    result = driver.good()
    assert result["actions"] == ["recover_credentials", "create_record"] and result["tunnel_id"] == identifier
    assert driver.fake.sent("POST") == [f"POST /zones/{driver.fake.state.zone}/dns_records"]
    assert driver.held()["tunnel_secret"] == driver.fake.state.tunnels[identifier]["tunnel_secret"]
    assert driver.held()["made"] is False
    driver.nothing_to_do()


def test_05_a_deleted_tunnel_is_made_again_when_told(driver: Driver) -> None:
    old = driver.good()["tunnel_id"]
    driver.fake.state.delete_tunnel(old)
    assert f"The tunnel {old} that {HOST} was published by is deleted; set recreate" in driver.refused()
    driver.record.unlink()
    assert f"The tunnel {old} that" in driver.refused()
    new = driver.good(recreate=True)
    assert new["actions"] == ["create_tunnel", "update_record"] and new["tunnel_id"] != old
    assert cname(driver)["content"] == new["cname"]
    driver.nothing_to_do(recreate=True)
    driver.nothing_to_do()


def test_05_a_record_to_a_deleted_tunnel_beside_a_new_one(driver: Driver) -> None:
    old = driver.good()["tunnel_id"]
    driver.fake.state.delete_tunnel(old)
    driver.fake.state.add_tunnel("portfolio")
    assert f"The CNAME {HOST} points to a deleted tunnel; set recreate" in driver.refused()
    assert driver.good(recreate=True)["actions"] == ["recover_credentials", "update_record"]


def test_06_a_record_to_somewhere_else(driver: Driver) -> None:
    driver.fake.state.add_record(HOST, "shop.example.net", comment="mine", tags=["a:b"], proxied=False, ttl=300)
    assert f"The CNAME {HOST} points to shop.example.net; set dns_takeover" in driver.refused()
    result = driver.good(dns_takeover=True)
    assert result["actions"] == ["create_tunnel", "update_record"]
    record = cname(driver)
    assert (record["content"], record["comment"], record["tags"]) == (result["cname"], "mine", ["a:b"])
    driver.nothing_to_do()


def test_06_a_record_to_another_living_tunnel(driver: Driver) -> None:
    other = driver.fake.state.add_tunnel("other")
    driver.fake.state.add_record(HOST, f"{other}.cfargotunnel.com")
    assert f"points to {other}.cfargotunnel.com; set dns_takeover" in driver.refused(recreate=True)


@pytest.mark.parametrize("kind", ["A", "AAAA", "HTTPS", "NS"])
def test_07_a_record_of_another_type(driver: Driver, kind: str) -> None:
    driver.fake.state.add_record(HOST, "192.0.2.1", kind)
    for takeover in (False, True):
        assert f"{HOST} has DNS records of type {kind}," in driver.refused(dns_takeover=takeover)


def test_07_a_record_that_stands_in_nobodys_way(driver: Driver) -> None:
    driver.fake.state.add_record(HOST, "v=1", "TXT")
    driver.fake.state.add_record("other.example.com", "192.0.2.1", "A")
    assert driver.good()["actions"] == ["create_tunnel", "create_record"]


@pytest.mark.parametrize("wrong", [{"proxied": False}, {"ttl": 300}, {"proxied": False, "ttl": 60}])
def test_08_a_record_that_somebody_changed(driver: Driver, wrong: dict[str, Any]) -> None:
    driver.good()
    cname(driver).update(wrong)
    result = driver.good(check=True)
    assert result["actions"] == ["update_record"]
    assert all(f"{key} {value} instead of" in result["effects"][0]["detail"] for key, value in wrong.items())
    driver.good()
    assert (cname(driver)["proxied"], cname(driver)["ttl"]) == (True, 1)


def test_09_two_tunnels_of_the_name(driver: Driver) -> None:
    ids = {driver.fake.state.add_tunnel("portfolio") for _ in range(2)}
    message = driver.refused()
    assert all(identifier in message for identifier in ids) and "delete all but one" in message


def test_09_lists_that_do_not_filter(driver: Driver) -> None:
    driver.fake.state.filters = False
    driver.fake.state.add_tunnel("portfolio-2")
    driver.fake.state.add_tunnel("portfolio", deleted_at="2026-01-01T00:00:00Z")
    driver.fake.state.add_record("else.example.com", "192.0.2.1", "A")
    driver.fake.state.zones.insert(0, {"id": "0" * 32, "name": "example.org", "account": {"id": "1" * 32}})
    driver.good()
    [live] = driver.fake.state.live("portfolio")
    assert driver.held()["tunnel_id"] == live["id"]
    driver.nothing_to_do()


def test_13_lost_credentials_are_asked_for_again(driver: Driver) -> None:
    driver.good()
    secret = driver.held()["tunnel_secret"]
    driver.record.unlink()
    assert driver.good(check=True)["actions"] == ["recover_credentials"] and not driver.record.exists()
    assert driver.good()["actions"] == ["recover_credentials"]
    assert driver.held()["tunnel_secret"] == secret
    driver.nothing_to_do()


def test_19_three_pages_of_tunnels(driver: Driver) -> None:
    driver.fake.state.filters = False
    for number in range(120):
        driver.fake.state.add_tunnel(f"other-{number}")
    identifier = driver.fake.state.add_tunnel("portfolio")
    assert driver.good()["tunnel_id"] == identifier
    for number in range(60):
        driver.fake.state.zones.insert(
            0, {"id": f"{number:032x}", "name": f"z{number}.org", "account": {"id": "1" * 32}}
        )
    driver.record.unlink()
    assert not {"failed"} & driver.good().keys()


def test_29_the_other_mode_is_refused(driver: Driver) -> None:
    driver.fake.state.add_tunnel("portfolio", "cloudflare", RULES)
    assert "config_src cloudflare, so mode local would have no effect; set mode to remote" in driver.refused(
        mode="local"
    )
    assert driver.good(mode="auto")["mode"] == "remote"


def test_29_and_the_other_way_round(driver: Driver) -> None:
    driver.fake.state.add_tunnel("portfolio")
    assert "config_src local, so mode remote would have no effect; set mode to local" in driver.refused(mode="remote")


def test_29_a_tunnel_of_older_days(driver: Driver) -> None:
    driver.fake.state.tunnels[driver.fake.state.add_tunnel("portfolio", "cloudflare", RULES)].pop("config_src")
    assert driver.good()["mode"] == "remote"


def test_37_absent_twice(driver: Driver) -> None:
    driver.fake.state.add_record("app.example.com", "192.0.2.1", "A")
    tunnel = driver.good()["tunnel_id"]
    planned = driver.good(check=True, state="absent")
    result = driver.good(state="absent")
    assert result["actions"] == planned["actions"] == ["delete_record", "delete_tunnel"]
    assert driver.fake.state.tunnels[tunnel]["deleted_at"] and len(driver.fake.state.records) == 1
    assert not driver.record.exists()
    driver.nothing_to_do(state="absent")
    assert not driver.record.exists()


def test_37_a_tunnel_with_other_names_stays(driver: Driver) -> None:
    tunnel = driver.good()["tunnel_id"]
    driver.fake.state.add_record("app.example.com", f"{tunnel}.cfargotunnel.com")
    result = driver.good(state="absent")
    assert result["actions"] == ["delete_record"] and not driver.fake.state.tunnels[tunnel]["deleted_at"]
    assert any("publishes app.example.com too" in warning for warning in result["warnings"])


def test_37_a_tunnel_with_connectors_stays(driver: Driver) -> None:
    tunnel = driver.good()["tunnel_id"]
    driver.fake.state.tunnels[tunnel]["connections"] = [{"id": tunnel}]
    result = driver.good(state="absent")
    assert result["actions"] == ["delete_record"] and result["connections"] == 1
    assert any("stop its connectors" in text for text in result["warnings"])
    driver.fake.state.tunnels[tunnel]["connections"] = []
    assert driver.good(state="absent")["actions"] == ["delete_tunnel"]


def test_37_what_is_not_ours_stays(driver: Driver) -> None:
    tunnel = driver.fake.state.add_tunnel("portfolio", "cloudflare", RULES)
    driver.good()
    assert driver.good(state="absent")["actions"] == ["delete_record", "put_configuration"]
    assert driver.fake.state.tunnels[tunnel]["config"]["ingress"] == RULES
    assert not driver.fake.state.tunnels[tunnel]["deleted_at"]
    driver.nothing_to_do(state="absent")


def test_37_a_record_to_somewhere_else_stays(driver: Driver) -> None:
    driver.good()
    cname(driver)["content"] = "shop.example.net"
    assert driver.good(state="absent")["actions"] == ["delete_tunnel"]
    assert cname(driver)["content"] == "shop.example.net"


def test_38_a_name_that_was_given_up(driver: Driver) -> None:
    tunnel = driver.fake.state.add_tunnel("portfolio", "cloudflare", RULES)
    driver.good(hostname="old.example.com")
    result = driver.good()
    assert result["actions"] == ["put_configuration", "create_record"]
    assert any(
        "old.example.com: was published by tunnel portfolio before; add it to" in text for text in result["warnings"]
    )
    gone = driver.good(former_hostnames=["old.example.com"])
    assert gone["actions"] == ["put_configuration", "delete_record"] and gone["warnings"] == []
    assert [rule.get("hostname") for rule in driver.fake.state.tunnels[tunnel]["config"]["ingress"]] == [
        "app.example.com",
        HOST,
        "*.example.com",
        None,
    ]
    driver.nothing_to_do(former_hostnames=["old.example.com"])
    assert driver.nothing_to_do()["warnings"] == []


def test_the_record_is_of_one_tunnel(driver: Driver) -> None:
    driver.good()
    assert "record_file is about tunnel_name portfolio, not other; set tunnel_name back" in driver.refused(
        tunnel_name="other"
    )


def test_dns_is_left_alone_when_told(driver: Driver) -> None:
    driver.fake.state.add_record(HOST, "192.0.2.1", "A")
    assert driver.good(manage_dns=False)["actions"] == ["create_tunnel"]
    assert not any("dns_records" in call for call in driver.fake.sent())


def test_given_ids_need_no_zone(driver: Driver) -> None:
    driver.fake.denied = "^/zones$"
    assert "may not GET /zones" in driver.refused()
    driver.good(zone_id=driver.fake.state.zone, account_id=driver.fake.state.account)
    assert json.dumps(driver.held()).count(driver.fake.state.zone) == 1
