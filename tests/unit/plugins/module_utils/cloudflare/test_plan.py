# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what was observed and what is wanted to what is done: pure, on values, without any call."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare import model, report
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.errors import CloudflareError
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.model import (
    DnsRecord,
    Observed,
    Tunnel,
    Wanted,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.plan import Plan, plan
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.record import Record

HOST = "erp-db.example.com"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ID, OTHER = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
WANTED = Wanted(HOST, "example.com", "http://traefik:80", "portfolio")
EMPTY = Observed("z" * 32, "a" * 32, records={HOST: ()})
TUNNEL = Tunnel(ID, "portfolio", model.LOCAL)
RIGHT = DnsRecord("r", "CNAME", HOST, TUNNEL.target, True, 1)
KNOWN = Record(tunnel_id=ID, tunnel_secret="s", tunnel_name="portfolio", hostnames=(HOST,))


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> None:
        raise AssertionError("a plan asks nobody")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def planned(observed: Observed, want: Wanted = WANTED, record: Record = KNOWN) -> Plan:
    return plan(observed, want, record, NOW)


def kinds(found: Plan) -> list[str]:
    return report.kinds(found.actions)


def observed(tunnel: Tunnel | None, *records: DnsRecord, **more: Any) -> Observed:
    return replace(EMPTY, tunnels=(tunnel,) if tunnel else (), records={HOST: records}, **more)


def test_nothing_is_there() -> None:
    found = planned(EMPTY, record=Record())
    assert kinds(found) == ["create_tunnel", "create_record"] and found.tunnel_id == ""


def test_all_is_there() -> None:
    found = planned(observed(TUNNEL, RIGHT))
    assert (found.actions, found.left, found.source, found.tunnel_id) == ((), (), "local", ID)


CHANGED = [
    replace(RIGHT, proxied=False),
    replace(RIGHT, ttl=300),
    replace(RIGHT, content=f"{OTHER}.cfargotunnel.com"),
    replace(RIGHT, content="shop.example.net"),
    replace(RIGHT, type="A", content="192.0.2.1"),
]


@pytest.mark.parametrize(
    ("present", "tunnel", "record", "dns"),
    list(product([True, False], [None, TUNNEL], [Record(), KNOWN], [None, RIGHT, *CHANGED])),
)
def test_what_is_refused_and_what_is_done_is_the_same_twice(
    present: bool, tunnel: Tunnel | None, record: Record, dns: DnsRecord | None
) -> None:
    """Of every state: either a sentence, or a list in which nothing is made twice and nobody else's record goes."""
    want = replace(WANTED, present=present)
    state = observed(tunnel, *([dns] if dns else []))
    try:
        found = planned(state, want, record)
    except CloudflareError as error:
        assert "; " in str(error) and present
        return
    assert found == planned(state, want, record) and len(set(kinds(found))) == len(kinds(found))
    if "delete_record" in kinds(found):
        assert dns is not None and dns.type == "CNAME" and dns.content == TUNNEL.target
    if "delete_tunnel" in kinds(found):
        assert record.made
    if dns in CHANGED[2:]:
        assert not {"update_record", "create_record", "delete_record"} & set(kinds(found))


@pytest.mark.parametrize(
    ("days", "left"), [(13, ["API token: expires on 2026-01-14"]), (14, []), (-1, ["API token: expires on 2025-12-31"])]
)
def test_a_token_that_ends(days: int, left: list[str]) -> None:
    state = model.TokenState("active", NOW + timedelta(days=days))
    found = planned(observed(TUNNEL, RIGHT, token=state))
    assert [f"{item.object}: {item.detail}" for item in found.left] == left


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("2026-07-01T02:03:04Z", datetime(2026, 7, 1, 2, 3, 4, tzinfo=UTC)),
        ("2026-07-01T02:03:04.123456789Z", datetime(2026, 7, 1, 2, 3, 4, tzinfo=UTC)),
        ("soon", None),
        (None, None),
        (5, None),
    ],
)
def test_times_of_the_api(text: Any, when: datetime | None) -> None:
    assert model.moment(text) == when


def test_effects_and_diff_tell_the_same_changes() -> None:
    found = planned(observed(TUNNEL, replace(RIGHT, proxied=False)))
    assert report.effects(found) == [
        {"effect": "change", "object": f"DNS record {HOST}", "detail": "proxied False instead of True"}
    ]
    [shown] = report.diff(found)
    assert "proxied: false\n" in shown["before"] and "proxied: true\n" in shown["after"]


def test_a_service_token_of_older_days_ends_after_its_duration() -> None:
    item = {"id": ID, "name": "n", "client_id": "c", "created_at": "2026-01-01T00:00:00Z", "duration": "48h"}
    assert model.service_token(item).expires == NOW + timedelta(days=2)
    assert model.service_token({**item, "duration": "forever"}).expires is None


@pytest.mark.parametrize("item", [None, [], "text", {}, {"id": 5}, {"id": ""}])
def test_an_answer_that_is_none(item: Any) -> None:
    for parse in (model.tunnel, model.dns_record, model.service_token, model.policy, model.app):
        with pytest.raises(CloudflareError, match="; see what stands behind api_url") as caught:
            parse(item)
        assert caught.value.ambiguous
