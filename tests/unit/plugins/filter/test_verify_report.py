# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first broken link is named with its remedy; of what comes after it only what was seen is said."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.filter.verify_report import verify_report

from tests.unit.plugins.filter.test_schema_report import ANSWER, FAILURE, LEFT
from tests.unit.plugins.filter.test_status_report import HEALTHY as STATUS
from tests.unit.plugins.filter.test_status_report import answer, ended, numbers

Json = dict[str, Any]
PUBLIC: Json = {
    "name": "erp-db.bestviable.com",
    "published": True,
    "addresses": ["203.0.113.7"],
    "error": "",
    "alive": {"status": 401},
    "answer": {"status": 200},
    "remedies": {"530": "start its connector", "other": "look into its log"},
}
UNSET = PUBLIC | {"published": False, "addresses": [], "alive": {"skipped": True}, "answer": {"skipped": True}}
HEALTHY: Json = {
    **{name: STATUS[name] for name in ("host", "error", "deployed", "token", "server", "containers", "monitoring")},
    "schema": ANSWER,
    "links": STATUS["chain"][:3],
    "alive": {"API": {"status": 401}, "proxy": {"status": 401}},
    "public": PUBLIC,
}


def links(facts: Json, name: str, said: Json) -> None:
    answer({"chain": facts["links"]}, name, said)


def state(report: Json) -> dict[str, str]:
    return {link["name"]: link["state"] for link in report["links"]}


def verified(change: Callable[[Json], object] = lambda _facts: None) -> Json:
    facts = copy.deepcopy(HEALTHY)
    change(facts)
    return verify_report(facts)


def database_stopped(facts: Json) -> None:
    ended(facts, "postgres-erp")
    facts["schema"] = {}
    links(facts, "database", {"skipped": True})
    links(facts, "API", {"status": 503})
    links(facts, "proxy", {"status": 503})
    facts["public"]["answer"] = {"status": 503}


def api_stopped(facts: Json) -> None:
    ended(facts, "postgrest-erp")
    del facts["alive"]["API"]
    links(facts, "API", {"skipped": True})
    links(facts, "proxy", {"status": 502})
    facts["alive"]["proxy"] = {"status": 502}


def api_cut_off(facts: Json) -> None:
    links(facts, "API", {"status": 503})
    links(facts, "proxy", {"status": 503})


def api_open(facts: Json) -> None:
    facts["alive"]["API"] = {"status": 200}


def api_not_ready(facts: Json) -> None:
    facts["server"]["containers"]["postgrest-erp"]["health"] = "unhealthy"


def route_lost(facts: Json) -> None:
    facts["alive"]["proxy"] = {"status": 404}
    links(facts, "proxy", {"status": 404})


def assertion_failed(facts: Json) -> None:
    facts["schema"] = {**ANSWER, "assertions": {"passed": 117, "failed": [FAILURE, FAILURE]}, "drift": [LEFT]}


def unresolved(facts: Json) -> None:
    facts["public"] |= {"addresses": [], "alive": {"skipped": True}, "answer": {"skipped": True}}


def disconnected(facts: Json) -> None:
    facts["public"] |= {"alive": {"status": 530}, "answer": {"skipped": True}}


def untrusted(facts: Json) -> None:
    facts["public"] |= {"alive": {"status": -1, "msg": "Status code was -1 and not [401]: bad certificate"}}


def keyless(facts: Json) -> None:
    facts["token"] = "The key is missing; copy it here."
    for name in ("API", "proxy"):
        links(facts, name, {"skipped": True})
        next(link for link in facts["links"] if link["name"] == name)["unasked"] = "there is no token for it"


def test_a_whole_chain_is_ok() -> None:
    report = verified()
    assert (report["status"], report["exit"], report["broken"], report["version"]) == ("ok", 0, None, 1)
    assert set(state(report).values()) == {"ok"}
    assert list(state(report)) == ["server", "database", "schema", "API", "proxy", "DNS", "tunnel"]


@pytest.mark.parametrize(
    ("change", "about", "what", "remedy", "unjudged"),
    [
        (database_stopped, "database", "does not run", "make deploy", {"API", "proxy", "tunnel"}),
        (
            assertion_failed,
            "schema",
            "comment: erp.people: expected a comment, found none, and 1 more",
            "make plan",
            set(),
        ),
        (api_stopped, "API", "does not run", "make deploy", {"proxy"}),
        (api_cut_off, "API", "401 without a token; answers 503", "make logs", {"proxy"}),
        (api_open, "API", "answers 200 instead of 401 without a token", "make logs", set()),
        (api_not_ready, "API", "is unhealthy", "make logs", set()),
        (route_lost, "proxy", "answers 404 instead of 401", "make logs", set()),
        (unresolved, "DNS", "does not resolve", "portfolio_published", set()),
        (disconnected, "tunnel", "answers 530", "start its connector", set()),
        (untrusted, "tunnel", "does not answer (bad certificate)", "its log", set()),
        (keyless, "signing key", "The key is missing", "copy it here", set()),
    ],
)
def test_the_first_broken_link_is_named(
    change: Callable[[Json], object], about: str, what: str, remedy: str, unjudged: set[str]
) -> None:
    report = verified(change)
    assert (report["status"], report["exit"], report["broken"]["object"]) == ("broken", 2, about)
    assert what in report["broken"]["what"]
    assert remedy in report["broken"]["remedy"]
    states = state(report)
    assert [name for name, one in states.items() if one == "broken"] == [about]
    assert {name for name, one in states.items() if one == "not judged"} == unjudged


def test_what_somebody_changed_beside_the_files_breaks_no_link() -> None:
    assert verified(lambda facts: facts.update(schema={**ANSWER, "drift": [LEFT]}))["exit"] == 0


@pytest.mark.parametrize(
    ("public", "states"),
    [
        (UNSET, ["not set up", "not checked"]),
        (UNSET | {"addresses": ["203.0.113.7"], "alive": {"status": 404}}, ["ok", "not set up"]),
        (UNSET | {"addresses": ["203.0.113.7"], "alive": {"status": 401}}, ["ok", "not set up"]),
        (UNSET | {"error": "there is no getent"}, ["not checked", "not checked"]),
    ],
)
def test_a_way_that_nobody_set_up_is_no_failure(public: Json, states: list[str]) -> None:
    report = verified(lambda facts: facts.update(public=public))
    assert report["exit"] == 0
    assert [state(report)[name] for name in ("DNS", "tunnel")] == states


def test_what_the_server_found_itself_is_a_link_after_those_that_are_asked() -> None:
    report = verified(lambda facts: facts.update(monitoring=numbers(("disk", "warn"), ("link API", "fail"))))
    assert list(state(report))[-3:] == ["numbers", "DNS", "tunnel"] and report["exit"] == 0
    report = verified(lambda facts: facts.update(monitoring=numbers(("disk", "fail"))))
    assert (report["exit"], report["broken"]["object"]) == (2, "numbers")
    assert report["broken"]["remedy"] == "mend disk"


def test_another_traefik_is_not_asked() -> None:
    def other(facts: Json) -> None:
        facts["containers"] = facts["containers"][:2]
        del facts["alive"]["proxy"]
        links(facts, "proxy", {"skipped": True})
        facts["links"][2]["unasked"] = "there is another Traefik"

    report = verified(other)
    assert (report["exit"], state(report)["proxy"]) == (0, "not checked")


def test_a_server_that_says_nothing_is_not_guessed_about() -> None:
    silent = verified(lambda facts: facts.update(server=None, error="timed out"))
    assert (silent["status"], silent["exit"]) == ("unknown", 1)
    assert [link["name"] for link in silent["links"]] == ["server", "DNS", "tunnel"]
    bare = verified(lambda facts: facts.update(deployed=False, containers=[]))
    assert (bare["status"], bare["exit"], bare["links"]) == ("bare", 2, [])
    assert bare["broken"]["remedy"] == "run: make plan"


def test_an_engine_that_does_not_answer_is_the_first_link() -> None:
    def down(facts: Json) -> None:
        facts["server"]["docker"] = {"reachable": False, "version": None, "error": "no socket"}

    report = verified(down)
    assert report["broken"]["object"] == "server"
    assert [link["name"] for link in report["links"]] == ["server", "DNS", "tunnel"]
