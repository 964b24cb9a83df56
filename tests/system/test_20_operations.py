# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command of the runbook, on a whole server: blocks called `server-…` there, the others on the control node."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.consistency.repository import read
from tests.documents.examples import examples
from tests.server import ROOT, Droplet

DOCUMENT = ROOT / "docs" / "OPERATIONS.md"
COMMANDS = {name: example.text.splitlines() for name, example in examples(DOCUMENT).items()}
# They take their time.
LONG = {"backup", "full"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] if name in LONG else []) for name in COMMANDS]
)
def test_the_commands_work(converged: Droplet, name: str) -> None:
    for command in COMMANDS[name]:
        if name.startswith("server-"):
            converged.shell(command)
            continue
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=ROOT,
            env=converged.environment | {"INVENTORY": str(converged.inventory), "MAKEFLAGS": ""},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)


def test_every_number_of_the_collector_is_in_the_table() -> None:
    """A name of a number in the role's README is one in the runbook."""
    documented = set(
        re.findall(r"`([a-z_]+)(?: [A-Z]+)?`", read("roles/monitoring/README.md").split("What is counted")[0])
    )
    told = set(re.findall(r"`([a-z_]+)(?: [A-Z]+)?`", read("docs/OPERATIONS.md")))
    numbers = documented - {"ok", "warn", "fail", "portfolio_directory", "monitoring_webhook_url"}
    assert numbers - told - {"database_size", "wal"} == set()
