# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup rendered, through Ansible, beside the lookup that it stands for."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from ansible_collections.bestviable.portfolio.plugins.lookup import rendered

from tests.ansible_task import ansible

TEMPLATE = """\
{% for name in names %}
{{ name }} is {{ nested.deep[name] }} of {{ more | default('nobody') }}
{% endfor %}
{{ derived }} in {{ template_path | basename }}
"""
VARIABLES = {
    "names": ["a", "b"],
    "nested": {"deep": {"a": 1, "b": "{{ names | length }}"}},
    "derived": "{{ names | join }}",
}


@pytest.fixture(name="said", scope="module")
def _said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    path: Path = tmp_path_factory.mktemp("templates") / "some.j2"
    path.write_text(TEMPLATE)
    variables = path.with_name("variables.json")
    calls = {
        f"{name}{ending}": f"{{{{ lookup('{lookup}', '{path}'{ending}) }}}}"
        for name, lookup in (("ours", "bestviable.portfolio.rendered"), ("ansible", "ansible.builtin.template"))
        for ending in ("", ", template_vars={'more': 'two'}")
    }
    variables.write_text(json.dumps(VARIABLES | {"calls": calls, "after": "{{ nested }}"}))
    done = ansible("-m", "ansible.builtin.debug", "-a", 'msg="{{ [calls, after] }}"', "-e", f"@{variables}")
    assert done.returncode == 0, done.stdout + done.stderr
    shown = json.loads(done.stdout[done.stdout.index("{") :])["msg"]
    return {"after": shown[1], **shown[0]}


@pytest.mark.parametrize("ending", ["", ", template_vars={'more': 'two'}"])
def test_says_what_ansibles_own_says(said: dict[str, object], ending: str) -> None:
    assert said[f"ours{ending}"] == said[f"ansible{ending}"]
    assert said[f"ours{ending}"] == (
        f"a is 1 of {'two' if ending else 'nobody'}\nb is 2 of {'two' if ending else 'nobody'}\nab in some.j2\n"
    )


def test_leaves_the_variables_as_they_were(said: dict[str, object]) -> None:
    assert said["after"] == {"deep": {"a": 1, "b": 2}}


def test_the_copy_that_ansible_makes_is_one_level_deep() -> None:
    """What is written into it, such as `template_path`, is not written into the variables."""
    variables = rendered.Shared(known={"much": [1]})
    taken = copy.deepcopy(variables)
    taken["template_path"] = "some.j2"
    assert taken["known"] is variables["known"]
    assert "template_path" not in variables
