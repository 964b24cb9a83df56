"""The count is of module executions, not of tasks: held against a play whose price is known."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.bestviable.portfolio.plugins.callback import execution_count

ROOT = Path(__file__).parents[4]
PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - name: One execution a host
      ansible.builtin.stat: {path: /nowhere}
    - name: None
      ansible.builtin.assert: {that: true}
    - name: None, as it is skipped
      ansible.builtin.stat: {path: /nowhere}
      when: false
    - name: Two a host
      ansible.builtin.copy: {content: x, dest: "DIRECTORY/{{ inventory_hostname }}", mode: "0600"}
    - name: Three a host
      ansible.builtin.stat: {path: /nowhere}
      loop: [1, 2, 3]
    - name: One, and not on the servers
      ansible.builtin.stat: {path: /nowhere}
      delegate_to: localhost
      run_once: true
"""
PER_HOST = 6


def run(directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    playbook = directory / "play.yml"
    (directory / "ansible.cfg").touch()
    playbook.write_text(PLAY.replace("DIRECTORY", str(directory)))
    return subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "one,two,three", "-c", "local", str(playbook)],
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(directory / "ansible.cfg"),
            "ANSIBLE_HOME": str(directory / "home"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_CALLBACKS_ENABLED": "bestviable.portfolio.execution_count",
            **environment,
        },
        capture_output=True,
        text=True,
        check=True,
    )


def test_a_play_of_known_price(tmp_path: Path) -> None:
    log = tmp_path / "log"
    earlier = {"host": "x", "module": "m", "task": "t", "delegated": False}
    execution_count.append(str(log), earlier)
    output = run(tmp_path, PORTFOLIO_EXECUTION_LOG=str(log)).stdout
    # A file of earlier runs goes on, and is not counted again.
    assert f"Module executions: {3 * PER_HOST} remote, 1 delegated" in output
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert records[0] == earlier
    assert len(records) == 1 + 3 * PER_HOST + 1
    assert sorted(record["host"] for record in records[1:]).count("two") == PER_HOST
    assert [record["task"] for record in records if record["delegated"]] == ["One, and not on the servers"]
    assert {record["module"] for record in records if record["task"] == "Two a host"} == {
        "ansible.legacy.stat",
        "ansible.legacy.copy",
    }


def test_without_a_file_the_count_is_printed_and_nothing_is_left(tmp_path: Path) -> None:
    output = run(tmp_path, TMPDIR=str(tmp_path)).stdout
    assert re.search(r"Module executions: 18 remote, 1 delegated", output)
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith("execution_count")] == []


@pytest.mark.parametrize(
    ("delegated", "expected"),
    [([], "0 remote, 0 delegated"), ([False, True, False], "2 remote, 1 delegated")],
)
def test_summary(delegated: list[bool], expected: str) -> None:
    assert execution_count.summary([{"delegated": flag} for flag in delegated]) == f"Module executions: {expected}"
