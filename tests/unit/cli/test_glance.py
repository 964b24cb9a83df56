# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick way of status is taken only where nothing that a full look found well can have changed since."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli import glance
from cli.ansible import Host
from cli.call import Call

HOST = Host("erp-db", {"ansible_host": "192.0.2.1", "ansible_user": "root"})
WELL = {"mark": "m", "report": {"exit": 0}}


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Of an inventory, with a cache of its own and a server that says what answer.json holds."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    inventory = tmp_path / "inventory"
    (inventory / "group_vars").mkdir(parents=True)
    (inventory / "hosts.yml").write_text("portfolio: {hosts: {erp-db: }}\n")
    (tmp_path / "answer.json").write_text(json.dumps(WELL))
    answer = [sys.executable, "-c", "import sys; print(open(sys.argv[1]).read())", str(tmp_path / "answer.json")]
    monkeypatch.setattr(glance, "command", lambda _host: answer)
    return Call("status", {"INVENTORY": str(inventory)}, ())


def says(call: Call, text: str) -> None:
    (call.inventory.parent / "answer.json").write_text(text)


def test_a_full_look_comes_first_and_then_it_says_what_the_server_says(call: Call) -> None:
    first = glance.Glance(call, HOST)
    assert first.all_well and first.report() is None
    first.remember()
    assert glance.Glance(call, HOST).report() == WELL["report"]


CHANGES: dict[str, Callable[[Call], object]] = {
    "something on the server": lambda call: says(call, json.dumps(WELL | {"mark": "other"})),
    "something is wrong": lambda call: says(call, json.dumps(WELL | {"report": None})),
    "the engine does not answer": lambda call: says(call, json.dumps({"mark": None, "report": None})),
    "there is no collector": lambda call: says(call, ""),
    "a file of the inventory": lambda call: os.utime(call.inventory / "hosts.yml", ns=(1, 1)),
    "a new file of the inventory": lambda call: (call.inventory / "group_vars" / "all.yml").write_text("---\n"),
    "a key": lambda call: (call.inventory / ".token_signing_key.pem").write_text("x"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_whatever_is_not_as_it_was_takes_a_full_look(call: Call, case: str) -> None:
    glance.Glance(call, HOST).remember()
    CHANGES[case](call)
    assert glance.Glance(call, HOST).report() is None


def test_what_ansible_is_told_otherwise_takes_a_full_look(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    glance.Glance(call, HOST).remember()
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", "elsewhere")
    assert glance.Glance(call, HOST).report() is None


@pytest.mark.parametrize(
    ("host", "extra"),
    [(HOST, ("--limit=erp-db",)), (Host("erp-db", {"portfolio_topology": "external"}), ())],
    ids=["an option", "a database elsewhere"],
)
def test_some_are_always_looked_at_in_full(call: Call, host: Host, extra: tuple[str, ...]) -> None:
    glance.Glance(call, HOST).remember()
    found = glance.Glance(Call(call.verb, call.settings, extra), host)
    found.remember()
    assert not found.all_well and found.report() is None


def test_the_inventory_of_a_run_is_that_before_it_but_for_the_keys_that_it_makes(call: Call) -> None:
    asked = glance.control_mark(call, hidden=False)
    (call.inventory / "hosts.yml").write_text("portfolio: {hosts: {other: }}\n")
    glance.after_run(call, HOST, asked)
    assert glance.Glance(call, HOST).report() is None
    asked = glance.control_mark(call, hidden=False)
    (call.inventory / ".token_signing_key.pem").write_text("x")
    glance.after_run(call, HOST, asked)
    assert glance.Glance(call, HOST).report() == WELL["report"]


def test_of_an_inventory_that_is_a_file_what_lies_beside_it_counts(tmp_path: Path) -> None:
    (tmp_path / "host_vars").mkdir()
    hosts, settings = tmp_path / "hosts.yml", tmp_path / "host_vars" / "erp-db.yml"
    hosts.write_text("")
    call = Call("status", {"INVENTORY": str(hosts)}, ())
    marks = {glance.control_mark(call)}
    settings.write_text("---\n")
    marks.add(glance.control_mark(call))
    (tmp_path / ".token_signing_key.pem").write_text("x")
    marks.add(glance.control_mark(call))
    assert len(marks) == 3


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"ansible_user": "root"}, "python3 -I /opt/portfolio/monitoring/collect.py"),
        ({}, "python3 -I /opt/portfolio/monitoring/collect.py"),
        ({"ansible_user": "david"}, "sudo -n python3 -I /opt/portfolio/monitoring/collect.py"),
        ({"portfolio_directory": "/srv/erp"}, "python3 -I /srv/erp/monitoring/collect.py"),
        ({"portfolio_directory": "{{ home }}/erp"}, ""),
        ({"portfolio_directory": "/srv/erp; reboot"}, ""),
    ],
)
def test_nobody_is_asked_for_anything(variables: dict[str, str], expected: str) -> None:
    argv = glance.command(Host("erp-db", {"ansible_host": "192.0.2.1", **variables}))
    assert bool(argv) == bool(expected)
    if expected:
        assert argv[0] == "ssh" and {"BatchMode=yes", "ConnectTimeout=3"} <= set(argv)
        assert argv[-1].startswith(expected) and argv[-1].endswith("/config.json glance")


def test_a_server_that_takes_too_long_is_looked_at_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glance, "SECONDS", 0.2)
    assert glance.look(["sleep", "30"]) is None
    assert glance.look(["/nowhere/ssh"]) is None
