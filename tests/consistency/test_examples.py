# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example playbooks of the roles' READMEs are playbooks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.consistency.repository import ROOT

READMES = sorted((ROOT / "roles").glob("*/README.md"))
EXAMPLES = {
    f"{path.parent.name}-{number}": block
    for path in READMES
    for number, block in enumerate(re.findall(r"```ya?ml\n(.*?)```", path.read_text(), re.DOTALL))
    if block.lstrip().startswith("- ") and "hosts:" in block
}


def test_every_role_has_an_example() -> None:
    assert {name.rpartition("-")[0] for name in EXAMPLES} == {path.parent.name for path in READMES}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_a_playbook(name: str, tmp_path: Path) -> None:
    playbook = tmp_path / "example.yml"
    playbook.write_text(EXAMPLES[name])
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "--syntax-check", "-i", "server,", str(playbook)],
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
