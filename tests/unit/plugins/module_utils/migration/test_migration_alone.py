# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files without a transaction: what marks them, what stands in them, and what has to be committed before them."""

from __future__ import annotations

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import alone, files, stages
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.alone import Subject
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.alone_run import about
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.packing import packed
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.splitter import split

MARK = "-- migrate: no-transaction\n"


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        (MARK, True),
        (f"\n-- Why.\n\n  -- More.\n{MARK}SELECT 1;", True),
        ("-- migrate:   no-transaction  \nSELECT 1;", True),
        (f"SELECT 1;\n{MARK}", False),
        (f"/* Not a line. */ {MARK}", False),
        ("-- It says migrate: no-transaction\n", False),
        ("", False),
    ],
)
def test_the_mark(text: str, marked: bool) -> None:
    assert alone.marked("x.sql", text) is marked


def test_a_mark_that_means_nothing() -> None:
    with pytest.raises(MigrationError, match=r'x\.sql:2:13: "-- migrate: later" means nothing'):
        alone.marked("x.sql", "-- Why.\n-- migrate: later\n")


@pytest.mark.parametrize(
    ("sql", "subject"),
    [
        ("CREATE INDEX CONCURRENTLY i ON s.t (a)", Subject("index", "s", "i", makes=True)),
        ('create unique index concurrently if not exists "I i" on only S.T', Subject("index", "s", "I i", makes=True)),
        ('CREATE INDEX CONCURRENTLY "a""b" ON "S".t (lower(a))', Subject("index", "S", 'a"b', makes=True)),
        ("DROP INDEX CONCURRENTLY IF EXISTS s.i", Subject("index", "s", "i")),
        ("ALTER TYPE s.mood ADD VALUE IF NOT EXISTS 'x' BEFORE 'y'", Subject("type", "s", "mood")),
    ],
)
def test_what_a_statement_is_about(sql: str, subject: Subject) -> None:
    assert alone.subject_of("x.sql", sql, split("x.sql", sql)) == subject


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX i ON s.t (a)",
        "CREATE INDEX CONCURRENTLY ON s.t (a)",
        "CREATE INDEX CONCURRENTLY i ON t",
        "DROP INDEX CONCURRENTLY IF EXISTS i",
        "DROP INDEX CONCURRENTLY s.i",
        "DROP INDEX CONCURRENTLY IF EXISTS s.i, s.j",
        "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'x'",
        "ALTER TYPE s.mood ADD VALUE 'x'",
        "ALTER TYPE s.mood RENAME VALUE 'x' TO 'y'",
        "VACUUM s.t",
    ],
)
def test_what_cannot_be_repeated(sql: str) -> None:
    with pytest.raises(MigrationError, match=r"x\.sql:1:1: a file without a transaction holds"):
        alone.subject_of("x.sql", sql, split("x.sql", sql))


@pytest.mark.parametrize(
    ("key", "found"),
    [("index s.t i", True), ("index s.t j", False), ("index x.t i", False), ("constraint s.t i", False)],
)
def test_its_object(key: str, found: bool) -> None:
    assert about(Subject("index", "s", "i"), key) is found
    assert about(Subject("type", "s", "i"), "type s.i") and not about(Subject("type", "s", "i"), "type s.j")


ORDINARY, ALONE = "SELECT 1;", f"{MARK}CREATE INDEX CONCURRENTLY i ON s.t (a);"


@pytest.mark.parametrize(
    ("texts", "per_file", "early"),
    [
        ([ORDINARY, ORDINARY], False, []),
        ([ORDINARY, ALONE], False, [["001"], ["002"]]),
        ([ORDINARY, ORDINARY, ALONE, ALONE, ORDINARY], False, [["001", "002"], ["003"], ["004"]]),
        ([ORDINARY, ORDINARY, ORDINARY], True, [["001"], ["002"]]),
        ([ORDINARY, ALONE, ORDINARY, ORDINARY], True, [["001"], ["002"], ["003"]]),
        ([ORDINARY], True, []),
    ],
)
def test_what_is_committed_before_the_rest(texts: list[str], per_file: bool, early: list[list[str]]) -> None:
    entries = [
        {"name": f"{number:03}_x.sql", "content": packed(text.encode())} for number, text in enumerate(texts, start=1)
    ]
    pending = files.migrations(entries, lambda warning: None)
    found = [[migration.version for migration in part] for part in stages.early(pending, per_file)]
    assert found == early
