# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our verdicts beside those of Go's own parsers, as recorded/main.go told them (Go 1.26, yaml.v3 3.0.1).

What Go takes must not be refused here, or a file that works would be. What Go refuses and we let pass is left to the
program, and must stay rare.
"""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared import checks, document
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import Refused

RECORDED: dict[str, dict[str, bool]] = json.loads((Path(__file__).parent / "recorded/go.json").read_text("utf-8"))


def readable(text: str) -> bool:
    try:
        document.parse("config.yml", text)
    except Refused as error:
        # These say more than a parser: no rules, another style.
        return not any(
            word in str(error)
            for word in ("not valid YAML", "twice", "contains itself", "not a mapping of", "order mark")
        )
    return True


def compared(kind: str, ours: dict[str, bool]) -> tuple[set[str], set[str]]:
    """What is refused here and not by Go, and the other way round."""
    go = RECORDED[kind]
    assert len(go) > 40 and len(set(go.values())) == 2
    return {text for text in go if go[text] and not ours[text]}, {text for text in go if ours[text] and not go[text]}


def test_services() -> None:
    ours = {text: checks.service_problem(1, {"service": text}) is None for text in RECORDED["service"]}
    stricter, laxer = compared("service", ours)
    assert stricter == set()
    assert {text for text in laxer if not text.startswith("unix:")} == set()


def test_paths() -> None:
    stricter, laxer = compared("path", {text: checks.regex_is_valid(text) for text in RECORDED["path"]})
    assert stricter == set()
    # Escapes and classes that Go and Python read in their own ways.
    assert [text for text in laxer if checks.ONLY_GO_KNOWS.search(text) is None] == []


def test_ports() -> None:
    ours = {text: checks.hostname_problem(1, {"hostname": text, "path": "/"}, False) for text in RECORDED["port"]}
    assert compared("port", {text: "contains a port" in (ours[text] or "") for text in ours}) == (set(), set())


def test_yaml() -> None:
    stricter, laxer = compared("yaml", {text: readable(text) for text in RECORDED["yaml"]})
    # PyYAML takes no tab between a key and its value; a byte order mark in the middle is refused on purpose.
    assert [text for text in stricter if "\t" not in text and "\ufeff" not in text[1:]] == []
    assert laxer == set()
