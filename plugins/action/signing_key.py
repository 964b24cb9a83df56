# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves the files of a signing key on the control node; nothing runs on the server."""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.bestviable.portfolio.plugins.plugin_utils import signing_keys, token_register
from ansible_collections.bestviable.portfolio.plugins.plugin_utils.tokens import TokenError, kid_of, read_key

OPTIONS = {
    "path": {"type": "str", "required": True},
    "step": {"type": "str", "choices": list(signing_keys.STEPS), "required": True},
    "register": {"type": "str"},
    "confirmed": {"type": "bool", "default": False},
}


def told(sentence: str, untouched: bool) -> str:
    """The sentence, and what is left behind."""
    return f"{sentence.rstrip('.')}. Nothing was changed." if untouched else sentence


def refuse_to_end(path: str, register: str, now: int) -> None:
    """Refuse while somebody would be shut out who has no other token."""
    old = signing_keys.there(path).get("old")
    if old is None:
        return
    kid, signing = kid_of(read_key(str(old))), kid_of(read_key(path))
    lost = token_register.unreplaced(token_register.read(register), kid, signing, now)
    if lost:
        whose = ", ".join(dict.fromkeys(f"{entry.sub} ({entry.role})" for entry in lost))
        raise TokenError(
            f"With the key {old} the tokens of {whose} end, and {register} knows no other for them; give them new ones "
            "first, or if they may end, run: make rotate STEP=finish YES=1"
        )


class ActionModule(ActionBase):
    """In a dry run it says what would be moved."""

    _supports_check_mode = True
    _supports_diff = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(argument_spec=OPTIONS)
        try:
            if given["step"] == "retire" and given["register"] and not given["confirmed"]:
                refuse_to_end(given["path"], given["register"], int(time.time()))
            done = signing_keys.run(given["step"], given["path"], self._task.check_mode)
        except TokenError as error:
            # The second step of each half comes after the server has learned of the first.
            first = given["step"] in ("prepare", "retire")
            raise AnsibleActionFail(told(f"signing_key: {error}", first)) from None
        effects = [{"effect": "change", "object": each.object, "detail": each.detail} for each in done]
        return {**result, "changed": bool(done), "effects": effects}
