# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts a SQL script into statements the way PostgreSQL's own lexer does, without understanding the statements.

A test compares every result with PostgreSQL's parser; what matters here is only where a statement begins and ends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError

# A byte above 0x7f is part of a name for PostgreSQL, even where Unicode calls it a space.
_START = "A-Za-z_\u0080-\U0010ffff"
_TOKEN = re.compile(
    rf"""(?P<space>[ \t\n\r\f\v]+)
    | (?P<line>--[^\n]*)
    | (?P<block>/\*)
    | (?P<word>[{_START}][{_START}0-9$]*)
    | (?P<number>[0-9]+)
    | (?P<dollar>\$(?:[{_START}][{_START}0-9]*)?\$)
    | (?P<quote>['"])
    | (?P<mark>[;()\\])
    | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_ESCAPE_EDGE = re.compile(r"['\\]")
# Two literals with a line break between them are one literal, and the second one inherits the E of the first.
_CONTINUED = re.compile(r"(?:[ \t\f\v]|--[^\n]*)*\n(?:[ \t\n\r\f\v]|--[^\n]*\n)*'")


@dataclass(frozen=True)
class Statement:
    """One statement without its semicolon; offset counts characters from the beginning of the script."""

    # Cut out when it is asked for: the pieces of a large script would be the script once more in memory.
    script: str = field(repr=False)
    offset: int
    end: int
    # Lower-case words outside quotes and parentheses: enough to tell what kind of statement this is.
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        return self.script[self.offset : self.end]


def line_column(text: str, offset: int) -> tuple[int, int]:
    """Both count from 1, the column in characters."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def place(file: str, text: str, offset: int) -> str:
    line, column = line_column(text, offset)
    return f"{file}:{line}:{column}"


class _Splitter:
    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.statements: list[Statement] = []
        self._reset()

    def _reset(self) -> None:
        self.start = -1
        self.end = -1
        self.depth = 0
        self.atomic = 0
        self.words: list[str] = []

    def _fail(self, what: str, offset: int) -> MigrationError:
        line, column = line_column(self.text, offset)
        return MigrationError(
            f"{self.file}:{line}:{column}: {what}; nothing was changed; correct the file and run again",
            error={"file": self.file, "line": line, "column": column},
        )

    def _after_comment(self, start: int) -> int:
        depth, position = 1, start + 2
        while depth:
            edge = _COMMENT_EDGE.search(self.text, position)
            if edge is None:
                raise self._fail("the comment that begins here is never closed", start)
            depth += 1 if edge.group() == "/*" else -1
            position = edge.end()
        return position

    def _after_plain(self, start: int, quote: str) -> int:
        position = start + 1
        while True:
            position = self.text.find(quote, position)
            if position < 0:
                raise self._fail(f"the quote ({quote}) that opens here is never closed", start)
            if self.text[position + 1 : position + 2] != quote:
                return position + 1
            position += 2

    def _after_escaped(self, start: int) -> int:
        position = start + 1
        while True:
            edge = _ESCAPE_EDGE.search(self.text, position)
            if edge is None:
                raise self._fail("the quote (') that opens here is never closed", start)
            position = edge.end()
            if edge.group() == "\\" or self.text[position : position + 1] == "'":
                position += 1
            else:
                more = _CONTINUED.match(self.text, position)
                if more is None:
                    return position
                position = more.end()

    def _after_dollar(self, start: int, tag: str) -> int:
        end = self.text.find(tag, start + len(tag))
        if end < 0:
            raise self._fail(f"the dollar quote {tag} that opens here is never closed", start)
        return end + len(tag)

    def _close(self) -> None:
        if self.start >= 0:
            self.statements.append(Statement(self.text, self.start, self.end, tuple(self.words)))
        self._reset()

    def _word(self, word: str) -> None:
        if self.depth:
            return
        # Only CREATE FUNCTION and PROCEDURE may hold BEGIN ATOMIC ... END, with semicolons of its own.
        if word == "atomic" and self.words[-1:] == ["begin"] and self.words[:1] == ["create"]:
            self.atomic = 1
        elif self.atomic and word == "case":
            self.atomic += 1
        elif self.atomic and word == "end":
            self.atomic -= 1
        self.words.append(word)

    def _mark(self, mark: str, offset: int) -> bool:
        """Say whether the mark ends the statement."""
        if mark == "\\":
            raise self._fail("a psql command (backslash) is not SQL and cannot run here", offset)
        if mark == "(":
            self.depth += 1
        elif mark == ")":
            self.depth = max(0, self.depth - 1)
        return mark == ";" and not self.depth and not self.atomic

    def _after(self, kind: str | None, value: str, begin: int, end: int) -> int:
        """Where the token really ends: a quote is found by its opening and read to its close."""
        if kind == "quote":
            end = self._after_plain(begin, value)
            if value == '"' and not self.depth:
                self.words.append(self.text[begin:end])
        elif kind == "dollar":
            end = self._after_dollar(begin, value)
        elif kind == "word":
            if value in ("e", "E") and self.text[end : end + 1] == "'":
                return self._after_escaped(end)
            self._word(value.lower())
        return end

    def run(self) -> list[Statement]:
        position = 0
        # Every character belongs to a token, so there is none only at the end.
        while (token := _TOKEN.match(self.text, position)) is not None:
            kind, value, begin, position = token.lastgroup, token.group(), position, token.end()
            if kind in ("space", "line"):
                continue
            if kind == "block":
                position = self._after_comment(begin)
            elif kind == "mark" and self._mark(value, begin):
                self._close()
            else:
                position = self._after(kind, value, begin, position)
                self.start = begin if self.start < 0 else self.start
                self.end = position
        self._close()
        return self.statements


def split(file: str, text: str) -> list[Statement]:
    """The statements of a script in order; raises MigrationError with file:line:column for what cannot be cut."""
    return _Splitter(file, text).run()
