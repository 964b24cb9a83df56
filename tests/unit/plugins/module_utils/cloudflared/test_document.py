# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/INGRESS.md: what it shows is what the module does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.edit import Wish, edited
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import Refused, wanted_rule

from tests.unit.plugins.module_utils.cloudflared.test_splice import REFUSALS

PAGE = (Path(__file__).resolve().parents[5] / "docs" / "INGRESS.md").read_text(encoding="utf-8")


def block(mark: str) -> str:
    [found] = re.findall(rf"<!-- {mark} -->\n```yaml\n(.*?)```\n", PAGE, re.DOTALL)
    return str(found)


def wish(present: bool) -> Wish:
    [task] = yaml.safe_load(block("task: route"))
    given: dict[str, Any] = task["bestviable.portfolio.cloudflared_ingress"]
    rule = wanted_rule(given["hostname"], given["service"])
    return Wish(given["hostname"], rule if present else None, given["service"])


def test_the_file_before_and_after() -> None:
    before, after = block("config: before"), block("config: after")
    assert edited("config.yml", before, wish(True)).after.text == after
    assert edited("config.yml", after, wish(False)).after.text == before


def test_a_rule_of_somebody_else_needs_takeover() -> None:
    text = block("config: after").replace("http://traefik:80", "http://other").replace("  # managed by", "  # by")
    with pytest.raises(Refused, match="set takeover to true"):
        edited("config.yml", text, wish(True))


def test_the_causes_are_those_that_are_refused() -> None:
    """A case of the splice's refusals that no row of the page covers is missing there."""
    rows = re.findall(r"^\| (.*?) \|", PAGE.split("## What stands in the way")[1], re.M)
    words = " ".join(rows)
    for case, word in {
        "tab": "tab",
        "key twice": "key twice",
        "two documents": "several documents",
        "flow style": "one line",
        "alias": "alias",
        "no rule that catches all": "catches all",
        "name twice": "two rules",
        "name split by path": "with a path",
        "name of somebody else": "not ours",
    }.items():
        assert case in REFUSALS and word in words
