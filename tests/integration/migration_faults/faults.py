# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the failure tests share: catching a run at a chosen point, and seeing that nothing was changed."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg2
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import retry
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.arguments import complete
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.manager import Manager
from ansible_collections.bestviable.portfolio.plugins.modules.postgresql_migration import ARGUMENTS

from tests.integration.postgresql_migration.conftest import as_superuser
from tests.integration.postgresql_migration.driver import Project, Result
from tests.waiting import until

# Seconds until something has surely happened, on a machine that has much else to do.
PATIENCE = 60
# Every row that makes an object, with the transaction that wrote it.
_CATALOGS = (
    "pg_namespace pg_class pg_attribute pg_constraint pg_index pg_proc pg_trigger pg_policy pg_description".split()
)
_CATALOG = " UNION ALL ".join(
    f"SELECT '{name}', md5(string_agg(t.xmin::text || t::text, ' ' ORDER BY t.ctid)) FROM {name} AS t"
    for name in _CATALOGS
)
# The parts may be read side by side.
_CATALOG += " ORDER BY 1"
# A script that sleeps until a test wakes it, however long that takes on a slow machine.
SLEEP = """
DO $$ BEGIN
    WHILE NOT EXISTS (
        SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'wake'
    ) LOOP
        PERFORM pg_sleep(0.2), pg_stat_clear_snapshot();
    END LOOP;
END $$;
"""
APPLIED = "SELECT version, run_id FROM migration.applied ORDER BY version"


def wait_until(true: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    until(true, what, seconds)


def sleeping(project: Project) -> int | None:
    """The server process in which a run sleeps."""
    found = project.query(
        f"SELECT pid FROM pg_stat_activity WHERE datname = '{project.database}' AND wait_event = 'PgSleep'"
    )
    return found[0][0] if found else None


def wait_for_sleep(project: Project) -> int:
    pid: int | None = None

    def seen() -> bool:
        nonlocal pid
        pid = sleeping(project)
        return pid is not None

    wait_until(seen, "the run sleeps in its script")
    assert pid is not None
    return pid


def wake(project: Project) -> contextlib.closing[Any]:
    """Inside this, `SLEEP` is over."""
    return contextlib.closing(project.cluster.connect("postgres", project.database, application_name="wake"))


def runs(project: Project) -> int:
    """Sessions of the module on this server."""
    name = "bestviable.portfolio migration"
    count: int = as_superuser(
        project.cluster, f"SELECT count(*)::int FROM pg_stat_activity WHERE application_name = '{name}'"
    )[0][0]
    return count


def wait_for_end(project: Project) -> None:
    wait_until(lambda: not runs(project), "the server has noticed that the client is dead", 3)


def kill(process: subprocess.Popen[str]) -> None:
    """kill -9: nothing of it runs on, not even a handler."""
    process.kill()
    process.wait()
    for pipe in (process.stdout, process.stderr):
        assert pipe is not None
        pipe.close()


def rows(project: Project, table: str) -> list[Any]:
    """Of the ledger, if it is there."""
    if project.query(f"SELECT to_regclass('migration.{table}')") == [(None,)]:
        return []
    return project.query(f"SELECT t::text FROM migration.{table} AS t ORDER BY 1")


def ledger(project: Project) -> list[Any]:
    return [rows(project, table) for table in ("applied", "expected")]


def events(project: Project) -> list[Any]:
    return rows(project, "event")


def assert_applied_once(project: Project, *results: Result, attempts: int = 1) -> None:
    """One of these runs applied both files, and the others found nothing left to do."""
    assert [result.rc for result in results] == [0] * len(results), [result.message for result in results]
    applied = [result for result in results if result.data["applied"]]
    assert len(applied) == 1 and applied[0].data["attempts"] == attempts, [result.text for result in results]
    rows = project.query(APPLIED)
    assert [version for version, _run in rows] == ["001", "002"] and len({run for _version, run in rows}) == 1
    assert project.query("SELECT kind FROM migration.event WHERE kind <> 'access'") == [("apply",)] * 2
    assert not project.run().changed


def everything(project: Project) -> list[Any]:
    return [project.query(_CATALOG), ledger(project)]


def run_here(project: Project, check: bool, patient: bool = True, **options: Any) -> Result:
    """A run in this process, ten times as fast as one of its own; not `patient`: it gives up on a table soon."""
    arguments = project.arguments(check, diff=True, options=options)
    given = {name: value for name, value in arguments.items() if not name.startswith("_")}
    validated = ArgumentSpecValidator(ARGUMENTS).validate(given)
    assert not validated.error_messages
    manager = Manager(complete(validated.validated_parameters), check, lambda warning: None, lambda: None)
    if not patient:
        manager.settings = replace(manager.settings, lock_timeout_ms=200)
    try:
        manager.read()
        data = manager.run()
    except MigrationError as error:
        data = {"failed": True, **manager.failure(error)}
    return Result(int("failed" in data), data, json.dumps(data))


def refused(project: Project, **options: Any) -> Result:
    """Check mode and the run say the same and change nothing; only the run leaves a trace in the history."""
    before, history = everything(project), events(project)
    checked = run_here(project, check=True, **options)
    assert checked.rc and everything(project) == before and events(project) == history, checked.text
    failed = run_here(project, check=False, **options)
    assert failed.rc and everything(project) == before, failed.text
    assert failed.message == checked.message and failed.data["left"] == checked.data["left"] == "unchanged"
    assert "nothing was changed; " in failed.message and not failed.changed, failed.message
    return failed


def hurried(
    project: Project, monkeypatch: pytest.MonkeyPatch, between: Callable[[], None] = lambda: None, **options: Any
) -> Result:
    """A run that hardly waits, for what has to fail five times; `between` the attempts."""

    def pause(_attempt: int) -> float:
        between()
        return 0.0

    monkeypatch.setattr(retry, "pause", pause)
    return run_here(project, check=False, patient=False, **options)


def connect(project: Project, name: str = "somebody", **options: Any) -> psycopg2.extensions.connection:
    """Another session in the project's database."""
    return project.cluster.connect(project.user, project.database, application_name=name, **options)
