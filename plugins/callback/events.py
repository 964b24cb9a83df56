# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run as data: one line of JSON for each event, which the verbs of ./portfolio render."""

from __future__ import annotations

DOCUMENTATION = r"""
name: events
type: stdout
short_description: Print one line of JSON for each event of a run
version_added: 0.1.0
description:
  - The names of the events are V(play), V(task), V(diff), V(retry), V(result) and V(stats). A V(task) has its number,
    and how many tasks are known by then; included files add theirs when they are read.
  - Unlike P(ansible.posix.jsonl#callback) it prints what a reader is to be told and no whole results, so a line stays
    short, and it knows the C(effects) of this collection's modules.
  - Of a result with C(no_log) only its status is printed.
requirements:
  - Set it as C(stdout_callback).
author: Best Viable (@bestviable)
"""

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible import constants
from ansible.playbook.block import Block
from ansible.plugins.callback import CallbackBase

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
HIDDEN = "censored"
EFFECT = ("effect", "object", "detail", "remedy")


def static_tasks(entries: Iterable[Any], rescue: bool = False) -> Iterator[tuple[Any, bool]]:
    """The tasks that are known before the run, each with whether only a failure leads to it."""
    for entry in entries:
        if isinstance(entry, Block):
            yield from static_tasks(entry.block, rescue)
            yield from static_tasks(entry.rescue, True)
            yield from static_tasks(entry.always, rescue)
        elif entry.action not in constants._ACTION_META:
            yield entry, rescue


def in_rescue(task: Any) -> bool:
    """Whether only a failure leads to the task."""
    return in_section(task, "rescue")


def in_section(task: Any, section: str) -> bool:
    """Whether the task is in that part of a block, however deep; what imported it may stand in between."""
    node: Any = task
    passed: set[str] = set()
    while node:
        if isinstance(node, Block) and passed & {entry._uuid for entry in getattr(node, section)}:
            return True
        passed.add(node._uuid)
        node = getattr(node, "_parent", None)
    return False


def shown(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The result itself and those of its loop; Ansible has emptied what must not be shown."""
    items = result.get("results")
    found = [result, *(items if isinstance(items, list) else [])]
    return [each for each in found if isinstance(each, Mapping)]


def effects(result: Mapping[str, Any]) -> list[dict[str, str]]:
    """What a module says that it did or would do (`effects`)."""
    return [
        {key: str(effect[key]) for key in EFFECT if effect.get(key)}
        for each in shown(result)
        for effect in each.get("effects") or []
        if isinstance(effect, Mapping) and effect.get("effect") and effect.get("object")
    ]


def message(result: Mapping[str, Any]) -> str:
    """Why a task failed: of a loop, what its first failed item says."""
    if HIDDEN in result:
        return ""
    failed = [each for each in shown(result)[1:] if each.get("failed") or each.get("unreachable")]
    told = (failed or [result])[0]
    return str(told.get("msg") or told.get("module_stderr") or told.get("stderr") or "").strip()


class CallbackModule(CallbackBase):
    """Prints events; what cannot be known before the run is counted when it turns up."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "bestviable.portfolio.events"

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()
        self._known: set[str] = set()
        self._number = 0
        self._total = 0

    def _emit(self, event: str, **fields: Any) -> None:
        line = {"event": event, "seconds": round(time.monotonic() - self._began, 2), **fields}
        # ASCII only, so that no locale and no name that is not UTF-8 can break a line.
        self._display.display(json.dumps(line, default=str))

    @staticmethod
    def _place(task: Any) -> dict[str, str]:
        role, _colon, name = task.get_name().rpartition(" : ")
        return {"role": role.rpartition(".")[2], "name": name}

    def v2_playbook_on_play_start(self, play: Any) -> None:
        known = {task._uuid for task, rescue in static_tasks(play.compile()) if not rescue}
        self._known |= known
        self._total += len(known)
        self._emit("play", name=play.get_name(), total=self._total)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._number += 1
        if task._uuid not in self._known:
            self._known.add(task._uuid)
            self._total += 1
        self._emit("task", number=self._number, total=self._total, **self._place(task))

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self.v2_playbook_on_task_start(task, False)

    def v2_on_file_diff(self, result: Any) -> None:
        found = [each["diff"] for each in shown(result.result) if each.get("diff")]
        text = COLOUR.sub("", "".join(self._get_diff(diff) for diff in found))
        if text.strip():
            self._emit("diff", text=text, **self._place(result.task))

    def v2_runner_retry(self, result: Any) -> None:
        attempt, retries = result.result.get("attempts", 0), result.result.get("retries", 0)
        self._emit("retry", attempt=attempt, retries=retries, **self._place(result.task))

    def _result(self, result: Any, status: str, **fields: Any) -> None:
        hidden = HIDDEN in result.result
        self._emit(
            "result",
            status=status,
            host=result.host.get_name(),
            changed=result.is_changed(),
            effects=effects(result.result),
            warnings=[] if hidden else [str(warning.event.msg) for warning in result.warnings],
            **fields,
            **self._place(result.task),
        )

    def v2_runner_on_ok(self, result: Any) -> None:
        # What a task only says; in check mode a changed one stands for another that does something.
        told = result.task.action in constants._ACTION_DEBUG and HIDDEN not in result.result and not result.is_changed()
        self._result(result, "ok", said=result.result.get("msg", "") if told else "")

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._result(result, "skipped")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._result(result, "unreachable", message=message(result.result))

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._result(
            result,
            "failed",
            message=message(result.result),
            hidden=HIDDEN in result.result,
            ignored=bool(ignore_errors),
            rescue=in_rescue(result.task),
        )

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._emit("stats", hosts={host: stats.summarize(host) for host in sorted(stats.processed)})
