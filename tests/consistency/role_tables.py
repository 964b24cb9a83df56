# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role's README says of variables and dependencies, from meta/: `make docs` writes, a test compares."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.consistency.repository import ROLES, ROOT, load, options, read

VARIABLES = (
    "<!-- variables: made from meta/argument_specs.yml by `make docs` -->\n",
    "<!-- end of variables -->\n",
)
DEPENDENCIES = (
    "<!-- dependencies: made from meta/main.yml by `make docs` -->\n",
    "<!-- end of dependencies -->\n",
)


def cell(text: str) -> str:
    """Text of Ansible's documentation as Markdown in one cell."""
    text = re.sub(r"\b[CVOEIB]\(([^)]*)\)", r"`\1`", " ".join(text.split()))
    return text.replace("|", "\\|")


def value(option: dict[str, Any]) -> str:
    if option.get("required"):
        return "required"
    default = option.get("default")
    if default in (None, ""):
        return "none"
    return f"`{default if isinstance(default, str) else json.dumps(default, ensure_ascii=False)}`".replace("|", "\\|")


def row(name: str, option: dict[str, Any]) -> str:
    text = option["description"]
    description = cell(" ".join(text) if isinstance(text, list) else text)
    choices = "; one of " + ", ".join(f"`{choice}`" for choice in option["choices"]) if "choices" in option else ""
    return f"| `{name}` | {option.get('type', 'str')}{choices} | {value(option)} | {description} |\n"


def table(role: str) -> str:
    rows = [row(name, option) for name, option in options(role).items() if name.startswith(f"{role}_")]
    return "| variable | type | default | meaning |\n| --- | --- | --- | --- |\n" + "".join(rows)


def dependencies(role: str) -> str:
    """Roles that run before it by themselves, each with its own words about itself."""
    names = [str(one["role"]).rpartition(".") for one in load(f"roles/{role}/meta/main.yml")["dependencies"]]
    lines = (
        f"- `{collection}.{name}`: {load(f'roles/{name}/meta/main.yml')['galaxy_info']['description']}\n"
        for collection, _dot, name in names
    )
    return "".join(lines) or "None.\n"


def replaced(role: str, text: str, marks: tuple[str, str], content: str) -> str:
    before, begin, rest = text.partition(marks[0])
    _old, end, after = rest.partition(marks[1])
    if not begin or not end:
        raise ValueError(f"roles/{role}/README.md has no place for what is generated; add the lines {marks}.")
    return f"{before}{begin}\n{content}\n{end}{after}"


def with_tables(role: str, text: str) -> str:
    return replaced(role, replaced(role, text, VARIABLES, table(role)), DEPENDENCIES, dependencies(role))


if __name__ == "__main__":
    for each in ROLES:
        (ROOT / "roles" / each / "README.md").write_text(
            with_tables(each, read(f"roles/{each}/README.md")), encoding="utf-8"
        )
