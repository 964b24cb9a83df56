# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that somebody changes by hand, and the three runs that every change has to pass."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster import Cluster
from tests.integration.postgresql_migration.driver import PEER_LIKE, Project, Result

ROLES = """
roles:
  app_owner: {login: true}
  app_reader: {}
  app_writer: {}
  app_login:
    {login: true, inherit: false, connection_limit: 15, member_of: [app_reader], settings: {statement_timeout: 8s}}
database: {settings: {TimeZone: UTC}}
"""
ACCESS = """
DO $$ BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC, app_reader, app_writer', current_database());
END $$;
REVOKE ALL ON SCHEMA public, app FROM PUBLIC, app_reader, app_writer CASCADE;
REVOKE ALL ON ALL TABLES IN SCHEMA app FROM PUBLIC, app_reader, app_writer CASCADE;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA app FROM PUBLIC, app_reader, app_writer CASCADE;
REVOKE ALL ON ALL ROUTINES IN SCHEMA app FROM PUBLIC, app_reader, app_writer CASCADE;
ALTER DEFAULT PRIVILEGES IN SCHEMA app REVOKE ALL ON TABLES FROM PUBLIC, app_reader, app_writer;
GRANT USAGE ON SCHEMA app TO app_reader;
GRANT SELECT ON app.thing TO app_reader;
ALTER TABLE app.thing ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS everything ON app.thing;
CREATE POLICY everything ON app.thing FOR SELECT TO app_reader USING (true);
"""
THREE = """
CREATE FUNCTION app.one() RETURNS integer LANGUAGE sql SET search_path = '' AS 'SELECT 1';
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS 'BEGIN RETURN new; END';
CREATE TRIGGER thing_touch BEFORE UPDATE ON app.thing FOR EACH ROW EXECUTE FUNCTION app.touch();
ALTER TABLE app.thing ALTER COLUMN name SET DEFAULT 'x';
"""
# What stands on the server beside the schema, by names: a role that comes back has another number.
SERVER = """
SELECT jsonb_build_object(
    'roles', (SELECT jsonb_agg(to_jsonb(r) - 'oid' - 'rolpassword' - 'rolvaliduntil' || jsonb_build_object(
            'password', a.rolpassword IS NOT NULL, 'until', nullif(a.rolvaliduntil, 'infinity')) ORDER BY r.rolname)
        FROM pg_roles AS r JOIN pg_authid AS a USING (oid)),
    'members', (SELECT jsonb_agg(jsonb_build_array(m.roleid::regrole, m.member::regrole, m.admin_option)
        ORDER BY m.roleid::regrole::text, m.member::regrole::text) FROM pg_auth_members AS m),
    'settings', (SELECT jsonb_agg(jsonb_build_array(s.setdatabase, s.setrole::regrole, s.setconfig)
        ORDER BY s.setdatabase, s.setrole::regrole::text) FROM pg_db_role_setting AS s),
    'databases', (SELECT jsonb_agg(jsonb_build_array(d.datname, d.datdba::regrole, d.datallowconn, d.datconnlimit,
        d.datistemplate, ARRAY(SELECT x::text FROM unnest(d.datacl) AS x ORDER BY 1)) ORDER BY d.datname)
        FROM pg_database AS d),
    'altered', (SELECT jsonb_agg(f.name) FROM pg_file_settings AS f WHERE f.sourcefile LIKE '%auto.conf'))"""
SECRET = "SELECT jsonb_agg(to_jsonb(r) ORDER BY r.rolname) FROM pg_authid AS r"
LEDGER = """
SELECT jsonb_build_object(
    'events', (SELECT count(*) FROM migration.event),
    'record', (SELECT jsonb_agg(to_jsonb(e)) FROM migration.expected AS e))"""


@dataclass
class Drifting(Project):
    # The server as the module leaves it.
    clean: str = ""


def sql(project: Project, *statements: str) -> list[tuple[Any, ...]]:
    """As the superuser, whatever somebody has set for its sessions."""
    options = "-c role=none -c default_transaction_read_only=off"
    connection = project.cluster.connect("postgres", project.database, autocommit=True, options=options)
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def state(project: Project, *queries: str) -> str:
    return json.dumps([sql(project, query)[0][0] for query in queries], sort_keys=True)


def told(result: Result) -> list[tuple[str, str, str]]:
    return [(found["effect"], found["object"], found["detail"]) for found in result.data["effects"]]


def changes(*pairs: tuple[str, str]) -> list[tuple[str, str, str]]:
    return [("change", name, detail) for name, detail in pairs]


def converge(project: Drifting, *statements: str) -> Result:
    """Check, run, run: nothing is touched by the first, the second does what the first said, the third nothing."""
    sql(project, *statements)
    before = state(project, SERVER, SECRET, LEDGER)
    checked = project.run(check=True)
    assert checked.rc == 0, checked.text
    assert state(project, SERVER, SECRET, LEDGER) == before, "check mode changed something"
    done = project.run()
    assert done.rc == 0, done.text
    assert done.data["effects"] == checked.data["effects"] and done.data["diff"] == checked.data["diff"]
    assert done.data["pending_restart"] == checked.data["pending_restart"]
    assert done.changed is checked.changed is any(effect != "left" for effect, _object, _detail in told(done))
    if all(effect != "left" for effect, _object, _detail in told(done)):
        assert state(project, SERVER) == project.clean
    again = project.run()
    assert not again.changed and told(again) == [found for found in told(done) if found[0] == "left"]
    return done


def undo(project: Drifting, result: Result) -> None:
    """Every remedy that is a command does what it says."""
    for found in result.data["effects"]:
        if found["effect"] == "left":
            assert found["remedy"].startswith("run: psql "), found
            command = found["remedy"].removeprefix("run: ")
            subprocess.run(["/bin/sh", "-euc", command], check=True, capture_output=True)
    again = project.run()
    assert again.data["effects"] == [] and again.warnings == [], again.text


@contextlib.contextmanager
def drifting(directory: Path, *migrations: str) -> Iterator[Drifting]:
    """A converged server of the module's own, as the role postgres_erp says it is, and somebody called mallory."""
    with Cluster(hba=PEER_LIKE) as cluster:
        project = Drifting(cluster, directory / "project")
        for number, text in enumerate((*migrations, THREE), start=1):
            project.migration(f"{number:03}_some.sql", text)
        project.access("roles.yml", ROLES)
        project.access("10_rights.sql", ACCESS)
        secret = directory / "secret"
        secret.write_text("secret-of-app-login\n", encoding="ascii")
        project.options = {
            "admin_user": "postgres",
            "admin_has_password": False,
            "system_settings": "reset",
            "logins": [{"name": "app_login", "password_file": str(secret)}],
        }
        first = project.run()
        assert first.rc == 0, first.text
        sql(project, "CREATE ROLE mallory")
        again = project.run()
        assert not again.changed and again.data["effects"] == [] and again.warnings == [], again.text
        project.clean = state(project, SERVER)
        yield project
