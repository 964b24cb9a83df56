# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the module executions of a run, which are its price (style.md, "A fast re-run")."""

from __future__ import annotations

DOCUMENTATION = r"""
name: execution_count
type: aggregate
short_description: Count the remote module executions of a run
version_added: 0.1.0
description:
  - Counts where modules are started, in all forked workers. That is not the number of tasks, as an unchanged
    P(ansible.builtin.template#module) is two executions and P(ansible.builtin.assert#module) is none.
  - Tasks that are delegated, usually to the control node, are counted apart.
requirements:
  - Enable it with C(callbacks_enabled).
options:
  log:
    description:
      - File to which a line of JSON is appended before each execution, with C(host), C(module), C(task), C(delegated).
      - Without it a temporary file is used and removed at the end.
    type: path
    env:
      - name: PORTFOLIO_EXECUTION_LOG
    ini:
      - section: callback_execution_count
        key: log
author: Best Viable (@bestviable)
"""

import functools
import json
import os
import tempfile
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.plugins.callback import CallbackBase


def append(path: str, record: dict[str, Any]) -> None:
    """One write of one line: lines of several workers never mix."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, (json.dumps(record, sort_keys=True) + "\n").encode())
    finally:
        os.close(descriptor)


def read(path: str, offset: int = 0) -> list[dict[str, Any]]:
    """The executions recorded from `offset` on."""
    try:
        with open(path, "rb") as handle:
            handle.seek(offset)
            return [json.loads(line) for line in handle]
    except FileNotFoundError:
        return []


def summary(records: list[dict[str, Any]]) -> str:
    delegated = sum(1 for record in records if record["delegated"])
    return f"Module executions: {len(records) - delegated} remote, {delegated} delegated"


def describe(action: ActionBase, module_name: str | None) -> dict[str, Any]:
    task = action._task
    return {
        "host": action._play_context.remote_addr,
        "module": module_name or task.action,
        "task": task.get_name(),
        "delegated": task.delegate_to is not None,
    }


class CallbackModule(CallbackBase):
    """Wraps the one method through which every module is started; the workers are forked later and inherit that."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "bestviable.portfolio.execution_count"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._log = ""
        self._temporary = False
        self._offset = 0

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        self._log = self.get_option("log") or ""
        if not self._log:
            descriptor, self._log = tempfile.mkstemp(prefix="execution_count-")
            os.close(descriptor)
            self._temporary = True
        # A file of earlier runs goes on; only this run is summed up.
        self._offset = os.path.getsize(self._log) if os.path.exists(self._log) else 0
        self._wrap()

    def _wrap(self) -> None:
        original, log = ActionBase._execute_module, self._log

        @functools.wraps(original)
        def counted(action: ActionBase, module_name: str | None = None, *arguments: Any, **named: Any) -> Any:
            append(log, describe(action, module_name))
            return original(action, module_name, *arguments, **named)

        # Not an assignment: the class has no other way in, and the type checker is right to forbid it elsewhere.
        setattr(ActionBase, "_execute_module", counted)  # noqa: B010

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._display.display(summary(read(self._log, self._offset)))
        if self._temporary:
            os.unlink(self._log)
