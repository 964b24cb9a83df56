# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of the verb schema: on one screen when all is well, what is wrong first."""

from __future__ import annotations

from typing import Any

from cli.schema import lines

Json = dict[str, Any]
APPLIED = {
    "kind": "apply",
    "checksum": "9f" * 32,
    "applied_by": "erp_admin",
    "applied_at": "2026-11-24T21:38:10Z",
    "run_id": "x",
    "module_version": "0.1.0",
}
HISTORY = [
    APPLIED | {"version": "001", "name": "erp_schema", "statements": 188, "duration_ms": 96},
    APPLIED | {"version": "002", "name": "agent_schema", "statements": 219, "duration_ms": 1210, "kind": "accept"},
]
OK: Json = {
    "version": 1,
    "host": "erp-db",
    "database": "portfolio",
    "status": "ok",
    "exit": 0,
    "problems": [],
    "schema": {
        "version": "002",
        "pending": [],
        "access_pending": False,
        "tables": [{"schema": "erp", "found": 14}, {"schema": "agent", "found": 21}],
        "assertions": {"passed": 118, "failed": []},
        "drift": [],
        "history": HISTORY,
    },
}
COMMAND = (
    "run: docker exec postgres-erp psql -U erp_admin -d portfolio -c 'CREATE INDEX projects_status_idx ON erp.projects'"
)
PROBLEMS = [
    {
        "object": "index erp.projects projects_status_idx",
        "what": "index projects_status_idx: missing",
        "remedy": COMMAND,
    },
    {"object": "table erp.people", "what": "table erp.people: " + "very " * 20 + "odd", "remedy": "run: make deploy"},
]


def found(**changes: Any) -> Json:
    return OK | {"schema": OK["schema"] | changes}


def test_a_schema_as_it_should_be_is_a_table() -> None:
    assert list(lines(OK)) == [
        "schema of portfolio on erp-db: ok",
        "  version      002, nothing pending",
        "  tables       14 erp + 21 agent",
        "  assertions   118 hold",
        "  drift        none: every object is as the last run recorded it",
        "history",
        "  file                  applied, UTC      statements     ms  by",
        "  001_erp_schema.sql    2026-11-24 21:38         188     96  erp_admin",
        "  002_agent_schema.sql  2026-11-24 21:38         219   1210  erp_admin, accept",
    ]
    assert max(map(len, lines(OK))) <= 80


def test_what_is_wrong_comes_first_and_a_command_stays_whole() -> None:
    drift = [{"effect": "left"}, {"effect": "change"}]
    failed = {"passed": 117, "failed": [{"name": "x"}]}
    text = list(lines(found(drift=drift, assertions=failed) | {"status": "wrong", "problems": PROBLEMS}))
    assert text[:2] == ["schema of portfolio on erp-db: 2 things are wrong", "  index projects_status_idx: missing;"]
    assert COMMAND in " ".join("\n".join(text).replace("\\\n", " ").split())
    assert max(map(len, text)) <= 80
    assert "  assertions   117 hold, 1 does not" in text
    assert "  drift        2: the next run puts 1 right, 1 left to you" in text


def test_what_is_pending() -> None:
    text = list(lines(found(version=None, pending=["001", "002"], access_pending=True, assertions=None, history=[])))
    assert "  version      none, pending: 001, 002, access files" in text
    assert "  assertions   not asked before everything is applied" in text
    assert "history" not in text


def test_what_could_not_be_found_out() -> None:
    nothing = {"schema": None, "problems": [{"object": "x", "what": "it is not there", "remedy": "run: make plan"}]}
    unknown = list(lines(OK | nothing | {"status": "unknown"}))
    assert unknown == [
        "schema of portfolio on erp-db: it could not be found out",
        "  it is not there;",
        "    run: make plan",
    ]
    assert next(lines(OK | nothing | {"status": "bare"})) == "schema of portfolio on erp-db: there is none"
