# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repository as the consistency tests read it: its files, its roles, their tasks with the lines above them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = tuple(sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir()))
BLOCKS = ("block", "rescue", "always")
# What a task may say besides its action.
KEYWORDS = {
    *BLOCKS,
    *"args async become changed_when check_mode connection delay delegate_to diff environment failed_when".split(),
    *"ignore_errors loop loop_control module_defaults name no_log notify poll register retries run_once".split(),
    *"tags throttle until vars when".split(),
}


@dataclass(frozen=True)
class Task:
    file: str
    line: int
    above: str
    content: dict[str, Any]

    @property
    def action(self) -> str:
        return next((key for key in self.content if key not in KEYWORDS), "")

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.content.get('name', '')}"


@cache
def tracked(*patterns: str) -> tuple[str, ...]:
    """Files of the repository, with those that are not committed yet."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(name for name in listing.splitlines() if (ROOT / name).is_file())


@cache
def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def load(name: str) -> Any:
    return yaml.safe_load(read(name))


def defaults(role: str) -> dict[str, Any]:
    values: dict[str, Any] = load(f"roles/{role}/defaults/main.yml")
    return values


def options(role: str) -> dict[str, dict[str, Any]]:
    """The options of a role over all its entry points; one that stands in two must be the same in both."""
    found: dict[str, dict[str, Any]] = {}
    for entry in load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"].values():
        for name, option in (entry.get("options") or {}).items():
            assert found.setdefault(name, option) == option, f"{name} has two descriptions in the specs of {role}"
    return found


def tasks() -> tuple[Task, ...]:
    """Every task of roles and playbooks; of a test playbook as well."""
    names = tracked("roles/*/tasks/*.yml", "roles/*/handlers/*.yml", "playbooks/*.yml", "molecule/*.yml", "tests/*.yml")
    return tuple(task for name in names for task in _tasks_of(name))


def _tasks_of(name: str) -> Iterator[Task]:
    lines = read(name).splitlines()
    document = yaml.compose(read(name))
    values = load(name)
    if isinstance(document, yaml.SequenceNode) and isinstance(values, list):
        yield from _walk(name, lines, document, values)


def _walk(name: str, lines: list[str], node: yaml.SequenceNode, values: list[Any]) -> Iterator[Task]:
    for child, value in zip(node.value, values, strict=True):
        if not isinstance(value, dict):
            continue
        if not {"hosts", "import_playbook", "ansible.builtin.import_playbook"} & value.keys():
            line = child.start_mark.line
            yield Task(name, line + 1, lines[line - 1].strip() if line else "", value)
        for key, below in child.value:
            if key.value in (*BLOCKS, "tasks", "pre_tasks", "post_tasks", "handlers") and isinstance(
                below, yaml.SequenceNode
            ):
                yield from _walk(name, lines, below, value[key.value])
