# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Migrations that cannot be part of a transaction: how they are marked, and what may stand in them. Pure.

They hold one statement that can be repeated, because a crash between it and its row in the ledger cannot be ruled out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.splitter import Statement, place

# In one of the comment lines that a file begins with.
_MARK = re.compile(r"(?:[ \t]*(?:--[^\n]*)?\n)*?-- migrate:[ \t]*(?P<how>[^\n]*?)[ \t]*\n")
_NO_TRANSACTION = "no-transaction"
_IF_NOT_EXISTS = ["if", "not", "exists"]


@dataclass(frozen=True)
class Subject:
    """The object that the statement is about; `makes`: an attempt that is interrupted leaves it half made."""

    kind: str
    schema: str
    name: str
    makes: bool = False


def marked(file: str, text: str) -> bool:
    """Whether the file says that it cannot be part of a transaction."""
    mark = _MARK.match(text)
    if mark is None:
        return False
    if mark["how"] != _NO_TRANSACTION:
        raise MigrationError(
            f'{place(file, text, mark.start("how"))}: "-- migrate: {mark["how"]}" means nothing; nothing was changed; '
            f"write -- migrate: {_NO_TRANSACTION}, or remove the line"
        )
    return True


def subject_of(file: str, text: str, statements: Sequence[Statement]) -> Subject:
    """What the one statement of such a file is about, or the refusal of what cannot be repeated."""
    if len(statements) > 1:
        raise MigrationError(
            f"{place(file, text, statements[1].offset)}: a file without a transaction holds one statement, and this is "
            "its second; nothing was changed; move it to a file of its own"
        )
    words = [_unquoted(word) for word in statements[0].words]
    found = _index_made(words) or _index_dropped(words) or _value_added(words)
    if found is None:
        raise MigrationError(
            f"{place(file, text, statements[0].offset)}: a file without a transaction holds CREATE INDEX CONCURRENTLY "
            "with a name, DROP INDEX CONCURRENTLY IF EXISTS, or ALTER TYPE with ADD VALUE IF NOT EXISTS, each with the "
            "schema, because they can be repeated; nothing was changed; write one of them, or remove the mark"
        )
    return found


def _unquoted(word: str) -> str:
    return word[1:-1].replace('""', '"') if word.startswith('"') else word


def _after(words: list[str], *wanted: list[str]) -> list[str] | None:
    """What stands behind these words; each may be left out if it is given in brackets of its own."""
    rest = words
    for part in wanted:
        optional = part[:1] == ["?"]
        expected = part[1:] if optional else part
        if rest[: len(expected)] == expected:
            rest = rest[len(expected) :]
        elif not optional:
            return None
    return rest


def _index_made(words: list[str]) -> Subject | None:
    rest = _after(words, ["create"], ["?", "unique"], ["index", "concurrently"], ["?", *_IF_NOT_EXISTS])
    if rest is None or len(rest) < 3 or rest[0] == "on":
        return None
    table = _after(rest[1:], ["on"], ["?", "only"])
    return Subject("index", table[0], rest[0], makes=True) if table and len(table) > 1 else None


def _index_dropped(words: list[str]) -> Subject | None:
    rest = _after(words, ["drop", "index", "concurrently", "if", "exists"])
    return Subject("index", rest[0], rest[1]) if rest is not None and len(rest) == 2 else None


def _value_added(words: list[str]) -> Subject | None:
    rest = _after(words, ["alter", "type"])
    added = rest is not None and len(rest) > 2 and _after(rest[2:], ["add", "value", *_IF_NOT_EXISTS]) is not None
    return Subject("type", rest[0], rest[1]) if rest is not None and added else None
