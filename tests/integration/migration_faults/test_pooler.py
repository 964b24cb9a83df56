# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failure group 16: a pgbouncer between the module and the server is refused, whatever it is set to."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster import Cluster, as_server_user, free_port
from tests.integration.migration_faults.faults import refused, wait_until
from tests.integration.postgresql_migration.driver import Project, empty

# The startup option that the module's session settings come by is not known to a pgbouncer, unless it is to ignore it.
IGNORING = "ignore_startup_parameters = options,extra_float_digits"


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


@contextlib.contextmanager
def pooler(cluster: Cluster, mode: str, more: str = "") -> Iterator[dict[str, Any]]:
    """The module's options for a login through a pgbouncer of its own."""
    port, directory = free_port(), cluster.directory
    (directory / "users.txt").write_text('"app_owner" ""\n"postgres" ""\n', encoding="ascii")
    (directory / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={directory} port={cluster.port}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\npool_mode = {mode}\n"
        f"auth_type = trust\nauth_file = {directory}/users.txt\n{more}\n",
        encoding="ascii",
    )
    command = [*as_server_user(), "/usr/sbin/pgbouncer", "--quiet", str(directory / "pgbouncer.ini")]
    with subprocess.Popen(command, cwd="/") as process:
        try:
            wait_until(lambda: listens(port), "pgbouncer listens")
            yield {"login_unix_socket": None, "login_host": "127.0.0.1", "login_port": port, "ssl_mode": "disable"}
        finally:
            process.kill()


def test_one_that_knows_no_options(project: Project) -> None:
    with pooler(project.cluster, "transaction") as login:
        failed = refused(project, **login)
    assert failed.message.endswith(
        "FATAL:  unsupported startup parameter: options; nothing was changed; "
        "connect to PostgreSQL itself, not to a connection pooler"
    ), failed.message


@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_one_that_ignores_options(project: Project, mode: str) -> None:
    with pooler(project.cluster, mode, IGNORING) as login:
        failed = refused(project, **login)
    assert failed.message == (
        "a connection pooler stands between the module and the server, and the lock needs one session; "
        "nothing was changed; connect to PostgreSQL itself"
    )
    assert empty(project)


def test_before_the_admin_changes_anything(project: Project) -> None:
    project.access("roles.yml", "roles: {app_owner: {login: true}, app_pooled: {}}")
    with pooler(project.cluster, "transaction", IGNORING) as login:
        failed = refused(project, admin_user="postgres", **login)
    assert failed.message.startswith("a connection pooler stands between the module and the server"), failed.message
    assert project.query("SELECT to_regrole('app_pooled')") == [(None,)]
