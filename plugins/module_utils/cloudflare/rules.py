# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our rule in a tunnel's list of ingress rules, as cloudflared matches them: in order, the first that fits. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.errors import CloudflareError

Rule = Mapping[str, Any]
CATCH_ALL: Rule = {"service": "http_status:404"}


def hostname_of(rule: Rule) -> str:
    return str(rule.get("hostname") or "").lower()


def matches(rule: Rule, hostname: str) -> bool:
    """By the host alone; a rule with a path takes at least some of its requests."""
    own = hostname_of(rule)
    return own in ("", "*", hostname) or (own.startswith("*.") and hostname.endswith(own[1:]))


def is_catch_all(rule: Rule) -> bool:
    return hostname_of(rule) in ("", "*") and not rule.get("path")


def plain(rule: Rule) -> dict[str, Any]:
    """Without what says nothing: the API answers empty paths and options that nobody sent."""
    return {key: value for key, value in rule.items() if value not in ("", None, {}, [])}


def positions(rules: Sequence[Rule], hostname: str) -> list[int]:
    return [index for index, rule in enumerate(rules) if hostname_of(rule) == hostname]


def own(rules: Sequence[Rule], hostname: str, where: str) -> Rule | None:
    """The one rule of this name, where there is one and nothing hinders to change it."""
    found = positions(rules, hostname)
    if len(found) > 1:
        raise CloudflareError(f"{where} has {len(found)} rules for {hostname}; remove all but one in the dashboard")
    if found and rules[found[0]].get("path"):
        raise CloudflareError(f"{where} has a rule for {hostname} with a path; remove it in the dashboard")
    return rules[found[0]] if found else None


def merge(rules: Sequence[Rule], rule: Rule, where: str) -> list[Rule]:
    """The list with our rule before the first one that would take its requests; all others are as they were."""
    if not rules:
        return [rule, CATCH_ALL]
    if not is_catch_all(rules[-1]):
        raise CloudflareError(f"{where} does not end in a rule that matches all; add one in the dashboard")
    hostname = hostname_of(rule)
    there = own(rules, hostname, where)
    first = next(index for index, other in enumerate(rules) if matches(other, hostname))
    if there is not None and rules[first] is there and plain(there) == plain(rule):
        return list(rules)
    others = without(rules, hostname)
    first = next(index for index, other in enumerate(others) if matches(other, hostname))
    return [*others[:first], rule, *others[first:]]


def without(rules: Sequence[Rule], hostname: str) -> list[Rule]:
    return [rule for rule in rules if hostname_of(rule) != hostname]
