# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done, from what was observed and what is wanted, or why it is refused. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare import rules
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.errors import CloudflareError
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.model import (
    AUTO,
    LOCAL,
    MODES,
    REMOTE,
    SUFFIX,
    DnsRecord,
    Observed,
    Tunnel,
    Wanted,
    day,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.record import Record
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import (
    rules_for,
    text_of,
    wanted_rule,
)

NEW = "(new)"
# Record types that cannot stand beside a CNAME of the same name at Cloudflare.
CLASHING = {"A", "AAAA", "HTTPS", "SVCB", "NS"}
TOKEN_WARNING = timedelta(days=14)


@dataclass(frozen=True)
class Action:
    """One change. `before` and `after` are what a diff shows; `item` is what it is done to."""

    kind: str
    object: str
    detail: str
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    item: str = ""


@dataclass(frozen=True)
class Left:
    """Only a person may decide."""

    object: str
    detail: str
    remedy: str


@dataclass(frozen=True)
class Plan:
    actions: tuple[Action, ...]
    left: tuple[Left, ...]
    source: str
    tunnel_id: str


Step = Iterator[Action | Left]


def plan(observed: Observed, want: Wanted, record: Record, now: datetime, access: Iterable[Action | Left] = ()) -> Plan:
    """`access` is what Access needs (`plan_access`): before the name is published, or after nothing asks for it."""
    check_record(observed, want, record)
    tunnel = single_tunnel(observed, want)
    source = source_of(want, tunnel)
    steps: list[Action | Left] = [*token_left(observed, now)]
    rule = list(configuration_steps(observed, want, record, tunnel, source))
    if want.present:
        steps += tunnel_steps(observed, want, record, tunnel)
        steps += [*access, *rule] if want.access else [*rule, *access]
        steps += [*dns_steps(observed, want, tunnel), *former_steps(observed, want, record, tunnel)]
    else:
        names = (want.hostname, *want.former_hostnames)
        steps += [step for name in names for step in unpublish(observed, name, tunnel, record)]
        steps += [*rule, *access, *tunnel_removal(observed, want, record, tunnel)]
    return Plan(
        tuple(step for step in steps if isinstance(step, Action)),
        tuple(step for step in steps if isinstance(step, Left)),
        source,
        tunnel.id if tunnel else "",
    )


def check_record(observed: Observed, want: Wanted, record: Record) -> None:
    """A record of something else would lead to changes of something else."""
    for option, held, wanted in (
        ("tunnel_name", record.tunnel_name, want.tunnel_name),
        ("account_id", record.account_id, observed.account_id),
    ):
        if held and held != wanted:
            raise CloudflareError(
                f"record_file is about {option} {held}, not {wanted}; set {option} back, or give another record_file"
            )


def token_left(observed: Observed, now: datetime) -> Step:
    expires = observed.token.expires if observed.token else None
    if expires and expires - now < TOKEN_WARNING:
        yield Left("API token", f"expires on {day(expires)}", "create a new one in the dashboard and set api_token")


def single_tunnel(observed: Observed, want: Wanted) -> Tunnel | None:
    if len(observed.tunnels) > 1:
        ids = ", ".join(tunnel.id for tunnel in observed.tunnels)
        raise CloudflareError(
            f"There are {len(observed.tunnels)} tunnels {want.tunnel_name} ({ids}); delete all but one in the dashboard"
        )
    return observed.tunnels[0] if observed.tunnels else None


def source_of(want: Wanted, tunnel: Tunnel | None) -> str:
    """Where the tunnel's rules are in force: the file of its connectors, or the dashboard."""
    if tunnel is None:
        return LOCAL if want.mode == AUTO else want.mode
    if want.mode not in (AUTO, tunnel.source):
        names = {source: mode for mode, source in MODES.items()}
        raise CloudflareError(
            f"The tunnel {want.tunnel_name} takes its rules from config_src {tunnel.source}, so mode"
            f" {names[want.mode]} would have no effect; set mode to {names[tunnel.source]}"
        )
    return tunnel.source


def tunnel_steps(observed: Observed, want: Wanted, record: Record, tunnel: Tunnel | None) -> Step:
    name = f"tunnel {want.tunnel_name}"
    if tunnel is None:
        gone = record.tunnel_id or (observed.pointed.id if observed.pointed and observed.pointed.deleted else "")
        if gone and not want.recreate:
            raise CloudflareError(
                f"The tunnel {gone} that {want.hostname} was published by is deleted; set recreate to have a new one"
            )
        yield Action(
            "create_tunnel", name, "missing", {}, {"name": want.tunnel_name, "config_src": source_of(want, None)}
        )
    elif record.tunnel_id != tunnel.id or not record.tunnel_secret:
        yield Action("recover_credentials", name, "its credentials are not in record_file", item=tunnel.id)


def dns_steps(observed: Observed, want: Wanted, tunnel: Tunnel | None) -> Step:
    if not want.manage_dns:
        return
    name, target = f"DNS record {want.hostname}", tunnel.target if tunnel else f"{NEW}{SUFFIX}"
    right = {"type": "CNAME", "content": target, "proxied": True, "ttl": 1}
    there = single_cname(observed.records[want.hostname], want.hostname)
    if there is None:
        yield Action("create_record", name, "missing", {}, right)
        return
    found = {"type": "CNAME", "content": there.content, "proxied": there.proxied, "ttl": there.ttl}
    if there.content != target:
        check_takeover(observed, want, there)
    wrong = [key for key in ("content", "proxied", "ttl") if found[key] != right[key]]
    if wrong:
        detail = ", ".join(f"{key} {found[key]} instead of {right[key]}" for key in wrong)
        yield Action("update_record", name, detail, found, right, item=there.id)


def single_cname(records: tuple[DnsRecord, ...], hostname: str) -> DnsRecord | None:
    clashing = sorted({record.type for record in records if record.type in CLASHING})
    if clashing:
        raise CloudflareError(
            f"{hostname} has DNS records of type {' and '.join(clashing)}, beside which no CNAME can be;"
            " remove them in the dashboard, or set hostname to another name"
        )
    found = [record for record in records if record.type == "CNAME"]
    if len(found) > 1:
        raise CloudflareError(f"{hostname} has {len(found)} CNAME records; remove all but one in the dashboard")
    return found[0] if found else None


def check_takeover(observed: Observed, want: Wanted, there: DnsRecord) -> None:
    dead = observed.pointed is not None and observed.pointed.deleted
    if dead and not (want.recreate or want.dns_takeover):
        raise CloudflareError(
            f"The CNAME {want.hostname} points to a deleted tunnel; set recreate to have it corrected"
        )
    if not dead and not want.dns_takeover:
        raise CloudflareError(
            f"The CNAME {want.hostname} points to {there.content}; set dns_takeover to have it changed,"
            " or hostname to another name"
        )


def configuration_steps(observed: Observed, want: Wanted, record: Record, tunnel: Tunnel | None, source: str) -> Step:
    if source != REMOTE or (tunnel is None and not want.present):
        return
    there = (observed.configuration or {}).get("config", {}).get("ingress") or []
    after = wanted_rules(there, want, record, aud_of(observed, want))
    if not rules.same(there, after):
        old, new = rules_for(there, want.hostname), rules_for(after, want.hostname)
        detail = f"a rule for {want.hostname} or a former name is left"
        if new:
            detail = (
                f"the rule for {want.hostname} differs or stands too low" if old else f"no rule for {want.hostname}"
            )
        name = f"configuration of tunnel {want.tunnel_name}"
        yield Action("put_configuration", name, detail, shown(there), shown(after), tunnel.id if tunnel else "")


def wanted_rules(there: list[Any], want: Wanted, record: Record, aud: str) -> list[Any]:
    """The list of rules as it shall be. What is not ours stays as it is, with all its fields."""
    where = f"The configuration of tunnel {want.tunnel_name}"
    for name in want.former_hostnames:
        rules.own(there, name, where)
    own = rules.own(there, want.hostname, where)
    foreign = own is not None and own.get("service") != want.service and want.hostname not in record.hostnames
    if not want.present:
        return rules.without(there, [*want.former_hostnames, *([] if foreign else [want.hostname])])
    if own is not None and foreign and not want.takeover:
        raise CloudflareError(
            f"{where} routes {want.hostname} to {own.get('service')}; set takeover to have it changed"
        )
    access = {"team_name": want.access.team, "aud_tags": [aud]} if want.access else None
    return rules.with_ours(there, wanted_rule(want.hostname, want.service, access), want.former_hostnames, where)


def aud_of(observed: Observed, want: Wanted) -> str:
    return observed.apps[0].aud if want.access and observed.apps else NEW


def shown(found: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Rules by their place; of others' no options."""
    lines = {}
    for index, rule in enumerate(found, 1):
        request = rule.get("originRequest")
        access = isinstance(request, dict) and "access" in request
        told = (
            f"{rule.get('hostname', '*')}{rule.get('path', '')} → {rule.get('service')}{', Access' if access else ''}"
        )
        lines[f"rule {index}"] = told
    return lines


def former_steps(observed: Observed, want: Wanted, record: Record, tunnel: Tunnel | None) -> Step:
    for name in want.former_hostnames:
        yield from unpublish(observed, name, tunnel, record)
    for name in record.hostnames:
        if name not in (want.hostname, *want.former_hostnames):
            yield Left(name, f"was published by tunnel {want.tunnel_name} before", "add it to former_hostnames")


def unpublish(observed: Observed, hostname: str, tunnel: Tunnel | None, record: Record) -> Step:
    """The CNAME goes only where it points to our tunnel."""
    identifier = tunnel.id if tunnel else record.tunnel_id
    for there in observed.records.get(hostname, ()):
        if there.type == "CNAME" and identifier and there.content == f"{identifier}{SUFFIX}":
            before = {"type": "CNAME", "content": there.content}
            yield Action("delete_record", f"DNS record {hostname}", "not wanted", before, {}, item=there.id)


def tunnel_removal(observed: Observed, want: Wanted, record: Record, tunnel: Tunnel | None) -> Step:
    """Only a tunnel that this module made, and that nobody else uses."""
    if tunnel and record.pending:
        remedy = "run with state present first, or delete it in the dashboard"
        yield Left(f"tunnel {want.tunnel_name}", "may have been made by an interrupted run", remedy)
    if tunnel is None or not record.made or record.tunnel_id != tunnel.id:
        return
    ingress = (observed.configuration or {}).get("config", {}).get("ingress") or []
    gone = {"", "*", want.hostname, *want.former_hostnames}
    others = sorted({*observed.sharing, *(text_of(rule, "hostname").lower() for rule in ingress)} - gone)
    name = f"tunnel {want.tunnel_name}"
    if others:
        yield Left(name, f"publishes {', '.join(others)} too", "delete it in the dashboard when nobody needs it")
    elif tunnel.connections:
        yield Left(name, f"has {tunnel.connections} connections", "stop its connectors and run again")
    else:
        yield Action("delete_tunnel", name, "not wanted", {"name": tunnel.name, "id": tunnel.id}, {}, item=tunnel.id)
