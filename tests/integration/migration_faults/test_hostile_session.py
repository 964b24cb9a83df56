# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failure group 16: whatever somebody set for the role, the database or the server, the schema becomes the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.migration_faults.faults import refused
from tests.integration.postgresql_migration.conftest import TWO, as_superuser
from tests.integration.postgresql_migration.driver import Project, Result

# Everything whose meaning or look a setting can change.
DELICATE = r"""
CREATE TABLE app.delicate (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT delicate_pkey PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT '2026-01-02 03:04:05+06',
    day date NOT NULL DEFAULT '2026-02-01',
    every interval NOT NULL DEFAULT '1 year 2 months 03:04:05',
    share double precision NOT NULL DEFAULT 0.1234567890123456,
    price numeric NOT NULL DEFAULT 1.50,
    path text NOT NULL DEFAULT 'C:\temp\new',
    raw bytea NOT NULL DEFAULT '\x00ff',
    list text [] NOT NULL DEFAULT '{a,NULL}',
    said text,
    "Order" integer,
    CONSTRAINT delicate_said_check CHECK (said = NULL OR said <> ''),
    CONSTRAINT delicate_day_check CHECK (day > '2026-01-02')
);
CREATE INDEX delicate_said_idx ON app.delicate (lower(said)) WHERE said > 'a';
CREATE INDEX delicate_zebra_idx ON app.delicate (path);
CREATE INDEX "delicate_Zoo_idx" ON app.delicate (price);
CREATE INDEX "delicate_ärger_idx" ON app.delicate (price);
CREATE FUNCTION app.shadow(n integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE n integer := 1;
BEGIN
    RETURN n;
END $$;
CREATE VIEW app.shown AS SELECT at, every, "Order" AS "order" FROM app.delicate WHERE at > '2026-01-01';
INSERT INTO app.delicate (said, "Order") VALUES ('x', 1);
"""
# They only fill the server's log, or say where a server's file lies that is not there.
HARMLESS = ("debug_", "trace_", "local_preload_libraries", "client_encoding", "transaction_", "temp_tablespaces")


@pytest.fixture
def delicate(project: Project) -> Project:
    project.migration("002_more.sql", TWO + DELICATE)
    return project


def start_anew(project: Project) -> None:
    project.query("DROP SCHEMA app CASCADE; DROP SCHEMA migration CASCADE")


def worst(name: str, kind: str, value: str, lowest: str | None, choices: list[str] | None) -> str:
    """Another value than the server has, and for numbers the smallest."""
    special = {
        "DateStyle": "German, DMY",
        "TimeZone": "Asia/Kathmandu",
        "search_path": "app, public",
        "idle_session_timeout": "1",
        "idle_in_transaction_session_timeout": "1",
        "lock_timeout": "1",
        "statement_timeout": "1",
        "default_text_search_config": "simple",
        "timezone_abbreviations": "India",
        "lc_monetary": "C",
    }
    if name in special:
        return special[name]
    if kind == "bool":
        return "off" if value == "on" else "on"
    if choices:
        return next(choice for choice in choices if choice != value)
    return lowest if kind in ("integer", "real") and lowest is not None else value


def hostile(project: Project) -> list[str]:
    """Every setting that an ordinary role may have, set to something else for the role in this database."""
    settings: list[tuple[Any, ...]] = as_superuser(
        project.cluster,
        "SELECT name, vartype, setting, min_val, enumvals FROM pg_settings WHERE context = 'user' ORDER BY name",
    )
    changed = []
    for name, kind, value, lowest, choices in settings:
        if not name.startswith(HARMLESS):
            other = worst(name, kind, value, lowest, choices)
            project.query(f"ALTER ROLE app_owner IN DATABASE {project.database} SET {name} = {quoted(name, other)}")
            changed.append(name)
    project.query(f"ALTER ROLE app_owner IN DATABASE {project.database} SET plpgsql.extra_errors = 'all'")
    return changed


def quoted(name: str, value: str) -> str:
    return value if name in ("search_path", "DateStyle") else f"'{value}'"


def test_every_setting_that_a_role_can_have(delicate: Project) -> None:
    calm = delicate.run()
    assert calm.changed, calm.text
    start_anew(delicate)
    assert len(hostile(delicate)) > 100
    predicted, result = delicate.run(check=True), delicate.run()
    assert result.rc == 0, result.message
    assert result.data["fingerprint"] == calm.data["fingerprint"] and result.data["diff"] == calm.data["diff"]
    assert predicted.data["diff"] == calm.data["diff"] and not delicate.run().changed


def in_database(delicate: Project, tmp_path: Path, name: str, how: str) -> Result:
    as_superuser(delicate.cluster, f"CREATE DATABASE {name} OWNER app_owner TEMPLATE template0 {how}")
    other = Project(delicate.cluster, tmp_path / name, database=name)
    for path in (delicate.directory / "migrations").iterdir():
        other.migration(path.name, path.read_bytes())
    try:
        result = other.run()
        if result.rc:
            refused(other)
        else:
            assert not other.run().changed
        return result
    finally:
        as_superuser(delicate.cluster, f"DROP DATABASE {name}")


@pytest.mark.parametrize(
    "how",
    [
        "ENCODING 'UTF8' LOCALE 'C'",
        "ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'sv-SE' LOCALE 'C.UTF-8'",
        "ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR' LOCALE 'C.UTF-8'",
    ],
)
def test_another_order(delicate: Project, tmp_path: Path, how: str) -> None:
    calm = delicate.run()
    result = in_database(delicate, tmp_path, "app_other", how)
    assert result.rc == 0 and result.data["fingerprint"] == calm.data["fingerprint"], result.text


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_another_encoding(project: Project, tmp_path: Path, encoding: str) -> None:
    failed = in_database(project, tmp_path, "app_other", f"ENCODING '{encoding}' LOCALE 'C'")
    assert failed.message == (
        f"the database has the encoding {encoding}, which cannot hold every text; nothing was changed; "
        "create it anew with ENCODING 'UTF8'"
    )


def test_a_library_that_is_not_there(project: Project) -> None:
    """Nobody can log in then; it is said, not predicted away."""
    project.query(f"ALTER ROLE app_owner IN DATABASE {project.database} SET local_preload_libraries = 'nowhere'")
    failed = refused(project)
    assert 'could not access file "$libdir/plugins/nowhere"' in failed.message
    project.query(f"ALTER ROLE app_owner IN DATABASE {project.database} RESET ALL")
    assert project.run().changed
