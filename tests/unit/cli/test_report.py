# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the events of a run to its report."""

from __future__ import annotations

import json

import pytest

from cli.report import Effect, Failure, Part, Report, effects_of, failed_of, results, steps
from tests.unit.cli.runs import effect, recorded, result


def test_a_run_with_nothing_to_do_has_no_effects() -> None:
    events = recorded("nothing")
    assert effects_of(events) == ()
    assert failed_of(events) is None


def test_a_changed_task_that_says_nothing_stands_for_itself() -> None:
    assert Effect("change", "Initialise the database files", "postgres_erp") in effects_of(recorded("deploy"))
    assert [effect.object for effect in effects_of(recorded("drift"))] == [
        "Write the server's files",
        "Start the API",
        "Write the proxy's files",
    ]


def test_every_changed_task_of_a_recorded_run_is_told_once() -> None:
    for name in ("deploy", "drift"):
        events = recorded(name)
        changed = {(event["role"], event["name"]) for event in results(events) if event["changed"]}
        assert {(each.detail, each.object) for each in effects_of(events)} == changed
        assert len(effects_of(events)) == len(changed)


def test_what_a_task_says_stands_instead_of_it_and_of_the_one_of_the_same_name() -> None:
    said = effect("restart", "postgres-erp", "its memory is 200 MB instead of 300 MB")
    events = [
        result("postgres_erp", "Start the server", changed=False, effects=[said]),
        result("postgres_erp", "Start the server", changed=True, effects=[]),
        result("traefik", "Start the server", changed=True, effects=[]),
    ]
    assert effects_of(events) == (Effect(**said), Effect("change", "Start the server", "traefik"))


def test_plan_and_run_may_say_the_same_twice() -> None:
    said = effect("change", "/opt/a", "content")
    events = [result("r", "Write", changed=True, effects=[said]), result("r", "Write again", effects=[said])]
    assert effects_of(events) == (Effect(**said),)


def test_a_refusal_is_found_where_the_run_failed_and_not_where_it_cleaned_up() -> None:
    failed = failed_of(recorded("refused"))
    assert failed
    assert failed["message"].startswith("postgres_erp: postgres_erp_memory is heaps")


@pytest.mark.parametrize(
    ("results_in_order", "told"),
    [
        (["cause", "cleaning up"], "cause"),
        (["cause", "rescue"], "rescue"),
        (["ignored", "cause"], "cause"),
        (["ignored"], None),
    ],
)
def test_the_cause_is_told(results_in_order: list[str], told: str | None) -> None:
    events = [
        result("r", name, status="failed", ignored=name == "ignored", rescue=name == "rescue")
        for name in results_in_order
    ]
    found = failed_of(events)
    assert (found and found["name"]) == told


def test_the_report_as_data() -> None:
    failure = Failure(
        "a; b. Nothing was changed.", "t", "v in f:1", (Part("a", "v in f:1", "b"),), "Nothing was changed."
    )
    effects = (Effect("left", "role x", "is a superuser", "take it away"), Effect("change", "/a"))
    data = json.loads(json.dumps(Report("plan", "erp-db", True, 1, 2.5, effects, failure).as_json()))
    assert data == {
        "version": 1,
        "verb": "plan",
        "host": "erp-db",
        "check": True,
        "exit": 1,
        "seconds": 2.5,
        "effects": [
            {"effect": "left", "object": "role x", "detail": "is a superuser", "remedy": "take it away"},
            {"effect": "change", "object": "/a"},
        ],
        "failure": {
            "message": "a; b. Nothing was changed.",
            "task": "t",
            "where": "v in f:1",
            "parts": [{"what": "a", "where": "v in f:1", "remedy": "b"}],
            "outcome": "Nothing was changed.",
        },
    }
    assert Report("plan", "erp-db", True, 0, 2.5).as_json()["failure"] is None


def test_a_container_with_two_reasons_restarts_once() -> None:
    effects = (Effect("restart", "a", "x"), Effect("restart", "a", "y"), Effect("reload", "b"))
    assert Report("deploy", "h", False, 0, 1, effects).restarted == ["a"]


def test_a_step_that_was_skipped_says_nothing_about_its_usual_time() -> None:
    taken = steps(recorded("nothing"))
    assert "postgres_erp: Write the server's files" in taken
    assert "traefik: Start the proxy" not in taken
    assert all(value >= 0 for value in taken.values())
