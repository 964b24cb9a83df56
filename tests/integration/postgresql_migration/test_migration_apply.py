# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applying on a real server: the six steps, and what a run leaves. What may go wrong is in `migration_faults`."""

from __future__ import annotations

import psycopg2

from tests.cluster import MAJOR
from tests.integration.postgresql_migration.conftest import ONE
from tests.integration.postgresql_migration.driver import Project, empty


def written(project: Project) -> object:
    """Changes with every transaction that writes anything in this cluster; counters of rows come later than rows."""
    return project.query("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")


def test_six_steps(project: Project) -> None:
    predicted = project.run(check=True)
    assert (
        predicted.changed
        and predicted.data["reachable"]
        and predicted.data["pending"] == ["001", "002"]
        and empty(project)
    )
    first = project.run()
    assert first.changed and [item["version"] for item in first.data["applied"]] == ["001", "002"]
    assert predicted.data["diff"] == first.data["diff"] and "table app.thing" in first.data["diff"]["after"]
    assert first.data["ledger_version"] == "002" and first.data["pending"] == []
    for check in (True, False):
        again = project.run(check=check)
        assert not again.changed and again.data["diff"] == {"before": "", "after": ""} and not again.data["applied"]
    project.migration("003_column.sql", "ALTER TABLE app.thing ADD COLUMN color text;")
    predicted, real = project.run(check=True), project.run()
    assert predicted.changed and real.changed and predicted.data["diff"] == real.data["diff"]
    assert real.data["diff"]["after"].startswith("column app.thing color: text\nmigration 003_column.sql: ")
    assert not project.run().changed


def test_a_run_with_nothing_to_do_writes_nothing(project: Project) -> None:
    project.run()
    before = written(project)
    assert not project.run().changed
    assert written(project) == before


def test_check_mode_leaves_the_database_as_it_was(project: Project) -> None:
    project.run()
    rows = project.query("SELECT * FROM migration.event ORDER BY id")
    project.migration("003_x.sql", "CREATE TABLE app.x (a int);")
    assert project.run(check=True).data["pending"] == ["003"]
    assert project.query("SELECT * FROM migration.event ORDER BY id") == rows
    assert project.query("SELECT to_regclass('app.x')") == [(None,)]


def test_the_ledger_says_what_happened(project: Project) -> None:
    project.run()
    columns = "version, name, checksum_algo, statements, kind, applied_by, duration_ms >= 0, server_version_num / 10000"
    assert project.query(
        f"SELECT {columns}, sql = {psycopg2.extensions.QuotedString(ONE)} FROM migration.applied LIMIT 1"
    ) == [("001", "base", "sha256-lf-1", 3, "apply", "app_owner", True, MAJOR, True)]
    assert project.query("SELECT kind, object FROM migration.event ORDER BY id") == [
        ("apply", "001_base.sql"),
        ("apply", "002_more.sql"),
    ]


def test_what_a_file_sets_ends_with_the_file(project: Project) -> None:
    project.migration(
        "001_base.sql", ONE + "SET LOCAL search_path = app; SELECT set_config('statement_timeout', '1', false);"
    )
    project.migration("002_more.sql", "SELECT pg_sleep(0.05); CREATE TABLE thing (a int);")
    failed = project.run()
    assert failed.message.startswith("002_more.sql:1:37: permission denied for schema pg_catalog"), failed.message
