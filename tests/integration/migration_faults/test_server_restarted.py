# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failure group 3: the server goes away during a run, in each of its ways, or is not up yet; the run waits for it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator

import pytest

from tests.cluster import Cluster
from tests.integration.migration_faults.faults import assert_applied_once, hurried, wait_for_sleep, wait_until
from tests.integration.postgresql_migration import conftest
from tests.integration.postgresql_migration.conftest import ONE
from tests.integration.postgresql_migration.driver import Project, finish


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One of its own: it is stopped."""
    with conftest.server() as running:
        yield running


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_restarted(project: Project, how: signal.Signals) -> None:
    """SIGINT ends sessions with 57P01; SIGQUIT with 57P02, and the server has to recover first."""
    project.migration("001_base.sql", ONE + "SELECT pg_sleep(1);")
    process = project.start()
    wait_for_sleep(project)
    project.cluster.halt(how)
    project.cluster.start()
    assert_applied_once(project, finish(process), attempts=2)


def test_down_for_a_while(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """That nothing answers is an answer at the first attempt only."""
    project.migration("001_base.sql", ONE + "SELECT pg_sleep(1);")
    pauses = list[int]()

    def stop() -> None:
        wait_for_sleep(project)
        project.cluster.halt()

    def between() -> None:
        stopping.join()
        pauses.append(len(pauses))
        if len(pauses) == 2:
            project.cluster.start()

    stopping = threading.Thread(target=stop)
    stopping.start()
    assert_applied_once(project, hurried(project, monkeypatch, between), attempts=3)


def test_a_crashed_backend(project: Project) -> None:
    """The server ends every session (57P02) and lets nobody in (57P03) until it has recovered."""
    project.migration("001_base.sql", ONE + "SELECT pg_sleep(1);")
    process = project.start()
    os.kill(wait_for_sleep(project), signal.SIGKILL)
    assert_applied_once(project, finish(process), attempts=2)


def test_not_up_yet(project: Project) -> None:
    """57P03 at the first attempt: the server is there and will let us in."""
    cluster, started = project.cluster, list[subprocess.Popen[str]]()
    go, refusal = cluster.directory / "go", "the database system is starting up"
    cluster.halt()
    (cluster.data / "recovery.signal").touch()
    with (cluster.data / "test.conf").open("a", encoding="ascii") as settings:
        settings.write(f"restore_command = 'while [ ! -e {go} ]; do sleep 0.1; done; false'\n")
    said = len(cluster.log.read_text(encoding="utf-8"))

    def come_early() -> None:
        wait_until(lambda: (cluster.data / "postmaster.pid").exists(), "the server listens")
        started.append(project.start())
        wait_until(lambda: refusal in cluster.log.read_text(encoding="utf-8")[said:], "the run was not let in")
        go.touch()

    # The server ends with the thread that starts it.
    early = threading.Thread(target=come_early)
    early.start()
    cluster.start()
    early.join()
    assert_applied_once(project, finish(started[0]), attempts=2)
