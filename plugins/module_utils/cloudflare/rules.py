# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our rule in the list of rules that the API holds for a tunnel: what is refused, and what counts as equal. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.errors import CloudflareError
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import (
    Rule,
    catches_all,
    merge,
    rules_for,
    text_of,
)

CATCH_ALL: Rule = {"service": "http_status:404"}


def plain(rule: Rule) -> Rule:
    """Without what says nothing: the API answers empty paths and options that nobody sent."""
    return {key: value for key, value in rule.items() if value not in ("", None, {}, [])}


def same(one: Sequence[Rule], other: Sequence[Rule]) -> bool:
    return [plain(rule) for rule in one] == [plain(rule) for rule in other]


def own(rules: Sequence[Rule], hostname: str, where: str) -> Rule | None:
    """The one rule of this name, where there is one and nothing hinders to change it."""
    found = rules_for(rules, hostname)
    if len(found) > 1:
        raise CloudflareError(f"{where} has {len(found)} rules for {hostname}; remove all but one in the dashboard")
    if found and text_of(rules[found[0]], "path"):
        raise CloudflareError(f"{where} has a rule for {hostname} with a path; remove it in the dashboard")
    return rules[found[0]] if found else None


def with_ours(rules: Sequence[Rule], wanted: Rule, former: Sequence[str], where: str) -> list[Rule]:
    """The new list; where there are no rules at all, a last one is added, which must match all."""
    if rules and not catches_all(rules[-1]):
        raise CloudflareError(f"{where} does not end in a rule that matches all; add one in the dashboard")
    hostname = text_of(wanted, "hostname")
    ours = rules_for(rules, hostname)
    compared = [plain(rule) if index in ours else rule for index, rule in enumerate(rules)]
    return merge(compared or [CATCH_ALL], hostname, wanted, former)


def without(rules: Sequence[Rule], names: Sequence[str]) -> list[Rule]:
    return [rule for rule in rules if text_of(rule, "hostname").lower() not in names]
