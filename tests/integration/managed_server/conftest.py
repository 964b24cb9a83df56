# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server as a provider hands it over: nobody of ours is a superuser, and the provider has things of its own there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.cluster import Cluster
from tests.integration.postgresql_migration.conftest import as_superuser
from tests.integration.postgresql_migration.driver import ROOT, Project
from tests.integration.postgresql_migration.shipped import LOGINS

ADMIN = "doadmin"
DATABASE = "defaultdb"
PASSWORD = "of-the-provider's-login"
# Everybody has a password, but for the provider.
HBA = "local all postgres trust\nlocal all all scram-sha-256\nhostssl all all all scram-sha-256\n"
# Roles with more rights than any of ours, and what reads the log and the catalog.
ROLES = """
CREATE ROLE cloud_agent SUPERUSER LOGIN;
CREATE ROLE cloud_backup LOGIN REPLICATION BYPASSRLS;
CREATE ROLE cloud_monitor LOGIN;
GRANT pg_monitor TO cloud_monitor;
ALTER ROLE ALL SET log_min_duration_statement = 1000;
"""
# In every database: a schema with a table that is published, and a look at each statement that changes the catalog.
SCHEMA = """
CREATE SCHEMA cloud;
CREATE TABLE cloud.heartbeat (at timestamptz DEFAULT now());
GRANT USAGE ON SCHEMA cloud TO cloud_monitor;
GRANT SELECT ON ALL TABLES IN SCHEMA cloud TO cloud_monitor;
CREATE PUBLICATION cloud_heartbeat FOR TABLE cloud.heartbeat;
CREATE FUNCTION cloud.seen() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS
    'BEGIN INSERT INTO cloud.heartbeat DEFAULT VALUES; END';
CREATE EVENT TRIGGER cloud_seen ON ddl_command_end EXECUTE FUNCTION cloud.seen();
"""


@contextlib.contextmanager
def managed(
    directory: Path,
    major: int,
    settings: Mapping[str, str] | None = None,
    tcp: bool = False,
    listen: str = "127.0.0.1",
) -> Iterator[Project]:
    """The SQL of this checkout for it, with passwords for both sessions; `settings` of the server itself."""
    logged = {"log_statement": "all", "log_line_prefix": "%u: "}
    with Cluster(hba=HBA, settings={**logged, **(settings or {})}, tcp=tcp, major=major, listen=listen) as cluster:
        as_superuser(cluster, ROLES)
        as_superuser(cluster, f"CREATE ROLE {ADMIN} LOGIN CREATEROLE CREATEDB PASSWORD $${PASSWORD}$$")
        as_superuser(cluster, f"CREATE DATABASE {DATABASE} OWNER {ADMIN}")
        project = Project(cluster, directory / "unused", database="portfolio", user="erp_admin")
        project.directory = ROOT / "sql"
        for login in LOGINS:
            (directory / login).write_text(f"0123456789abcdef{login}", encoding="ascii")
        project.options = {
            "schemas": None,
            "login_password": f"0123456789abcdef{project.user}",
            "admin_user": ADMIN,
            "admin_password": PASSWORD,
            "maintenance_db": DATABASE,
            "logins": [{"name": login, "password_file": str(directory / login)} for login in LOGINS],
        }
        yield project


def its_own(project: Project) -> None:
    """What the provider has in a database once it is there."""
    project.query(SCHEMA)
