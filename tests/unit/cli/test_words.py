# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals taken apart, steps read out, commands that survive being broken into lines."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest
import yaml

from cli.words import WAITS, WIDTH, Refusal, command_lines, printable, refusals, seconds, step, waiting
from tests.consistency.repository import ROOT, load

NOTHING = "Nothing was changed."


@pytest.mark.parametrize(
    ("message", "parts", "outcome"),
    [
        (
            f"traefik: Port 3000 of h is taken by container grafana; set it to a free port, or stop that. {NOTHING}",
            [Refusal("Port 3000 of h is taken by container grafana", "set it to a free port, or stop that")],
            NOTHING,
        ),
        (
            f"portfolio: a_b is x; write y. c_d is z (e; f. g); write z. {NOTHING}",
            [Refusal("a_b is x", "write y"), Refusal("c_d is z (e; f. g)", "write z")],
            NOTHING,
        ),
        ("a: it is so; and so; do this", [Refusal("it is so; and so", "do this")], ""),
        (
            "It points elsewhere; run: unset DOCKER_HOST; docker context use default.",
            [Refusal("It points elsewhere", "run: unset DOCKER_HOST; docker context use default")],
            "",
        ),
        (
            "traefik: it did not start (x); its files are in place. Read its last words, and run again.",
            [Refusal("it did not start (x)", "its files are in place. Read its last words, and run again")],
            "",
        ),
        ("Undefined. It broke :( and here; look", [Refusal("Undefined. It broke :( and here", "look")], ""),
        ("no remedy", [Refusal("no remedy")], ""),
        ("One.\n Two.", [Refusal("One. Two")], ""),
    ],
)
def test_a_message_is_taken_apart(message: str, parts: list[Refusal], outcome: str) -> None:
    assert refusals(message) == (parts, outcome)


@pytest.mark.parametrize("role", ["docker_host", "postgres_erp", "postgrest_erp", "traefik"])
def test_as_many_refusals_come_out_as_a_role_puts_together(role: str) -> None:
    checks = load(f"roles/{role}/vars/main.yml")[f"_{role}_checks"]
    texts = [re.sub(r"\{\{.*?\}\}", "X", check["message"], flags=re.S).strip() for check in checks]
    messages = [text for text in texts if "; " in text]
    found, outcome = refusals(f"{role}: {' '.join(messages)} {NOTHING}")
    assert len(found) == len(messages) > 2
    assert all(refusal.what and refusal.remedy for refusal in found)
    assert outcome == NOTHING


@pytest.mark.parametrize(
    ("role", "name", "told"),
    [
        ("postgres_erp", "Write the server's files", "Database: write the server's files"),
        ("traefik", "Validating arguments against arg spec 'main' - x", "Proxy: check the variables"),
        ("", "Make it", "Make it"),
        ("", "a\x1b[2Jb\udcff\n", "a\\x1b[2Jb\\udcff\\n"),
    ],
)
def test_a_step_is_read_out(role: str, name: str, told: str) -> None:
    assert step(role, name) == told


def test_a_wait_is_worded_and_an_unknown_one_is_its_step() -> None:
    assert waiting("postgres_erp", "Start the server") == "Database: waiting for postgres-erp to become healthy"
    assert waiting("postgres_erp", "Write it") == "Database: write it"


def test_every_worded_wait_is_a_task() -> None:
    for role, name in WAITS:
        files = (ROOT / "roles" / role / "tasks").glob("*.yml")
        assert any(re.search(rf"- name: {re.escape(name)}$", path.read_text(), re.M) for path in files), (role, name)


def test_seconds_are_read_as_people_say_them() -> None:
    assert [seconds(value) for value in (0.4, 59.6, 119, 125)] == ["0 s", "60 s", "119 s", "2 min 05 s"]


def test_text_of_a_server_cannot_move_the_cursor() -> None:
    assert printable("é\r\x1b[1A\x07·") == "é\\r\\x1b[1A\\x07·"


@pytest.mark.parametrize("length", [1, 30, 70])
def test_a_broken_command_is_the_same_command(length: int) -> None:
    inventory = "i" * length
    token = f'"Bearer $(printf %s token {inventory} ROLE=a)"'
    command = f"""printf %s\\\\n {token} 'a b c d e f g h i j k' {inventory} "x y z" end"""
    lines = command_lines(command, " " * 14, " " * 16)
    assert max(map(len, lines)) <= max(WIDTH, 16 + length + 4)
    assert len(lines) > 1
    run = [
        subprocess.run(["bash", "-c", text], capture_output=True, check=True).stdout
        for text in ("\n".join(lines), command)
    ]
    assert run[0] == run[1]
    assert shlex.split("\n".join(lines).replace("\\\n", " "))[0] == "printf"


def test_the_words_are_yaml_and_shell_safe() -> None:
    """A name of a task is compared as it stands in its file, so quoting there would hide it."""
    for _role, name in WAITS:
        assert yaml.safe_load(f"- name: {name}") == [{"name": name}]
