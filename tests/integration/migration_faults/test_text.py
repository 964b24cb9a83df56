# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failure group 7: files that are no text, that cannot be cut into statements, or that are only hard to cut."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.bestviable.portfolio.plugins.action import postgresql_migration as action

from tests.integration.migration_faults.faults import refused
from tests.integration.postgresql_migration.driver import Project, empty

CORRECT = "; nothing was changed; correct the file and run again"
UNREADABLE = {
    "Latin-1": (
        "-- one\n-- café\nSELECT 1;".encode("latin-1"),
        "002_more.sql:2: not UTF-8 (byte 0xe9 at offset 13); nothing was changed; save the file as UTF-8 and run again",
    ),
    "UTF-16 with a mark": (
        "SELECT 1;".encode("utf-16"),
        "002_more.sql:1: not UTF-8 (byte 0xff at offset 0); nothing was changed; save the file as UTF-8 and run again",
    ),
    "UTF-16 without a mark": (
        "SELECT 1;".encode("utf-16-le"),
        "002_more.sql:1: a NUL character cannot be part of SQL; nothing was changed; remove it and run again",
    ),
    "half a surrogate pair": (
        b"SELECT 1;\n-- \xed\xa0\x80",
        "002_more.sql:2: not UTF-8 (byte 0xed at offset 13); nothing was changed; save the file as UTF-8 and run again",
    ),
    "NUL": (
        b"SELECT 1;\nSELECT '\0';",
        "002_more.sql:2: a NUL character cannot be part of SQL; nothing was changed; remove it and run again",
    ),
    "quote": (b"SELECT 1;\nSELECT 'open", f"002_more.sql:2:8: the quote (') that opens here is never closed{CORRECT}"),
    "escaping quote": (b"SELECT E'it\\'", f"002_more.sql:1:9: the quote (') that opens here is never closed{CORRECT}"),
    "name": (b'SELECT 1 AS "open', f'002_more.sql:1:13: the quote (") that opens here is never closed{CORRECT}'),
    "dollar quote": (
        b"DO $do$ BEGIN\nEND $$;",
        f"002_more.sql:1:4: the dollar quote $do$ that opens here is never closed{CORRECT}",
    ),
    "comment": (
        b"SELECT 1; /* /* */",
        f"002_more.sql:1:11: the comment that begins here is never closed{CORRECT}",
    ),
    "empty": (b"", "002_more.sql holds no statement; nothing was changed; write one or remove the file"),
    "only comments": (
        b"-- nothing\n/* here */ ;\n",
        "002_more.sql holds no statement; nothing was changed; write one or remove the file",
    ),
    "only a byte order mark": (
        b"\xef\xbb\xbf",
        "002_more.sql holds no statement; nothing was changed; write one or remove the file",
    ),
}
HARD = """
INSERT INTO app.thing (name) VALUES ('a; b'), (E'c\\'; d'), ($$e; f$$), ($q$g; $$ h$q$), ('i''; --') /* ; ' */;
CREATE FUNCTION app.things() RETURNS bigint LANGUAGE sql BEGIN ATOMIC
    SELECT 1; SELECT CASE WHEN true THEN count(*) END FROM app.thing;
END;
CREATE TABLE app."semi;colon" (id int CONSTRAINT "semi;colon_pkey" PRIMARY KEY); -- ; the end
"""


@pytest.mark.parametrize("name", UNREADABLE)
def test_refused(untouched: Project, name: str) -> None:
    raw, message = UNREADABLE[name]
    untouched.migration("002_more.sql", raw)
    failed = refused(untouched)
    assert failed.message == message and empty(untouched)


def test_semicolons_that_end_nothing(project: Project) -> None:
    project.migration("002_more.sql", HARD)
    result = project.run()
    assert result.rc == 0 and result.data["applied"][1]["statements"] == 3, result.text
    assert project.query("SELECT name, (SELECT app.things()) FROM app.thing ORDER BY id") == [
        (name, 5) for name in ("a; b", "c'; d", "e; f", "g; $$ h", "i'; --")
    ]
    assert not project.run().changed


def test_a_line_of_five_megabytes(project: Project) -> None:
    project.migration("002_more.sql", f"INSERT INTO app.thing (name) VALUES ('{'x' * 5_000_000}');")
    assert project.run().changed
    assert project.query("SELECT length(name) FROM app.thing") == [(5_000_000,)] and not project.run().changed


@contextlib.contextmanager
def somebody_else() -> Iterator[None]:
    """Root may read everything."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that others may enter; pytest's own they may not."""
    with tempfile.TemporaryDirectory(prefix="portfolio-sql-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


def forbid(path: Path) -> None:
    path.chmod(0)


def replace_by_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_broken_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (forbid, "Permission denied"),
        (replace_by_directory, "Is a directory"),
        (replace_by_broken_link, "No such file or directory"),
    ],
)
def test_unreadable_on_the_control_node(public: Path, spoil: Callable[[Path], None], why: str) -> None:
    path = public / "002_more.sql"
    path.touch()
    spoil(path)
    with somebody_else(), pytest.raises(AnsibleActionFail) as error:
        action.sql_files("migrations", public)
    assert error.value.message == (
        f"migrations: {path} cannot be read: {why}; nothing was changed; correct its mode or owner"
    )


@pytest.mark.parametrize("mode", [0o111, 0o000])
def test_a_directory_that_may_not_be_listed(public: Path, mode: int) -> None:
    directory = public / "sql" / "migrations"
    directory.mkdir(parents=True)
    for path in (directory, directory.parent):
        path.chmod(mode)
    with somebody_else(), pytest.raises(AnsibleActionFail, match="cannot be read: Permission denied; nothing was"):
        action.sql_files("migrations", directory)
