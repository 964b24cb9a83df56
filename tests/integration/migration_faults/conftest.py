# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server for all tests that do not break it, each with a database of its own; the others start theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.integration.postgresql_migration import conftest
from tests.integration.postgresql_migration.driver import Project

project = conftest.project


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with conftest.server() as running:
        yield running


@pytest.fixture(scope="session")
def empty_database(cluster: Cluster) -> str:
    conftest.as_superuser(cluster, "CREATE DATABASE app_empty OWNER app_owner TEMPLATE template0")
    return "app_empty"


@pytest.fixture
def untouched(cluster: Cluster, empty_database: str, tmp_path: Path) -> Project:
    """Two small migrations for a database that every test leaves empty: all that is tried there is refused."""
    project = Project(cluster, tmp_path / "project", database=empty_database)
    project.migration("001_base.sql", conftest.ONE)
    project.migration("002_more.sql", conftest.TWO)
    return project
