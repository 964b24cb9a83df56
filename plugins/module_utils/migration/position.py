# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where in a script an error arose: by the server's position, or by the line that PL/pgSQL names. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import DatabaseError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.splitter import Statement

_FRAME = re.compile(r"^PL/pgSQL function (?P<name>.+?) line (?P<line>[0-9]+)\b", re.MULTILINE)
_INLINE = "inline_code_block"
# From DO to the first character of its body.
_BODY = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/|\w+)*?(?:\$\w*\$|[eE]?')", re.DOTALL)


@dataclass(frozen=True)
class Place:
    """`offset` counts characters from the beginning of the script; `function`: where below that, if in a function."""

    offset: int
    function: str = ""


def place_of(statement: Statement, error: DatabaseError) -> Place:
    """As exactly as the server tells: it gives a position for what it parses, and PL/pgSQL a line for what it runs."""
    if error.position:
        return Place(statement.offset + error.position - 1)
    # The innermost comes first, a DO block is always the last.
    frames = list(_FRAME.finditer(error.fields["context"] or ""))
    function = f"function {frames[0]['name']} line {frames[0]['line']}" if frames else ""
    if not frames or frames[-1]["name"] != _INLINE:
        return Place(statement.offset, function)
    within = _in_body(statement.text, int(frames[-1]["line"]), error if len(frames) == 1 else None)
    return Place(statement.offset + within, function if len(frames) > 1 else "")


def _in_body(text: str, line: int, error: DatabaseError | None) -> int:
    """Of a DO block: what stands first in that line of its body, or the very place in a statement in it."""
    body = _BODY.match(text)
    begin = body.end() if body else 0
    for _line in range(line - 1):
        begin = text.find("\n", begin) + 1
        if not begin:
            return 0
    if error is not None and error.internal_position and error.internal_query:
        before = error.internal_query[: error.internal_position]
        found = text.find(before, begin)
        if found >= 0:
            return found + len(before) - 1
    return begin + len(text[begin:]) - len(text[begin:].lstrip())
