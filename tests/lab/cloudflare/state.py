# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account with one zone, as the fake API holds it: each call changes it or tells of it."""

from __future__ import annotations

import base64
import json
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Item = dict[str, Any]
Query = Mapping[str, str]
SUFFIX = ".cfargotunnel.com"
HIDDEN = {"tunnel_secret", "client_secret", "previous", "config", "version"}


class RefusedError(Exception):
    """The API says no: status, code, words."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def stamp(after: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) + after).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def shown(item: Item) -> Item:
    return {key: value for key, value in item.items() if key not in HIDDEN}


@dataclass
class State:
    account: str = field(default_factory=lambda: secrets.token_hex(16))
    zone: str = field(default_factory=lambda: secrets.token_hex(16))
    zone_name: str = "example.com"
    zones: list[Item] = field(default_factory=list)
    tunnels: dict[str, Item] = field(default_factory=dict)
    records: dict[str, Item] = field(default_factory=dict)
    apps: dict[str, Item] = field(default_factory=dict)
    policies: dict[str, Item] = field(default_factory=dict)
    service_tokens: dict[str, Item] = field(default_factory=dict)
    token_kind: str = "user"
    token_status: str = "active"
    token_expires: str = ""
    # The list's own filters, which must not be relied upon.
    filters: bool = True

    def __post_init__(self) -> None:
        self.zones.append({"id": self.zone, "name": self.zone_name, "account": {"id": self.account, "name": "Example"}})

    # What a test puts there, as somebody might have by hand.

    def add_tunnel(self, name: str, source: str = "local", rules: list[Item] | None = None, **more: Any) -> str:
        identifier = str(uuid.uuid4())
        secret = base64.b64encode(secrets.token_bytes(32)).decode()
        config = None if rules is None else {"ingress": rules, "warp-routing": {"enabled": False}}
        self.tunnels[identifier] = {
            "id": identifier,
            "account_tag": self.account,
            "name": name,
            "created_at": stamp(),
            "deleted_at": None,
            "connections": [],
            "status": "inactive",
            "tun_type": "cfd_tunnel",
            "config_src": source,
            "remote_config": source == "cloudflare",
            "tunnel_secret": secret,
            "config": config,
            "version": 0 if rules is None else 1,
            **more,
        }
        return identifier

    def add_record(self, name: str, content: str, kind: str = "CNAME", **more: Any) -> str:
        identifier = secrets.token_hex(16)
        record = {"id": identifier, "type": kind, "name": name, "content": content, "proxied": True, "ttl": 1}
        self.records[identifier] = {**record, "comment": None, "tags": [], "created_on": stamp(), **more}
        return identifier

    def live(self, name: str) -> list[Item]:
        return [item for item in self.tunnels.values() if item["name"] == name and not item["deleted_at"]]

    # The calls.

    def verify(self, kind: str) -> Item:
        if kind != self.token_kind:
            raise RefusedError(401, 1000, "Invalid API Token")
        expires = {"expires_on": self.token_expires} if self.token_expires else {}
        return {"id": secrets.token_hex(16), "status": self.token_status, **expires}

    def list_zones(self, query: Query) -> list[Item]:
        return [zone for zone in self.zones if not self.filters or zone["name"] == query.get("name", zone["name"])]

    def list_tunnels(self, query: Query) -> list[Item]:
        found = list(self.tunnels.values())
        if self.filters:
            deleted = query.get("is_deleted") == "true"
            found = [
                item for item in found if item["name"] == query.get("name") and bool(item["deleted_at"]) == deleted
            ]
        return [shown(item) for item in found]

    def create_tunnel(self, body: Item) -> Item:
        if self.live(body["name"]):
            raise RefusedError(409, 1013, "You already have a tunnel with this name")
        identifier = self.add_tunnel(body["name"], body["config_src"], tunnel_secret=body["tunnel_secret"])
        return shown(self.tunnels[identifier])

    def tunnel(self, identifier: str) -> Item:
        if identifier not in self.tunnels:
            raise RefusedError(404, 1003, "Tunnel not found")
        return self.tunnels[identifier]

    def delete_tunnel(self, identifier: str) -> Item:
        item = self.tunnel(identifier)
        if item["connections"]:
            raise RefusedError(400, 1022, "Cannot delete tunnel because it has active connections")
        item["deleted_at"] = item["deleted_at"] or stamp()
        return shown(item)

    def connector_token(self, identifier: str) -> str:
        held = {"a": self.account, "t": identifier, "s": self.tunnel(identifier)["tunnel_secret"]}
        return base64.b64encode(json.dumps(held).encode()).decode()

    def configuration(self, identifier: str) -> Item:
        item = self.tunnel(identifier)
        return {
            "tunnel_id": identifier,
            "version": item["version"],
            "config": item["config"],
            "source": item.get("config_src"),
        }

    def put_configuration(self, identifier: str, body: Item) -> Item:
        item = self.tunnel(identifier)
        last = body["config"]["ingress"][-1:]
        if not last or last[0].get("hostname", "*") != "*" or last[0].get("path"):
            raise RefusedError(400, 1056, "Bad Configuration: the last ingress rule must match all URLs")
        item["config"] = body["config"]
        item["version"] += 1
        return self.configuration(identifier)

    def list_records(self, query: Query) -> list[Item]:
        wanted = {key: query[key] for key in ("name", "content") if key in query and self.filters}
        return [item for item in self.records.values() if all(item[key] == value for key, value in wanted.items())]

    def create_record(self, body: Item) -> Item:
        if any(
            item["name"] == body["name"] and item["type"] in ("A", "AAAA", "CNAME") for item in self.records.values()
        ):
            raise RefusedError(400, 81053, "An A, AAAA, or CNAME record with that host already exists.")
        return self.records[self.add_record(body["name"], body["content"], comment=body["comment"])]

    def patch_record(self, identifier: str, body: Item) -> Item:
        self.one(self.records, identifier).update(body)
        return self.records[identifier]

    def one(self, items: dict[str, Item], identifier: str) -> Item:
        if identifier not in items:
            raise RefusedError(404, 11021, "not found")
        return items[identifier]

    def delete(self, items: dict[str, Item], identifier: str) -> Item:
        self.one(items, identifier)
        return items.pop(identifier)

    def create_service_token(self, body: Item) -> Item:
        identifier = str(uuid.uuid4())
        hours = timedelta(hours=int(body["duration"][:-1]))
        self.service_tokens[identifier] = {
            "id": identifier,
            **body,
            "client_id": f"{secrets.token_hex(16)}.access",
            "client_secret": secrets.token_hex(32),
            "created_at": stamp(),
            "expires_at": stamp(hours),
        }
        return self.service_tokens[identifier]

    def rotate(self, identifier: str, body: Item) -> Item:
        item = self.one(self.service_tokens, identifier)
        item["previous"] = {
            "secret": item["client_secret"],
            "until": body.get("previous_client_secret_expires_at", stamp()),
        }
        item["client_secret"] = secrets.token_hex(32)
        return {**shown(item), "client_secret": item["client_secret"]}

    def refresh(self, identifier: str) -> Item:
        item = self.one(self.service_tokens, identifier)
        item["expires_at"] = stamp(timedelta(hours=int(item["duration"][:-1])))
        return shown(item)

    def create_policy(self, body: Item) -> Item:
        identifier = str(uuid.uuid4())
        self.policies[identifier] = {"id": identifier, "created_at": stamp(), **body}
        return self.policies[identifier]

    def put_policy(self, identifier: str, body: Item) -> Item:
        self.one(self.policies, identifier).update(body)
        return self.policies[identifier]

    def app(self, identifier: str) -> Item:
        """Policies are sent as ids and told as a whole."""
        item = self.one(self.apps, identifier)
        return {**item, "policies": [self.policies[name] for name in item["policies"] if name in self.policies]}

    def create_app(self, body: Item) -> Item:
        identifier = str(uuid.uuid4())
        self.apps[identifier] = {"id": identifier, "aud": secrets.token_hex(32), "created_at": stamp(), **body}
        return self.app(identifier)

    def put_app(self, identifier: str, body: Item) -> Item:
        kept = {key: self.one(self.apps, identifier)[key] for key in ("id", "aud", "created_at")}
        self.apps[identifier] = {**body, **kept}
        return self.app(identifier)


def routes(state: State) -> dict[tuple[str, str], Callable[..., Any]]:
    """The call, and what answers it: given its query for a list, else the ids in its path and its body."""
    account, zone = "/accounts/{account_id}", "/zones/{zone_id}"
    tunnel, record = f"{account}/cfd_tunnel", f"{zone}/dns_records"
    tokens, policies, apps = (f"{account}/access/{name}" for name in ("service_tokens", "policies", "apps"))
    return {
        ("GET", "/user/tokens/verify"): lambda query: state.verify("user"),
        ("GET", f"{account}/tokens/verify"): lambda query: state.verify("account"),
        ("GET", "/zones"): state.list_zones,
        ("GET", tunnel): state.list_tunnels,
        ("POST", tunnel): state.create_tunnel,
        ("GET", f"{tunnel}/{{tunnel_id}}"): lambda item: shown(state.tunnel(item)),
        ("DELETE", f"{tunnel}/{{tunnel_id}}"): state.delete_tunnel,
        ("GET", f"{tunnel}/{{tunnel_id}}/token"): state.connector_token,
        ("GET", f"{tunnel}/{{tunnel_id}}/configurations"): state.configuration,
        ("PUT", f"{tunnel}/{{tunnel_id}}/configurations"): state.put_configuration,
        ("GET", record): state.list_records,
        ("POST", record): state.create_record,
        ("PATCH", f"{record}/{{dns_record_id}}"): state.patch_record,
        ("DELETE", f"{record}/{{dns_record_id}}"): lambda item: state.delete(state.records, item),
        ("GET", tokens): lambda query: [shown(item) for item in state.service_tokens.values()],
        ("POST", tokens): state.create_service_token,
        ("DELETE", f"{tokens}/{{service_token_id}}"): lambda item: shown(state.delete(state.service_tokens, item)),
        ("POST", f"{tokens}/{{service_token_id}}/refresh"): lambda item, body: state.refresh(item),
        ("POST", f"{tokens}/{{service_token_id}}/rotate"): state.rotate,
        ("GET", policies): lambda query: list(state.policies.values()),
        ("POST", policies): state.create_policy,
        ("PUT", f"{policies}/{{policy_id}}"): state.put_policy,
        ("DELETE", f"{policies}/{{policy_id}}"): lambda item: state.delete(state.policies, item),
        ("GET", apps): lambda query: [state.app(name) for name in state.apps],
        ("POST", apps): state.create_app,
        ("PUT", f"{apps}/{{app_id}}"): state.put_app,
        ("DELETE", f"{apps}/{{app_id}}"): lambda item: state.delete(state.apps, item),
    }
