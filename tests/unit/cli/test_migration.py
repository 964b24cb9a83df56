# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb migration: which file it makes, and which names it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import files
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.packing import packed

from cli.call import Refused
from cli.migration import make


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name in ("001_base.sql", "002_more.sql", "notes.txt"):
        (tmp_path / name).write_text("SELECT 1;\n")
    return tmp_path


def test_it_has_the_next_number_and_nothing_else_is_touched(directory: Path) -> None:
    before = {path.name: path.read_text() for path in directory.iterdir()}
    path = make(directory, "add_invoices")
    assert path.name == "003_add_invoices.sql" and path.read_text().startswith("-- 003: add invoices.")
    assert make(directory, "x").name == "004_x.sql"
    assert {name: (directory / name).read_text() for name in before} == before


@pytest.mark.parametrize("name", ["Add", "add-x", "1st", "", "a b", "ä", "../x", "x.sql", "x" * 61, "x\n"])
def test_a_name_that_cannot_be_one(directory: Path, name: str) -> None:
    with pytest.raises(Refused, match="cannot be the name of a migration"):
        make(directory, name)
    assert len(list(directory.iterdir())) == 3


def test_a_name_that_is_taken(directory: Path) -> None:
    with pytest.raises(Refused, match=r"002_more\.sql has that NAME already; use another one"):
        make(directory, "more")


def test_a_file_that_nobody_has_written_is_not_applied(directory: Path) -> None:
    raw = make(directory, "add_x").read_bytes()
    with pytest.raises(MigrationError, match=r"003_add_x\.sql holds no statement"):
        files.migrations([{"name": "003_add_x.sql", "content": packed(raw)}], pytest.fail)
