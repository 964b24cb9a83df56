# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server with one of everything, on which each change is tried and taken back."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.names import split
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import catalog, catalog_query
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.settings import Settings
from psycopg2 import extras

from tests.cluster import Cluster
from tests.integration.drift_coverage.model import Change, Item
from tests.integration.postgresql_migration.driver import ROOT, Project

HERE = Path(__file__).parent
SCHEMAS = ["erp", "agent", "private", "api_view", "sample"]
LOGINS = ("erp_admin", "portfolio_authenticator")
HBA = "local postgres erp_admin,portfolio_authenticator scram-sha-256\nlocal all all trust\n"
# What holds data, not structure; the first is the one that holds values of any type.
DATA = ("pg_statistic", "pg_statistic_ext_data", "pg_largeobject")


@contextlib.contextmanager
def shipped(directory: Path) -> Iterator[Project]:
    """The shipped SQL applied by the module, as the role postgres_erp does it."""
    with Cluster(hba=HBA, settings={"max_locks_per_transaction": "256", "allow_in_place_tablespaces": "on"}) as cluster:
        project = Project(cluster, directory / "project", database="portfolio", user="erp_admin")
        for path in (ROOT / "sql" / "migrations").glob("*.sql"):
            shutil.copy(path, project.directory / "migrations")
        shutil.copytree(ROOT / "sql" / "access", project.directory / "access")
        for login in LOGINS:
            (directory / login).write_text(f"0123456789abcdef{login}", encoding="ascii")
        logins = [{"name": login, "password_file": str(directory / login)} for login in LOGINS]
        project.options = {"schemas": SCHEMAS, "admin_user": "postgres", "logins": logins}
        apply(project)
        yield project


def beforehand(project: Project) -> None:
    """What the server has beside our schemas."""
    project.query((HERE / "beforehand.sql").read_text(encoding="utf-8"))
    # Not in a transaction, as several statements would be.
    project.query("CREATE TABLESPACE elsewhere LOCATION ''")


@contextlib.contextmanager
def one_of_everything(directory: Path) -> Iterator[Project]:
    """A third migration with what the shipped ones lack, and what only a superuser makes."""
    with shipped(directory) as project:
        beforehand(project)
        shutil.copy(HERE / "every_kind.sql", project.directory / "migrations" / "003_every_kind.sql")
        apply(project)
        project.query((HERE / "by_superuser.sql").read_text(encoding="utf-8"))
        yield project


def apply(project: Project) -> None:
    done = project.run()
    assert done.rc == 0, done.message


@dataclass(frozen=True)
class Outcome:
    """What one change did to one object."""

    change: Change
    item: Item
    statements: list[str]
    # SQLSTATE and message with which PostgreSQL refused it.
    refused: tuple[str, str] | None = None
    # Attributes that differ, by key; None: the object is missing or extra.
    seen: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    # What PostgreSQL wrote: `pg_class.relowner`; `pg_class` for rows that are new or gone.
    written: frozenset[str] = frozenset()

    def by_kind(self) -> Iterator[tuple[str, frozenset[str] | None]]:
        """Kinds of the objects that were named, each with what differs."""
        return ((split(key).kind, attributes) for key, attributes in self.seen.items())

    @property
    def missed(self) -> list[str]:
        return [key for key in self.change.names(self.item) if key not in self.seen]

    def __str__(self) -> str:
        return f"{self.change.id} of {self.item.key} ({'; '.join(self.statements)})"


class Trial:
    """One transaction in which everything is tried; nothing is kept."""

    def __init__(self, cluster: Cluster, database: str) -> None:
        options = Settings(3000, 300_000).options()
        self.connection = psycopg2.connect(cluster.dsn("postgres", database, options=options))
        # Texts are compared before they are read: of a thousand objects few differ.
        extras.register_default_jsonb(self.connection, loads=lambda text: text)
        self.cursor = self.connection.cursor()
        # Planned once: planning is a third of its time.
        query = catalog_query.SNAPSHOT.replace("%(schemas)s", "$1").replace("%%", "%")
        self.cursor.execute(f"SET plan_cache_mode = force_generic_plan; PREPARE snapshot (text[]) AS {query}")
        self.cursor.execute("SELECT pg_current_xact_id()")
        self._catalogs = self._list_catalogs()
        self.baseline = self._snapshot()
        before = self._rows_of_catalogs(everything=True)
        self._count_before = {name: len(rows) for name, (_older, rows) in before.items()}
        self._before = {
            name: {tuple(row[key] for key in self._catalogs[name]): row for row in rows}
            for name, (_older, rows) in before.items()
        }
        self.items = self._items()

    def close(self) -> None:
        self.connection.close()

    def _rows(self) -> list[tuple[Any, ...]]:
        return self.cursor.fetchall()

    def _snapshot(self) -> dict[tuple[str, str, str | None, str], str]:
        self.cursor.execute("SET LOCAL ROLE erp_admin")
        self.cursor.execute("EXECUTE snapshot (%s)", (SCHEMAS,))
        found = {row[:4]: row[4] for row in self._rows()}
        self.cursor.execute("SET LOCAL ROLE postgres")
        return found

    def _items(self) -> list[Item]:
        found = _read(self.baseline)
        tables = {(item.schema, item.name): item for item in found if "owner" in item.attributes and not item.parent}
        kept = {(item.schema, item.parent, item.name) for item in found if item.kind == "constraint"}
        columns: dict[tuple[str, str | None], list[str]] = {}
        for item in found:
            if item.kind == "column":
                columns.setdefault((item.schema, item.parent), []).append(item.name)
        result = []
        for item in found:
            parent = tables.get((item.schema, item.parent or ""))
            names = parent.attributes.get("column_order", columns.get((item.schema, item.parent), ())) if parent else ()
            constraint = item.kind == "index" and (item.schema, item.parent, item.name) in kept
            result.append(Item(item, parent.kind if parent else "", tuple(names), constraint))
        return result

    def attempt(self, change: Change, item: Item, written: bool) -> Outcome | None:
        """None: the change does not apply to the object. `written`: ask as well what PostgreSQL wrote for it."""
        statements = change.statements(item)
        if not statements:
            return None
        self.cursor.execute("SAVEPOINT attempt")
        try:
            for statement in statements:
                self.cursor.execute(statement)
            seen = self._differences(self._snapshot())
            return Outcome(change, item, statements, None, seen, self._written() if written else frozenset())
        except psycopg2.Error as error:
            return Outcome(change, item, statements, (error.pgcode or "", str(error.diag.message_primary)))
        finally:
            self.cursor.execute("ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt")

    def objects(self) -> dict[str, catalog.Attributes]:
        """As they are recorded."""
        return catalog.Snapshot(tuple(item.found for item in self.items)).objects

    def objects_after(self, statements: list[str]) -> dict[str, catalog.Attributes] | None:
        """The whole catalog after a change; None where there is none, or PostgreSQL refuses it."""
        if not statements:
            return None
        self.cursor.execute("SAVEPOINT attempt")
        try:
            for statement in statements:
                self.cursor.execute(statement)
            return catalog.Snapshot(tuple(_read(self._snapshot()))).objects
        except psycopg2.Error:
            return None
        finally:
            self.cursor.execute("ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt")

    def differences_after(self, statement: str) -> dict[str, frozenset[str] | None]:
        """What a run would find."""
        self.cursor.execute("SAVEPOINT attempt")
        try:
            self.cursor.execute(statement)
            return self._differences(self._snapshot())
        finally:
            self.cursor.execute("ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt")

    def _differences(self, after: Mapping[tuple[str, str, str | None, str], str]) -> dict[str, frozenset[str] | None]:
        """As a run finds them: objects of the fingerprint, compared as the record is."""
        differ = {row for row in {*self.baseline, *after} if self.baseline.get(row) != after.get(row)}
        old = _objects({row: text for row, text in self.baseline.items() if row in differ})
        new = _objects({row: text for row, text in after.items() if row in differ})
        return {
            key: catalog.differing(old[key], new[key]) if key in old and key in new else None
            for key in catalog.changed(old, new)
        }

    # What PostgreSQL itself wrote: every row of every catalog carries the number of the transaction that made it.

    def _list_catalogs(self) -> dict[str, list[str]]:
        """Catalogs with the columns that tell their rows apart."""
        self.cursor.execute(
            "SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_class AS c "
            "JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisprimary "
            "JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey) "
            "WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND c.relname <> ALL (%s) "
            "GROUP BY c.relname",
            (list(DATA),),
        )
        depend = ["classid", "objid", "objsubid", "refclassid"]
        return {
            **dict(self._rows()),
            "pg_depend": [*depend, "refobjid", "refobjsubid"],
            "pg_shdepend": ["dbid", *depend, "refobjid"],
        }

    def _rows_of_catalogs(self, everything: bool = False) -> dict[str, tuple[int, list[dict[str, Any]]]]:
        """By catalog: how many rows are older, and those that were written since."""
        # What this transaction and its savepoints wrote is not older than the transaction itself.
        new = "true" if everything else "age(c.xmin) <= 0"
        self.cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{name}', count(*) FILTER (WHERE NOT {new}), "
                f"(jsonb_agg(to_jsonb(c)) FILTER (WHERE {new}))::text FROM {name} AS c"
                for name in self._catalogs
            ),
        )
        return {name: (count, json.loads(rows) if rows else []) for name, count, rows in self._rows()}

    def _written(self) -> frozenset[str]:
        result = set()
        for name, (older, rows) in self._rows_of_catalogs().items():
            updated = 0
            for row in rows:
                old = self._before[name].get(tuple(row[key] for key in self._catalogs[name]))
                if old is None:
                    result.add(name)
                    continue
                updated += 1
                result |= {f"{name}.{column}" for column in row if row[column] != old[column]}
            if older + updated < self._count_before[name]:
                result.add(name)
        return frozenset(result)

    def catalog_columns(self) -> dict[str, list[str]]:
        """Every catalog of the server with its columns."""
        self.cursor.execute(
            "SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_class AS c "
            "JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 "
            "WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' GROUP BY c.relname"
        )
        return dict(self._rows())


def _read(rows: Mapping[tuple[str, str, str | None, str], str]) -> list[catalog.CatalogObject]:
    return list(catalog.snapshot((*row, json.loads(text)) for row, text in rows.items()).everything)


def _objects(rows: Mapping[tuple[str, str, str | None, str], str]) -> dict[str, catalog.Attributes]:
    """With the extensions, for which an assertion asks."""
    return {item.key: item.attributes for item in _read(rows)}
