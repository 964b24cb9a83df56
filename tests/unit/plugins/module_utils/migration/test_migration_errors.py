# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of an error of the server: its place in the file, the remedy, the privilege that was wanted."""

from __future__ import annotations

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.position import Place, place_of
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.privileges import candidates
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.remedies import remedy_sentence
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import DatabaseError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.splitter import Statement


class Diagnostics:
    """As psycopg2 gives them: an attribute is missing or a text."""

    def __init__(self, **fields: str) -> None:
        self.__dict__.update(fields)


class ServerError(Exception):
    def __init__(self, message: str, code: str = "P0001", **fields: str) -> None:
        super().__init__(message)
        self.pgcode = code
        self.diag = Diagnostics(message_primary=message, **fields)


def error(message: str = "no", code: str = "P0001", **fields: str) -> DatabaseError:
    return DatabaseError(ServerError(message, code, **fields), lost=False)


BLOCK = "DO $$\nBEGIN\n  PERFORM 1\n    + nope;\nEND $$"
INLINE = "PL/pgSQL function inline_code_block line {} at PERFORM"


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"statement_position": "3"}, Place(12)),
        ({}, Place(10)),
        ({"context": INLINE.format(3)}, Place(10 + BLOCK.index("PERFORM"))),
        ({"context": INLINE.format(99)}, Place(10)),
        (
            {"context": INLINE.format(3), "internal_query": "1\n    + nope", "internal_position": "9"},
            Place(10 + BLOCK.index("nope")),
        ),
        (
            {"context": INLINE.format(3), "internal_query": "not there", "internal_position": "9"},
            Place(10 + BLOCK.index("PERFORM")),
        ),
        (
            {"context": f'SQL statement "SELECT 1"\nPL/pgSQL function s.f(a) line 7 at RAISE\n{INLINE.format(3)}'},
            Place(10 + BLOCK.index("PERFORM"), "function s.f(a) line 7"),
        ),
        ({"context": "PL/pgSQL function s.f(a) line 7 at RAISE"}, Place(10, "function s.f(a) line 7")),
        ({"context": "PL/pgSQL-Funktion inline_code_block Zeile 3 bei RAISE"}, Place(10)),
    ],
)
def test_the_place(fields: dict[str, str], place: Place) -> None:
    assert place_of(Statement(" " * 10 + BLOCK, 10, 10 + len(BLOCK), ("do",)), error(**fields)) == place


@pytest.mark.parametrize(
    ("code", "message", "hint", "remedy"),
    [
        (
            "57014",
            "canceling statement due to statement timeout",
            "",
            "raise statement_timeout or shorten the statement",
        ),
        ("57014", "canceling statement due to user request", "", "run again: somebody cancelled"),
        ("53200", "out of memory", "", "give the server more memory"),
        (
            "53200",
            "out of shared memory",
            "You might need to increase max_locks_per_transaction.",
            "raise max_locks_per",
        ),
        ("42601", "syntax error", "", "correct the file"),
    ],
)
def test_the_remedy(code: str, message: str, hint: str, remedy: str) -> None:
    found = remedy_sentence(error(message, code, message_hint=hint), "correct the file")
    assert found.startswith(remedy)


@pytest.mark.parametrize(
    ("kind", "words", "wanted"),
    [
        ("database", ("create", "schema"), "CREATE"),
        ("schema", ("create", "table"), "USAGE"),
        ("table", ("insert", "into"), "INSERT"),
        ("table", ("create", "trigger"), "TRIGGER"),
        ("table", ("create", "table"), "REFERENCES"),
        ("table", ("create", "table", "as"), "SELECT"),
        ("table", (), "SELECT"),
        ("sequence", ("select",), "USAGE"),
    ],
)
def test_the_privilege_that_was_wanted(kind: str, words: tuple[str, ...], wanted: str) -> None:
    assert candidates(kind, words)[0] == wanted
