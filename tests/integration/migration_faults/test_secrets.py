# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failure group 17: no password in the output at -vvv, in a process's arguments, in pg_stat_activity, in the log."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cluster import Cluster
from tests.integration.postgresql_migration.conftest import ONE, as_superuser
from tests.integration.postgresql_migration.driver import ROOT, Project, interpreter

# A word that is in no other text, and characters that have to be quoted somewhere.
OWNER, ADMIN, LOGIN = (f"hush-{name}-'x\\y%$" for name in ("owner", "admin", "login"))
SECRET = "hush-"
HBA = "local all postgres trust\nlocal all all scram-sha-256\n"
ROLES = "roles: {app_owner: {login: true}, app_login: {login: true}}"
LOGGED = {"log_statement": "all", "log_min_error_statement": "debug5", "log_min_messages": "debug1"}


class Watch:
    """Sees, as often as it can, the arguments of all processes and the queries of all sessions."""

    def __init__(self, cluster: Cluster) -> None:
        self.arguments: set[bytes] = set()
        self.queries: set[str] = set()
        self._cluster = cluster
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        with contextlib.closing(self._cluster.connect(autocommit=True)) as connection, connection.cursor() as cursor:
            while not self._end.wait(0.05):
                for path in Path("/proc").glob("[0-9]*/cmdline"):
                    with contextlib.suppress(OSError):
                        self.arguments.add(path.read_bytes())
                cursor.execute("SELECT a::text FROM pg_stat_activity AS a WHERE a.pid <> pg_backend_pid()")
                self.queries.update(row[0] for row in cursor.fetchall())


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Project]:
    """A server that asks everybody for a password."""
    with Cluster(hba=HBA, settings=LOGGED) as cluster:
        for name, password, rights in (("app_owner", OWNER, "LOGIN"), ("provider", ADMIN, "LOGIN CREATEROLE CREATEDB")):
            # As a provider's console does it; the server's log begins after that.
            as_superuser(cluster, f"CREATE ROLE {name} {rights}")
            with contextlib.closing(cluster.connect(autocommit=True)) as connection, connection.cursor() as cursor:
                cursor.execute("SET log_statement = 'none'")
                cursor.execute("SET password_encryption = 'scram-sha-256'")
                cursor.execute(f"ALTER ROLE {name} PASSWORD %s", (password,))
        # Since 16 nobody keeps a role that somebody else made.
        as_superuser(cluster, "GRANT app_owner TO provider WITH ADMIN OPTION")
        project = Project(cluster, tmp_path / "project")
        project.migration("001_base.sql", ONE)
        project.access("roles.yml", ROLES)
        (tmp_path / "login").write_text(f"{LOGIN}\n", encoding="ascii")
        project.options = {
            "login_password": OWNER,
            "admin_user": "provider",
            "admin_password": ADMIN,
            "logins": [{"name": "app_login", "password_file": str(tmp_path / "login")}],
        }
        yield project


def play(project: Project) -> subprocess.CompletedProcess[str]:
    arguments = {
        **project.options,
        "login_unix_socket": project.cluster.socket_directory,
        "login_db": "app",
        "login_user": "app_owner",
        "server_major": project.cluster.major,
        "schemas": ["app"],
        "migrations": str(project.directory / "migrations"),
        "access": str(project.directory / "access"),
    }
    task = {"name": "Bring it up to date", "bestviable.portfolio.postgresql_migration": arguments}
    path = project.directory / "play.yml"
    path.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]), encoding="utf-8")
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-vvv", "--diff", "-i", "localhost,"]
    settings = ["-c", "local", "-e", f"ansible_python_interpreter={interpreter()}", str(path)]
    ours = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"), "ANSIBLE_STDOUT_CALLBACK": "default"}
    return subprocess.run(
        [*command, *settings],
        check=False,
        capture_output=True,
        text=True,
        cwd=project.directory,
        env={**os.environ, **ours},
    )


def test_no_password_is_seen_anywhere(guarded: Project) -> None:
    with Watch(guarded.cluster) as watch:
        first = play(guarded)
        guarded.migration("002_more.sql", "SELECT 1;\nSELECT nope;\n")
        failed = play(guarded)
        wrong = [guarded.run(login_password=f"{SECRET}wrong"), guarded.run(admin_password=f"{SECRET}wrong")]
    assert (first.returncode, failed.returncode) == (0, 2), first.stdout + failed.stdout
    assert "changed=1" in first.stdout and 'column "nope" does not exist' in failed.stdout
    assert all("password authentication failed" in run.message for run in wrong)
    log = guarded.cluster.log.read_text(encoding="utf-8")
    said = [first.stdout, first.stderr, failed.stdout, failed.stderr, *(run.text for run in wrong)]
    # Each place was looked at, or this proves nothing.
    assert all("VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in text for text in (first.stdout, failed.stdout))
    assert any(b"ansible-playbook" in arguments for arguments in watch.arguments)
    assert any("bestviable.portfolio migration" in query for query in watch.queries)
    assert log.count("PASSWORD 'SCRAM-SHA-256$") == 1 and "SELECT nope" in log
    recorded = json.dumps(guarded.query("SELECT to_jsonb(e) FROM migration.event AS e"))
    assert all(SECRET not in text for text in [*said, *watch.queries, log, recorded])
    assert all(SECRET.encode() not in arguments for arguments in watch.arguments)
