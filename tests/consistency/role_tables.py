# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of variables in a role's README, from meta/argument_specs.yml: `make docs` writes, a test compares."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.consistency.repository import ROLES, ROOT, options, read

BEGIN = "<!-- variables: made from meta/argument_specs.yml by `make docs` -->\n"
END = "<!-- end of variables -->\n"


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


def with_table(role: str, text: str) -> str:
    before, begin, rest = text.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(
            f"roles/{role}/README.md has no place for the table of variables; add the lines {BEGIN!r} and {END!r}."
        )
    return f"{before}{BEGIN}\n{table(role)}\n{END}{after}"


if __name__ == "__main__":
    for each in ROLES:
        (ROOT / "roles" / each / "README.md").write_text(
            with_table(each, read(f"roles/{each}/README.md")), encoding="utf-8"
        )
