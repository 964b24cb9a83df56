# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is tried again and after how long, and what is said of an answer. Pure; the calls are in tests/integration."""

from __future__ import annotations

import base64
import json

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare import client, errors, record
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.client import Answer

ID, ACCOUNT = "11111111-1111-1111-1111-111111111111", "a" * 32


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "POST"])
@pytest.mark.parametrize("status", [0, 200, 400, 401, 403, 404, 409, 429, 500, 501, 502, 503, 504, 520, 527, 528])
def test_what_is_tried_again(method: str, status: int) -> None:
    passing = status in (0, 500, 502, 503, 504, 520, 527)
    assert client.is_passing(method, Answer(status)) is (status == 429 or (passing and method != "POST"))


@pytest.mark.parametrize(("wait", "seconds"), [("", 4.0), ("0", 0.0), ("7", 7.0), ("3600", 60.0), ("-1", 4.0)])
def test_how_long_is_waited(wait: str, seconds: float) -> None:
    assert client.pause(Answer(429, wait), 2) == seconds


def test_words_of_the_api_are_one_short_line() -> None:
    answer = Answer(400, document={"errors": [{"code": 1, "message": "a\nb\x1b[31m" + "x" * 999}, "odd", {}]})
    assert answer.reason.startswith("400: 1 a b [31mxxx") and len(answer.reason) == 300
    assert answer.codes == (1,)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b"<html>", b'"text"'])
def test_no_json_object_is_no_answer(body: bytes) -> None:
    answer = client.answered(200, {}, body)
    assert not answer.good and answer.reason == "200: no JSON"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/zones", "Zone › Zone › Read"),
        ("/zones/z/dns_records/r", "Zone › DNS › Edit"),
        ("/accounts/a/cfd_tunnel/t/configurations", "Account › Cloudflare Tunnel › Edit"),
        ("/accounts/a/access/service_tokens/s/rotate", "Account › Access: Service Tokens › Edit"),
        ("/accounts/a/access/policies", "Account › Access: Apps and Policies › Edit"),
    ],
)
def test_the_permission_of_an_endpoint(path: str, name: str) -> None:
    assert errors.permission(path) == name


def connector_token(**changes: object) -> str:
    held = {"a": ACCOUNT, "t": ID, "s": base64.b64encode(b"x" * 32).decode(), **changes}
    return base64.b64encode(json.dumps(held).encode()).decode()


def test_the_secret_in_a_connectors_token() -> None:
    secret = record.secret_of(connector_token(), ACCOUNT, ID)
    assert secret == base64.b64encode(b"x" * 32).decode()


@pytest.mark.parametrize(
    "token",
    [None, 5, "", "no base64!", base64.b64encode(b"[]").decode(), connector_token(t="other"), connector_token(s="?")],
)
def test_a_connectors_token_that_is_none(token: object) -> None:
    with pytest.raises(errors.CloudflareError, match=f"The token of tunnel {ID} is not one of this tunnel"):
        record.secret_of(token, ACCOUNT, ID)
