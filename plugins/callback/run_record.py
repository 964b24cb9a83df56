# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what a run did, so that its end can write it into the server's history."""

from __future__ import annotations

DOCUMENTATION = r"""
name: run_record
type: aggregate
short_description: Keep what a run did for the server's history
version_added: 0.1.0
description:
  - Keeps the C(effects) of tasks, what changed without saying so, and why the run failed.
    M(bestviable.portfolio.run_lease) writes them into the server's history when it gives the lease back.
  - Prints nothing. Without it, the history knows only of runs that were killed.
requirements:
  - Enable it with C(callbacks_enabled), as C(ansible.cfg) of this collection's repository does.
author: Best Viable (@bestviable)
"""

from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible_collections.bestviable.portfolio.plugins.callback.events import (
    HIDDEN,
    effects,
    in_rescue,
    in_section,
    message,
)
from ansible_collections.bestviable.portfolio.plugins.plugin_utils import run_record


class CallbackModule(CallbackBase):
    """One record for each process; workers that are forked later have what was recorded until then."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "bestviable.portfolio.run_record"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: Any) -> None:
        run_record.CURRENT.playbook = Path(playbook._file_name).name

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        # The run goes on, so what failed was made good.
        if not in_rescue(task) and not in_section(task, "always"):
            run_record.CURRENT.failure = None

    def _add(self, result: Any) -> None:
        role, _colon, name = result.task.get_name().rpartition(" : ")
        run_record.CURRENT.add(role.rpartition(".")[2], name, result.is_changed(), effects(result.result))

    def v2_runner_on_ok(self, result: Any) -> None:
        self._add(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._add(result)
        record = run_record.CURRENT
        if ignore_errors or (record.failure is not None and not in_rescue(result.task)):
            return
        record.failure = "" if HIDDEN in result.result else " ".join(message(result.result).split())

    def v2_runner_on_unreachable(self, result: Any) -> None:
        run_record.CURRENT.failure = " ".join(message(result.result).split())
