# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the rules of a config.yml stand in its text: lines, dashes, comments. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import Refused

try:
    import yaml

    YAML_ERROR = None
except ImportError as missing:
    YAML_ERROR = str(missing)

COMMENT = re.compile(r"([ \t]*)#.*")


@dataclass(frozen=True)
class Region:
    """A rule's place in the text: its lines, its dash, and where something goes that shall stand above it."""

    start: int
    end: int
    above: int
    indentation: str
    gap: str


def regions_of(path: str, text: str, key: yaml.ScalarNode, value: yaml.SequenceNode) -> Iterator[Region]:
    """Where each rule stands. Dashes are only known to the scanner, so its tokens are used."""
    tokens = [
        token for token in yaml.scan(text, Loader=yaml.SafeLoader) if token.end_mark.index > token.start_mark.index
    ]
    limit = value.end_mark.index if value.value else 0
    entries = [
        token
        for token in tokens
        if isinstance(token, yaml.BlockEntryToken) and key.end_mark.index <= token.start_mark.index < limit
    ]
    dashes = [token.start_mark for token in entries if token.start_mark.column == entries[0].start_mark.column]
    if len(dashes) != len(value.value):
        raise Refused(f"{path} has an 'ingress' whose dashes are not found; write each rule below a dash of its own")
    limits = [*(mark.index for mark in dashes[1:]), limit]
    for dash, end in zip(dashes, limits, strict=True):
        start = _line_start(text, dash.index)
        before = [token.end_mark.index for token in tokens if token.start_mark.index < dash.index]
        inside = [token.end_mark.index for token in tokens if dash.index <= token.start_mark.index < end]
        indentation = text[start : dash.index]
        if indentation.strip(" "):
            raise Refused(
                f"{path} has a rule that begins in the middle of line {dash.line + 1}; "
                "write its dash at the beginning of a line"
            )
        yield Region(
            start,
            _line_end(text, max(inside)),
            _above_comments(text, _line_end(text, max(before)), start, len(indentation)),
            indentation,
            _gap(text, dash.index),
        )


def _gap(text: str, dash: int) -> str:
    found = re.compile(r" +(?=[^\s#])").match(text, dash + 1)
    return found[0] if found else " "


def _line_start(text: str, index: int) -> int:
    while index > 0 and text[index - 1] not in "\n\r\x85\u2028\u2029":
        index -= 1
    return index


def _line_end(text: str, index: int) -> int:
    """The beginning of the next line; an index that is the beginning of one stays."""
    if index and text[index - 1] in "\n\r\x85\u2028\u2029":
        return index
    found = re.compile("\r\n|[\n\r\x85\u2028\u2029]").search(text, index)
    return found.end() if found else len(text)


def _above_comments(text: str, floor: int, start: int, column: int) -> int:
    """Above the comment lines directly over a dash. One that is indented deeper belongs to the rule before."""
    while start > floor:
        previous = _line_start(text, start - (2 if text[start - 2 : start] == "\r\n" else 1))
        comment = COMMENT.match(text, previous)
        if comment is None or len(comment[1]) > column:
            return start
        start = previous
    return start
