# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes on a real server: each is tried, judged, and undone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.postgresql_migration.driver import Project

HOLDS: list[dict[str, Any]] = [
    {
        "name": "cascade",
        "do": "INSERT INTO app.thing (id, name) VALUES (-1, 'x');\nINSERT INTO app.part (thing_id) VALUES (-1);\n"
        "DELETE FROM app.thing WHERE id = -1;",
        "query": "SELECT count(*) FROM app.part",
        "expect": [0],
    },
    {"name": "key", "do": "INSERT INTO app.part (thing_id) VALUES (-1)", "error": "23503"},
    # The one before is undone, and so are its settings.
    {
        "name": "undone",
        "do": "SET LOCAL work_mem = '5MB'; INSERT INTO app.thing (id, name) VALUES (-1, 'x')",
        "query": "SELECT count(*) FROM app.thing",
        "expect": [1],
    },
    {
        "name": "undone again",
        "do": "INSERT INTO app.thing (id, name) VALUES (-1, 'x')",
        "query": "SELECT count(*), current_setting('work_mem') <> '5MB' FROM app.thing",
        "expect": [[1, True]],
    },
    {
        "name": "deferred",
        "do": "CREATE TABLE app.t (a int UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO app.t VALUES (1), (1)",
        "error": "23505",
    },
]
FAILS: list[tuple[dict[str, Any], str, str]] = [
    ({"name": "rows", "do": "SELECT 1", "query": "VALUES (1), (2)", "expect": [1]}, "(1)", "(1), (2)"),
    ({"name": "no error", "do": "SELECT 1", "error": "23503"}, "SQLSTATE 23503", "no error"),
    (
        {"name": "another error", "do": "SELECT 1; SELECT 1/0", "error": "23503"},
        "SQLSTATE 23503",
        "an error: division by zero (SQLSTATE 22012) in statement 2",
    ),
    # The error that is expected, and too early: what the probe is about was not tried.
    (
        {"name": "too early", "do": "SELECT 1/0; SELECT 1", "error": "22012"},
        "SQLSTATE 22012",
        "an error: division by zero (SQLSTATE 22012) in statement 1",
    ),
    (
        {"name": "unexpected", "do": "SELECT 1/0", "query": "SELECT 1", "expect": []},
        "no rows",
        "an error: division by zero (SQLSTATE 22012) in statement 1",
    ),
    (
        {"name": "bad query", "do": "SELECT 1", "query": "SELECT 1/0", "expect": []},
        "no rows",
        "an error: division by zero (SQLSTATE 22012) in the query",
    ),
]
SQL = [{"name": "no rows yet", "query": "SELECT id FROM app.thing", "expect": []}]
STATE = """
SELECT (SELECT count(*) FROM app.thing) + (SELECT count(*) FROM app.part), to_regclass('app.t')::text,
    (SELECT count(*) FROM migration.event), (SELECT max(xmin::text::bigint) FROM migration.expected),
    (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')
"""


def probing(project: Project, *probes: dict[str, Any], **more: Any) -> Project:
    project.assertions(json.dumps({"assert": {"probe": list(probes), **more}}))
    return project


@pytest.mark.parametrize("more", [{}, {"sql": SQL}], ids=["alone", "after queries"])
def test_probes_hold_in_every_kind_of_run_and_leave_nothing(project: Project, more: dict[str, Any]) -> None:
    probing(project, *HOLDS, **more)
    expected = {"passed": len(HOLDS) + len(more) + 1, "failed": []}
    assert project.run(check=True, probe=True).data["assertions"] == expected
    assert project.query("SELECT to_regnamespace('app'), to_regnamespace('migration')") == [(None, None)]
    assert project.run(probe=True).data["assertions"] == expected
    before = project.query(STATE)
    assert before[0][:2] == (0, None)
    for check in (True, False):
        again = project.run(check=check, probe=True)
        assert again.data["assertions"] == expected and not again.changed
    assert project.query(STATE) == before
    project.migration("003_x.sql", "CREATE TABLE app.x (a int);")
    assert project.run(probe=True).data["assertions"] == expected
    assert project.query("SELECT to_regclass('app.x')::text") == [("app.x",)]
    assert project.query(STATE)[0][:2] == (0, None)


def test_all_probes_that_fail_are_told(project: Project) -> None:
    project.run()
    before = project.query(STATE)
    failed = probing(project, HOLDS[0], *(probe for probe, *_ in FAILS), sql=SQL).run(probe=True)
    assert failed.data["assertions"] == {
        "passed": 3,
        "failed": [
            {"name": "probe", "object": probe["name"], "expected": expected, "actual": actual}
            for probe, expected, actual in FAILS
        ],
    }
    assert failed.message.startswith(
        "6 assertions failed: probe: rows: expected (1), found (1), (2) (and 5 more); nothing was changed; "
    )
    assert [row[:2] for row in project.query(STATE)] == [row[:2] for row in before]


def test_a_migration_that_breaks_a_probe_is_taken_back(project: Project) -> None:
    probing(project, *HOLDS).run(probe=True)
    project.migration("003_x.sql", "ALTER TABLE app.part DROP CONSTRAINT part_thing_id_fkey;")
    failed = project.run(probe=True)
    assert [item["object"] for item in failed.data["assertions"]["failed"]] == ["cascade", "key"]
    assert project.query("SELECT max(version) FROM migration.applied") == [("002",)]


def test_without_being_asked_for_nothing_is_tried(project: Project) -> None:
    probing(project, *(probe for probe, *_ in FAILS))
    for _twice in range(2):
        assert project.run().data["assertions"] == {"passed": 1, "failed": []}


def test_a_probe_waits_for_a_lock_no_longer_than_any_statement_and_is_tried_again(project: Project) -> None:
    project.run()
    connection = project.cluster.connect(project.user, project.database)
    connection.cursor().execute("LOCK TABLE app.thing IN ACCESS EXCLUSIVE MODE")
    try:
        failed = probing(project, HOLDS[0]).run(check=True, probe=True)
    finally:
        connection.close()
    assert "canceling statement due to lock timeout (SQLSTATE 55P03)" in failed.message
    assert probing(project, HOLDS[0]).run(probe=True).rc == 0
