# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failure group 10: the server runs out of disk, memory, locks, connections or time; it is said what to give it."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster, as_server_user
from tests.integration.migration_faults.faults import connect, refused, wait_for_sleep
from tests.integration.postgresql_migration import conftest
from tests.integration.postgresql_migration.conftest import ONE, TWO, as_superuser
from tests.integration.postgresql_migration.driver import Project, empty, finish

BIG = "INSERT INTO app.thing (name) SELECT repeat('x', 1000) FROM generate_series(1, 40000);"
NOT_CHANGED = "; nothing was changed; "


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A small one."""
    small = {"max_connections": "6", "superuser_reserved_connections": "1", "max_locks_per_transaction": "10"}
    with conftest.server(**small, max_wal_senders="0") as running:
        yield running


@pytest.fixture
def disk(cluster: Cluster) -> Iterator[Path]:
    """A disk of 24 MB on which a database has just room."""
    path = cluster.directory / "disk"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", path], check=True)
    shutil.chown(path, "postgres", "postgres")
    try:
        as_superuser(cluster, f"CREATE TABLESPACE disk LOCATION '{path}'")
        yield path
        as_superuser(cluster, "DROP TABLESPACE disk")
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a disk")
def test_disk_full(disk: Path, project: Project) -> None:
    as_superuser(project.cluster, f"ALTER DATABASE {project.database} SET TABLESPACE disk")
    project.migration("002_more.sql", f"{TWO}{BIG}")
    failed = project.run()
    assert failed.message.startswith("002_more.sql:9:1: could not extend file "), failed.message
    assert failed.message.endswith(f"(SQLSTATE 53100){NOT_CHANGED}free disk space on the server and run again")
    assert empty(project)
    subprocess.run(["mount", "-o", "remount,size=200m", disk], check=True)
    assert project.run().changed and not project.run().changed


def test_out_of_memory(project: Project) -> None:
    project.migration("001_base.sql", f"{ONE}SELECT pg_sleep(0.5);\nSELECT length(repeat('x', 500000000));")
    process = project.start()
    backend = wait_for_sleep(project)
    pages = int(Path(f"/proc/{backend}/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + 50_000_000
    subprocess.run([*as_server_user(), "prlimit", f"--as={limit}", f"--pid={backend}"], check=True)
    failed = finish(process)
    assert failed.message.startswith("001_base.sql:10:1: out of memory (SQLSTATE 53200) (Failed on request"), (
        failed.text
    )
    assert failed.message.endswith(f"{NOT_CHANGED}give the server more memory and run again") and empty(project)


def test_out_of_locks(project: Project) -> None:
    loop = "FOR n IN 1..1000 LOOP\n        EXECUTE format('CREATE TABLE app.t%s (a integer)', n);\n    END LOOP;"
    project.migration("002_more.sql", f"DO $$\nBEGIN\n    {loop}\nEND $$;")
    failed = refused(project)
    assert failed.message == (
        f"002_more.sql:4:9: out of shared memory (SQLSTATE 53200){NOT_CHANGED}"
        "raise max_locks_per_transaction, restart the server and run again"
    )
    assert empty(project)


@contextlib.contextmanager
def crowded(project: Project, free: int) -> Iterator[None]:
    """So many sessions that only `free` are left, the superuser's among them."""
    with contextlib.ExitStack() as stack:
        for _ in range(6 - free):
            stack.enter_context(contextlib.closing(project.cluster.connect()))
        yield


@pytest.mark.parametrize(
    ("free", "why"), [(0, "sorry, too many clients already"), (1, "remaining connection slots are reserved")]
)
def test_too_many_connections(project: Project, free: int, why: str) -> None:
    with crowded(project, free):
        for check in (True, False):
            failed = project.run(check=check)
            assert failed.rc and f"FATAL:  {why}" in failed.message, failed.text
            assert failed.message.endswith(f"{NOT_CHANGED}end other connections or raise the limit, and run again")
    assert empty(project) and project.run().changed


@pytest.mark.parametrize("whose", ["ROLE app_owner", "DATABASE {}"])
def test_a_connection_limit(project: Project, whose: str) -> None:
    of = whose.format(project.database)
    as_superuser(project.cluster, f"ALTER {of} CONNECTION LIMIT 1")
    try:
        with contextlib.closing(connect(project)):
            failed = project.run()
    finally:
        as_superuser(project.cluster, f"ALTER {of} CONNECTION LIMIT -1")
    assert f"FATAL:  too many connections for {of.split()[0].lower()}" in failed.message, failed.text
    assert failed.message.endswith("end other connections or raise the limit, and run again")
    assert empty(project)


@pytest.mark.parametrize("free", [1, 2])
def test_no_connection_left_to_try_a_password(project: Project, tmp_path: Path, free: int) -> None:
    """That it cannot be tried does not mean that it is wrong; the last connection but one is refused after the try."""
    as_superuser(project.cluster, "DROP ROLE IF EXISTS app_login")
    project.access("roles.yml", "roles: {app_owner: {login: true}, app_login: {login: true}}")
    (tmp_path / "secret").write_text("secret-of-app-login\n", encoding="ascii")
    options: dict[str, Any] = {
        "admin_user": "postgres",
        "logins": [{"name": "app_login", "password_file": str(tmp_path / "secret")}],
    }
    assert project.run(**options).data["admin"] == ["role app_login", "password app_login"]
    verifier = as_superuser(project.cluster, "SELECT rolpassword FROM pg_authid WHERE rolname = 'app_login'")
    with crowded(project, free):
        result = project.run(**options)
    assert not result.changed and bool(result.rc) is (free == 1), result.text
    if free == 1:
        assert result.message.endswith(f"{NOT_CHANGED}end other connections or raise the limit, and run again")
        assert result.data["left"] == "unchanged"
    assert as_superuser(project.cluster, "SELECT rolpassword FROM pg_authid WHERE rolname = 'app_login'") == verifier


def test_a_statement_that_takes_too_long(project: Project) -> None:
    project.migration("002_more.sql", f"{TWO}\n  SELECT pg_sleep(30);")
    failed = project.run(statement_timeout=1)
    assert failed.message == (
        f"002_more.sql:10:3: canceling statement due to statement timeout (SQLSTATE 57014){NOT_CHANGED}"
        "raise statement_timeout or shorten the statement and run again"
    )
    assert empty(project)


def test_a_statement_that_somebody_cancels(project: Project) -> None:
    project.migration("002_more.sql", "SELECT pg_sleep(30);")
    process = project.start()
    project.query(f"SELECT pg_cancel_backend({wait_for_sleep(project)})")
    failed = finish(process)
    assert failed.message == (
        f"002_more.sql:1:1: canceling statement due to user request (SQLSTATE 57014){NOT_CHANGED}"
        "run again: somebody cancelled the statement"
    )
    assert empty(project)
