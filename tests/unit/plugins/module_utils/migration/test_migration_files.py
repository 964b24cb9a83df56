# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading, order and refusals of SQL files."""

from __future__ import annotations

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import files
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.packing import packed
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.refusals import refusal
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.splitter import split


def entries(**named: bytes) -> list[dict[str, str]]:
    return [{"name": f"{name}.sql", "content": packed(raw)} for name, raw in named.items()]


def read(**named: bytes) -> list[files.Migration]:
    return files.migrations(entries(**named), lambda message: None)


def refused(**named: bytes) -> str:
    with pytest.raises(MigrationError) as error:
        read(**named)
    return error.value.sentence


@pytest.mark.parametrize(
    "raw",
    [b"SELECT 1;\n", b"SELECT 1;\r\n", b"SELECT 1;\r", b"SELECT 1;", b"SELECT 1;\n\n\n", b"\xef\xbb\xbfSELECT 1;\n"],
)
def test_line_ends_and_bom_do_not_change_the_checksum(raw: bytes) -> None:
    # printf 'SELECT 1;\n' | sha256sum
    assert read(**{"001_a": raw})[0].checksum == "b4e0497804e46e0a0b0b8c31975b062152d551bac49c3c2e80932567b4085dcd"


@pytest.mark.parametrize("raw", [b"SELECT  1;\n", b"SELECT 1; \n", b"SELECT 1; -- c\n", b"\nSELECT 1;\n"])
def test_everything_else_does(raw: bytes) -> None:
    assert read(**{"001_a": raw})[0].checksum != read(**{"001_a": b"SELECT 1;\n"})[0].checksum


def test_a_bom_is_warned_about() -> None:
    said: list[str] = []
    files.migrations(entries(**{"001_a": b"\xef\xbb\xbfSELECT 1;"}), said.append)
    assert said == ["001_a.sql begins with a byte order mark, which is ignored; save it as UTF-8 without one"]


@pytest.mark.parametrize(
    ("raw", "what", "remedy"),
    [
        (b"SELECT 1;\n-- caf\xe9\n", ":2: not UTF-8 (byte 0xe9 at offset 16)", "save the file as UTF-8 and run again"),
        ("SELECT 1;".encode("utf-16"), ":1: not UTF-8 (byte 0xff at offset 0)", "save the file as UTF-8 and run again"),
        (b"SELECT 1;\n\nSELECT '\0';", ":3: a NUL character cannot be part of SQL", "remove it and run again"),
        (b"", " holds no statement", "write one or remove the file"),
        (b"-- nothing\n/* here */ ;\n", " holds no statement", "write one or remove the file"),
    ],
)
def test_unreadable_text(raw: bytes, what: str, remedy: str) -> None:
    assert refused(**{"001_a": raw}) == f"001_a.sql{what}; nothing was changed; {remedy}"


SQL = b"SELECT 1;"


@pytest.mark.parametrize(
    ("named", "part"),
    [
        ({}, "holds no *.sql file"),
        ({"001_a": SQL, "003_c": SQL}, "migration 002 is missing: the next file is 003_c.sql"),
        ({"002_a": SQL}, "migration 001 is missing"),
        ({"001_a": SQL, "001_b": SQL}, "001_a.sql and 001_b.sql have the same number"),
        ({"000_a": SQL}, "000_a.sql: migrations are numbered from 001 on"),
        ({"1_a": SQL}, "does not have the form"),
        ({"001_A": SQL}, "does not have the form"),
        ({"001-a": SQL}, "does not have the form"),
    ],
)
def test_order_and_names(named: dict[str, bytes], part: str) -> None:
    assert part in refused(**named)


def test_sorted_by_number_whatever_the_directory_says() -> None:
    assert [found.version for found in read(**{"002_b": SQL, "001_z": SQL})] == ["001", "002"]


@pytest.mark.parametrize("argument", ["/a/path", [{"name": "001_a.sql"}], [{"name": "a", "content": "%"}], [1]])
def test_not_what_the_action_plugin_sends(argument: object) -> None:
    with pytest.raises(MigrationError):
        files.migrations(argument, lambda message: None)


REFUSED = [
    "BEGIN",
    "COMMIT",
    "END",
    "rollback",
    "ABORT",
    "SAVEPOINT a",
    "RELEASE a",
    "START TRANSACTION",
    "PREPARE TRANSACTION 'x'",
    "COMMIT PREPARED 'x'",
    "SET search_path = a",
    "SET SESSION lock_timeout = 0",
    "SET ROLE x",
    "SET TRANSACTION READ ONLY",
    "RESET ALL",
    "DISCARD ALL",
    "COPY t (a, b) FROM STDIN",
    "COPY t FROM stdin WITH (FORMAT csv)",
    "COPY t TO STDOUT",
    "VACUUM",
    "VACUUM FULL t",
    "ALTER SYSTEM SET fsync = off",
    "CREATE DATABASE x",
    "DROP DATABASE x",
    "CREATE TABLESPACE x LOCATION '/'",
    "CREATE INDEX CONCURRENTLY i ON t (a)",
    "CREATE UNIQUE INDEX concurrently i ON t (a)",
    "DROP INDEX CONCURRENTLY i",
    "REINDEX TABLE CONCURRENTLY t",
    "REINDEX (CONCURRENTLY) TABLE t",
    "REINDEX DATABASE x",
    "CLUSTER",
    "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
    "/* c */ -- d\n commit",
]
ALLOWED = [
    "SET LOCAL search_path = a",
    "SET CONSTRAINTS ALL DEFERRED",
    "PREPARE p AS SELECT 1",
    "CREATE INDEX i ON t (a)",
    "COPY t FROM '/tmp/x'",
    "REINDEX TABLE t",
    "CLUSTER t USING i",
    'CREATE TABLE "commit" (a int)',
    "SELECT 'COMMIT'",
    "COMMENT ON TABLE t IS 'CONCURRENTLY'",
    "CREATE TABLE t (concurrently_at date)",
    "UPDATE t SET a = 1",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
    "DO $$ BEGIN NULL; END $$",
    "ALTER TABLE t SET (fillfactor = 70)",
    "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql SET search_path = '' AS $$ BEGIN RETURN 1; END $$",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_refused(sql: str) -> None:
    assert refusal(split("x.sql", sql)[0])


@pytest.mark.parametrize("sql", ALLOWED)
def test_allowed(sql: str) -> None:
    assert refusal(split("x.sql", sql)[0]) is None


def test_a_refusal_names_the_place() -> None:
    message = refused(**{"001_a": b"SELECT 1;\n  /* c */ COMMIT;\n"})
    assert message.startswith("001_a.sql:2:11: COMMIT is not allowed") and "nothing was changed" in message
