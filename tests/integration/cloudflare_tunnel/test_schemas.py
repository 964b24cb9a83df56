# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake's schemas beside what Cloudflare published of its API, where that is at hand; a deviation has its reason."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.ansible_task import ROOT
from tests.integration.cloudflare_tunnel.driver import HOST, Driver
from tests.integration.cloudflare_tunnel.test_converge import RULES
from tests.integration.cloudflare_tunnel.test_faults import ACCESS, REMOTE
from tests.lab.cloudflare.fake import Exchange
from tests.lab.cloudflare.schemas import CALLS

# Beside a checkout of the project, or of a worktree two levels below.
PLACES = [parent / "shared/data/cloudflare-api-extract.json" for parent in list(ROOT.parents)[:2]]
TUNNEL, RECORDS = "/accounts/{account_id}/cfd_tunnel", "/zones/{zone_id}/dns_records"
ACCESS_PATH = "/accounts/{account_id}/access"
YOUNGER = "younger than the published version of 2024-08, or left out there; from Cloudflare's pages of today"
NULL = "the published schema knows no null there, which the API answers for what is not set"
PUBLISHED_ID = "demands the id, which only the API gives, in the request too"
# Where the published version is wrong or older, or the fake answers less. One that no longer occurs has to go.
DEVIATIONS: dict[tuple[str, str], str] = {
    ("GET /accounts/{account_id}/tokens/verify", "the call"): YOUNGER,
    (f"PUT {ACCESS_PATH}/policies/{{policy_id}}", "the call"): YOUNGER,
    (f"DELETE {ACCESS_PATH}/policies/{{policy_id}}", "the call"): YOUNGER,
    (f"POST {ACCESS_PATH}/service_tokens/{{service_token_id}}/refresh", "the call"): YOUNGER,
    (f"POST {ACCESS_PATH}/service_tokens/{{service_token_id}}/rotate", "the call"): YOUNGER,
    ("GET /user/tokens/verify", "401 $.success enum"): "demands success: true of an error",
    ("GET /zones", "200 $.result[] required"): "the fake's zone has what we read and no more",
    (f"GET {TUNNEL}", "200 $.result[] anyOf"): f"deleted_at: {NULL}",
    (f"POST {TUNNEL}", "200 $.result anyOf"): f"deleted_at: {NULL}",
    (
        f"DELETE {TUNNEL}/{{tunnel_id}}",
        "body $ type",
    ): "demands an empty object of a DELETE; cloudflared itself sends none",
    (
        f"PUT {TUNNEL}/{{tunnel_id}}/configurations",
        "body $.config.ingress[] required",
    ): "demands a hostname of every rule, and so forbids the last one, which must match all",
    (f"GET {RECORDS}", "200 $.result[] oneOf"): f"comment: {NULL}",
    (f"GET {RECORDS}", "200 $.result[] required"): "the fake's record has what we read and no more",
    (f"POST {RECORDS}", "body $ required"): PUBLISHED_ID,
    (f"POST {RECORDS}", "200 $.result required"): "the fake's record has what we read and no more",
    (f"PATCH {RECORDS}/{{dns_record_id}}", "body $ required"): PUBLISHED_ID,
    (f"PATCH {RECORDS}/{{dns_record_id}}", "200 $.result oneOf"): f"comment: {NULL}",
    (f"PATCH {RECORDS}/{{dns_record_id}}", "200 $.result required"): "the fake's record has what we read and no more",
}


def published() -> dict[str, Any]:
    found = next((path for path in PLACES if path.exists()), None)
    if found is None:
        pytest.skip("what Cloudflare published is not beside this checkout (shared/data)")
    document: dict[str, Any] = json.loads(found.read_text())
    return document


def normal(node: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: `nullable`, and nothing that only describes."""
    if isinstance(node, list):
        return [normal(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: normal(value) for key, value in node.items() if key not in ("example", "nullable", "readOnly")} | {
        key: node[key] for key in ("nullable",) if key in node
    }
    if node.pop("nullable", False) is True:
        return {"anyOf": [node, {"type": "null"}]}
    return node


def exchanges(driver: Driver) -> list[Exchange]:
    """Every call of the fake at least once, answered and refused."""
    state = driver.fake.state
    driver.good(**REMOTE)
    driver.good(access_rotation="2", **REMOTE)
    next(iter(state.records.values()))["proxied"] = False
    next(iter(state.apps.values()))["app_launcher_visible"] = True
    next(iter(state.policies.values()))["decision"] = "bypass"
    driver.good(access_rotation="2", **REMOTE)
    driver.record.unlink()
    driver.good()
    state.token_kind = "account"
    driver.good()
    driver.run(api_token="another")
    tunnel = state.live("portfolio")[0]
    tunnel["config"] = {"ingress": [*RULES]}
    driver.good()
    driver.good(state="absent")
    state.add_record(HOST, f"{tunnel['id']}.cfargotunnel.com")
    tunnel["deleted_at"] = tunnel["created_at"]
    driver.run()
    driver.good(recreate=True, access_rotation="again", **ACCESS)
    driver.good(state="absent")
    return driver.fake.log


def test_every_call_of_the_fake_is_used(driver: Driver) -> None:
    used = {item.call for item in exchanges(driver)} - {("", "")}
    assert CALLS.keys() - used == set()


def deviations(document: dict[str, Any], log: list[Exchange]) -> set[tuple[str, str]]:
    """Where a call or an answer is not as published: the call, and what of it."""
    components = normal(document["components"])
    found = set()
    for item in log:
        method, path = item.call
        if not path:
            continue  # refused before anybody looked where it went
        operation = document["paths"].get(path, {}).get(method.lower())
        if operation is None:
            found.add((f"{method} {path}", "the call"))
            continue
        body = operation.get("requestBody")
        if body and body.get("required"):
            schema = body["content"]["application/json"].get("schema", {})
            found |= {(f"{method} {path}", f"body {place}") for place in places(schema, components, item.body)}
        answer = next(value for code, value in operation["responses"].items() if code[0] == str(item.status)[0])
        schema = answer["content"]["application/json"]["schema"]
        found |= {(f"{method} {path}", f"{item.status} {place}") for place in places(schema, components, item.document)}
    return found


def places(schema: Any, components: Any, value: Any) -> set[str]:
    validator = Draft202012Validator({**normal(schema), "components": components})
    return {f"{re.sub(r'[0-9]+', '', error.json_path)} {error.validator}" for error in validator.iter_errors(value)}


def test_deviations_from_what_is_published_are_those_that_we_know(driver: Driver) -> None:
    document = published()
    found = deviations(document, exchanges(driver))
    assert sorted(found - DEVIATIONS.keys()) == [], "not as published"
    assert sorted(DEVIATIONS.keys() - found) == [], "no deviation any more"
