# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failure group 2: runs that start at once: one applies, the others wait and find nothing to do, all succeed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.migration_faults.faults import assert_applied_once
from tests.integration.postgresql_migration.conftest import ONE, TWO, as_superuser
from tests.integration.postgresql_migration.driver import Project, Result, finish


def at_once(project: Project, count: int) -> list[Result]:
    return [finish(process) for process in [project.start() for _ in range(count)]]


@pytest.mark.parametrize("count", [2, 10])
def test_on_an_empty_database(project: Project, count: int) -> None:
    project.migration("001_base.sql", ONE + "SELECT pg_sleep(0.3);")
    results = at_once(project, count)
    assert_applied_once(project, *results)
    assert sorted(result.changed for result in results) == [False] * (count - 1) + [True]


def test_on_two_databases_of_one_server(project: Project, tmp_path: Path) -> None:
    """Different databases do not wait for each other."""
    other = Project(project.cluster, tmp_path / "other", database=f"{project.database}_other")
    as_superuser(project.cluster, f"CREATE DATABASE {other.database} OWNER app_owner TEMPLATE template0")
    for one in (project, other):
        one.migration("001_base.sql", ONE)
        one.migration("002_more.sql", TWO)
    first, second = project.start(), other.start()
    results = [finish(first), finish(second)]
    assert all(result.changed and result.data["waited_ms"] < 250 for result in results)
    as_superuser(project.cluster, f"DROP DATABASE {other.database}")
