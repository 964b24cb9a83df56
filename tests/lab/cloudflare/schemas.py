# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each call of the API takes and answers, as JSON Schema: as small as it can be and still catch a wrong call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]


def record(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, open_: bool = False) -> Schema:
    """An object; what it does not name is refused in a request and allowed in an answer."""
    properties = {**required, **(optional or {})}
    return {"type": "object", "required": list(required), "properties": properties, "additionalProperties": open_}


def answer(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    return record(required, optional, open_=True)


def each(item: Schema) -> Schema:
    return {"type": "array", "items": item}


TEXT: Schema = {"type": "string", "minLength": 1}
FLAG: Schema = {"type": "boolean"}
WHOLE: Schema = {"type": "integer"}
ID: Schema = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
UUID: Schema = {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
TIME: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}
# 32 bytes at least, in base64.
SECRET: Schema = {"type": "string", "pattern": "^[A-Za-z0-9+/]{43,}=*$"}
HOURS: Schema = {"type": "string", "pattern": "^[1-9][0-9]*h$"}

TUNNEL = answer({"id": UUID, "name": TEXT, "created_at": TIME, "connections": each({"type": "object"})})
NEW_TUNNEL = record({"name": TEXT, "config_src": {"enum": ["local", "cloudflare"]}, "tunnel_secret": SECRET})
RULE = answer({"service": TEXT}, {"hostname": TEXT, "path": {"type": "string"}, "originRequest": {"type": "object"}})
CONFIG = answer({"ingress": each(RULE)})
CONFIGURATION = answer({"tunnel_id": UUID, "version": WHOLE, "config": {"anyOf": [answer({}), {"type": "null"}]}})
CNAME = {"type": {"const": "CNAME"}, "name": TEXT, "content": TEXT, "proxied": FLAG, "ttl": {"const": 1}}
NEW_RECORD = record({**CNAME, "comment": TEXT})
CHANGED_RECORD = record(CNAME)
DNS_RECORD = answer({"id": ID, "type": TEXT, "name": TEXT, "content": TEXT, "proxied": FLAG, "ttl": WHOLE})
ZONE = answer({"id": ID, "name": TEXT, "account": answer({"id": ID})})
SERVICE_TOKEN = answer({"id": UUID, "name": TEXT, "client_id": TEXT, "created_at": TIME}, {"expires_at": TIME})
TOLD_TOKEN = answer({"client_id": TEXT, "client_secret": TEXT, "id": UUID, "name": TEXT})
INCLUDE = each(record({"service_token": record({"token_id": UUID})}))
POLICY_BODY = record({"name": TEXT, "decision": {"const": "non_identity"}, "include": INCLUDE})
POLICY = answer({"id": UUID, "name": TEXT, "decision": TEXT, "include": each({"type": "object"})})
APP_BODY = answer(
    {
        "type": {"const": "self_hosted"},
        "domain": TEXT,
        "name": TEXT,
        "session_duration": HOURS,
        "app_launcher_visible": FLAG,
        "service_auth_401_redirect": FLAG,
        "policies": each(UUID),
    }
)
APP = answer({"id": UUID, "aud": {"type": "string", "pattern": "^[0-9a-f]{64}$"}, "domain": TEXT, "name": TEXT})
TOKEN_STATE = answer({"id": ID, "status": {"enum": ["active", "disabled", "expired"]}}, {"expires_on": TIME})
DELETED = answer({"id": TEXT})
ANYTHING: Schema = {}
EMPTY = record({})

A, Z = "/accounts/{account_id}", "/zones/{zone_id}"
# The call: what its body must be (None: it has none), what its result is.
CALLS: Mapping[tuple[str, str], tuple[Schema | None, Schema]] = {
    ("GET", "/user/tokens/verify"): (None, TOKEN_STATE),
    ("GET", f"{A}/tokens/verify"): (None, TOKEN_STATE),
    ("GET", "/zones"): (None, each(ZONE)),
    ("GET", f"{A}/cfd_tunnel"): (None, each(TUNNEL)),
    ("POST", f"{A}/cfd_tunnel"): (NEW_TUNNEL, TUNNEL),
    ("GET", f"{A}/cfd_tunnel/{{tunnel_id}}"): (None, TUNNEL),
    ("DELETE", f"{A}/cfd_tunnel/{{tunnel_id}}"): (None, TUNNEL),
    ("GET", f"{A}/cfd_tunnel/{{tunnel_id}}/token"): (None, TEXT),
    ("GET", f"{A}/cfd_tunnel/{{tunnel_id}}/configurations"): (None, CONFIGURATION),
    ("PUT", f"{A}/cfd_tunnel/{{tunnel_id}}/configurations"): (record({"config": CONFIG}), CONFIGURATION),
    ("GET", f"{Z}/dns_records"): (None, each(DNS_RECORD)),
    ("POST", f"{Z}/dns_records"): (NEW_RECORD, DNS_RECORD),
    ("PATCH", f"{Z}/dns_records/{{dns_record_id}}"): (CHANGED_RECORD, DNS_RECORD),
    ("DELETE", f"{Z}/dns_records/{{dns_record_id}}"): (None, DELETED),
    ("GET", f"{A}/access/service_tokens"): (None, each(SERVICE_TOKEN)),
    ("POST", f"{A}/access/service_tokens"): (record({"name": TEXT, "duration": HOURS}), TOLD_TOKEN),
    ("DELETE", f"{A}/access/service_tokens/{{service_token_id}}"): (None, SERVICE_TOKEN),
    ("POST", f"{A}/access/service_tokens/{{service_token_id}}/refresh"): (EMPTY, SERVICE_TOKEN),
    ("POST", f"{A}/access/service_tokens/{{service_token_id}}/rotate"): (
        record({}, {"previous_client_secret_expires_at": TIME}),
        TOLD_TOKEN,
    ),
    ("GET", f"{A}/access/policies"): (None, each(POLICY)),
    ("POST", f"{A}/access/policies"): (POLICY_BODY, POLICY),
    ("PUT", f"{A}/access/policies/{{policy_id}}"): (POLICY_BODY, POLICY),
    ("DELETE", f"{A}/access/policies/{{policy_id}}"): (None, DELETED),
    ("GET", f"{A}/access/apps"): (None, each(APP)),
    ("POST", f"{A}/access/apps"): (APP_BODY, APP),
    ("PUT", f"{A}/access/apps/{{app_id}}"): (APP_BODY, APP),
    ("DELETE", f"{A}/access/apps/{{app_id}}"): (None, DELETED),
}
