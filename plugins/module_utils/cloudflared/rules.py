# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A list of ingress rules as cloudflared reads it: which rule answers a request, and where ours belongs. Pure.

The same for a config.yml and for the list that the API holds. A rule is a mapping with the keys that both know:
hostname, path, service, originRequest; nothing that is not known here is looked at or changed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

Rule = dict[str, Any]
# What cloudflared's IDNA form of an ASCII name may hold; others it compares only as they are written.
LETTERS_DIGITS_HYPHENS = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.?", re.ASCII)


class Refused(Exception):  # noqa: N818 - it reads better where it is raised
    """Nothing is written; the text says why and what to do."""


def text_of(rule: Rule, key: str) -> str:
    """A rule's value as cloudflared sees it: what is not there is empty."""
    value = rule.get(key)
    return "" if value is None else str(value)


def catches_all(rule: Rule) -> bool:
    return text_of(rule, "hostname") in ("", "*") and not text_of(rule, "path")


def match(rules: Sequence[Rule], hostname: str, path: str = "/") -> int:
    """The rule that answers a request: in the file's order, the first wins, the last one catches the rest."""
    host = hostname.rpartition(":")[0] if re.search(r":\d*$", hostname) else hostname
    for index, rule in enumerate(rules):
        if _takes_host(text_of(rule, "hostname"), host) and _takes_path(text_of(rule, "path"), path):
            return index
    return len(rules) - 1


def _takes_host(pattern: str, host: str) -> bool:
    if pattern in ("", "*"):
        return True
    return any(
        host == form or (form.startswith("*.") and host.endswith(form[1:])) for form in (pattern, _idna_form(pattern))
    )


def _idna_form(pattern: str) -> str:
    """Lower case and punycode, as cloudflared tries it beside the name as written; never for a wildcard."""
    if pattern.isascii():
        return pattern.lower() if LETTERS_DIGITS_HYPHENS.fullmatch(pattern.lower()) else pattern
    try:
        return pattern.encode("idna").decode()
    except UnicodeError:
        return pattern


def _takes_path(pattern: str, path: str) -> bool:
    """Searched anywhere in the path. What only Go's regular expressions know takes nothing here."""
    try:
        return not pattern or re.search(pattern, path) is not None
    except (re.error, OverflowError, RecursionError):
        return False


def shadows(rule: Rule, hostname: str) -> bool:
    """Whether a rule above ours would take requests for our name, all or some. Case does not count: it may not
    in a later version of cloudflared."""
    pattern = text_of(rule, "hostname").lower()
    return pattern in ("", "*") or (pattern.startswith("*.") and hostname.endswith(pattern[1:]))


def rules_for(rules: Sequence[Rule], hostname: str) -> list[int]:
    return [index for index, rule in enumerate(rules) if text_of(rule, "hostname").lower() == hostname]


def arrange(rules: Sequence[Rule], hostname: str, wanted: Rule | None, former: Sequence[str] = ()) -> list[int | None]:
    """The new order: the index of each rule that stays as it is, None where ours is written.

    Ours stands where it stood, or before the first rule that would take its requests.
    """
    present = rules_for(rules, hostname)
    going = {*present, *(index for name in former for index in rules_for(rules, name))}
    kept = [index for index in range(len(rules)) if index not in going]
    if wanted is None:
        return list(kept)
    first = next((index for index in kept if shadows(rules[index], hostname)), len(rules))
    stays = len(present) == 1 and present[0] < first
    place = present[0] if stays else first
    ours = present[0] if stays and rules[present[0]] == wanted else None
    return [*(i for i in kept if i < place), ours, *(i for i in kept if i >= place)]


def merge(rules: Sequence[Rule], hostname: str, wanted: Rule | None, former: Sequence[str] = ()) -> list[Rule]:
    """The new list. Foreign rules are the same objects, in the same order."""
    order = arrange(rules, hostname, wanted, former)
    return [rules[index] if index is not None else dict(wanted or {}) for index in order]


def wanted_rule(hostname: str, service: str, access: dict[str, Any] | None = None) -> Rule:
    """Our rule, in the order in which it is written."""
    rule: Rule = {"hostname": hostname, "service": service}
    if access:
        rule["originRequest"] = {
            "access": {"required": True, "teamName": access["team_name"], "audTag": list(access["aud_tags"])}
        }
    return rule


def differs_in_access_only(rule: Rule, wanted: Rule) -> bool:
    """A rule that is ours but for the origin check may get or lose it without being taken over."""

    def rest(given: Rule) -> Rule:
        request = {key: value for key, value in (given.get("originRequest") or {}).items() if key != "access"}
        return {**{key: value for key, value in given.items() if key != "originRequest"}, "rest": request}

    return isinstance(rule.get("originRequest") or {}, dict) and rest(rule) == rest(wanted)
