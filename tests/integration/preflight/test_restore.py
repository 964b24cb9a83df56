# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restore refuses, of the whole or of tables, from what a repository and a database answered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.consistency.repository import ROOT
from tests.generate.messages import messages
from tests.integration.preflight import backup_cases

HERE = Path(__file__).parent
HEALTHY = json.loads((HERE / "healthy.json").read_text())
NOW = 1795999014
FIRST = 1795899014  # 2026-11-28 20:50:14 UTC
BACKUP = {"timestamp": {"stop": FIRST}, "info": {"size": 100 << 20}, "database": {"id": 1}}
REPOSITORY = [{"db": [{"id": 1, "system-id": 7}], "backup": [BACKUP]}]
MARKER = {"system_identifier": "7", "image": "postgres:15.20-alpine", "image_source": "registry", "uid": "70"}
RUNNING = {"said": None, "sides": [], "tables": ["erp.people", "erp.made_by_hand"]}
EARLIER = "restored by bestviable.portfolio: erp.people as of the last commit, on 2026-11-28 20:50:14 UTC"
Json = dict[str, Any]


def asked(**said: Any) -> Json:
    return {"_backup_server": {"query_result": [RUNNING | said]}}


def server(**state: Any) -> Json:
    return {"_portfolio_server": HEALTHY | {"time": NOW, "markers": HEALTHY["markers"] | {"data": MARKER}} | state}


def holds(*stanzas: Json, **more: Any) -> Json:
    return {"_backup_info": {"stdout": json.dumps(stanzas), **more}}


PEOPLE = {"restore_tables": ["erp.people"]}
ENDS = {"ends": True}
# name: (variables, what the first sentence must hold); no words = must pass
CASES: dict[str, tuple[Json, list[str]]] = {
    "latest": ({}, []),
    "moment": ({"restore_time": "2026-11-29 00:30:00+01"}, []),
    "no_backups": ({"backup_enabled": False}, ["backup_enabled is false", "deploy"]),
    "external": ({"portfolio_topology": "external"}, ["on a server of somebody else", "in the provider's panel"]),
    "no_time": ({"restore_time": "yesterday"}, ["restore_time is yesterday"]),
    "future": ({"restore_time": "2999-01-01"}, ["2999-01-01 00:00:00 UTC", "in the future"]),
    "nothing_there": (holds(stderr="ERROR: [055]: no such\nbucket"), ["no backup", "(ERROR: [055]: no such bucket)"]),
    "nothing_there_said_otherwise": (holds(), ["no backup", "([])"]),
    "no_answer": ({"_backup_info": {}}, ["no backup", "(no answer)"]),
    "before_the_first": ({"restore_time": "2026-11-28 20:50:13"}, ["first backup", "2026-11-28 20:50:14 UTC"]),
    "another_database": (
        holds({"db": [{"id": 1, "system-id": 8}], "backup": [BACKUP]}),
        ["another database (system identifier 8)", "says (7)"],
    ),
    "no_identifier": (
        server(markers=HEALTHY["markers"] | {"data": MARKER | {"system_identifier": None}}),
        ["another database", "says ()"],
    ),
    "small_disk": (server(disk={"path": "/var/lib/docker", "free_mb": 355}), ["355 MB free", "356 MB"]),
    "tables": ({"restore_tables": ["erp.people", "agent.events", "service.jobs", "erp.people"]}, []),
    "tables_as_text": ({"restore_tables": "erp.people, erp.made_by_hand", "restore_time": "2026-11-28 20:50:14"}, []),
    "no_schema": ({"restore_tables": ["people"]}, ["restore_tables has people", "erp.people"]),
    "no_name": ({"restore_tables": " , "}, ["restore_tables has no name, which is no schema and table"]),
    "quoted": ({"restore_tables": ['erp."People"']}, ['restore_tables has erp."People"']),
    "three_parts": ({"restore_tables": ["portfolio.erp.people"]}, ["restore_tables has portfolio.erp.people"]),
    "unknown_table": ({"restore_tables": ["erp.people", "erp.peopl"]}, ["restore_tables has erp.peopl,", "migration"]),
    "no_server": (PEOPLE | {"_backup_server": {"msg": "refused"}}, ["postgres-erp on", "run: make deploy"]),
    "tables_of_the_future": (PEOPLE | {"restore_time": "2999-01-01"}, ["in the future"]),
    "earlier": (
        PEOPLE | asked(said=EARLIER),
        ["portfolio_restored on", "(erp.people as of the last commit, on 2026", "run: make restore STATE=compared"],
    ),
    "compared": (ENDS | asked(said=EARLIER), []),
    "nothing_to_compare": (ENDS, []),
    "compared_without_a_server": (ENDS | {"_backup_server": {}}, ["portfolio_restored", "run: make deploy"]),
    "compared_by_somebody_else": (ENDS | asked(said="mine"), ["portfolio_restored on", "not made by a restore"]),
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[list[str]]]:
    """The answer to each case, all from one run."""
    usual = {
        "ends": False,
        "postgres_erp_sql": str(ROOT / "sql"),
        "backup_image": "image",
        "restore_time": "",
        "restore_tables": [],
        **holds(*REPOSITORY),
        **asked(),
        **server(),
    }
    hosts = {name: {"ansible_connection": "local", **usual, **variables} for name, (variables, _) in CASES.items()}
    inventory = tmp_path_factory.mktemp("restore") / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    playbook = Path(sys.executable).with_name("ansible-playbook")
    run = subprocess.run(
        [str(playbook), "-i", str(inventory), "--forks", "2", str(HERE / "refuse_restore.yml")],
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr
    said: dict[str, list[list[str]]] = {name: [] for name in CASES}
    for play in json.loads(run.stdout[run.stdout.index("{") :])["plays"]:
        for task in play["tasks"]:
            for host, result in task["hosts"].items():
                if not result.get("skipped"):
                    said[host].append(result["msg"])
    return said


@pytest.mark.parametrize("case", CASES)
def test_refusal(case: str, answers: dict[str, list[list[str]]]) -> None:
    words, refusals = CASES[case][1], answers[case][0]
    assert bool(words) == bool(refusals), refusals
    for word in words:
        assert word in refusals[0]


def test_every_check_has_a_case(answers: dict[str, list[list[str]]]) -> None:
    """In one of the ways in which its sentence may be said."""
    said = [" ".join(sentence.split()) for found in answers.values() for sentence in found[0]]
    checks = {f"check {name}" for name in backup_cases.OF_A_RESTORE}
    wanted = [one for one in messages() if one.file == "roles/backup/vars/main.yml" and one.name in checks]
    met = {one.name.rstrip(" 23") for one in wanted if any(one.pattern.search(sentence) for sentence in said)}
    assert {one.name.rstrip(" 23") for one in wanted} == met


def test_what_is_asked_of_the_container(answers: dict[str, list[list[str]]]) -> None:
    words = answers["tables"][1]
    time, database, owner, said, *tables = words[words.index("tables") + 1 :]
    assert (time, database, owner) == ("", "portfolio_restored", "erp_admin")
    assert said.startswith(
        "restored by bestviable.portfolio: erp.people, agent.events, service.jobs as of the last commit"
    )
    assert tables == ["erp.people", "agent.events", "service.jobs"]
