# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The history of a server: a line for each run that changed something, failed or was killed, none for the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.ansible_task import ROOT, run_module

Json = dict[str, Any]
SECRET = "correct horse battery staple"
PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - block:
        - ansible.builtin.import_role: {name: bestviable.portfolio.portfolio, tasks_from: lease}
        - name: Go on after a failure
          block:
            - ansible.builtin.fail: {msg: made good}
          rescue:
            - ansible.builtin.debug:
        - bestviable.portfolio.effect:
            effects:
              - {effect: change, object: a file, detail: missing}
              - {effect: left, object: a network, detail: is odd, remedy: look at it}
          when: changes | default(false)
        - name: Change without a word
          ansible.builtin.command: "true"
          changed_when: changes | default(false)
        - ansible.builtin.fail: {msg: "port 3000 is taken; stop it."}
          when: breaks | default(false)
        - ansible.builtin.fail: {msg: SECRET}
          no_log: true
          when: hides | default(false)
      always:
        - ansible.builtin.import_role: {name: bestviable.portfolio.portfolio, tasks_from: release}
""".replace("SECRET", SECRET)


@pytest.fixture
def server(tmp_path: Path) -> Path:
    (tmp_path / ".portfolio").mkdir()
    (tmp_path / "play.yml").write_text(PLAY)
    return tmp_path


def run(server: Path, *options: str, **variables: Any) -> tuple[list[Json], Json]:
    """The history after a run, and what is said of the last one."""
    given = json.dumps({"portfolio_directory": str(server), "_portfolio_run_id": "mine"} | variables)
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-c", "local", "-i", "localhost,", "-e", given]
    done = subprocess.run(
        [*command, *options, str(server / "play.yml")],
        cwd=ROOT,
        env={**os.environ, "PORTFOLIO_LEASE_FILE": str(server / "run" / "lease.json"), "PORTFOLIO_RUN_ID": "mine"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 2) == bool({"breaks", "hides"} & variables.keys()), done.stdout
    history, last = server / ".portfolio" / "history.jsonl", server / ".portfolio" / "last_run.json"
    lines = history.read_text().splitlines() if history.exists() else []
    return [json.loads(line) for line in lines], json.loads(last.read_text()) if last.exists() else {}


def test_only_what_changed_something_or_failed_is_in_the_history(server: Path) -> None:
    assert run(server, "--check", changes=True) == ([], {})
    lines, last = run(server)
    assert lines == []
    assert (last["rc"], last["playbook"], last["error"]) == (0, "play.yml", "")
    [line], last = run(server, changes=True)
    assert line["effects"] == [
        {"effect": "change", "object": "a file", "detail": "missing"},
        {"effect": "change", "object": "Change without a word", "detail": ""},
    ]
    assert (line["rc"], line["changed"], line["run_id"], "@" in line["who"]) == (0, 2, "mine", True)
    assert line["collection"] and line["finished"] >= line["began"]
    assert {key: line[key] for key in last} == last and "effects" not in last
    lines, last = run(server, breaks=True)
    line = lines[-1]
    assert (line["rc"], line["error"], last["rc"]) == (2, "port 3000 is taken; stop it.", 2)
    lines, last = run(server, hides=True)
    line = lines[-1]
    assert line["rc"] == 2 and SECRET not in json.dumps([line, last])
    assert {path.stat().st_mode & 0o777 for path in (server / ".portfolio").iterdir()} == {0o600}


def test_a_killed_run_is_in_it_and_a_server_without_our_directory_has_none(server: Path) -> None:
    lease = server / "run" / "lease.json"
    lease.parent.mkdir()
    held = {"run_id": "killed", "who": "eve@far", "since": 1.0, "renewed": 2.0, "holder": {}}
    lease.write_text(json.dumps(held))
    environment = {"PORTFOLIO_LEASE_FILE": str(lease), "PORTFOLIO_RUN_ID": "mine"}
    history = server / ".portfolio" / "history.jsonl"
    taken = run_module("run_lease", {"history": str(history)}, environment=environment)
    assert taken["lease"]["run_id"] == "mine"
    [line] = map(json.loads, history.read_text().splitlines())
    assert (line["run_id"], line["who"], line["rc"], line["began"]) == ("killed", "eve@far", 1, 1.0)
    nowhere = server / "nowhere" / "history.jsonl"
    arguments = {"state": "absent", "history": str(nowhere), "run": {"rc": 2}}
    assert run_module("run_lease", arguments, environment=environment)["lease"] is None
    assert not nowhere.parent.exists()
