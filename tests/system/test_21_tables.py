# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single tables from the backups, in a database beside the one that is served; rows back by the document's SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.server import ROOT, Droplet

SIDE = "portfolio_restored"
DATABASES = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE NOT datistemplate"
PEOPLE = "SELECT id, full_name, email FROM erp.people WHERE id BETWEEN 9001 AND 9009 ORDER BY id"
BEFORE = "9001|Ada|ada@example.test\n9002|Bob|bob@example.test\n9003|Cy|"


def refused(server: Droplet, *words: str) -> str:
    """Why, and that nothing was touched."""
    before, databases = server.containers(), server.sql(DATABASES)
    done = server.verb("restore", *words)
    assert done.returncode == 1
    assert (server.containers(), server.sql(DATABASES)) == (before, databases)
    return " ".join(done.stderr.split())


def test_a_table_that_nobody_knows_touches_nothing(converged: Droplet) -> None:
    """As every other refusal (tests/integration/preflight/test_restore.py), by the answers of a real server."""
    said = refused(converged, "TABLE=erp.people,erp.peple")
    assert "restore_tables has erp.peple, which neither the database on droplet" in said
    assert "Nothing was changed." in said


@pytest.fixture(scope="module")
def restored(converged: Droplet) -> Iterator[str]:
    """The moment before rows were deleted and changed, restored for one of the tables."""
    rows = "(9001, 'Ada', 'ada@example.test'), (9002, 'Bob', 'bob@example.test'), (9003, 'Cy', NULL)"
    converged.sql(f"INSERT INTO erp.people (id, full_name, email) VALUES {rows}")
    moment = converged.sql("SELECT clock_timestamp()")
    try:
        converged.sql("DELETE FROM erp.people WHERE id IN (9001, 9003)")
        converged.sql("UPDATE erp.people SET email = 'gone@example.test' WHERE id = 9002")
        containers = converged.containers()
        foreseen = converged.verb("restore", "TABLE=erp.people", f"TIME={moment}", "--check")
        assert foreseen.returncode == 0, foreseen.stdout + foreseen.stderr
        assert converged.sql(DATABASES) == "portfolio postgres"
        done = converged.verb("restore", "TABLE=erp.people", f"TIME={moment}")
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"database {SIDE} on droplet holds erp.people as of" in done.stdout
        assert converged.containers() == containers
        yield moment
    finally:
        converged.sql(f"DROP DATABASE IF EXISTS {SIDE} WITH (FORCE)", "postgres")
        converged.sql("DELETE FROM erp.people WHERE id BETWEEN 9001 AND 9009")


@pytest.mark.long
def test_the_rows_of_the_moment_are_beside_the_data(converged: Droplet, restored: str) -> None:
    assert converged.sql(PEOPLE, SIDE) == BEFORE
    assert converged.sql(PEOPLE) == "9002|Bob|gone@example.test"


@pytest.mark.long
def test_nobody_but_the_operator_gets_in(converged: Droplet, restored: str) -> None:
    for user in ("erp_admin", "erp_reader", "portfolio_authenticator"):
        tried = f"docker exec postgres-erp psql -XU {user} -d {SIDE} -c 'SELECT 1' 2>&1 || :"
        assert "pg_hba.conf rejects connection" in converged.shell(tried)
    assert converged.sql(f"SELECT datacl FROM pg_database WHERE datname = '{SIDE}'") == "{erp_admin=CTc/erp_admin}"


@pytest.mark.long
def test_a_run_has_nothing_to_do_and_to_say(converged: Droplet, restored: str) -> None:
    done = converged.run()
    assert done.returncode == 0 and done.recap["changed"] == 0, done.output
    for verb in ("status", "schema", "verify"):
        assert converged.found(verb)[0] == 0


@pytest.mark.long
def test_a_second_one_is_refused(converged: Droplet, restored: str) -> None:
    said = refused(converged, "TABLE=erp.projects")
    assert f"{SIDE} on droplet is there from an earlier restore (erp.people as of" in said
    assert "make restore STATE=compared" in said


@pytest.mark.long
def test_the_statements_of_the_document_bring_them_back(converged: Droplet, restored: str) -> None:
    [statements] = re.findall(r"^```sql\n(.*?)^```", (ROOT / "docs" / "RESTORE.md").read_text(), re.M | re.S)
    session = "docker exec -i postgres-erp psql -XAtqU erp_admin -d portfolio -v ON_ERROR_STOP=1"
    shown = converged.shell(session, given=statements)
    assert [line.split("|")[0] for line in sorted(shown.splitlines())] == ["9001", "9002", "9003"]
    assert converged.sql(PEOPLE) == BEFORE


@pytest.mark.long
def test_it_is_removed_when_it_was_compared(converged: Droplet, restored: str) -> None:
    converged.sql(f'CREATE DATABASE \\"{SIDE}.new\\"', "postgres")
    done = converged.verb("restore", "STATE=compared")
    assert done.returncode == 0, done.stdout + done.stderr
    assert converged.sql(DATABASES) == "portfolio postgres"
    assert converged.verb("restore", "STATE=compared").returncode == 0


@pytest.mark.long
def test_the_latest_and_a_table_that_was_dropped(converged: Droplet) -> None:
    """One of a service, in a schema of its own; only the backup knows it."""
    converged.sql("CREATE SCHEMA beside; CREATE TABLE beside.note AS SELECT 7 AS n")
    try:
        moment = converged.sql("SELECT clock_timestamp()")
        converged.sql("DROP SCHEMA beside CASCADE")
        assert "called beside.note), and everything is as it was" in refused(converged, "TABLE=beside.note")
        done = converged.verb("restore", "TABLE=beside.note,erp.people", f"TIME={moment}")
        assert done.returncode == 0, done.stdout + done.stderr
        assert converged.sql("SELECT n FROM beside.note", SIDE) == "7"
    finally:
        converged.sql("DROP SCHEMA IF EXISTS beside CASCADE")
        assert converged.verb("restore", "STATE=compared").returncode == 0


@pytest.mark.long
def test_a_database_of_somebody_else_is_left(converged: Droplet) -> None:
    converged.sql(f"CREATE DATABASE {SIDE}", "postgres")
    try:
        assert "was not made by a restore of tables" in refused(converged, "STATE=compared")
    finally:
        converged.sql(f"DROP DATABASE {SIDE}", "postgres")
