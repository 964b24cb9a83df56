# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every role has the same shape and the same words, and each of its variables is described once."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import services

from tests.consistency.repository import ROLES, ROOT, defaults, load, options, read, tasks, tracked
from tests.consistency.role_tables import with_tables

SHAPE = ("README.md", "defaults/main.yml", "meta/argument_specs.yml", "meta/main.yml")
WORDS = ("preflight", "install", "configure", "run", "verify")
# Steps that have a name of their own because another step calls them.
MORE_WORDS = {
    "portfolio": {
        "state",
        "ask",
        "image",
        "lease",
        "release",
        "adjust",
        "started",
        "status",
        "schema",
        "doctor",
        "chain",
        "connect",
    },
    "docker_host": {"record", "daemon"},
    # The first database files once; the rest only where it is needed, or by a playbook of its own.
    "postgres_erp": {
        "bootstrap",
        "volume",
        "ballast",
        "reload",
        "start",
        "restart",
        "rescue",
        "recover",
        "external",
        "upgrade",
    },
    # A start, and keys that are read again, or replaced.
    "postgrest_erp": {"start", "reload", "rotate"},
    # A start, and a route that is new.
    "traefik": {"start", "route"},
    # A start, its timers; an image that no registry has; all of it in reverse; what the verbs do.
    "backup": {
        "start",
        "timers",
        "image",
        "repository",
        "absent",
        "restore",
        "forget",
        "job",
        "ask",
        "settle",
        "tables",
        "side",
        "compared",
    },
    "monitoring": {"absent"},
    # Cloudflare, the rule, connectors of two kinds, each called more than once; and all of it in reverse.
    "cloudflare_ingress": {"tunnel", "publish", "rule", "start", "connector", "other", "restart", "remove", "absent"},
}
NUMBER = (int, float)
TYPES: dict[str, type | tuple[type, ...]] = {"bool": bool, "dict": dict, "float": NUMBER, "int": int, "list": list}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_the_files_of_the_shape(role: str) -> None:
    missing = [name for name in SHAPE if not (ROOT / "roles" / role / name).is_file()]
    assert not missing


@pytest.mark.parametrize("role", ROLES)
def test_task_files_have_the_allowed_names(role: str) -> None:
    names = {path.stem for path in (ROOT / "roles" / role / "tasks").glob("*.yml")}
    assert names <= {"main", *WORDS, *MORE_WORDS.get(role, set())}
    if role != "portfolio":  # what the others share: it starts nothing
        assert {"main", "preflight"} <= names


@pytest.mark.parametrize("role", [role for role in ROLES if role != "portfolio"])
def test_main_is_a_table_of_contents_in_the_order_of_the_words(role: str) -> None:
    content = load(f"roles/{role}/tasks/main.yml")
    steps = [task for task in content if "ansible.builtin.debug" not in task]
    called = [task.get("ansible.builtin.include_tasks") or task.get("ansible.builtin.import_tasks") for task in steps]
    assert all(called), "main.yml calls the other files and does nothing by itself"
    words = [str(name).removesuffix(".yml") for name in called if str(name).removesuffix(".yml") in WORDS]
    order = {"docker_host": ("install", "run", "configure")}.get(role, WORDS)  # networks need an engine that runs
    assert words == [word for word in order if word in words]


@pytest.mark.parametrize("role", ROLES)
def test_defaults_and_specs_say_the_same(role: str) -> None:
    specified = {name: option.get("default") for name, option in options(role).items() if name.startswith(f"{role}_")}
    required = {name for name, option in options(role).items() if option.get("required")}
    assert {name: value for name, value in specified.items() if name not in required} == defaults(role)


@pytest.mark.parametrize("role", ROLES)
def test_a_default_has_the_type_that_its_spec_says(role: str) -> None:
    for name, value in defaults(role).items():
        option = options(role)[name]
        if isinstance(value, str) and "{{" in value:
            continue
        assert isinstance(value, TYPES.get(option.get("type", "str"), str)), name
        assert "choices" not in option or value in option["choices"], name


@pytest.mark.parametrize("role", ROLES)
def test_names_begin_with_the_role(role: str) -> None:
    assert all(name.startswith(f"{role}_") for name in defaults(role))
    path = f"roles/{role}/vars/main.yml"
    internal: dict[str, Any] = (load(path) or {}) if (ROOT / path).exists() else {}
    assert all(name.startswith(f"_{role}_") for name in internal)


@pytest.mark.parametrize("role", ROLES)
def test_every_default_is_explained_above_it(role: str) -> None:
    lines = read(f"roles/{role}/defaults/main.yml").splitlines()
    silent = [line for above, line in pairwise(lines) if re.match(r"\w+:", line) and above[:1] != "#"]
    assert not silent


@pytest.mark.parametrize("role", ROLES)
def test_what_is_generated_in_the_readme_is_up_to_date(role: str) -> None:
    text = read(f"roles/{role}/README.md")
    assert with_tables(role, text) == text, "run: make docs"


@pytest.mark.parametrize("role", ROLES)
def test_the_readme_has_the_sections_that_people_look_for(role: str) -> None:
    parts = re.split(r"^## (.*)\n", read(f"roles/{role}/README.md"), flags=re.M)
    assert parts[1::2] == ["Requirements", "Variables", "Dependencies", "Example", "What it leaves alone"]
    assert parts[0].startswith(f"# {role}\n")
    assert [title for title, text in zip(parts[1::2], parts[2::2], strict=True) if len(text.strip()) < 5] == []


def test_every_role_stands_in_the_readme() -> None:
    assert [role for role in ROLES if f"`{role}`" not in read("README.md")] == []


def own_words(role: str) -> str:
    """What a role writes besides its defaults and the copy of them in its specs."""
    names = tracked(f"roles/{role}/tasks/*", f"roles/{role}/templates/*", f"roles/{role}/vars/*", "playbooks/*.yml")
    return "\n".join(line for name in names for line in read(name).splitlines() if not line.lstrip().startswith("#"))


@pytest.mark.parametrize("role", ROLES)
def test_a_default_is_written_once(role: str) -> None:
    """A size, subnet, image or telling number in a task or template would be its second home."""
    values = {str(value) for value in defaults(role).values() if not isinstance(value, dict | list | bool)}
    telling = {
        value
        for value in values
        if re.fullmatch(r"\d+[mg]|\d{5,}|[\w./-]+:[\w.-]*\d[\w.-]*|\d+\.\d+\.\d+\.\d+/\d+", value)
    }
    text = own_words(role)
    assert [value for value in sorted(telling) if re.search(rf"(?<![\w.]){re.escape(value)}(?![\w.])", text)] == []


def test_no_role_repeats_a_default_of_another() -> None:
    """`| default(3000)` beside a role's variable is that variable's second home."""
    names = {name for role in ROLES for name in defaults(role)}
    pattern = re.compile(r"\b(" + "|".join(sorted(names)) + r")\s*\|\s*default\(\s*(?!''|\"\"|omit|\[\]|\{\}|_)[^)]")
    found = [
        f"{name}: {match[0]}" for name in tracked("roles/*", "playbooks/*") for match in pattern.finditer(read(name))
    ]
    assert found == []


def test_every_failed_assert_says_something() -> None:
    silent = [
        str(task)
        for task in tasks()
        if task.action == "ansible.builtin.assert" and not task.content[task.action].get("fail_msg")
    ]
    assert silent == []


def test_the_preflight_refuses_the_logins_that_the_module_refuses() -> None:
    """The one before anything is touched, the other wherever it is called from."""
    refused = load("roles/postgres_erp/vars/main.yml")["_postgres_erp_odd_names"]
    assert f"'^(?!pg_){services.NAME.pattern}$'" in refused
    [reserved] = re.findall(r"\+ (\['all'.*?\])\)", refused)
    assert tuple(ast.literal_eval(reserved)) == services.RESERVED


def test_templates_are_rendered_without_a_copy_of_all_variables() -> None:
    """Ansible's own lookup makes one for each template; together these were a fifth of a run that had nothing to do."""
    found = [
        name
        for name in tracked("roles/*", "playbooks/*")
        if re.search(r"(lookup|query)\(.ansible.builtin.template", read(name))
    ]
    assert found == []
