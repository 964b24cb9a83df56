# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of run_lease that only the control node can know: who runs this, and whether another holder still runs."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.bestviable.portfolio.plugins.module_utils import control_process


class ActionModule(ActionBase):
    """One remote execution; a second one only to take over the lease of a run that is gone."""

    _supports_check_mode = True
    _supports_diff = False
    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        arguments = {**self._task.args, "holder": control_process.identity()}
        result: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
        lease = result.get("lease")
        if result.get("failed") and lease and control_process.is_gone(lease.get("holder") or {}):
            again = {**arguments, "take_over": lease["run_id"]}
            result = self._execute_module(module_args=again, task_vars=task_vars)
        return result
