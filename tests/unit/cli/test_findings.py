# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts of status and doctor: on one screen, what is wrong first, with color only where it is wanted."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest

from cli import doctor, findings, status

Json = dict[str, Any]


def container(name: str, **changes: Any) -> Json:
    return {
        "name": name,
        "state": "running",
        "health": "healthy",
        "since": "2026-11-24 21:38Z",
        "restarts": 0,
        "memory_limit_mb": 300,
        "image": "x",
        "networks": [],
    } | changes


def link(name: str, at: str, state: str = "ok", detail: str = "answers") -> Json:
    return {"name": name, "at": at, "state": state, "detail": detail}


HEALTHY: Json = {
    "version": 1,
    "host": "erp-db",
    "status": "ok",
    "exit": 0,
    "problems": [],
    "warnings": [],
    "numbers": None,
    "engine": {"reachable": True, "version": "20.10.24", "error": None},
    "containers": [
        container("postgres-erp"),
        container("postgrest-erp", health=None),
        container("traefik", restarts=1),
    ],
    "schema": {
        "status": "current",
        "version": "002",
        "pending": [],
        "problem": None,
        "tables": [{"schema": "erp", "found": 14, "wanted": 14}, {"schema": "agent", "found": 21, "wanted": 21}],
    },
    "chain": [
        link("database", "/home/david/services/postgres-erp/run"),
        link("API", "port 3000 of postgrest-erp"),
        link("proxy", "http://127.0.0.1:3000"),
        link("public name", "https://erp-db.bestviable.com", "not checked", "no tunnel is set up here"),
    ],
    "networks": [
        {"name": "portfolio-network", "there": True, "containers": ["planner-api", "postgres-erp", "postgrest-erp"]},
        {"name": "docker_proxy", "there": True, "containers": ["postgrest-erp", "traefik"]},
    ],
}
WRONG = HEALTHY | {
    "status": "wrong",
    "exit": 2,
    "problems": [
        {
            "object": "postgres-erp",
            "what": "postgres-erp does not run (exited)",
            "remedy": "run: make deploy" + " X" * 40,
        },
        {"object": "traefik", "what": "traefik is " + "very " * 20 + "ill", "remedy": "see " + "its log " * 20},
    ],
    "chain": [link("API", "port 3000", "wrong", "answers 503")],
}
FINDINGS: Json = {
    "version": 1,
    "host": "erp-db",
    "complete": True,
    "exit": 1,
    "findings": [
        {"where": "inventory", "check": "options", "level": "ok", "message": ""},
        {"where": "docker_host", "check": "clock", "level": "warn", "message": "It is late; wait."},
        {"where": "docker_host", "check": "root", "level": "ok", "message": ""},
        {
            "where": "traefik",
            "check": "port",
            "level": "fail",
            "message": "Port 3000 is taken " + "by many " * 20 + "; stop it.",
        },
    ],
}


def test_a_healthy_status_fits_a_screen_and_says_what_the_data_say() -> None:
    lines = list(status.lines(HEALTHY))
    assert lines[0] == "portfolio on erp-db: ok"
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for word in (
        "running, healthy",
        "1 restart ",
        "300 MB",
        "version 002",
        "14 erp + 21 agent",
        "no tunnel",
        "planner-api",
    ):
        assert word in text


def number(name: str, value: Any, unit: str = "", of: Any = None, level: str = "ok") -> Json:
    return {"name": name, "value": value, "unit": unit, "of": of, "level": level, "what": "", "remedy": ""}


NUMBERS: Json = {
    "at": "2026-11-28T21:00:00Z",
    "age": 21,
    "numbers": [
        number("disk", 34, "%", 25000),
        number("memory", 61, "%", 961),
        number("memory postgres-erp", 141, "MB", 300),
        number("connections", 27, "", 40),
        number("transaction", 12, "s"),
        number("lock_wait", 0, "s"),
        number("database_size", 1125, "MB"),
        number("wal", 128, "MB"),
        number("slots", 0, "MB"),
        number("archive", 55, "s"),
        number("backup", 11000, "s"),
        number("dump", 30000, "s"),
        number("restore_test", None, "s"),
        number("token", 64, "days", level="warn"),
        number("run", "none at work"),
        number("last_run", 1795892400, "epoch"),
    ],
}


def test_numbers_and_two_connectors_still_fit_a_screen() -> None:
    connectors = [container("cloudflared-1"), container("cloudflared-2")]
    full = HEALTHY | {
        "containers": HEALTHY["containers"] + connectors,
        "chain": [*HEALTHY["chain"][:3], link("connectors", "cloudflared-1, cloudflared-2"), HEALTHY["chain"][3]],
        "numbers": NUMBERS,
    }
    lines = list(status.lines(full))
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert "141/300 MB" in lines[2] and lines[2].startswith("  postgres-erp ")
    assert lines[-5:] == [
        "numbers      15 of 16 are well, 21 s ago",
        "  server     disk 34 %, memory 61 %, token 64 days, last run 2 h ago",
        "  database   connections 27 of 40, transaction 12 s, database size 1125 MB,",
        "             wal 128 MB",
        "  backup     backup 3 h, dump 8 h, restore test none yet, archive 55 s",
    ]


def test_a_warning_is_said_after_what_is_wrong_and_makes_nothing_wrong() -> None:
    warning = {"object": "token", "what": "the token ends in 19 days", "remedy": "run: make deploy"}
    lines = list(status.lines(HEALTHY | {"warnings": [warning]}))
    assert lines[:3] == [
        "portfolio on erp-db: ok, 1 warning",
        "  warning: the token ends in 19 days;",
        "    run: make deploy",
    ]
    both = list(status.lines(WRONG | {"warnings": [warning, warning]}))
    assert both[0] == "portfolio on erp-db: 2 things are wrong, 2 warnings"
    assert both.index("  warning: the token ends in 19 days;") > both.index("  postgres-erp does not run (exited);")


def test_what_is_wrong_comes_first_and_a_command_can_be_copied() -> None:
    lines = list(status.lines(WRONG))
    assert lines[0] == "portfolio on erp-db: 2 things are wrong"
    assert lines[1:3] == ["  postgres-erp does not run (exited);", "    run: make deploy" + " X" * 40]
    headed = next(number for number, line in enumerate(lines) if line.startswith("containers"))
    assert headed > max(number for number, line in enumerate(lines) if "log" in line)
    assert "  wrong        API          port 3000: answers 503" in lines
    assert max(len(line) for line in lines if "run: " not in line) <= 80


def test_a_server_without_anything_and_one_without_an_answer() -> None:
    nothing: Json = {"containers": [], "schema": None, "chain": [], "networks": []}
    problem = {"object": "erp-db", "what": "nothing is deployed here", "remedy": "run: make plan"}
    bare = HEALTHY | nothing | {"status": "bare", "problems": [problem]}
    assert list(status.lines(bare)) == ["portfolio on erp-db: nothing is deployed here; run: make plan"]
    unknown = list(status.lines(bare | {"status": "unknown"}))
    assert "could not be found out" in unknown[0]
    assert unknown[1:] == ["  nothing is deployed here;", "    run: make plan"]
    unseen = HEALTHY | {"schema": {"tables": None}, "containers": [{"name": "traefik", "state": "missing"}]}
    assert {"  not checked", "  traefik              missing"} <= set(status.lines(unseen))


def test_the_doctor_says_first_what_fails_then_what_warns() -> None:
    lines = list(doctor.lines(FINDINGS))
    assert lines[0] == "doctor of erp-db: 1 FAIL, 1 WARN, 2 OK"
    marks = [line.split()[0] for line in lines if re.match(r"  \S", line)]
    assert marks == ["FAIL", "WARN", "OK", "OK"]
    assert max(map(len, lines)) <= 80
    assert "correct this and ask again" not in "".join(lines)
    assert "could not be made" in list(doctor.lines(FINDINGS | {"complete": False, "host": None}))[-1]


@pytest.mark.parametrize(("variable", "terminal", "color"), [("", True, True), ("1", True, False), ("", False, False)])
def test_color_is_for_terminals_and_not_for_who_refuses_it(
    monkeypatch: pytest.MonkeyPatch, variable: str, terminal: bool, color: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", variable)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    painted = [findings.painted(line, findings.colored()) for line in status.lines(WRONG)]
    assert ("\x1b[" in "".join(painted)) == color
    assert [re.sub(r"\x1b\[\d+m", "", line) for line in painted] == list(status.lines(WRONG))


def test_a_servers_text_cannot_move_the_cursor() -> None:
    assert findings.painted("wrong  \x1b[2Jgone", True) == "\x1b[31mwrong\x1b[0m  \\x1b[2Jgone"


def test_other_callbacks_may_print_too() -> None:
    plays = '{\n "plays": [{"tasks": []}]\n}'
    assert findings.plays_in(f"[WARNING] {{x}}\n{{y}}\n{plays}\nModule executions: 4 remote") == [{"tasks": []}]
    assert findings.plays_in("ERROR! no such inventory") == []


def test_a_proposed_command_means_the_same_server() -> None:
    data = {"problems": [{"remedy": "run: make logs S=postgres-erp", "what": "x"}], "n": 1, "other": "make it so"}
    there = findings.addressed(data, " INVENTORY=inventories/droplet")
    assert there["problems"][0]["remedy"] == "run: make logs S=postgres-erp INVENTORY=inventories/droplet"
    assert (there["n"], there["other"]) == (1, "make it so")
    assert findings.addressed("run: make deploy", "") == "run: make deploy"
