# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single tables of a restored server go into a database of their own, each of the schema by itself."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog_query import SNAPSHOT

from tests.cluster import BINARIES, Cluster
from tests.consistency.repository import ROOT
from tests.integration.sql.conftest import SEED, SQL, made_from_files

SIDE = "portfolio_restored"
DATABASES = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE NOT datistemplate"
COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
    pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum)
FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
WHERE a.attrelid = %s::regclass AND a.attnum > 0 ORDER BY a.attnum
"""
CHECKS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c' ORDER BY 1
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """The shipped schema with rows in each table; what was restored and what runs are one server here."""
    with made_from_files() as cluster:
        with (
            closing(cluster.connect(user="erp_admin", dbname="portfolio")) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute((SQL / "seed/apply.sql").read_text(encoding="utf-8"))
            cursor.execute("SELECT pg_temp.seed(%s, 'present')", (json.dumps(SEED),))
            connection.commit()
        yield cluster


@pytest.fixture
def clean(server: Cluster) -> Iterator[Cluster]:
    yield server
    ask(server, f"DROP DATABASE IF EXISTS {SIDE}", dbname="postgres")
    assert ask(server, DATABASES) == [("portfolio postgres",)]


def ask(server: Cluster, query: str, *values: Any, dbname: str = "portfolio") -> list[tuple[Any, ...]]:
    with closing(server.connect(dbname=dbname, autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute(query, values or None)
        return cursor.fetchall() if cursor.description else []


def bring(server: Cluster, folder: Path, *tables: str, programs: str = "") -> subprocess.CompletedProcess[str]:
    """What a restore of tables runs, as it runs it; *programs* is a directory of some that come first."""
    login = {"PGHOST": server.socket_directory, "PGUSER": "postgres", "PGDATABASE": "portfolio"}
    script = ROOT / "roles" / "backup" / "files" / "tables.sh"
    return subprocess.run(
        ["sh", str(script), server.socket_directory, str(folder), SIDE, "erp_admin", "it's a trial", *tables],
        env=os.environ | login | {"PATH": f"{programs}:{BINARIES}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


def found(server: Cluster, table: str, dbname: str) -> list[Any]:
    rows = ask(server, f"SELECT t::text FROM {table} AS t ORDER BY 1", dbname=dbname)
    assert rows
    return [rows, ask(server, COLUMNS, table, dbname=dbname), ask(server, CHECKS, table, dbname=dbname)]


def test_there_are_35_tables() -> None:
    assert len(SEED) == 35


@pytest.mark.parametrize("table", SEED)
def test_a_table_by_itself(clean: Cluster, tmp_path: Path, table: str) -> None:
    done = bring(clean, tmp_path, table)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert found(clean, table, SIDE) == found(clean, table, "portfolio")
    # Nothing that leans on what is not there.
    assert ask(
        clean,
        "SELECT relhastriggers, relrowsecurity, relacl FROM pg_class WHERE oid = %s::regclass",
        table,
        dbname=SIDE,
    ) == [(False, False, None)]


def test_several_of_both_schemas(clean: Cluster, tmp_path: Path) -> None:
    """Also where an earlier one that was killed had begun."""
    ask(clean, f'CREATE DATABASE "{SIDE}.new"', dbname="postgres")
    done = bring(clean, tmp_path, "erp.people", "agent.events")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    query = """
    SELECT oid::regclass::text FROM pg_class
    WHERE relkind = 'r' AND relnamespace IN ('erp'::regnamespace, 'agent'::regnamespace) ORDER BY 1
    """
    assert ask(clean, query, dbname=SIDE) == [("agent.events",), ("erp.people",)]
    query = """
    SELECT pg_get_userbyid(datdba), shobj_description(oid, 'pg_database'),
        has_database_privilege('erp_reader', oid, 'CONNECT'),
        has_database_privilege('portfolio_authenticator', oid, 'CONNECT')
    FROM pg_database WHERE datname = %s
    """
    assert ask(clean, query, SIDE) == [("erp_admin", "it's a trial", False, False)]


def looked(server: Cluster) -> list[Any]:
    """What a run and the check by psql alone see of the database that is served."""
    psql = [
        str(BINARIES / "psql"),
        "-XAtq",
        "-d",
        server.dsn(dbname="portfolio"),
        "-f",
        str(SQL / "validate_schema.sql"),
    ]
    done = subprocess.run(psql, capture_output=True, text=True, check=False)
    assert "tables in erp" in done.stdout
    return [ask(server, SNAPSHOT % {"schemas": "'{erp,agent,private,api_view}'"}), done.returncode, done.stdout]


def test_the_database_that_is_served_is_what_it_was(clean: Cluster, tmp_path: Path) -> None:
    before = looked(clean)
    assert bring(clean, tmp_path, "erp.people", "agent.events").returncode == 0
    assert looked(clean) == before


def test_a_table_that_is_not_there(clean: Cluster, tmp_path: Path) -> None:
    done = bring(clean, tmp_path, "erp.people", "erp.peple")
    assert done.returncode == 1
    assert done.stdout == "there was then no table, or only one in partitions, called erp.peple\n"


def test_a_table_of_a_type_that_is_not_there(clean: Cluster, tmp_path: Path) -> None:
    """Of a service: nothing half is left behind."""
    ask(
        clean,
        "CREATE SCHEMA service; CREATE TYPE service.mood AS ENUM (); CREATE TABLE service.day (mood service.mood)",
    )
    try:
        done = bring(clean, tmp_path, "service.day")
        assert done.returncode == 1
        assert 'type "service.mood" does not exist' in done.stdout
    finally:
        ask(clean, "DROP SCHEMA service CASCADE")


def test_a_disk_without_room_for_the_tables(clean: Cluster, tmp_path: Path) -> None:
    """A full disk would stop the server itself: 128 MB are left to it, whatever the tables need."""
    stub = tmp_path / "df"
    stub.write_text("#!/bin/sh\necho Filesystem\necho /dev/x 24000 23873 127 100% /\n")
    stub.chmod(0o755)
    done = bring(clean, tmp_path, "erp.people", programs=str(tmp_path))
    assert done.returncode == 1
    assert done.stdout.startswith(
        "127 MB are free, and a dump of the tables, they and their write-ahead log need 128 MB"
    )


def test_the_database_of_an_earlier_one_is_left(clean: Cluster, tmp_path: Path) -> None:
    assert bring(clean, tmp_path, "erp.people").returncode == 0
    done = bring(clean, tmp_path, "erp.projects")
    assert done.returncode and f'database "{SIDE}" already exists' in done.stdout
    assert found(clean, "erp.people", SIDE)
