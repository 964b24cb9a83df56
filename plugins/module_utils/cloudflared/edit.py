# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the text of a config.yml and our rule to the new text, or to the reason why there is none. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared import checks, document
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.document import Document
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.masking import shown
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import (
    Refused,
    Rule,
    arrange,
    differs_in_access_only,
    merge,
    rules_for,
    text_of,
)


@dataclass(frozen=True)
class Wish:
    """What shall be: our rule, or None where it shall be gone; names that were ours before."""

    hostname: str
    rule: Rule | None
    service: str = ""
    former: Sequence[str] = ()
    takeover: bool = False


@dataclass(frozen=True)
class Edit:
    before: Document
    after: Document
    details: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    # Names of rules that seem to be ours from before.
    leftovers: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return self.before.text != self.after.text


def edited(path: str, text: str, wish: Wish) -> Edit:
    before = document.parse(path, text)
    refuse_conflicts(before, wish)
    order = arrange(before.rules, wish.hostname, wish.rule, wish.former)
    kept = [index for index in order if index is not None]
    rules, numbers = [before.rules[index] for index in kept], [index + 1 for index in kept]
    refuse_what_cloudflared_refuses(before, rules, numbers)
    texts = [document.spliced(before, order, wish.hostname, wish.rule, also) for also in (False, True)]
    after = before if texts[0] == text else _verified(before, texts, order, wish)
    return Edit(
        before,
        after,
        details(before, order, wish),
        [f"{path}: {warning}" for warning in [*checks.rule_warnings(rules, numbers), *setting_warnings(before)]],
        [
            text_of(rule, "hostname").lower()
            for index, rule in enumerate(before.rules)
            if index in order
            and before.is_marked(index)
            and text_of(rule, "hostname").lower() not in (wish.hostname, "", "*")
        ],
    )


def refuse_conflicts(before: Document, wish: Wish) -> None:
    """What the text would allow but somebody else may not want."""
    if wish.hostname in wish.former:
        raise Refused(f"former_hostnames lists {wish.hostname}, which is the hostname itself; remove it there")
    for hostname in (wish.hostname, *wish.former):
        found = rules_for(before.rules, hostname)
        if len(found) > 1:
            raise Refused(
                f"{before.path} has {len(found)} rules for {hostname} (rules {numbers_of(found)}); "
                "remove all but one, with neither path nor port"
            )
        for index in found:
            path = text_of(before.rules[index], "path")
            if path:
                raise Refused(
                    f"{before.path} routes only the path {path} of {hostname} (rule {index + 1}); "
                    "remove its path, as paths are the proxy's business"
                )
    for index in rules_for(before.rules, wish.hostname):
        refuse_foreign(before, index, wish)


def refuse_foreign(before: Document, index: int, wish: Wish) -> None:
    rule = before.rules[index]
    ours = before.is_marked(index) or (
        text_of(rule, "service") == wish.service
        if wish.rule is None
        else rule == wish.rule or differs_in_access_only(rule, wish.rule)
    )
    if not ours and not wish.takeover:
        service = shown(text_of(rule, "service"))
        verb = "remove" if wish.rule is None else "replace"
        raise Refused(
            f"{before.path} routes {wish.hostname} to {service} by a rule that is not ours (rule {index + 1}); "
            f"set takeover to true to {verb} it"
        )


def refuse_what_cloudflared_refuses(before: Document, rules: Sequence[Rule], numbers: Sequence[int]) -> None:
    if "url" in before.settings:
        raise Refused(f"{before.path} sets 'url' beside 'ingress', which cloudflared refuses; remove url")
    defaults = before.defaults if isinstance(before.defaults, dict) else {}
    problem = checks.request_problem("the top level", defaults)
    if problem:
        raise Refused(f"{before.path}: {problem}")
    problems = checks.rule_problems(rules, numbers, before.defaults)
    if problems:
        raise Refused(f"{before.path}: {problems[0]}")


def _verified(before: Document, texts: Sequence[str], order: Sequence[int | None], wish: Wish) -> Document:
    """The first text that means what it shall: what the splice does not know must not be written."""
    kept = [(place, index) for place, index in enumerate(order) if index is not None]
    for text in texts:
        try:
            after = document.parse(before.path, text)
        except Refused:
            continue
        if (
            after.frozen == before.frozen
            and after.rules == merge(before.rules, wish.hostname, wish.rule, wish.former)
            and all(after.frozen_rules[place] == before.frozen_rules[index] for place, index in kept)
        ):
            return after
    raise Refused(
        f"{before.path} has a layout in which the rule for {wish.hostname} cannot be changed alone; "
        "write each rule out below a dash of its own, without anchors that other rules need"
    )


def details(before: Document, order: Sequence[int | None], wish: Wish) -> list[str]:
    """Each difference as a short phrase; none where nothing changes."""
    present = rules_for(before.rules, wish.hostname)
    found = []
    if None in order:
        following = next(index for index in order[order.index(None) :] if index is not None)
        verb = "added" if not present else "moved" if before.rules[present[0]] == wish.rule else "changed"
        place = "" if verb == "changed" else f" above rule {following + 1}"
        found.append(f"rule for {wish.hostname} {verb}{place}")
    elif present and wish.rule is None:
        found.append(f"rule for {wish.hostname} removed")
    gone = [name for name in wish.former if rules_for(before.rules, name)]
    return found + [f"rule for {name}, a former hostname, removed" for name in gone]


def setting_warnings(before: Document) -> list[str]:
    """Settings that do not do what they seem to."""
    found: list[str] = []
    if isinstance(before.defaults, dict) and "access" in before.defaults:
        found.append("cloudflared ignores originRequest.access at the top level; set it below each rule")
    return found


def numbers_of(indexes: Sequence[int]) -> str:
    return ", ".join(str(index + 1) for index in indexes)
