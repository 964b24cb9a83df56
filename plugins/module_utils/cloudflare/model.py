# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted, and what the account holds, as values. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.errors import CloudflareError

LOCAL, REMOTE, AUTO = "local", "cloudflare", "auto"
MODES = {"local": LOCAL, "remote": REMOTE}
SUFFIX = ".cfargotunnel.com"
COMMENT = "managed by bestviable.portfolio"
LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
HOSTNAME = re.compile(rf"(?=.{{4,253}}\Z){LABEL}(?:\.{LABEL})+")
ADDRESS = re.compile(r"[0-9.]+")
IDENTIFIER = re.compile(r"[0-9a-f]{32}")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HOURS = re.compile(r"([1-9][0-9]{0,5})h")


@dataclass(frozen=True)
class Access:
    """The service token, its policy and the application that demands it."""

    team: str
    duration: str = "8760h"
    rotation: str = ""
    overlap_hours: int = 24


@dataclass(frozen=True)
class Wanted:
    hostname: str
    zone: str
    service: str
    tunnel_name: str
    present: bool = True
    mode: str = AUTO
    zone_id: str = ""
    account_id: str = ""
    manage_dns: bool = True
    dns_takeover: bool = False
    takeover: bool = False
    recreate: bool = False
    former_hostnames: tuple[str, ...] = ()
    access: Access | None = None

    @property
    def access_name(self) -> str:
        """By it the service token, the policy and the application are known again."""
        return f"bestviable.portfolio {self.hostname}"


def wanted(params: dict[str, Any]) -> Wanted:
    """The options of the module; what they lack is filled in."""
    access = Access(
        params["access_team"] or "",
        params["access_duration"],
        params["access_rotation"],
        params["access_rotation_overlap"],
    )
    return Wanted(
        hostname=params["hostname"],
        zone=params["zone"] or ".".join(params["hostname"].split(".")[-2:]),
        service=params["service"],
        tunnel_name=params["tunnel_name"],
        present=params["state"] == "present",
        mode=MODES.get(params["mode"], AUTO),
        zone_id=params["zone_id"] or "",
        account_id=params["account_id"] or "",
        manage_dns=params["manage_dns"],
        dns_takeover=params["dns_takeover"],
        takeover=params["takeover"],
        recreate=params["recreate"],
        former_hostnames=tuple(dict.fromkeys(params["former_hostnames"])),
        access=access if params["access"] and params["state"] == "present" else None,
    )


def problems(want: Wanted) -> list[str]:
    """One sentence for each option that cannot be meant."""
    found = [problem for name in (want.hostname, *want.former_hostnames) for problem in _name_problems(name, want.zone)]
    if want.hostname in want.former_hostnames:
        found.append(f"former_hostnames holds the hostname {want.hostname} itself; remove it there")
    if not re.fullmatch(r"https?://[A-Za-z0-9._-]+(?::[0-9]{1,5})?", want.service):
        found.append(f"service {want.service!r} is not scheme, host and port alone; write it like http://traefik:80")
    # cloudflared takes a UUID for an id.
    if not want.tunnel_name.strip() or not want.tunnel_name.isprintable() or UUID.fullmatch(want.tunnel_name.lower()):
        found.append(f"tunnel_name {want.tunnel_name!r} is no name; set tunnel_name to one word")
    for option, value in (("zone_id", want.zone_id), ("account_id", want.account_id)):
        if value and not IDENTIFIER.fullmatch(value):
            found.append(f"{option} {value!r} is not 32 hexadecimal digits; copy it from the dashboard")
    if want.access:
        found += _access_problems(want.access)
    return found


def _name_problems(name: str, zone: str) -> list[str]:
    if not HOSTNAME.fullmatch(name) or ADDRESS.fullmatch(name):
        return [
            f"hostname {name!r} is no name in lower-case letters, digits, '-' and '.' of 253 characters at most;"
            " write it like erp-db.example.com"
        ]
    if not name.endswith(f".{zone}"):
        return [f"hostname {name} is not in the zone {zone}; set zone to the one that holds it"]
    return []


def _access_problems(access: Access) -> list[str]:
    found = []
    if not re.fullmatch(LABEL, access.team):
        found.append(f"access_team {access.team!r} is not the first part of TEAM.cloudflareaccess.com; set access_team")
    if not HOURS.fullmatch(access.duration):
        found.append(f"access_duration {access.duration!r} is no number of hours; write it like 8760h")
    if access.overlap_hours < 0:
        found.append(f"access_rotation_overlap is {access.overlap_hours}; set it to a number of hours, 0 at least")
    return found


@dataclass(frozen=True)
class Tunnel:
    id: str
    name: str
    source: str
    deleted: bool = False
    connections: int = 0

    @property
    def target(self) -> str:
        return f"{self.id}{SUFFIX}"


@dataclass(frozen=True)
class DnsRecord:
    id: str
    type: str
    name: str
    content: str
    proxied: bool
    ttl: int


@dataclass(frozen=True)
class ServiceToken:
    id: str
    name: str
    client_id: str
    expires: datetime | None


@dataclass(frozen=True)
class ToldToken:
    """A service token in the one answer that tells its secret."""

    id: str
    client_id: str = ""
    client_secret: str = ""


@dataclass(frozen=True)
class Policy:
    id: str
    name: str
    decision: str
    include: Any


@dataclass(frozen=True)
class App:
    """`document` is the whole answer: what is not ours in it is sent back."""

    id: str
    name: str
    aud: str
    policies: tuple[Policy, ...]
    document: dict[str, Any]


@dataclass(frozen=True)
class TokenState:
    status: str
    expires: datetime | None


@dataclass(frozen=True)
class Observed:
    """All that was read; what was not needed is None or empty."""

    zone_id: str
    account_id: str
    token: TokenState | None = None
    tunnels: tuple[Tunnel, ...] = ()
    records: dict[str, tuple[DnsRecord, ...]] = field(default_factory=dict)
    # The tunnel that the CNAME points to, where it is not the one of our name.
    pointed: Tunnel | None = None
    # Other names that point to our tunnel; asked for only where it might be deleted.
    sharing: tuple[str, ...] = ()
    configuration: dict[str, Any] | None = None
    service_tokens: tuple[ServiceToken, ...] = ()
    policies: tuple[Policy, ...] = ()
    apps: tuple[App, ...] = ()


def moment(value: Any) -> datetime | None:
    """A time as the API writes it, with any number of digits behind the second."""
    match = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)", value) if isinstance(value, str) else None
    return datetime.fromisoformat(match[1]).replace(tzinfo=timezone.utc) if match else None


def day(when: datetime) -> str:
    return when.strftime("%Y-%m-%d")


def word(item: Any, key: str, what: str) -> str:
    """A text that every answer of the API has; an object without it is none of the API's."""
    value = item.get(key) if isinstance(item, dict) else None
    if not isinstance(value, str) or not value:
        # What was asked for may have been done all the same.
        sentence = f"The API answered with a {what} that has no {key}; see what stands behind api_url"
        raise CloudflareError(sentence, ambiguous=True)
    return value


def tunnel(item: Any) -> Tunnel:
    identifier = word(item, "id", "tunnel")
    source = item.get("config_src")
    if source not in (LOCAL, REMOTE):
        # Before there was config_src.
        source = REMOTE if item.get("remote_config") is True else LOCAL
    connections = item.get("connections")
    return Tunnel(
        id=identifier,
        name=word(item, "name", "tunnel"),
        source=source,
        deleted=bool(item.get("deleted_at")),
        connections=len(connections) if isinstance(connections, list) else 0,
    )


def dns_record(item: Any) -> DnsRecord:
    identifier = word(item, "id", "DNS record")
    return DnsRecord(
        id=identifier,
        type=word(item, "type", "DNS record"),
        name=word(item, "name", "DNS record").lower().rstrip("."),
        content=str(item.get("content") or "").lower().rstrip("."),
        proxied=item.get("proxied") is True,
        ttl=item["ttl"] if isinstance(item.get("ttl"), int) else 0,
    )


def service_token(item: Any) -> ServiceToken:
    """`expires_at` is missing in older answers; there the duration counts from the creation on."""
    identifier = word(item, "id", "service token")
    expires, created = moment(item.get("expires_at")), moment(item.get("created_at"))
    hours = HOURS.fullmatch(str(item.get("duration")))
    if expires is None and created and hours:
        expires = created + timedelta(hours=int(hours[1]))
    return ServiceToken(
        id=identifier,
        name=word(item, "name", "service token"),
        client_id=word(item, "client_id", "service token"),
        expires=expires,
    )


def told_token(item: Any) -> ToldToken:
    what = "service token"
    return ToldToken(word(item, "id", what), word(item, "client_id", what), word(item, "client_secret", what))


def policy(item: Any) -> Policy:
    return Policy(word(item, "id", "policy"), str(item.get("name")), str(item.get("decision")), item.get("include"))


def app(item: Any) -> App:
    identifier = word(item, "id", "application")
    policies = item.get("policies") or []
    if not isinstance(policies, list):
        raise CloudflareError("The API answered with policies that are no list; see what stands behind api_url")
    return App(
        id=identifier,
        name=str(item.get("name")),
        aud=word(item, "aud", "application"),
        policies=tuple(policy(entry) for entry in policies),
        document=item,
    )
