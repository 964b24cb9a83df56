# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server for all tests here, with the shipped SQL applied by erp_admin and not by our own module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import yaml
from psycopg2 import extensions

from tests.cluster import Cluster

SQL = Path(__file__).parents[3] / "sql"
DATABASE = "portfolio"
# The example rows of `make seed`, by table.
SEED: dict[str, list[dict[str, Any]]] = {
    table: rows
    for schema in ("erp", "agent")
    for table, rows in yaml.safe_load((SQL / f"seed/{schema}.yml").read_text(encoding="utf-8")).items()
}


def create_roles(cursor: extensions.cursor) -> None:
    """roles.yml as far as rights depend on it; the module does all of it, under its own tests."""
    declared = yaml.safe_load((SQL / "access/roles.yml").read_text(encoding="utf-8"))["roles"]
    for name, role in declared.items():
        cursor.execute(
            f"CREATE ROLE {name} {'LOGIN' if role['login'] else 'NOLOGIN'} "
            f"{'INHERIT' if role['inherit'] else 'NOINHERIT'}"
        )
    for name, role in declared.items():
        for group in role.get("member_of", []):
            cursor.execute(f"GRANT {group} TO {name}")


def run_files(cluster: Cluster, folder: str, database: str = DATABASE) -> None:
    """All files of a folder, as erp_admin, in one transaction, like the module."""
    with cluster.connect(user="erp_admin", dbname=database) as connection, connection.cursor() as cursor:
        for path in sorted((SQL / folder).glob("*.sql")):
            cursor.execute(path.read_text(encoding="utf-8"))
    connection.close()


@contextmanager
def made_from_files() -> Iterator[Cluster]:
    """A server with the shipped SQL applied; `make docs` describes the database in it."""
    with Cluster() as server:
        admin = server.connect(autocommit=True)
        with admin.cursor() as cursor:
            create_roles(cursor)
            cursor.execute(f"CREATE DATABASE {DATABASE} OWNER erp_admin")
        admin.close()
        run_files(server, "migrations")
        run_files(server, "access")
        yield server


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with made_from_files() as server:
        yield server


class Session:
    """A cursor inside one transaction that is taken back at the end; errors cost a savepoint, not the test."""

    def __init__(self, connection: extensions.connection) -> None:
        self.connection = connection
        self.cursor = connection.cursor()

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        # None, not an empty tuple: without values a per cent sign is a per cent sign.
        self.cursor.execute(query, values or None)
        return self.cursor.fetchall() if self.cursor.description else []

    def value(self, query: str, *values: Any) -> Any:
        [(only,)] = self.rows(query, *values)
        return only

    def insert(self, table: str, **values: Any) -> Any:
        """Insert one row and return the table's first column, which is its id."""
        names = ", ".join(values)
        holes = ", ".join(["%s"] * len(values))
        self.cursor.execute(f"INSERT INTO {table} ({names}) VALUES ({holes}) RETURNING *", tuple(values.values()))
        row = self.cursor.fetchone()
        assert row is not None
        return row[0]

    @contextmanager
    def undone(self) -> Iterator[None]:
        self.cursor.execute("SAVEPOINT attempt")
        try:
            yield
        finally:
            # Released, so that one inside another leaves the outer one its name.
            self.cursor.execute("ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt")

    def error(self, action: Callable[[], object]) -> tuple[str | None, str | None]:
        """(SQLSTATE, constraint) of what the action is refused with; (None, None) when it is not."""
        with self.undone():
            try:
                action()
            except psycopg2.Error as error:
                return error.pgcode, error.diag.constraint_name
        return None, None


@contextmanager
def session_of(cluster: Cluster, user: str) -> Iterator[Session]:
    connection = cluster.connect(user=user, dbname=DATABASE)
    try:
        session = Session(connection)
        # As the module sets it; with anything else regclass would print names without their schema.
        session.rows("SET search_path = pg_catalog")
        connection.commit()
        yield session
    finally:
        connection.close()


@pytest.fixture
def db(cluster: Cluster) -> Iterator[Session]:
    """The database as its owner sees it; nothing is kept."""
    with session_of(cluster, "erp_admin") as session:
        yield session


@pytest.fixture
def admin(cluster: Cluster) -> Iterator[Session]:
    """The database as a superuser sees it; nothing is kept."""
    with session_of(cluster, "postgres") as session:
        yield session
