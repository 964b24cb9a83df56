# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""token_register and the lookup revoked_tokens, through Ansible."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from ansible_collections.bestviable.portfolio.plugins.action.token_register import change
from ansible_collections.bestviable.portfolio.plugins.plugin_utils import token_register
from ansible_collections.bestviable.portfolio.plugins.plugin_utils.token_register import Issued, Wish
from ansible_collections.bestviable.portfolio.plugins.plugin_utils.tokens import DAY, TokenError

from tests.ansible_task import ansible, run_task

NOW = int(time.time())


@pytest.fixture(name="register")
def _register(tmp_path: Path) -> Path:
    path = tmp_path / "register"
    for jti in ("a", "b"):
        entry = Issued(jti, "erp_reader", "tooljet", NOW, NOW + DAY, "k1")
        token_register.change(str(path), lambda register, entry=entry: register.plus(entry))  # type: ignore[misc]
    return path


def looked(register: Path) -> subprocess.CompletedProcess[str]:
    return ansible("-m", "debug", "-a", f"msg={{{{ query('bestviable.portfolio.revoked_tokens', '{register}') }}}}")


def test_refuses_what_is_asked_for_once(register: Path) -> None:
    before = register.read_bytes()
    foreseen = run_task("token_register", {"path": str(register), "sub": "tooljet"}, check=True)
    assert register.read_bytes() == before
    done = run_task("token_register", {"path": str(register), "sub": "tooljet"})
    assert foreseen["effects"] == done["effects"]
    assert done["effects"] == [{"effect": "change", "object": str(register), "detail": "refuses 2 more tokens"}]
    assert (done["named"], [entry["jti"] for entry in done["revoked"]]) == (["a", "b"], ["a", "b"])
    again = run_task("token_register", {"path": str(register), "jti": ["a"]})
    assert (again["changed"], again["effects"], again["named"]) == (False, [], ["a"])
    looked_up = ansible(
        "-m", "debug", "-a", f"msg={{{{ query('bestviable.portfolio.revoked_tokens', '{register}') }}}}"
    )
    assert '"jti": "b"' in looked_up.stdout and f'"expires_at": {NOW + DAY}' in looked_up.stdout


@pytest.mark.parametrize("wish", [Wish(sub="nobody"), Wish(kid="k2"), Wish()])
def test_a_wish_for_nothing_is_refused(register: Path, wish: Wish) -> None:
    before = register.read_bytes()
    with pytest.raises(TokenError, match="names no token of"):
        change(str(register), wish, NOW, check=False)
    assert register.read_bytes() == before


def test_a_broken_register_is_told_by_the_lookup(tmp_path: Path) -> None:
    broken = tmp_path / "register"
    broken.write_text("{}")
    done = looked(broken)
    assert f"{broken} is not the register of tokens" in " ".join((done.stdout + done.stderr).split())
