# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ./portfolio takes from a command line, and how it reaches a server."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from cli import venv
from cli.ansible import Host, recap
from cli.call import ROOT, Call, Refused

RECAP = """
PLAY RECAP *********************************************************************
erp-db                     : ok=41   changed=3    unreachable=0    failed=0    skipped=12   rescued=0    ignored=0
"""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """./portfolio as a module; it has no .py at its end."""
    loader = SourceFileLoader("portfolio_script", str(ROOT / "portfolio"))
    spec = importlib.util.spec_from_loader("portfolio_script", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    sys.modules["portfolio_script"] = module  # dataclasses look their module up
    loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("words", "settings", "extra"),
    [
        (["deploy"], {}, ()),
        (["deploy", "-i", "x"], {"INVENTORY": "x"}, ()),
        (["deploy", "INVENTORY=x", "-v"], {"INVENTORY": "x"}, ("-v",)),
        (["psql", "SQL=SELECT 'a=b'"], {"SQL": "SELECT 'a=b'"}, ()),
        (["psql", "-v", "ON_ERROR_STOP=1", "-c", "SELECT 1"], {}, ("-v", "ON_ERROR_STOP=1", "-c", "SELECT 1")),
        (["psql", "--", "-i", "INVENTORY=x"], {}, ("-i", "INVENTORY=x")),
        (["token", "ROLE=x", "CLIENT_ID=acme"], {"ROLE": "x", "CLIENT_ID": "acme"}, ()),
        (["images", "postgres"], {}, ("postgres",)),
        (["tunnel", "LOCAL_PORT=25432"], {"LOCAL_PORT": "25432"}, ()),
    ],
)
def test_words_become_settings_and_options(
    script: ModuleType, words: list[str], settings: dict[str, str], extra: tuple[str, ...]
) -> None:
    call = script.parse(words)
    assert (call.verb, dict(call.settings), call.extra) == (words[0], settings, extra)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["frobnicate"], "there is no verb 'frobnicate'; use one of: deploy, plan"),
        (["token"], "make token ROLE=erp_reader"),
        (["logs"], "make logs S=postgres-erp"),
        (["deploy", "ROLE=x"], "deploy does not know ROLE="),
        (["deploy", "-i"], "-i needs an inventory"),
        (["deploy", "-i", "nowhere"], "inventory 'nowhere' does not exist; use one of: inventories/droplet"),
        (["setup", "LOCK=all"], "set LOCK to run or test"),
        (["seed", "STATE=gone"], "set STATE to present or absent"),
    ],
)
def test_a_refusal_is_one_sentence_and_exit_code_1(
    script: ModuleType, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert script.main(words) == 1
    printed = capsys.readouterr()
    assert told in printed.err
    assert printed.out == ""
    assert printed.err.count("\n") == 1


def test_the_inventory_is_this_machine_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INVENTORY", raising=False)
    assert Call("deploy", {}, ()).inventory == ROOT / "inventories" / "local"
    assert Call("deploy", {}, ()).again == ""
    monkeypatch.setenv("INVENTORY", "inventories/droplet")
    assert Call("deploy", {}, ()).inventory == ROOT / "inventories" / "droplet"
    monkeypatch.chdir(ROOT)
    assert Call("deploy", {}, ()).again == " INVENTORY=inventories/droplet"
    monkeypatch.setenv("INVENTORY", "inventories/nowhere")
    with pytest.raises(Refused):
        _ = Call("deploy", {}, ()).inventory


def test_the_recap_is_summed_and_survives_colours() -> None:
    assert recap(RECAP)["changed"] == 3
    coloured = RECAP.replace("erp-db    ", "\x1b[0;33merp-db\x1b[0m    ").replace(
        "changed=3", "\x1b[0;33mchanged=3\x1b[0m"
    )
    assert recap(coloured)["changed"] == 3
    assert recap(RECAP + RECAP.splitlines()[-1])["changed"] == 6
    assert recap("TASK [x]\nmsg: 'changed=9'\n") == {}


def test_a_server_is_reached_as_its_inventory_says() -> None:
    host = Host(
        "erp-db",
        {
            "ansible_host": "192.0.2.7",
            "ansible_user": "root",
            "ansible_port": 2222,
            "ansible_ssh_private_key_file": "/k",
            "ansible_ssh_common_args": "-o StrictHostKeyChecking=no",
        },
    )
    assert host.command(["docker", "logs", "a b"], terminal=False) == [
        *("ssh", "-T", "-p", "2222", "-i", "/k", "-l", "root", "-o", "StrictHostKeyChecking=no"),
        *("192.0.2.7", "docker logs 'a b'"),
    ]
    david = Host("erp-db", {"ansible_user": "david"})
    assert david.command(["docker", "ps"], terminal=True) == ["ssh", "-t", "-l", "david", "erp-db", "sudo docker ps"]


def test_a_stamp_belongs_to_one_lock_in_one_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "requirements" / "run.txt"
    lock.parent.mkdir()
    lock.write_text("a==1\n")
    monkeypatch.setattr(venv, "ROOT", tmp_path)
    monkeypatch.setattr(venv, "VENV", tmp_path / ".venv")
    (tmp_path / ".venv").mkdir()
    assert not venv.stamped("run")
    (tmp_path / ".venv" / ".run.stamp").write_text(venv.stamp_of(lock))
    assert venv.stamped("run")
    lock.write_text("a==2\n")
    assert not venv.stamped("run")


def test_an_installed_venv_costs_nothing() -> None:
    """The second call starts no process: the script answers faster than pip could even say its version."""
    result = subprocess.run(["./portfolio", "setup"], cwd=ROOT, capture_output=True, text=True, timeout=5, check=True)
    assert (result.stdout, result.stderr) == ("", "")
