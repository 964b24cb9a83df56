# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failure group 3: the connection is lost before or during COMMIT; the run tries again, or the ledger decides."""

from __future__ import annotations

import pytest

from tests.integration.migration_faults.faults import assert_applied_once, hurried, wait_for_sleep, wait_until
from tests.integration.postgresql_migration.conftest import ONE
from tests.integration.postgresql_migration.driver import Project, empty, finish
from tests.integration.postgresql_migration.proxy import Fault, FaultyProxy

SLEEPING = ONE + "SELECT pg_sleep(1);"


@pytest.mark.parametrize("fault", [Fault.LOSE, Fault.LOSE_ANSWER])
@pytest.mark.parametrize("at", [b"CREATE TABLE app.part", b"COMMIT\0"])
def test_cut_at_a_statement(project: Project, at: bytes, fault: Fault) -> None:
    with FaultyProxy(project.cluster.port, at, fault) as proxy:
        result = project.run(**proxy.login)
        assert proxy.reached.is_set()
    assert_applied_once(project, result, attempts=2)


@pytest.mark.parametrize(("fault", "committed"), [(Fault.LOSE, False), (Fault.LOSE_ANSWER, True)])
def test_cut_in_commit_for_good(
    project: Project, monkeypatch: pytest.MonkeyPatch, fault: Fault, committed: bool
) -> None:
    """Nobody can tell then, and the sentence says so; the next run does what is right."""
    with FaultyProxy(project.cluster.port, b"COMMIT\0", fault) as proxy:
        failed = hurried(project, monkeypatch, proxy.refuse, **proxy.login)
    assert "it is not known whether the transaction was committed; " in failed.message
    assert "nothing was changed" not in failed.message and failed.data["left"] == "unknown"
    wait_until(lambda: empty(project) is not committed, "the server has done what it was told")
    assert project.run().changed is not committed


def test_the_backend_is_terminated(project: Project) -> None:
    project.migration("001_base.sql", SLEEPING)
    process = project.start()
    project.query(f"SELECT pg_terminate_backend({wait_for_sleep(project)})")
    assert_applied_once(project, finish(process), attempts=2)
