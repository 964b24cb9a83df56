# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""signing_key and the lookup signing_keys, through Ansible; the steps themselves are tests of signing_keys."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from ansible_collections.bestviable.portfolio.plugins.action.signing_key import refuse_to_end
from ansible_collections.bestviable.portfolio.plugins.plugin_utils import signing_keys, token_register
from ansible_collections.bestviable.portfolio.plugins.plugin_utils.token_register import Issued
from ansible_collections.bestviable.portfolio.plugins.plugin_utils.tokens import DAY, TokenError, kid_of, new_key

from tests.ansible_task import ansible, run_task

NOW = int(time.time())


@pytest.fixture(name="key")
def _key(tmp_path: Path) -> Path:
    path = tmp_path / ".key.pem"
    path.write_text(new_key())
    path.chmod(0o600)
    return path


def hand_out(register: Path, key: Path, jti: str) -> None:
    entry = Issued(jti, "erp_reader", "tooljet", NOW, NOW + DAY, kid_of(key.read_text()))
    token_register.change(str(register), lambda before: before.plus(entry))


def test_a_step_and_its_prediction_say_the_same(key: Path) -> None:
    foreseen = run_task("signing_key", {"path": str(key), "step": "prepare"}, check=True)
    assert list(signing_keys.there(str(key))) == ["signing"]
    done = run_task("signing_key", {"path": str(key), "step": "prepare"})
    made = key.parent / ".key.next.pem"
    wanted = [{"effect": "change", "object": str(made), "detail": "missing, made on the control node"}]
    assert foreseen["effects"] == done["effects"] == wanted
    again = run_task("signing_key", {"path": str(key), "step": "prepare"})
    assert (again["changed"], again["effects"]) == (False, [])
    looked_up = ansible("-m", "debug", "-a", f"msg={{{{ lookup('bestviable.portfolio.signing_keys', '{key}') }}}}")
    assert f'"next": "{made}"' in looked_up.stdout
    made.chmod(0o640)
    looked_up = ansible("-m", "debug", "-a", f"msg={{{{ lookup('bestviable.portfolio.signing_keys', '{key}') }}}}")
    assert "can be read by others" in " ".join((looked_up.stdout + looked_up.stderr).split())


def test_an_old_key_is_not_ended_while_somebody_needs_it(key: Path) -> None:
    register = key.parent / "register"
    refuse_to_end(str(key), str(register), NOW)
    hand_out(register, key, "before")
    for step in ("prepare", "switch"):
        signing_keys.run(step, str(key), check=False)
    with pytest.raises(TokenError, match=r"the tokens of tooljet \(erp_reader\) end"):
        refuse_to_end(str(key), str(register), NOW)
    arguments = {"path": str(key), "step": "retire", "register": str(register)}
    refused = run_task("signing_key", arguments)
    assert refused["failed"] and refused["msg"].endswith("run: make rotate STEP=finish YES=1. Nothing was changed.")
    assert list(signing_keys.there(str(key))) == ["signing", "old"]
    refuse_to_end(str(key), str(register), NOW + 2 * DAY)
    assert run_task("signing_key", {**arguments, "confirmed": True}, check=True)["changed"]
    hand_out(register, key, "after")
    refuse_to_end(str(key), str(register), NOW)
