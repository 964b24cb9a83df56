# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Habits of tasks and compose files that a reader can rely on without looking."""

from __future__ import annotations

import re

import pytest

from tests.consistency.repository import BLOCKS, Task, load, read, tasks, tracked

ALL = tasks()
COMMANDS = {f"ansible.builtin.{name}" for name in ("command", "shell", "raw", "script", "expect")}
# What an operator's server meets; tests run commands as they need them.
OURS = [task for task in ALL if task.file.startswith(("roles/", "playbooks/"))]
COMPOSE = tracked("roles/*/templates/*compose*")


def is_block(task: Task) -> bool:
    return any(key in task.content for key in BLOCKS)


def test_there_are_tasks_and_compose_files() -> None:
    assert len(ALL) > 40
    assert len(COMPOSE) >= 3


def test_names_of_actions_are_fully_qualified() -> None:
    short = [str(task) for task in ALL if not is_block(task) and not re.fullmatch(r"\w+\.\w+\.\w+", task.action)]
    assert short == []


def test_every_task_has_a_name() -> None:
    assert [str(task) for task in ALL if not task.content.get("name") and task.action != "ansible.builtin.meta"] == []


def test_a_command_has_its_reason_above_it() -> None:
    assert [str(task) for task in OURS if task.action in COMMANDS and not task.above.startswith("#")] == []


def test_a_command_says_when_it_changes_something() -> None:
    silent = []
    for task in OURS:
        arguments = task.content.get(task.action)
        bounded = isinstance(arguments, dict) and {"creates", "removes"} & arguments.keys()
        if task.action in COMMANDS and "changed_when" not in task.content and not bounded:
            silent.append(str(task))
    assert silent == []


def test_nobody_becomes_another_user_than_root() -> None:
    found = [name for name in tracked("roles/*", "playbooks/*") if "become_user" in read(name)]
    assert found == []


@pytest.mark.parametrize("name", COMPOSE)
def test_published_ports_are_bound_to_the_loopback(name: str) -> None:
    """Docker's rules come before the host's firewall: a port without an address is open to the world."""
    text = "\n".join(line for line in read(name).splitlines() if not line.lstrip().startswith("#"))
    inline = [item for found in re.findall(r"^\s*ports:\s*\[(.*)\]\s*$", text, re.M) for item in found.split(",")]
    listed = [
        item for found in re.findall(r"^\s*ports:\s*\n((?:\s*- .*\n)+)", text, re.M) for item in found.splitlines()
    ]
    addresses = [item.strip().lstrip("-").strip().strip("\"'") for item in inline + listed]
    assert ("ports:" in text) == bool(addresses), "this test does not understand how the ports are written"
    assert [item for item in addresses if not item.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", COMPOSE)
def test_a_compose_file_limits_what_it_starts(name: str) -> None:
    text = read(name)
    for needed in (
        "mem_limit:", "memswap_limit:", "cpus:", "pids_limit:", "max-size:", "no-new-privileges", "cap_drop: [ALL]",
        "restart: unless-stopped", "TZ: UTC", "bestviable.portfolio: ", "bestviable.portfolio.config-hash: ",
    ):  # fmt: skip
        assert needed in text, needed
    memory = re.findall(r"^\s*(?:mem|memswap)_limit: (.*)$", text, re.M)
    assert len(set(memory)) == 1, "swap on top of the memory"
    for unwanted in ("build:", "depends_on:", "privileged:", "network_mode:", "docker.sock", "ansible_managed"):
        assert unwanted not in text, unwanted


def test_every_play_works_with_no_facts_gathered() -> None:
    plays = [(name, play) for name in tracked("playbooks/*.yml") for play in load(name) if "hosts" in play]
    assert [name for name, play in plays if play.get("gather_facts") is not False] == []
    used = [
        name
        for name in tracked("roles/*", "playbooks/*")
        # A module's own answer may have that name.
        if re.search(r"(?<!\.)ansible_facts|ansible_distribution", read(name))
    ]
    assert used == []
