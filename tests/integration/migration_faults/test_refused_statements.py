# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failure group 8: statements that cannot be part of the run's one transaction, named before a connection is opened."""

from __future__ import annotations

import pytest

from tests.integration.migration_faults.faults import refused
from tests.integration.postgresql_migration.driver import Project, empty

OWN = "is not allowed: the module runs all files in one transaction of its own"
INSIDE = "cannot run inside a transaction, and a migration is one"
UNMARKED = "cannot run inside a transaction, and a migration without -- migrate: no-transaction is one"
REFUSED = {
    "COMMIT;": f"COMMIT {OWN}",
    "begin;": f"BEGIN {OWN}",
    "ROLLBACK;": f"ROLLBACK {OWN}",
    "SAVEPOINT a;": f"SAVEPOINT {OWN}",
    "PREPARE TRANSACTION 'x';": f"PREPARE {OWN}",
    "\\i other.sql": "a psql command (backslash) is not SQL and cannot run here",
    "\\set x 1": "a psql command (backslash) is not SQL and cannot run here",
    "COPY app.thing FROM STDIN;": "COPY FROM STDIN and TO STDOUT need a client: write INSERT",
    "SET search_path = app;": "SET without LOCAL would outlive the file: write SET LOCAL, or name the schema",
    "SET ROLE postgres;": "SET without LOCAL would outlive the file: write SET LOCAL, or name the schema",
    "RESET ALL;": "RESET would change the module's own session",
    "DISCARD ALL;": "DISCARD would change the module's own session",
    "CREATE INDEX CONCURRENTLY i ON app.thing (name);": f"CONCURRENTLY {UNMARKED}",
    "DROP INDEX CONCURRENTLY app.i;": f"CONCURRENTLY {UNMARKED}",
    "REINDEX TABLE CONCURRENTLY app.thing;": f"REINDEX OF THIS KIND {INSIDE}",
    "VACUUM app.thing;": f"VACUUM {INSIDE}",
    "ALTER SYSTEM SET fsync = off;": f"ALTER SYSTEM {INSIDE}",
    "CREATE DATABASE other;": f"CREATE DATABASE {INSIDE}",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_before_a_connection_is_opened(untouched: Project, sql: str) -> None:
    untouched.migration("002_more.sql", f"SELECT 1;\n  /* ä; */ {sql}\n")
    failed = refused(untouched, login_unix_socket="/nonexistent")
    assert failed.message.startswith(f"002_more.sql:2:12: {REFUSED[sql]}"), failed.message
    assert failed.message.endswith("; nothing was changed; correct the file and run again")
    assert (failed.data["error"]["line"], failed.data["error"]["column"]) == (2, 12)


def test_in_an_access_file(untouched: Project) -> None:
    untouched.access("10_rights.sql", "SELECT 1;\nCOMMIT;\n")
    assert refused(untouched).message.startswith(f"access/10_rights.sql:2:1: COMMIT {OWN}")


PROCEDURE = "CREATE PROCEDURE app.sly() LANGUAGE plpgsql AS $$\nBEGIN\n    COMMIT;\nEND $$;\n"


@pytest.mark.parametrize(
    ("sql", "where"),
    [
        ("DO $$\nBEGIN\n    COMMIT;\nEND $$;", "002_more.sql:3:5: "),
        ("DO $$\nBEGIN\n    ROLLBACK;\nEND $$;", "002_more.sql:3:5: "),
        (f"{PROCEDURE}CALL app.sly();", "002_more.sql:5:1: "),
    ],
)
def test_hidden_in_a_body(untouched: Project, sql: str, where: str) -> None:
    """Only the server can see it, and it does not allow it either."""
    untouched.migration("002_more.sql", sql)
    failed = refused(untouched)
    assert failed.message.startswith(f"{where}invalid transaction termination (SQLSTATE 2D000)"), failed.message
    assert empty(untouched)
