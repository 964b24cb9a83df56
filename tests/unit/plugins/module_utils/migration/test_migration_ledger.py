# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger and the files together ask for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import files, ledger
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.files import Migration
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.ledger import Applied, Facts, Ledger
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.packing import packed


def migrations(**named: str) -> list[Migration]:
    entries = [{"name": f"{name}.sql", "content": packed(sql.encode())} for name, sql in named.items()]
    return files.migrations(entries, lambda message: None)


THREE = migrations(**{"001_a": "SELECT 1;", "002_b": "SELECT 2;", "003_c": "SELECT 3;"})


def book(*found: Migration) -> Ledger:
    return Ledger([Applied(item.version, item.name, item.checksum, files.ALGORITHM) for item in found])


@pytest.mark.parametrize(("done", "pending"), [(0, ["001", "002", "003"]), (1, ["002", "003"]), (3, [])])
def test_pending(done: int, pending: list[str]) -> None:
    plan, edited = ledger.plan(THREE, book(*THREE[:done]), {})
    assert [item.version for item in plan.pending] == pending and not edited and not plan.accepted


def test_an_edited_file_is_found_and_may_be_accepted() -> None:
    changed = migrations(**{"001_a": "SELECT 1; -- new", "002_b": "SELECT 2;"})
    plan, edited = ledger.plan(changed, book(*THREE[:2]), {})
    assert [item.version for item in edited] == ["001"]
    plan, edited = ledger.plan(changed, book(*THREE[:2]), {"001": changed[0].checksum})
    assert [item.version for item in plan.accepted] == ["001"] and not edited
    _, edited = ledger.plan(changed, book(*THREE[:2]), {"001": "0" * 64})
    assert edited, "another sum than the file's accepts nothing"


def test_the_refusal_of_an_edited_file_shows_the_edit_and_the_ways_out() -> None:
    error = ledger.edited(migrations(**{"001_a": "SELECT 2;"})[0], "SELECT 1;\n")
    assert "-SELECT 1;\n+SELECT 2;\n" in error.details["difference"]
    assert "restore the file" in error.sentence and 'accept: {"001":' in error.sentence


RENUMBERED = migrations(**{"001_x": "SELECT 9;", "002_a": "SELECT 1;"})
RENAMED = migrations(**{"001_other": "SELECT 1;"})
REPLACED = migrations(**{"001_other": "SELECT 5;"})


@pytest.mark.parametrize(
    ("shipped", "done", "message"),
    [
        (THREE[:1], THREE[:2], "002_b.sql was applied and is missing now; nothing was changed; restore the file"),
        (RENUMBERED, THREE[:1], "001_a.sql was applied, and its text is now in 002_a.sql"),
        (RENAMED, THREE[:1], "001_a.sql was applied, and its text is now in 001_other.sql"),
        (REPLACED, THREE[:1], "version 001 was applied from 001_a.sql, and the file is now 001_other.sql"),
        (THREE, [THREE[0], THREE[2]], "002_b.sql was never applied, but 003 after it was"),
    ],
)
def test_refused(shipped: list[Migration], done: list[Migration], message: str) -> None:
    with pytest.raises(MigrationError) as error:
        ledger.plan(shipped, book(*done), {})
    assert error.value.sentence.startswith(message)


def test_accept_of_an_unknown_version() -> None:
    with pytest.raises(MigrationError, match="accept names version 009"):
        ledger.plan(THREE, Ledger(), {"009": "x"})


def test_a_checksum_of_another_kind() -> None:
    with pytest.raises(MigrationError, match="sha512-x"):
        ledger.plan(THREE, Ledger([Applied("001", "a", "x", "sha512-x")]), {})


GOOD = Facts(150020, False, 7, "erp_admin", True, "bestviable.portfolio ledger 1", "erp_admin", [], "UTF8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"server_version": 140009}, "the server is PostgreSQL 14, the migrations are for 15"),
        ({"server_version": 160000}, "the server is PostgreSQL 16"),
        ({"standby": True}, "the server is a standby"),
        ({"encoding": "LATIN1"}, "the database has the encoding LATIN1, which cannot hold every text"),
        ({"backend_pid": 8}, "a connection pooler stands between"),
        ({"ledger_comment": None}, "schema migration exists and is not a ledger"),
        ({"ledger_comment": "bestviable.portfolio ledger 2"}, "the ledger has format 2, this module knows 1"),
        ({"ledger_owner": "postgres"}, "the ledger (schema migration) belongs to postgres, not to erp_admin"),
    ],
)
def test_facts(change: dict[str, Any], message: str) -> None:
    ledger.check_facts(GOOD, 15, 7, "erp_admin")
    with pytest.raises(MigrationError) as error:
        ledger.check_facts(replace(GOOD, **change), 15, 7, "erp_admin")
    assert error.value.sentence.startswith(message)


def test_the_last_record_counts() -> None:
    rows: list[tuple[Any, ...]] = [
        ("001", "a", "s1", "sha256-lf-1", "catalog-1", "f1", "c1", [], "r1"),
        ("002", "b", "s2", "sha256-lf-1", "catalog-1", "f2", "c2", ["view v"], "r2"),
        ("003", "c", "s3", "sha256-lf-1", None, None, None, None, None),
    ]
    found = ledger.read(rows)
    assert found.version == "003" and found.expected is not None and found.expected.fingerprint == "f2"
