# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements that must not stand in a script, because a run is one transaction that the module opens and closes."""

from __future__ import annotations

import re

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.splitter import Statement, line_column

_TRANSACTION = {"begin", "commit", "end", "rollback", "abort", "savepoint", "release", "start"}
_OUTSIDE = {
    ("alter", "system"),
    ("create", "database"),
    ("drop", "database"),
    ("create", "tablespace"),
    ("drop", "tablespace"),
    ("create", "subscription"),
    ("drop", "subscription"),
}
_REINDEX = re.compile(r"\b(?:concurrently|database|system|schema)\b", re.IGNORECASE)


def refusal(statement: Statement) -> str | None:
    """Why this statement cannot be part of a migration, or None."""
    words = statement.words or ("",)
    first, second = words[0], words[1] if len(words) > 1 else ""
    if first in _TRANSACTION or (first, second) == ("prepare", "transaction"):
        return f"{first.upper()} is not allowed: the module runs all files in one transaction of its own"
    if first == "set" and second not in ("local", "constraints"):
        return "SET without LOCAL would outlive the file: write SET LOCAL, or name the schema of every object"
    if first in ("reset", "discard"):
        return f"{first.upper()} would change the module's own session"
    if first == "copy" and ("stdin" in words or "stdout" in words):
        return "COPY FROM STDIN and TO STDOUT need a client: write INSERT"
    return _outside_transaction(statement, words, first, second)


def _outside_transaction(statement: Statement, words: tuple[str, ...], first: str, second: str) -> str | None:
    name = ""
    if (first, second) in _OUTSIDE:
        name = f"{first} {second}"
    elif first == "vacuum" or words == ("cluster",) or words == ("cluster", "verbose"):
        name = first
    elif first == "reindex" and _REINDEX.search(statement.text):
        name = "reindex of this kind"
    elif "concurrently" in words and (first, "index" in words[:3]) in (("create", True), ("drop", True)):
        name = "concurrently"
    elif first == "alter" and "detach" in words and "concurrently" in words:
        name = "detach concurrently"
    unless = " without -- migrate: no-transaction" if name == "concurrently" else ""
    return f"{name.upper()} cannot run inside a transaction, and a migration{unless} is one" if name else None


def refuse_any(file: str, text: str, statements: list[Statement]) -> None:
    """Raise for the first statement of the script that cannot run."""
    for statement in statements:
        reason = refusal(statement)
        if reason:
            line, column = line_column(text, statement.offset)
            raise MigrationError(
                f"{file}:{line}:{column}: {reason}; nothing was changed; correct the file and run again",
                error={"file": file, "line": line, "column": column, "statement": statement.text[:500]},
            )
