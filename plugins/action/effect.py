# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what a role's task does or would do; nothing runs on the server."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

KINDS = ("change", "reload", "restart", "left")
KEYS = {"effect", "object", "detail", "remedy"}


def problem(effects: Any) -> str | None:
    """What is wrong with a list of effects, or None."""
    if not isinstance(effects, list):
        return "effects must be a list; give one entry for each thing that changes"
    for entry in effects:
        if not isinstance(entry, dict) or not {"effect", "object", "detail"} <= set(entry) <= KEYS:
            return f"the effect {entry!r} has other keys than effect, object, detail and remedy; correct it"
        if entry["effect"] not in KINDS:
            return f"the effect {entry['effect']!r} of {entry['object']} is not known; write one of {', '.join(KINDS)}"
        if (entry["effect"] == "left") != bool(entry.get("remedy")):
            return f"the effect on {entry['object']} must have a remedy exactly when it is left to a person; correct it"
    return None


class ActionModule(ActionBase):
    """In a dry run it stands for the task of the same name that is skipped there; in a run that task says `changed`."""

    _supports_check_mode = True
    _supports_diff = False
    _requires_connection = False
    _VALID_ARGS = frozenset(("effects",))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        effects = self._task.args.get("effects")
        wrong = problem(effects)
        if wrong or not isinstance(effects, list):
            raise AnsibleActionFail(f"bestviable.portfolio.effect: {wrong}")
        left = [entry for entry in effects if entry["effect"] == "left"]
        if left:
            result["warnings"] = [f"{entry['object']}: {entry['detail']}; {entry['remedy']}" for entry in left]
        result["effects"] = effects
        result["changed"] = self._task.check_mode and len(left) < len(effects)
        return result
