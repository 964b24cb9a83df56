# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a schema is a problem with its remedy; what could not be asked is no "ok"."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.filter.schema_report import schema_report

Json = dict[str, Any]
ANSWER: Json = {
    "reachable": True,
    "status": "current",
    "ledger_version": "002",
    "pending": [],
    "access_pending": False,
    "problem": None,
    "tables": {"erp": 14, "agent": 21, "migration": 3},
    "assertions": {"passed": 118, "failed": []},
    "drift": [],
    "history": [{"version": "001"}],
}
FACTS: Json = {
    "host": "erp-db",
    "database": "portfolio",
    "container": "postgres-erp",
    "error": "",
    "deployed": True,
    "schemas": ["erp", "agent"],
    "server": {
        "docker": {"reachable": True, "version": "20.10.24", "error": None},
        "containers": {"postgres-erp": {"state": "running"}},
    },
    "answer": ANSWER,
}
FAILURE = {"name": "comment", "object": "erp.people", "expected": "a comment", "actual": "none"}
LEFT = {"effect": "left", "class": "C", "object": "table erp.b", "detail": "missing", "remedy": "run: psql -c '...'"}
RIGHT = {"effect": "change", "class": "B", "object": "table erp.a", "detail": "extra right of PUBLIC: SELECT"}
REFUSED = "001_erp.sql was edited after it was applied; nothing was changed; restore the file, or set accept"


def test_a_schema_as_it_should_be() -> None:
    report = schema_report(copy.deepcopy(FACTS))
    assert (report["status"], report["exit"], report["problems"], report["version"]) == ("ok", 0, [], 1)
    assert report["schema"]["tables"] == [{"schema": "erp", "found": 14}, {"schema": "agent", "found": 21}]
    assert (report["schema"]["version"], report["schema"]["history"]) == ("002", [{"version": "001"}])


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"pending": ["003"]}, [("migrations", "migrations are pending: 003", "run: make deploy")]),
        ({"access_pending": True}, [("access files", "the access files are not the", "run: make deploy")]),
        ({"pending": ["003"], "access_pending": True}, [("migrations", "are pending", "run: make deploy")]),
        ({"problem": REFUSED}, [("migrations", "edited after it was applied", "restore the file, or set accept")]),
        (
            {"assertions": {"passed": 1, "failed": [FAILURE]}},
            [("erp.people", "comment: erp.people: expected a comment, found none", "run: make plan")],
        ),
        ({"assertions": None, "pending": ["001"]}, [("migrations", "pending: 001", "run: make deploy")]),
        (
            {"drift": [RIGHT, LEFT]},
            [
                ("table erp.a", "table erp.a: extra right of PUBLIC: SELECT (class B)", "run: make deploy"),
                ("table erp.b", "table erp.b: missing (class C)", "run: psql -c '...'"),
            ],
        ),
    ],
)
def test_each_fault_is_a_problem(changes: Json, problems: list[tuple[str, str, str]]) -> None:
    report = schema_report(FACTS | {"answer": ANSWER | changes})
    assert (report["status"], report["exit"]) == ("wrong", 2)
    assert [(problem["object"], problem["remedy"]) for problem in report["problems"]] == [
        (about, remedy) for about, _what, remedy in problems
    ]
    assert all(
        what in problem["what"] for problem, (_about, what, _remedy) in zip(report["problems"], problems, strict=True)
    )
    assert "nothing was changed" not in str(report["problems"])


@pytest.mark.parametrize(
    ("changes", "status", "what", "remedy"),
    [
        ({"server": None, "error": "Connection refused"}, "unknown", "(Connection refused)", "run: make doctor"),
        (
            {"server": {"docker": {"reachable": False, "error": "refused"}, "containers": {}}},
            "unknown",
            "the Docker Engine does not answer (refused)",
            "run: make status",
        ),
        (
            {"server": FACTS["server"] | {"containers": {"postgres-erp": {"state": "exited"}}}},
            "unknown",
            "postgres-erp does not run",
            "run: make status",
        ),
        ({"server": FACTS["server"] | {"containers": {}}}, "unknown", "postgres-erp does not run", "run: make status"),
        (
            {"server": FACTS["server"] | {"containers": {}}, "deployed": False},
            "bare",
            "nothing is deployed here",
            "run: make plan",
        ),
        (
            {"answer": {"reachable": False, "problem": "cannot log in; nothing was changed; see that it runs"}},
            "unknown",
            "cannot log in",
            "see that it runs",
        ),
        ({"answer": {"failed": True, "msg": "the ledger is odd"}}, "unknown", "the ledger is odd", "run: make deploy"),
    ],
)
def test_what_could_not_be_asked(changes: Json, status: str, what: str, remedy: str) -> None:
    report = schema_report(FACTS | changes)
    assert (report["status"], report["schema"]) == (status, None)
    assert report["exit"] == {"unknown": 1, "bare": 2}[status]
    [problem] = report["problems"]
    assert what in problem["what"] and remedy in problem["remedy"]


def test_an_external_server_is_asked_without_an_engine() -> None:
    server: Json = {"docker": {"reachable": False, "error": "gone"}, "containers": {}}
    facts = FACTS | {"container": "", "server": server}
    assert schema_report(facts)["status"] == "ok"
    assert schema_report(facts | {"deployed": False, "answer": {"skipped": True}})["status"] == "bare"
