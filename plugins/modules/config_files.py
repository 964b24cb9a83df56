#!/usr/bin/python
# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes all directories, secrets and files of a role in one remote execution."""
from __future__ import annotations

DOCUMENTATION = r"""
module: config_files
short_description: Write all directories, secrets and files of a role in one call
version_added: 0.1.0
description:
  - Compares everything first and writes only what differs, each file as a whole or not at all, with one diff for each of them.
    Nothing is written when any entry is invalid.
  - The content is rendered on the control node, usually by P(ansible.builtin.template#lookup).
  - A file's modification time changes only with its content, so it can be compared with the start of the process that reads it.
options:
  directories:
    description:
      - Directories to make, with owner, group and mode. Their missing parents are made too, for root with mode V(0755).
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Full path.
        type: str
        required: true
      owner:
        description: Name of a user of the server, or a number in quotes, which may be a user of a container only.
        type: str
        required: true
      group:
        description: Name of a group of the server, or a number in quotes.
        type: str
        required: true
      mode:
        description: Octal number in quotes, such as V('0755').
        type: raw
        required: true
  secrets:
    description:
      - Secrets that live on the server, each in a file of its own.
      - O(secrets[].value) is written as it is when given; else a file that exists is kept; else random bytes are generated once and
        written in hexadecimal, without a final newline.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: How O(files[].content) refers to it.
        type: str
        required: true
      path:
        description: Full path.
        type: str
        required: true
      value:
        description: The secret, a string, where the inventory has it. An empty value counts as none. At least 8 characters.
        type: raw
      bytes:
        description: How many random bytes to generate, 16 to 64.
        type: int
        default: 24
      owner:
        description: Name or number in quotes.
        type: str
        required: true
      group:
        description: Name or number in quotes.
        type: str
        required: true
      mode:
        description: Octal number in quotes.
        type: raw
        default: '0400'
  files:
    description: Files to write.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Full path. Its directory exists, or is one of O(directories).
        type: str
        required: true
      content:
        description:
          - What the file holds, byte for byte; a string, so that data go through a filter like P(ansible.builtin.to_nice_json#filter).
          - C(@SECRET:name@) is replaced on the server by the secret of that name, without a final newline.
        type: raw
        required: true
      owner:
        description: Name or number in quotes.
        type: str
        required: true
      group:
        description: Name or number in quotes.
        type: str
        required: true
      mode:
        description: Octal number in quotes.
        type: raw
        required: true
      secret:
        description: Never show the content. Required for a file that holds or refers to a secret.
        type: bool
        default: false
  watched:
    description: Directories that some process reads as a whole; anything in them that is not listed above is reported with a warning.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    details:
      - A secret that would be generated is predicted as new, and so is each file that refers to it.
      - An owner or group that does not exist yet is a warning, as an earlier task of the real run may make it.
  diff_mode:
    support: full
    description: Returns details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    details: [The content of secrets and of secret files is never shown.]
author:
  - Best Viable (@bestviable)
"""

EXAMPLES = r"""
- name: Write the files of the API
  bestviable.portfolio.config_files:
    directories:
      - {path: /opt/portfolio/postgrest-erp, owner: root, group: root, mode: '0755'}
      - {path: /opt/portfolio/postgrest-erp/secrets, owner: '10001', group: '10001', mode: '0500'}
    secrets:
      - name: portfolio_authenticator
        path: /opt/portfolio/postgres-erp/secrets/portfolio_authenticator
        value: "{{ postgrest_erp_password | default('') }}"
        owner: root
        group: root
    files:
      - path: /opt/portfolio/postgrest-erp/docker-compose.yml
        owner: root
        group: root
        mode: '0644'
        content: "{{ lookup('ansible.builtin.template', 'docker-compose.yml.j2') }}"
      - path: /opt/portfolio/postgrest-erp/secrets/db_uri
        owner: '10001'
        group: '10001'
        mode: '0400'
        secret: true
        content: postgres://portfolio_authenticator:@SECRET:portfolio_authenticator@@postgres-erp/portfolio
    watched: [/opt/portfolio/postgrest-erp/secrets]
"""

RETURN = r"""
files:
  description:
    - For the path of each secret and file C(changed), C(content_changed) and C(mtime) in seconds since 1970.
    - C(mtime) is V(null) for content that check mode only predicts.
  returned: success
  type: dict
  sample: {/opt/portfolio/traefik/conf/traefik.yml: {changed: false, content_changed: false, mtime: 1767225600.5}}
generated:
  description: Names of the secrets that were generated.
  returned: success
  type: list
  elements: str
unknown:
  description: Paths in O(watched) that are not ours.
  returned: success
  type: list
  elements: str
problems:
  description: One sentence for each entry that is invalid.
  returned: when an entry is invalid
  type: list
  elements: str
"""

import os
import secrets
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bestviable.portfolio.plugins.module_utils import lease
from ansible_collections.bestviable.portfolio.plugins.module_utils.files import disk, model, plan, report

OWNERSHIP: dict[str, dict[str, Any]] = {
    "owner": {"type": "str", "required": True},
    "group": {"type": "str", "required": True},
    "mode": {"type": "raw", "required": True},
}
PATH: dict[str, dict[str, Any]] = {"path": {"type": "str", "required": True}}
SECRET = {
    "name": {"type": "str", "required": True},
    "value": {"type": "raw", "no_log": True},
    "bytes": {"type": "int", "default": 24},
    "mode": {"type": "raw", "default": "0400"},
}
CONTENT: dict[str, dict[str, Any]] = {
    "content": {"type": "raw", "required": True},
    "secret": {"type": "bool", "default": False, "no_log": False},
}
# no_log as a whole: Ansible masks a value in the system log only where it stands there as one line. Our own answer says more.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "directories": {"type": "list", "elements": "dict", "default": [], "options": {**PATH, **OWNERSHIP}},
    "secrets": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "no_log": True,
        "options": {**PATH, **OWNERSHIP, **SECRET},
    },
    "files": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "no_log": True,
        "options": {**PATH, **OWNERSHIP, **CONTENT},
    },
    "watched": {"type": "list", "elements": "str", "default": []},
}


class ConfigFiles:
    """One call: look, judge, compare, write, report."""

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
            plan.Change(item, found[item.path], disk.user_id(item.owner), disk.group_id(item.group)) for item in complete
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
                sentence = f"the {unknown} of {item.path} does not exist on this server; create it first, or give a number"
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
            self.module.warn(f"{path} is not ours, but is read with our files; remove it unless you put it there on purpose.")
        result: dict[str, Any] = {
            "changed": bool(leftovers) or any(change.changed for change in changes),
            "files": {change.wanted.path: self.outcome(change) for change in changes if not change.wanted.is_directory},
            "generated": generated,
            "unknown": unknown,
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
    """What Ansible must mask wherever it would turn up. A short text is left out: masking it would garble every message."""
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


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    ConfigFiles(module).run()


if __name__ == "__main__":
    main()
