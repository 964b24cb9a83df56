# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failure group 6: what becomes of the file of a migration that was applied: edited, renamed, deleted, doubled."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.integration.migration_faults.faults import everything, refused
from tests.integration.postgresql_migration.conftest import ONE, TWO, as_superuser
from tests.integration.postgresql_migration.driver import Project, empty

ACCEPT = re.compile(r'accept: \{"001": "([0-9a-f]{64})"\}')


def edit(old: str, new: str) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        path = directory / "001_base.sql"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8", newline="")

    return change


def rename(*pairs: tuple[str, str]) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        for old, new in pairs:
            (directory / old).rename(directory / new)

    return change


def delete(*names: str) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        for name in names:
            (directory / name).unlink()

    return change


def copy(old: str, new: str) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        (directory / new).write_bytes((directory / old).read_bytes())

    return change


EDITED = "001_base.sql was edited after it was applied; nothing was changed; restore the file, put the change into"
CHANGES = {
    "one space": (edit("name text NOT NULL", "name  text NOT NULL"), EDITED),
    "a space at a line's end": (edit("CREATE SCHEMA app;", "CREATE SCHEMA app; "), EDITED),
    "a newline moved into a comment": (edit("-- The first file.\nCREATE", "-- The first file. CREATE"), EDITED),
    "a letter of a comment": (edit("first", "First"), EDITED),
    "another statement": (edit("COMMENT ON", "SELECT 1;\nCOMMENT ON"), EDITED),
    "deleted, the last": (delete("002_more.sql"), "002_more.sql was applied and is missing now; nothing was changed; "),
    "deleted, the first": (delete("001_base.sql"), "migration 001 is missing: the next file is 002_more.sql; "),
    "deleted, all": (delete("001_base.sql", "002_more.sql"), "the migrations directory holds no *.sql file; "),
    "renamed": (
        rename(("002_more.sql", "002_less.sql")),
        "002_more.sql was applied, and its text is now in 002_less.sql; nothing was changed; rename the file back",
    ),
    "renumbered": (
        rename(("002_more.sql", "003_more.sql")),
        "migration 002 is missing: the next file is 003_more.sql; nothing was changed; ",
    ),
    "exchanged": (
        rename(("001_base.sql", "x"), ("002_more.sql", "001_more.sql"), ("x", "002_base.sql")),
        "001_base.sql was applied, and its text is now in 002_base.sql; nothing was changed; rename the file back",
    ),
    "replaced": (
        rename(("002_more.sql", "x"), ("001_base.sql", "002_else.sql"), ("x", "001_base.sql")),
        "002_more.sql was applied, and its text is now in 001_base.sql; nothing was changed; rename the file back",
    ),
    "the same number twice": (
        copy("002_more.sql", "002_else.sql"),
        "002_else.sql and 002_more.sql have the same number; nothing was changed; renumber one of them",
    ),
    "another ending": (
        copy("002_more.sql", "003_MORE.SQL"),
        "the name of migration 003_MORE.SQL does not have the form 001_lower_case_name.sql; nothing was changed; ",
    ),
    "another form of number": (
        copy("002_more.sql", "3_more.sql"),
        "the name of migration 3_more.sql does not have the form 001_lower_case_name.sql; nothing was changed; ",
    ),
}


@pytest.fixture(scope="module")
def applied(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One for all refusals: none of them changes anything."""
    as_superuser(cluster, "CREATE DATABASE app_files OWNER app_owner TEMPLATE template0")
    project = Project(cluster, tmp_path_factory.mktemp("files") / "project", database="app_files")
    project.migration("001_base.sql", ONE)
    project.migration("002_more.sql", TWO)
    assert project.run().changed
    return project


@pytest.mark.parametrize("name", CHANGES)
def test_refused_until_it_is_undone(applied: Project, name: str) -> None:
    directory = applied.directory / "migrations"
    change, message = CHANGES[name]
    change(directory)
    try:
        assert refused(applied).message.startswith(message)
    finally:
        for path in directory.iterdir():
            path.unlink()
        applied.migration("001_base.sql", ONE)
        applied.migration("002_more.sql", TWO)
    again = applied.run()
    assert again.rc == 0 and not again.changed


@pytest.mark.parametrize(
    ("old", "new"), [("\n", "\r\n"), ("\n", "\r"), ("-- The", "\ufeff-- The"), ("thing';\n", "thing';\n\n\n")]
)
def test_line_ends_and_a_byte_order_mark_are_no_edit(project: Project, old: str, new: str) -> None:
    assert project.run().changed
    before = everything(project)
    project.migration("001_base.sql", ONE.replace(old, new))
    assert not project.run(check=True).changed and not project.run().changed and everything(project) == before


def test_an_edited_file_is_shown_and_may_be_accepted(project: Project) -> None:
    assert project.run().changed
    project.migration("001_base.sql", ONE.replace("first", "very first"))
    failed = refused(project)
    assert "-- The first file.\n+-- The very first file.\n" in failed.data["diff"]["prepared"]
    found = ACCEPT.search(failed.message)
    assert found
    refused(project, accept={"001": "0" * 64})
    failures = project.query("SELECT count(*) FROM migration.event WHERE kind = 'failure'")
    assert failures == [(2,)], "written by real runs only"
    accepted = project.run(accept={"001": found[1]})
    assert accepted.changed and accepted.data["applied"] == []
    assert project.query("SELECT kind, checksum FROM migration.applied WHERE version = '001'") == [("accept", found[1])]
    assert not project.run().changed


def test_accept_of_what_is_not_there(untouched: Project) -> None:
    failed = refused(untouched, accept={"009": "0" * 64})
    assert failed.message.startswith("accept names version 009, and there is no such migration; ") and empty(untouched)
