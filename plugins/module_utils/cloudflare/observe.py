# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads of the account what a plan needs and no more: GETs only, three or four where nothing is to be done."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare import model
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.client import Client
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.errors import NOT_FOUND, CloudflareError
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.model import (
    SUFFIX,
    App,
    DnsRecord,
    Observed,
    Policy,
    ServiceToken,
    TokenState,
    Tunnel,
    Wanted,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.record import Record


def observe(client: Client, want: Wanted, record: Record, now: datetime) -> Observed:
    token = token_state(client, "/user/tokens/verify", now)
    zone_id, account_id = identifiers(client, want, record)
    # One of the two kinds of API tokens is verified here, the other there; the wrong place answers 401.
    token = token or token_state(client, f"/accounts/{account_id}/tokens/verify", now)
    tunnels = tunnels_of(client, account_id, want.tunnel_name)
    single = tunnels[0] if len(tunnels) == 1 else None
    records = {}
    if want.manage_dns:
        records = {name: dns_records(client, zone_id, name) for name in (want.hostname, *want.former_hostnames)}
    return Observed(
        zone_id=zone_id,
        account_id=account_id,
        token=token,
        tunnels=tunnels,
        records=records,
        pointed=pointed(client, account_id, records.get(want.hostname, ()), single) if want.present else None,
        sharing=sharing(client, zone_id, want, single) if single and not want.present and record.made else (),
        configuration=configuration(client, account_id, single) if single and single.source == model.REMOTE else None,
        **access(client, account_id, want, record),
    )


def token_state(client: Client, path: str, now: datetime) -> TokenState | None:
    """What the API says of the token itself. Only an answer counts: the other calls show what the token can do."""
    try:
        found = client.get(path)
    except CloudflareError as error:
        if 400 <= error.status < 500:
            return None
        raise
    state = (
        TokenState(str(found.get("status")), model.moment(found.get("expires_on"))) if isinstance(found, dict) else None
    )
    if state and (state.status != "active" or (state.expires and state.expires <= now)):
        since = f" since {model.day(state.expires)}" if state.expires and state.expires <= now else ""
        status = "expired" if since else state.status
        raise CloudflareError(f"The API token is {status}{since}; create a new one in the dashboard and set api_token")
    return state


def identifiers(client: Client, want: Wanted, record: Record) -> tuple[str, str]:
    """The zone's id and its account's: given, or known from an earlier run, or asked for."""
    known = record if record.zone == want.zone else Record()
    zone_id, account_id = want.zone_id or known.zone_id, want.account_id or known.account_id
    if zone_id and account_id:
        return zone_id, account_id
    found = [item for item in client.pages("/zones", {"name": want.zone}) if item.get("name") == want.zone]
    if not found:
        raise CloudflareError(
            f"The API token does not see the zone {want.zone}; correct zone, or give the token Zone › Zone › Read on it"
        )
    if len(found) > 1:
        ids = ", ".join(str(item["id"]) for item in found)
        raise CloudflareError(f"There are {len(found)} zones {want.zone} ({ids}); set zone_id and account_id")
    owner = model.word(found[0].get("account"), "id", "zone's account")
    return want.zone_id or model.word(found[0], "id", "zone"), want.account_id or owner


def tunnels_of(client: Client, account_id: str, name: str) -> tuple[Tunnel, ...]:
    """Tunnels of exactly this name that are not deleted, whatever the list's own filter lets through."""
    items = client.pages(f"/accounts/{account_id}/cfd_tunnel", {"name": name, "is_deleted": "false"})
    found = [model.tunnel(item) for item in items if item.get("name") == name]
    return tuple(tunnel for tunnel in found if not tunnel.deleted)


def dns_records(client: Client, zone_id: str, name: str) -> tuple[DnsRecord, ...]:
    """All types, so that a record that stands in the way is seen."""
    items = client.pages(f"/zones/{zone_id}/dns_records", {"name": name})
    return tuple(record for record in map(model.dns_record, items) if record.name == name)


def pointed(client: Client, account_id: str, records: tuple[DnsRecord, ...], ours: Tunnel | None) -> Tunnel | None:
    """The other tunnel that the name points to; whether it still exists makes a difference."""
    for record in records:
        identifier = record.content.removesuffix(SUFFIX)
        if record.type == "CNAME" and model.UUID.fullmatch(identifier) and (ours is None or ours.id != identifier):
            return tunnel_by_id(client, account_id, identifier)
    return None


def tunnel_by_id(client: Client, account_id: str, identifier: str) -> Tunnel:
    try:
        return model.tunnel(client.get(f"/accounts/{account_id}/cfd_tunnel/{identifier}"))
    except CloudflareError as error:
        if error.status != NOT_FOUND:
            raise
    return Tunnel(identifier, "", model.LOCAL, deleted=True)


def sharing(client: Client, zone_id: str, want: Wanted, tunnel: Tunnel) -> tuple[str, ...]:
    items = client.pages(f"/zones/{zone_id}/dns_records", {"content": tunnel.target})
    names = {record.name for record in map(model.dns_record, items) if record.content == tunnel.target}
    return tuple(sorted(names - {want.hostname, *want.former_hostnames}))


def configuration(client: Client, account_id: str, tunnel: Tunnel) -> dict[str, Any]:
    """The answer's `config` and `version`. A tunnel that has none yet answers null."""
    found = client.get(f"/accounts/{account_id}/cfd_tunnel/{tunnel.id}/configurations")
    config = (found.get("config") or {}) if isinstance(found, dict) else None
    ingress = config.get("ingress") or [] if isinstance(config, dict) else None
    if not isinstance(ingress, list) or not all(isinstance(rule, dict) for rule in ingress):
        raise CloudflareError(
            f"The configuration of tunnel {tunnel.name} has no list of rules; see it in the dashboard"
        )
    return {"config": config, "version": found.get("version")}


def access(client: Client, account_id: str, want: Wanted, record: Record) -> dict[str, Any]:
    """What Access has under our names; nothing is asked where it is not wanted."""
    if not want.access:
        return {}
    apps = apps_of(client, account_id, want.hostname)
    embedded = [policy for app in apps for policy in app.policies if policy.name == want.access_name]
    return {
        "service_tokens": service_tokens_of(client, account_id, want.access_name),
        "apps": apps,
        "policies": tuple(embedded) or policies_of(client, account_id, want.access_name),
    }


def apps_of(client: Client, account_id: str, hostname: str) -> tuple[App, ...]:
    items = client.pages(f"/accounts/{account_id}/access/apps")
    return tuple(model.app(item) for item in items if item.get("domain") == hostname)


def policies_of(client: Client, account_id: str, name: str) -> tuple[Policy, ...]:
    items = client.pages(f"/accounts/{account_id}/access/policies")
    return tuple(model.policy(item) for item in items if item.get("name") == name)


def service_tokens_of(client: Client, account_id: str, name: str) -> tuple[ServiceToken, ...]:
    items = client.pages(f"/accounts/{account_id}/access/service_tokens")
    return tuple(model.service_token(item) for item in items if item.get("name") == name)
