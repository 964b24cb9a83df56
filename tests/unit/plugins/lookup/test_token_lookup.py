# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup token, through Ansible."""

from __future__ import annotations

from pathlib import Path

import jwt
import pytest
from ansible_collections.bestviable.portfolio.plugins.plugin_utils import tokens

from tests.ansible_task import ansible

OPTIONS = "sub='me', audience='a.example'"


@pytest.fixture(name="key", scope="module")
def _key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "key.pem"
    path.write_text(tokens.new_key())
    path.chmod(0o600)
    return path


def looked_up(arguments: str) -> str:
    expression = "{{ lookup('bestviable.portfolio.token', " + arguments + ") }}"
    done = ansible("-m", "ansible.builtin.debug", "-a", f'msg="{expression}"')
    return done.stdout + done.stderr


def test_gives_a_signed_token(key: Path) -> None:
    output = looked_up(f"'erp_reader', {OPTIONS}, days=3, key_file='{key}'")
    token = output.partition('"msg": "')[2].partition('"')[0]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["role"], claims["sub"], claims["aud"]) == ("erp_reader", "me", "a.example")
    assert claims["exp"] - claims["iat"] == 3 * tokens.DAY


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (f"'erp_reader', {OPTIONS}, tenant='x', key_file='KEY'", "unknown option tenant"),
        (f"'erp_reader', {OPTIONS}, client_id='x', key_file='KEY'", "would not narrow that"),
        (f"'erp_reader', {OPTIONS}", "No signing key is given"),
        (f"'erp_reader', {OPTIONS}, key_file='KEY.none'", "There is no signing key"),
        (f"'erp_admin', {OPTIONS}, key_file='KEY'", "There is no API role"),
        (f"'erp_reader', {OPTIONS}, days=91, key_file='KEY'", "1 to 90 days"),
    ],
)
def test_refuses(key: Path, arguments: str, sentence: str) -> None:
    assert sentence in " ".join(looked_up(arguments.replace("KEY", str(key))).split())
