# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules keep what they promise about --check and --diff, and run where the server's Python is older."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.consistency.repository import ROOT, read, tracked

MODULES = tracked("plugins/modules/*.py")
# On the server: /usr/bin/python3 with these and nothing else (decision 21).
SERVER_LIBRARIES = {"psycopg2", "yaml", "ansible", "ansible_collections"}
NEWER_THAN_3_10 = (
    "from typing import Self",
    "import tomllib",
    "ExceptionGroup",
    "StrEnum",
    "datetime.UTC",
    "except*",
    "asyncio.TaskGroup",
)


def documented(name: str, variable: str) -> Any:
    for node in ast.parse(read(name)).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == variable:
            return yaml.safe_load(ast.literal_eval(node.value))
    return None


@pytest.mark.parametrize("name", MODULES)
def test_a_module_documents_check_and_diff(name: str) -> None:
    attributes = documented(name, "DOCUMENTATION").get("attributes", {})
    fragments = documented(name, "DOCUMENTATION").get("extends_documentation_fragment", [])
    assert {"check_mode", "diff_mode"} <= attributes.keys(), f"attributes of {name} (fragments: {fragments})"
    assert attributes["check_mode"]["support"] == "full"
    # A module that is all documentation has an action plugin, which says the same in its own way.
    action = ROOT / "plugins" / "action" / Path(name).name
    assert "supports_check_mode=True" in read(name) or "_supports_check_mode = True" in action.read_text()


@pytest.mark.parametrize("name", MODULES)
def test_a_module_has_examples_and_says_what_it_returns(name: str) -> None:
    example = documented(name, "EXAMPLES")
    assert example and documented(name, "RETURN")
    assert f"bestviable.portfolio.{Path(name).stem}" in str(example)


def test_both_modules_of_the_schema_describe_drift_alike() -> None:
    """Descriptions of what a module returns cannot be shared by a fragment."""
    migration, info = (
        documented(f"plugins/modules/{name}.py", "RETURN")["drift"]["contains"]
        for name in ("postgresql_migration", "postgresql_migration_info")
    )
    assert info == migration | {key: info[key] for key in ("effect", "remedy")}


def test_both_modules_describe_a_refused_token_alike() -> None:
    """The option has another name in each, so no fragment can hold it."""
    migration, alone = (
        documented(f"plugins/modules/{name}.py", "DOCUMENTATION")["options"][option]["suboptions"]
        for name, option in (("postgresql_migration", "revoked_tokens"), ("revoked_tokens", "tokens"))
    )
    assert migration == alone


def imports(name: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(read(name))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def server_files() -> list[str]:
    """Modules and everything of ours that they import."""
    prefix, found, queue = "ansible_collections.bestviable.portfolio.", set[str](), list(MODULES)
    while queue:
        name = queue.pop()
        if name in found:
            continue
        found.add(name)
        for node in ast.walk(ast.parse(read(name))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(prefix):
                base = str(node.module).removeprefix(prefix).replace(".", "/")
                candidates = [f"{base}.py", f"{base}/__init__.py", *(f"{base}/{alias.name}.py" for alias in node.names)]
                queue += [candidate for candidate in candidates if (ROOT / candidate).exists()]
    return sorted(found)


@pytest.mark.parametrize("name", server_files())
def test_what_runs_on_the_server_needs_nothing_that_is_not_there(name: str) -> None:
    import sys

    assert imports(name) - set(sys.stdlib_module_names) <= SERVER_LIBRARIES
    assert [word for word in NEWER_THAN_3_10 if word in read(name)] == []
    ast.parse(read(name), feature_version=(3, 10))


def test_the_ledger_records_the_version_that_is_released() -> None:
    released = yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
    assert f'MODULE_VERSION = "{released}"' in (ROOT / "plugins/module_utils/migration/ledger.py").read_text()
