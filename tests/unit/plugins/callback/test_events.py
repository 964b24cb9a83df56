# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The events of a play whose every case is known: what is told, what is hidden, how steps are counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[4]
SECRET = "correct horse battery staple"
MODULE = """#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({"name": {"type": "str"}}, supports_check_mode=True)
effects = [{"effect": "change", "object": module.params["name"], "detail": "content", "secret": "no"}, {"effect": ""}]
module.warn("odd: " + module.params["name"])
module.exit_json(changed=True, effects=effects, diff={"before": "", "after": module.params["name"] + "\\n"})
"""
PLAY = f"""
- name: A play
  hosts: all
  gather_facts: false
  tasks:
    - name: Say effects
      say_effects: {{name: "one é"}}
    - name: Say effects in a loop
      say_effects: {{name: "{{{{ item }}}}"}}
      loop: [two, three]
    - name: Hide
      say_effects: {{name: "{SECRET}"}}
      no_log: true
    - name: Hide in a loop
      say_effects: {{name: "{{{{ item }}}}"}}
      loop: ["{SECRET}"]
      no_log: true
    - name: Include
      ansible.builtin.include_tasks: more.yml
    - name: Skip
      ansible.builtin.debug: {{msg: no}}
      when: false
    - name: Try
      block:
        - name: Fail first
          ansible.builtin.assert: {{that: false, fail_msg: ugly}}
      rescue:
        - name: Say it nicely
          ansible.builtin.debug: {{msg: nice}}
        - name: Fail nicely
          ansible.builtin.fail: {{msg: nicer}}
          ignore_errors: true
    - name: Ignore
      ansible.builtin.fail: {{msg: never mind}}
      ignore_errors: true
    - name: Wait
      ansible.builtin.command: {{argv: ["false"]}}
      register: waited
      until: waited.rc == 0
      retries: 1
      delay: 0
      changed_when: false
      failed_when: false
    - name: Fail hidden
      ansible.builtin.fail: {{msg: "{SECRET}"}}
      no_log: true
"""
MORE = """
- name: Included
  ansible.builtin.debug: {msg: {names: [a, b]}}
"""


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    directory = tmp_path_factory.mktemp("events")
    (directory / "library").mkdir()
    (directory / "library" / "say_effects.py").write_text(MODULE)
    (directory / "play.yml").write_text(PLAY)
    (directory / "more.yml").write_text(MORE)
    (directory / "ansible.cfg").touch()
    result = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "one,", "-c", "local", "--diff", "play.yml"],
        cwd=directory,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(directory / "ansible.cfg"),
            "ANSIBLE_HOME": str(directory / "home"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_CALLBACKS_ENABLED": "bestviable.portfolio.execution_count",
            "ANSIBLE_STDOUT_CALLBACK": "bestviable.portfolio.events",
            "ANSIBLE_FORCE_COLOR": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2, result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert SECRET not in result.stdout + result.stderr
    return result.stdout.splitlines()


@pytest.fixture(scope="module")
def events(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines if line.startswith("{")]


def of(events: list[dict[str, Any]], kind: str, name: str = "") -> list[dict[str, Any]]:
    return [event for event in events if event["event"] == kind and name in ("", event.get("name"))]


def test_each_line_is_an_event_or_of_another_callback(lines: list[str], events: list[dict[str, Any]]) -> None:
    other = [line for line in lines if not line.startswith("{")]
    assert [line.partition(":")[0] for line in other] == ["Module executions"]
    assert {event["event"] for event in events} == {"play", "task", "diff", "retry", "result", "stats"}
    assert all(line.isascii() for line in lines)
    assert [event["seconds"] for event in events] == sorted(event["seconds"] for event in events)


def test_effects_come_through_also_out_of_a_loop(events: list[dict[str, Any]]) -> None:
    (one,) = of(events, "result", "Say effects")
    assert one["effects"] == [{"effect": "change", "object": "one é", "detail": "content"}]
    assert one["warnings"] == ["odd: one é"]
    (loop,) = of(events, "result", "Say effects in a loop")
    assert [effect["object"] for effect in loop["effects"]] == ["two", "three"]
    assert loop["changed"]


def test_what_is_not_to_be_logged_has_a_status_and_nothing_else(events: list[dict[str, Any]]) -> None:
    for name in ("Hide", "Hide in a loop"):
        (hidden,) = of(events, "result", name)
        assert (hidden["changed"], hidden["effects"], hidden["warnings"]) == (True, [], [])
        assert of(events, "diff", name) == []
    (failed,) = of(events, "result", "Fail hidden")
    assert (failed["status"], failed["message"], failed["hidden"]) == ("failed", "", True)


def test_a_diff_is_plain_text(events: list[dict[str, Any]]) -> None:
    (diff,) = of(events, "diff", "Say effects in a loop")[:1]
    assert "+two\n" in diff["text"]
    assert all("\x1b" not in event["text"] for event in of(events, "diff"))


def test_steps_are_counted_and_grow_with_what_is_included(events: list[dict[str, Any]]) -> None:
    (play,) = of(events, "play")
    tasks = of(events, "task")
    assert play["total"] == 10
    assert [task["number"] for task in tasks] == list(range(1, len(tasks) + 1))
    assert [task["total"] for task in tasks] == [10] * 5 + [11] * 3 + [12] + [13] * 4


def test_the_end_of_each_task_is_told(events: list[dict[str, Any]]) -> None:
    status = {event["name"]: event["status"] for event in of(events, "result")}
    assert status["Skip"] == "skipped"
    assert status["Fail first"] == "failed"
    assert status["Wait"] == "ok"
    (ugly,) = of(events, "result", "Fail first")
    assert (ugly["message"], ugly["rescue"], ugly["ignored"]) == ("ugly", False, False)
    (nice,) = of(events, "result", "Fail nicely")
    assert (nice["message"], nice["rescue"], nice["ignored"]) == ("nicer", True, True)
    (ignored,) = of(events, "result", "Ignore")
    assert ignored["ignored"]
    (retry,) = of(events, "retry")
    assert (retry["name"], retry["retries"]) == ("Wait", 2)
    (stats,) = of(events, "stats")
    assert stats["hosts"]["one"]["failures"] == 1


def test_what_a_task_only_says_comes_as_it_is(events: list[dict[str, Any]]) -> None:
    assert of(events, "result", "Included")[0]["said"] == {"names": ["a", "b"]}
    assert of(events, "result", "Say it nicely")[0]["said"] == "nice"
