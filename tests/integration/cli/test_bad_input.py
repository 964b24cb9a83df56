# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""./portfolio where it cannot do what it is asked: one sentence with a remedy, exit 1, nothing touched."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from cli.view import WIPE

ROOT = Path(__file__).resolve().parents[3]
COLOURED = "\x1b[3"


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    return tmp_path / "inventory"


def written(inventory: Path, variables: str = "", **host: Any) -> Path:
    """An inventory with one host that nobody is at."""
    (inventory / "group_vars" / "all").mkdir(parents=True)
    (inventory / "group_vars" / "all" / "main.yml").write_text(f"---\n{variables}")
    nobody = {"ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_user": "root", **host}
    (inventory / "hosts.json").write_text(json.dumps({"portfolio": {"hosts": {"erp-db": nobody}}}, indent=1))
    return inventory


def environment(inventory: Path) -> dict[str, str]:
    """A user's: what a test run sets for Ansible is not theirs."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return {**own, "XDG_CACHE_HOME": str(inventory.parent / "cache"), "TERM": "xterm"}


def portfolio(inventory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        ["./portfolio", *words, "-i", str(inventory)],
        cwd=ROOT,
        env=environment(inventory),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in result.stdout + result.stderr
    return result


def flowing(text: str) -> str:
    return " ".join(text.replace("\\\n", " ").split())


def test_a_server_that_cannot_be_reached(inventory: Path) -> None:
    result = portfolio(written(inventory), "deploy")
    assert (result.returncode, result.stdout) == (1, "")
    told = flowing(result.stderr)
    assert "refused: erp-db cannot be reached (connect to host 127.0.0.1 port 1: Connection refused)." in told
    assert f"where: ansible_host in {inventory}/hosts.json:" in told
    assert told.endswith("run: ssh -T -p 1 -l root 127.0.0.1 true Nothing was changed.")


def test_the_report_stands_alone_on_standard_output(inventory: Path) -> None:
    result = portfolio(written(inventory), "plan", "FORMAT=json")
    report = json.loads(result.stdout)
    assert (result.returncode, report["exit"], report["effects"]) == (1, 1, [])
    assert (report["version"], report["verb"], report["host"], report["check"]) == (1, "plan", "erp-db", True)
    assert report["failure"]["parts"][0]["remedy"].endswith("127.0.0.1 true")
    assert report["failure"]["outcome"] == "Nothing was changed."


def test_a_variable_that_no_role_knows(inventory: Path) -> None:
    """Refused on the control node: nobody is asked anything over SSH."""
    result = portfolio(written(inventory, "postgres_erp_memroy: 1g\n"), "plan")
    assert (result.returncode, result.stdout) == (1, "")
    told = flowing(result.stderr)
    assert "refused: postgres_erp_memroy in the inventory of erp-db is no option of this collection." in told
    assert f"where: postgres_erp_memroy in {inventory}/group_vars/all/main.yml:2" in told
    assert "do: look the name up in the README of the role Nothing was changed." in told


def test_an_option_that_ansible_does_not_know(inventory: Path) -> None:
    result = portfolio(written(inventory), "plan", "--nonsense")
    assert result.returncode == 1
    assert "refused: Ansible ended with exit code 2 (unrecognized arguments: --nonsense)." in result.stderr


def test_with_v_ansible_speaks_itself(inventory: Path) -> None:
    result = portfolio(written(inventory), "plan", "-v")
    assert result.returncode == 1
    assert "PLAY RECAP" in result.stdout
    assert '"event"' not in result.stdout


def test_on_a_terminal_one_line_is_rewritten_and_then_gone(inventory: Path) -> None:
    written(inventory, "postgres_erp_memroy: 1g\n")
    above, below = pty.openpty()
    command = ["./portfolio", "plan", "-i", str(inventory)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(inventory) | {"NO_COLOR": "1"}, stdin=below, stdout=below, stderr=below
    ) as process:
        os.close(below)
        text = read(above)
    assert process.returncode == 1
    assert COLOURED not in text
    assert f"{WIPE}[2/" in text
    lines = [line.split(WIPE)[-1] for line in text.split("\r\n")]
    assert [line for line in lines if line.startswith("[")] == [lines[0]]
    assert re.fullmatch(r"\[2/\d+\] Server: refuse options that no role knows: failed, \d+ s", lines[0])
    assert lines[1].startswith("refused: postgres_erp_memroy")


def read(descriptor: int) -> str:
    """Until nobody writes there any more."""
    text = b""
    while True:
        try:
            chunk = os.read(descriptor, 65536)
        except OSError:  # what Linux says when the other end of a terminal is closed
            chunk = b""
        if not chunk:
            os.close(descriptor)
            return text.decode()
        text += chunk


@pytest.mark.parametrize("everybody", [True, False], ids=["from the terminal", "to the script alone"])
def test_a_run_that_is_interrupted(inventory: Path, everybody: bool) -> None:
    """The connection hangs; what a terminal sends at Ctrl-C goes to all processes of the run."""
    written(inventory, ansible_ssh_common_args="-o 'ProxyCommand=sleep 60'")
    with subprocess.Popen(
        ["./portfolio", "deploy", "-i", str(inventory)],
        cwd=ROOT,
        env=environment(inventory),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr
        begun = [process.stderr.readline() for _ in range(2)]  # which server, then the first long wait
        (os.killpg if everybody else os.kill)(process.pid, signal.SIGINT)
        sent = time.monotonic()
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "] Server: " in begun[1]
    assert output == ""
    assert "interrupted: deploy was stopped before its end." in errors
    assert f"run: make deploy INVENTORY={inventory}" in flowing(errors)
    assert "Traceback" not in errors
    assert time.monotonic() - sent < 60
