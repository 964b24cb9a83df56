# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The generated family of configurations: what must be true of each edit, whatever the file looks like."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import pytest
import yaml
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.document import parse
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.edit import Edit, Wish, edited
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import (
    Refused,
    match,
    rules_for,
    shadows,
    wanted_rule,
)

from tests.unit.plugins.module_utils.cloudflared.family import HOSTNAME, SERVICE, damaged, samples

Record = Callable[[str, object], None]
PATH = "/etc/cloudflared/config.yml"
PRESENT = Wish(HOSTNAME, wanted_rule(HOSTNAME, SERVICE), SERVICE, (), True)
ABSENT = Wish(HOSTNAME, None, SERVICE, (), True)
# Ours as the module writes it, in any layout.
WRITTEN = re.compile(rf" *- +hostname: {re.escape(HOSTNAME)}  # managed by [^\r\n]*\r?\n *service: {SERVICE}\r?\n")


def without_ours(done: Edit, comments: bool = False) -> str:
    """The text as it was without what the rule of our name occupied, and the comments below that belong to it."""
    text = done.before.text
    for index in rules_for(done.before.rules, HOSTNAME):
        region = done.before.regions[index]
        text = text[: region.start] + text[region.end_of_comments if comments else region.end :]
    return text


def meaning(text: str) -> object:
    """All but our rule; a tag that no safe loader takes leaves only the nodes, which the module compared itself."""
    try:
        found = yaml.safe_load(text)
    except yaml.constructor.ConstructorError:
        return None
    foreign = [rule for rule in found["ingress"] if str(rule.get("hostname")).lower() != HOSTNAME]
    return {**found, "ingress": foreign}


def check_edit(text: str) -> str:
    """One configuration through add, again, drift, away; says what it was."""
    try:
        done = edited(PATH, text, PRESENT)
    except Refused as error:
        assert "\n" not in str(error) and "; " in str(error)
        return "refused"
    after = done.after
    [index] = rules_for(after.rules, HOSTNAME)
    assert match(after.rules, HOSTNAME) == index and after.rules[index] == PRESENT.rule
    assert not any(shadows(rule, HOSTNAME) for rule in after.rules[:index])
    # Every byte that is not ours is where it was.
    if done.changed:
        assert WRITTEN.sub("", after.text, count=1) == without_ours(done)
    else:
        assert after.text == text
    # The view of PyYAML's whole loader, which follows merge keys and knows types.
    assert meaning(after.text) == meaning(text)
    assert not edited(PATH, after.text, PRESENT).changed
    away = edited(PATH, after.text, ABSENT)
    assert away.after.text in (without_ours(done), without_ours(done, comments=True))
    assert edited(PATH, away.after.text, PRESENT).after.rules[index] in (PRESENT.rule, *after.rules)
    drifted = after.text.replace(f"service: {SERVICE}", "service: http://by-hand:1", 1) if done.changed else after.text
    repaired = edited(PATH, drifted, PRESENT).after
    assert repaired.rules[rules_for(repaired.rules, HOSTNAME)[0]] == PRESENT.rule
    return "changed" if done.changed else "right already"


def check_damaged(text: str) -> str:
    """Whatever a file holds: refused in one sentence, or edited with everything else kept."""
    try:
        parse(PATH, text)
    except Refused as error:
        assert re.fullmatch(r"[^\n]+; [^\n]+[^.\n]", str(error))
        return "unreadable"
    return check_edit(text)


def run(texts: list[str], check: Callable[[str], str], record: Record, name: str) -> Counter[str]:
    found = Counter(map(check, texts))
    told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(found.items()))
    record("summary", f"cloudflared_ingress: {len(texts)} {name} configurations ({len(set(texts))} different): {told}")
    return found


def test_every_layout_is_edited_and_restored(record_property: Record) -> None:
    found = run([one.text for one in samples(160)], check_edit, record_property, "generated")
    assert found["changed"] > 80 and found["right already"] > 20 and found["refused"] < 10


def test_no_damage_is_made_worse(record_property: Record) -> None:
    found = run(list(damaged(200)), check_damaged, record_property, "damaged")
    assert found["unreadable"] > 80 and found["changed"] > 20


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10, 18))
def test_more_of_both(seed: int, record_property: Record) -> None:
    run([one.text for one in samples(1000, seed)], check_edit, record_property, "generated")
    run(list(damaged(1000, seed)), check_damaged, record_property, "damaged")
