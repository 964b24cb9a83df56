# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes down on the control node which tokens are refused; nothing runs on the server."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.bestviable.portfolio.plugins.plugin_utils import token_register
from ansible_collections.bestviable.portfolio.plugins.plugin_utils.token_register import Register, Wish
from ansible_collections.bestviable.portfolio.plugins.plugin_utils.tokens import TokenError

OPTIONS = {
    "path": {"type": "str", "required": True},
    "jti": {"type": "list", "elements": "str", "default": []},
    "sub": {"type": "str", "default": ""},
    "kid": {"type": "str", "default": ""},
}


def change(path: str, wish: Wish, now: int, check: bool) -> tuple[Register, Register]:
    """The register before and after; a wish that names nothing is refused."""
    before = token_register.read(path)

    def how(register: Register) -> Register:
        nonlocal before
        before = register
        return token_register.revoke(register, wish, now)

    if not token_register.chosen(before, wish):
        what = f"sub {wish.sub}" if wish.sub else f"key {wish.kid}" if wish.kid else "id"
        raise TokenError(f"{path} names no token of {what}; look at what it names, run: make tokens")
    return before, how(before) if check else token_register.change(path, how)


class ActionModule(ActionBase):
    """In a dry run it says what would be written."""

    _supports_check_mode = True
    _supports_diff = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(argument_spec=OPTIONS)
        wish = Wish(tuple(given["jti"]), given["sub"], given["kid"])
        try:
            before, after = change(given["path"], wish, int(time.time()), self._task.check_mode)
        except TokenError as error:
            raise AnsibleActionFail(f"token_register: {str(error).rstrip('.')}. Nothing was changed.") from None
        added = len(after.revoked) - len(before.revoked)
        more = "one more token" if added == 1 else f"{added} more tokens"
        effect = {"effect": "change", "object": given["path"], "detail": f"refuses {more}"}
        return {
            **result,
            "changed": after != before,
            "revoked": [asdict(entry) for entry in after.revoked],
            "named": token_register.chosen(after, wish),
            "effects": [effect] if added else [],
        }
