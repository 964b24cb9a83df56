# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences that are Ansible's and that docs/ERRORS.md explains: its words are still those that Ansible says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.generate.errors_page import ANSIBLES_OWN

BIN = Path(sys.executable).parent
PING = "ansible -i hosts.yml all -m ansible.builtin.ping"
PASSWORDS = "echo right > right; echo wrong > wrong"
ENCRYPT = f"{PASSWORDS}; ansible-vault encrypt_string --vault-password-file right a --name a > vars.yml"
# Nothing listens on port 1.
NOBODY = "echo 'all: {hosts: {a: {ansible_host: 127.0.0.1, ansible_port: 1}}}' > hosts.yml"
VAULTED = "ansible -i localhost, all -c local -e @vars.yml -m ansible.builtin.debug -a var=a"
COMMANDS = {
    "Failed to connect to the host via ssh": f"{NOBODY}; {PING}",
    "Attempting to decrypt but no vault secrets found": f"{ENCRYPT}; {VAULTED}",
    "Decryption failed": f"{ENCRYPT}; {VAULTED} --vault-password-file wrong",
    "could not be found": "ansible-playbook -i localhost, nowhere.yml",
    "Ansible requires the locale encoding to be UTF-8": f"LC_ALL=C {PING}",
}


def test_each_of_them_is_tried_here_or_with_the_refusals() -> None:
    assert {words for words, _meaning, _remedy in ANSIBLES_OWN} == {*COMMANDS, "Validation of arguments failed"}


@pytest.mark.parametrize("words", COMMANDS)
def test_ansible_says_these_words(words: str, tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "LC_", "LANG"))}
    done = subprocess.run(
        ["bash", "-c", COMMANDS[words]],
        cwd=tmp_path,
        env=clean | {"PATH": f"{BIN}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert words in " ".join((done.stdout + done.stderr).split()), done.stdout + done.stderr
