# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of config_files: look, judge, compare, write, report."""

from __future__ import annotations

import os
import secrets
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bestviable.portfolio.plugins.module_utils import lease
from ansible_collections.bestviable.portfolio.plugins.module_utils.files import disk, model, plan, report


class ConfigFiles:
    """The order is the promise: nothing is written before everything was judged."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        # Without this every path and owner would be masked in the answer; what really is secret is known better here.
        module.no_log_values = sensitive_values(module.params)

    def run(self) -> NoReturn:
        try:
            lease.renew_from_environment(self.module.check_mode)
        except lease.LeaseError as error:
            self.fail(str(error))
        wanted, problems = model.read(self.module.params)
        problems += [problem for problem in map(model.path_problem, self.module.params["watched"]) if problem]
        self.refuse(problems)
        found = {item.path: disk.look(item.path) for item in wanted}
        parents = {path: os.path.isdir(path) for item in wanted for path in (item.path, os.path.dirname(item.path))}
        self.refuse(plan.problems(wanted, found, parents) + self.ownership_problems(wanted))
        complete, generated = plan.resolve(wanted, found, secrets.token_hex)
        self.module.no_log_values |= plan.secret_values(complete, found)
        changes = [
            plan.Change(item, found[item.path], disk.user_id(item.owner), disk.group_id(item.group))
            for item in complete
        ]
        leftovers = disk.leftovers({os.path.dirname(item.path) for item in wanted if not item.is_directory})
        if not self.module.check_mode:
            self.write(leftovers, [change for change in changes if change.changed])
        self.answer(changes, leftovers, generated)

    def ownership_problems(self, wanted: list[model.Wanted]) -> list[str]:
        problems = []
        for item in wanted:
            uid, gid = disk.user_id(item.owner), disk.group_id(item.group)
            unknown = f"owner {item.owner}" if uid is None else f"group {item.group}"
            if uid is None or gid is None:
                sentence = f"the {unknown} of {item.path} does not exist on this server; create it, or give a number"
                if self.module.check_mode:
                    self.module.warn(sentence)
                else:
                    problems.append(sentence)
            elif not item.implied and not disk.may_own(uid, gid):
                problems.append(f"only root can give {item.path} to {item.owner}:{item.group}; set become: true")
        return problems

    def write(self, leftovers: list[str], changes: list[plan.Change]) -> None:
        path, done = "", 0
        try:
            for path in leftovers:
                disk.remove(path)
            for change in changes:
                path = change.wanted.path
                disk.apply(change)
                done += 1
        except OSError as error:
            self.fail(
                f"{path} cannot be written: {error.strerror}; {done} of {len(changes)} changes were made, "
                "each of them whole; correct the cause and run again."
            )

    def answer(self, changes: list[plan.Change], leftovers: list[str], generated: list[str]) -> NoReturn:
        ours = {change.wanted.path for change in changes} | set(leftovers)
        unknown = [
            path
            for directory in self.module.params["watched"]
            for path in (os.path.join(directory, name) for name in disk.entries(directory))
            if path not in ours
        ]
        for path in unknown:
            self.module.warn(f"{path} {report.NOT_OURS}; {report.UNKNOWN_REMEDY}.")
        result: dict[str, Any] = {
            "changed": bool(leftovers) or any(change.changed for change in changes),
            "files": {change.wanted.path: self.outcome(change) for change in changes if not change.wanted.is_directory},
            "generated": generated,
            "unknown": unknown,
            "effects": report.effects(changes, leftovers, unknown, disk.user_name, disk.group_name),
        }
        if self.module._diff:
            result["diff"] = [report.leftover_entry(path) for path in leftovers] + [
                report.diff_entry(change, disk.user_name, disk.group_name) for change in changes if change.changed
            ]
        self.module.exit_json(**result, invocation=invocation(self.module.params))

    def outcome(self, change: plan.Change) -> dict[str, Any]:
        mtime = change.found.mtime
        if change.content_changed:
            mtime = None if self.module.check_mode else disk.look(change.wanted.path).mtime
        return {"changed": change.changed, "content_changed": change.content_changed, "mtime": mtime}

    def refuse(self, problems: list[str]) -> None:
        if not problems:
            return
        more = f" ({len(problems) - 1} more in `problems`)" if problems[1:] else ""
        self.fail(f"{problems[0][0].upper()}{problems[0][1:]}{more}. Nothing was written.", problems=problems)

    def fail(self, message: str, **result: Any) -> NoReturn:
        self.module.fail_json(msg=message, invocation=invocation(self.module.params), **result)


def sensitive_values(params: dict[str, Any]) -> set[str]:
    """What Ansible must mask wherever it turns up. A short text is left out: masking it would garble every message."""
    given = [entry["value"] for entry in params["secrets"]]
    given += [entry["content"] for entry in params["files"] if entry["secret"]]
    return {text for text in given if isinstance(text, str) and len(text) >= model.SHORTEST_SECRET}


def invocation(params: dict[str, Any]) -> dict[str, Any]:
    """The arguments as they may be shown: everything but contents and secrets."""
    shown = {
        "secrets": [{**entry, "value": "<given>" if entry["value"] else None} for entry in params["secrets"]],
        "files": [{**entry, "content": "<not shown>"} for entry in params["files"]],
    }
    return {"module_args": {**params, **shown}}
