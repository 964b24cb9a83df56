# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong is named with its remedy, its cause first and what follows from it not at all."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring.report import status_report

Json = dict[str, Any]


def container(networks: list[str], **changes: Any) -> Json:
    return {
        "state": "running",
        "health": "healthy",
        "started_at": "2026-11-24T21:38:10.1Z",
        "finished_at": "2026-11-24T21:37:00.1Z",
        "exit_code": 0,
        "restart_count": 0,
        "memory": 300 * 1024 * 1024,
        "image": "portfolio.local/postgres:15",
        "networks": dict.fromkeys(networks, "172.28.10.2"),
    } | changes


def link(name: str, where: str, network: str, answer: Json | None) -> Json:
    remedies = {"401": "compare the clocks", "other": f"run: make logs S={where}"}
    return {
        "name": name,
        "at": f"{name}:1",
        "container": where,
        "network": network,
        "answer": answer,
        "unasked": "",
        "remedies": remedies,
    }


SCHEMA = {
    "reachable": True,
    "status": "current",
    "ledger_version": "002",
    "pending": [],
    "problem": None,
    "tables": {"erp": 14, "agent": 21, "migration": 3},
    "drift": [],
}
HEALTHY: Json = {
    "host": "erp-db",
    "error": "",
    "deployed": True,
    "token": "",
    "server": {
        "docker": {"reachable": True, "version": "20.10.24", "error": None},
        "containers": {
            "postgres-erp": container(["portfolio-network"]),
            "postgrest-erp": container(["portfolio-network", "docker_proxy"], health=None),
            "traefik": container(["docker_proxy"]),
        },
        "networks": {
            "portfolio-network": {"containers": {"postgrest-erp": "b", "postgres-erp": "a"}},
            "docker_proxy": {"containers": {"traefik": "c"}},
        },
    },
    "containers": [
        {"name": "postgres-erp", "networks": ["portfolio-network"]},
        {"name": "postgrest-erp", "networks": ["portfolio-network", "docker_proxy"]},
        {"name": "traefik", "networks": ["docker_proxy"]},
    ],
    "networks": ["portfolio-network", "docker_proxy"],
    "monitoring": {"wanted": False, "status": None, "now": 1000.0},
    "schema": SCHEMA,
    "tables": {"erp": 14, "agent": 21},
    "chain": [
        link("database", "postgres-erp", "portfolio-network", SCHEMA),
        link("API", "postgrest-erp", "portfolio-network", {"status": 200, "msg": "OK"}),
        link("proxy", "traefik", "docker_proxy", {"status": 200, "msg": "OK"}),
        link("public name", "", "", None) | {"unasked": "no tunnel is set up here"},
    ],
}


def ended(facts: Json, name: str, **changes: Any) -> None:
    facts["server"]["containers"][name] |= {"state": "exited", "health": "unhealthy", "exit_code": 137} | changes


def answer(facts: Json, link_name: str, said: Json | None) -> None:
    next(link for link in facts["chain"] if link["name"] == link_name)["answer"] = said


def database_stopped(facts: Json) -> None:
    ended(facts, "postgres-erp")
    facts["schema"] = {}
    answer(facts, "database", {"skipped": True})
    answer(facts, "API", {"status": 503})
    answer(facts, "proxy", {"status": 503})


def disk_full(facts: Json) -> None:
    """Its cause is named, not what it does to the container."""
    database_stopped(facts)
    facts["containers"][0]["refused"] = "postgres-erp does not run, and its disk is full; run: make recover."


def tag_moved(facts: Json) -> None:
    facts["containers"][0]["refused"] = "The tag is now another image; set postgres_erp_image back."


def api_removed(facts: Json) -> None:
    facts["server"]["containers"]["postgrest-erp"] = None
    answer(facts, "API", {"skipped": True})
    answer(facts, "proxy", {"status": 502})


def api_disconnected(facts: Json) -> None:
    facts["server"]["containers"]["postgrest-erp"]["networks"] = {"docker_proxy": "1"}
    answer(facts, "API", {"skipped": True})
    answer(facts, "proxy", {"status": 503})


def network_gone(facts: Json) -> None:
    facts["server"]["networks"]["docker_proxy"] = None


def restarting(facts: Json) -> None:
    ended(facts, "traefik", state="restarting", restart_count=8)
    answer(facts, "proxy", {"skipped": True})


def paused(facts: Json) -> None:
    ended(facts, "postgres-erp", state="paused")


def starting(facts: Json) -> None:
    facts["server"]["containers"]["postgres-erp"]["health"] = "starting"


def unhealthy(facts: Json) -> None:
    facts["server"]["containers"]["traefik"]["health"] = "unhealthy"


def socket_gone(facts: Json) -> None:
    problem = "cannot log in to database portfolio at /run:5432 as erp_admin: No such file; nothing was changed; see"
    facts["schema"] = {"reachable": False, "status": "unreachable", "problem": problem}
    answer(facts, "database", facts["schema"])
    answer(facts, "API", {"status": 503})


def module_failed(facts: Json) -> None:
    facts["schema"] = {"failed": True, "msg": "Failed to import psycopg2."}
    answer(facts, "database", facts["schema"])


def refused_token(facts: Json) -> None:
    answer(facts, "API", {"status": 401})
    answer(facts, "proxy", {"status": 401})


def proxy_silent(facts: Json) -> None:
    answer(facts, "proxy", {"status": -1, "msg": "Status code was -1 and not [200]: Connection failure: timed out"})


def pending(facts: Json) -> None:
    facts["schema"] |= {"status": "pending", "pending": ["003"]}


def drifted(facts: Json) -> None:
    facts["schema"] = SCHEMA | {"drift": [{"object": "index erp.a b"}, {"object": "index erp.a c"}]}


def edited(facts: Json) -> None:
    facts["schema"] |= {"status": "refused", "problem": "002_agent.sql was edited after it was applied; put it back."}


def table_lost(facts: Json) -> None:
    facts["schema"]["tables"] = {"erp": 13, "agent": 21}


def no_token(facts: Json) -> None:
    facts["token"] = "The key can be read by others; run: chmod 600 key."
    for name in ("API", "proxy"):
        answer(facts, name, {"skipped": True})


def engine_stopped(facts: Json) -> None:
    facts["server"] = {
        "docker": {"reachable": False, "version": None, "error": "refused"},
        "containers": dict.fromkeys(facts["server"]["containers"]),
        "networks": dict.fromkeys(facts["networks"]),
    }
    facts["schema"] = {}
    for name in ("database", "API", "proxy"):
        answer(facts, name, {"skipped": True})


CASES: list[tuple[Callable[[Json], None], str, str, str]] = [
    (database_stopped, "postgres-erp", "does not run (exited since 2026-11-24 21:37Z, exit 137)", "run: make deploy"),
    (disk_full, "postgres-erp", "its disk is full", "run: make recover"),
    (tag_moved, "postgres-erp", "now another image", "set postgres_erp_image back"),
    (api_removed, "postgrest-erp", "there is no container", "run: make deploy"),
    (api_disconnected, "postgrest-erp", "not connected to portfolio-network", "run: make deploy"),
    (network_gone, "docker_proxy", "no network", "run: make deploy"),
    (restarting, "traefik", "exit 137, 8 restarts", "run: make logs S=traefik"),
    (paused, "postgres-erp", "paused", "docker unpause postgres-erp"),
    (starting, "postgres-erp", "still starting", "run: make status"),
    (unhealthy, "traefik", "is unhealthy", "run: make logs S=traefik"),
    (socket_gone, "database", "database at database:1 does not answer (No such file)", "run: make logs S=postgres-erp"),
    (module_failed, "database", "Failed to import psycopg2", "run: make logs S=postgres-erp"),
    (refused_token, "API", "API at API:1 answers 401", "compare the clocks"),
    (proxy_silent, "proxy", "does not answer (Connection failure: timed out)", "run: make logs S=traefik"),
    (pending, "schema", "pending: 003", "run: make deploy"),
    (edited, "schema", "002_agent.sql was edited", "put it back"),
    (drifted, "schema", "2 objects differ from what the last run recorded (index erp.a b, ...)", "run: make schema"),
    (table_lost, "schema", "schema erp has 13 tables instead of 14", "run: make plan"),
    (no_token, "signing key", "can be read by others", "run: chmod 600 key"),
    (engine_stopped, "Docker Engine", "does not answer (refused)", "run: make deploy"),
]


@pytest.mark.parametrize(("spoil", "about", "what", "remedy"), CASES, ids=[case[0].__name__ for case in CASES])
def test_one_fault_is_one_problem(spoil: Callable[[Json], None], about: str, what: str, remedy: str) -> None:
    facts = copy.deepcopy(HEALTHY)
    spoil(facts)
    report = status_report(facts)
    assert (report["status"], report["exit"]) == ("wrong", 2)
    [problem] = report["problems"]
    assert problem["object"] == about
    assert what in problem["what"]
    assert remedy in problem["remedy"]


def test_a_healthy_server() -> None:
    report = status_report(copy.deepcopy(HEALTHY))
    assert (report["status"], report["exit"], report["problems"], report["version"]) == ("ok", 0, [], 1)
    assert [one["state"] for one in report["chain"]] == ["ok", "ok", "ok", "not checked"]
    assert report["schema"]["tables"][0] == {"schema": "erp", "found": 14, "wanted": 14}
    assert report["containers"][0]["memory_limit_mb"] == 300


def test_two_faults_are_both_named_and_each_link_says_what_it_knows() -> None:
    facts = copy.deepcopy(HEALTHY)
    database_stopped(facts)
    restarting(facts)
    report = status_report(facts)
    assert [problem["object"] for problem in report["problems"]] == ["postgres-erp", "traefik"]
    assert [(one["state"], one["detail"]) for one in report["chain"][:3]] == [
        ("not checked", "postgres-erp does not run"),
        ("wrong", "answers 503"),
        ("not checked", "traefik does not run"),
    ]


def numbers(*found: tuple[str, str], age: float = 30.0) -> Json:
    """A status file that is so old, with these numbers and their levels."""
    listed = [
        {"name": name, "level": level, "what": f"{name} is bad", "remedy": f"mend {name}"} for name, level in found
    ]
    status = {"at": "2026-11-28T21:00:00Z", "epoch": 1000.0 - age, "numbers": listed}
    return {"wanted": True, "status": status, "now": 1000.0}


def test_what_the_server_found_itself_is_named_beside_what_is_asked_now() -> None:
    found = numbers(("disk", "fail"), ("token", "warn"), ("wal", "ok"), ("link API", "fail"), ("engine", "fail"))
    report = status_report(copy.deepcopy(HEALTHY) | {"monitoring": found})
    assert (report["status"], report["exit"]) == ("wrong", 2)
    assert report["problems"] == [{"object": "disk", "what": "disk is bad", "remedy": "mend disk"}]
    assert [warning["object"] for warning in report["warnings"]] == ["token"]
    assert len(report["numbers"]["numbers"]) == 5 and report["numbers"]["age"] == 30
    warned = status_report(copy.deepcopy(HEALTHY) | {"monitoring": numbers(("token", "warn"))})
    assert (warned["status"], warned["exit"], len(warned["warnings"])) == ("ok", 0, 1)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (numbers(("disk", "fail"), age=181), "has not looked at itself for 3 min"),
        ({"wanted": True, "status": None, "now": 1000.0}, "there is no status yet"),
        ({"wanted": True, "status": {"error": "it does not hold JSON"}, "now": 1000.0}, "does not hold JSON"),
    ],
    ids=["old", "missing", "broken"],
)
def test_a_server_that_does_not_look_at_itself_is_a_finding(found: Json, words: str) -> None:
    report = status_report(copy.deepcopy(HEALTHY) | {"monitoring": found})
    [problem] = report["problems"]
    assert words in problem["what"] and problem["remedy"] == "run: make deploy"
    assert status_report(copy.deepcopy(HEALTHY) | {"monitoring": numbers(age=179)})["exit"] == 0


def test_a_bare_server_and_one_that_says_nothing() -> None:
    facts = copy.deepcopy(HEALTHY) | {"deployed": False}
    facts["server"]["containers"] = dict.fromkeys(facts["server"]["containers"])
    bare = status_report(facts)
    assert (bare["status"], bare["exit"], bare["problems"][0]["remedy"]) == ("bare", 2, "run: make plan")
    silent = status_report(HEALTHY | {"server": None, "error": "Connection refused", "containers": [], "chain": []})
    assert (silent["status"], silent["exit"]) == ("unknown", 1)
    assert "Connection refused" in silent["problems"][0]["what"]
