# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQL of a checkout and a throwaway server for it, as the role puts them before the module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.cluster import MAJOR, Cluster
from tests.integration.postgresql_migration.driver import Project

LOGINS = ("erp_admin", "portfolio_authenticator")
HBA = "local postgres erp_admin,portfolio_authenticator scram-sha-256\nlocal all all trust\n"


@contextmanager
def shipped_project(
    sql: Path, directory: Path, settings: Mapping[str, str] | None = None, major: int = MAJOR
) -> Iterator[Project]:
    """`directory`: for the password files."""
    with Cluster(hba=HBA, settings=settings, major=major) as cluster:
        project = Project(cluster, directory / "unused", database="portfolio", user="erp_admin")
        project.directory = sql
        for login in LOGINS:
            (directory / login).write_text(f"0123456789abcdef{login}", encoding="ascii")
        logins = [{"name": login, "password_file": str(directory / login)} for login in LOGINS]
        project.options = {"schemas": None, "admin_user": "postgres", "logins": logins}
        yield project
