# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs a role has the roles whose variables it uses: one that is missing shows only when that role gets so far."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.consistency.repository import ROLES, ROOT

# A variable of a role, where nothing beside it says what is done without it. What is in quotes is a word.
LONGEST_FIRST = "|".join(sorted(ROLES, key=len, reverse=True))
GUARD = r"(?!\s*\|\s*default)(?!\s+is\s+(not\s+)?defined)"
USED = re.compile(rf"(?<![\w.'/-])_?({LONGEST_FIRST})_\w+(?![\w(:]){GUARD}")
# What is evaluated; all else is prose.
EVALUATED = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\bwhen:[^\n]*(?:\n +- [^\n]*)*", re.DOTALL)
FOLDERS = ("tasks", "vars", "templates")


def used(role: str) -> set[str]:
    """The other roles whose variables it reads directly; what the shared role offers is for all."""
    paths = [path for folder in FOLDERS for path in (ROOT / "roles" / role / folder).rglob("*") if path.is_file()]
    texts = [re.sub(r"^\s*#.*$", "", path.read_text(), flags=re.MULTILINE) for path in paths]
    evaluated = "\n".join(found for text in texts for found in EVALUATED.findall(text))
    return {found[1] for found in USED.finditer(evaluated)} - {role, "portfolio"}


def imported(value: Any) -> Iterator[tuple[str, bool]]:
    """Each role that is imported or included, and whether all of it is."""
    if isinstance(value, list):
        for item in value:
            yield from imported(item)
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("ansible.builtin.import_role", "ansible.builtin.include_role"):
                yield inner["name"].rpartition(".")[2], "tasks_from" not in inner
            else:
                yield from imported(inner)


def examples() -> Iterator[Any]:
    """Every playbook, and every example of one in a role's README."""
    for path in sorted((ROOT / "playbooks").glob("*.yml")):
        yield pytest.param(path.read_text(), id=path.name)
    for role in ROLES:
        text = (ROOT / "roles" / role / "README.md").read_text()
        for number, found in enumerate(re.findall(r"```yaml\n(- hosts:.*?)```", text, re.DOTALL)):
            yield pytest.param(found, id=f"{role}-{number}")


@pytest.mark.parametrize("text", list(examples()))
def test_who_runs_a_role_has_those_whose_variables_it_uses(text: str) -> None:
    roles = list(imported(yaml.safe_load(text)))
    known = {role for role, _whole in roles}
    missing = {role: used(role) - known for role, whole in roles if whole and role != "portfolio"}
    assert not {role: names for role, names in missing.items() if names}
