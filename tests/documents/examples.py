# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of a document: fenced blocks, each under a mark that names it, and what it printed under another."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^(?P<above>[^\n]*)\n```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S)
MARK = re.compile(r"<!-- (?P<kind>example|prints): (?P<name>[a-z-]+) -->")


@dataclass(frozen=True)
class Example:
    name: str
    language: str
    text: str
    prints: str | None = None


def examples(document: Path) -> dict[str, Example]:
    """By name, in the document's order; a block without a mark, or with that of another, is an error."""
    found: dict[str, Example] = {}
    for block in BLOCK.finditer(document.read_text(encoding="utf-8")):
        mark = MARK.fullmatch(block["above"])
        if mark is None:
            raise ValueError(f"{document.name}: no mark above the block that begins {block['text'][:40]!r}")
        name = mark["name"]
        if mark["kind"] == "prints":
            before = found.popitem()[1]
            if before.name != name:
                raise ValueError(f"{document.name}: what {name} prints does not stand below {name}")
            found[name] = Example(name, before.language, before.text, block["text"])
        elif name in found:
            raise ValueError(f"{document.name}: two examples are called {name}")
        else:
            found[name] = Example(name, block["language"], block["text"])
    return found


def same(printed: str, wanted: str) -> bool:
    """Equal to the letter; JSON may be spaced as the API's version likes."""
    try:
        return bool(json.loads(printed) == json.loads(wanted))
    except ValueError:
        return printed.strip() == wanted.strip()
