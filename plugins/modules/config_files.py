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
  - Compares everything first and writes only what differs, each file as a whole or not at all, with one diff for
    each. Nothing is written when any entry is invalid.
  - The content is rendered on the control node, usually by P(ansible.builtin.template#lookup).
  - A file's modification time changes only with its content, so it can be compared with the start of the process that
    reads it.
options:
  directories:
    description:
      - Directories to make, with owner, group and mode. Missing parents are made too, for root with mode V(0755).
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
      - O(secrets[].value) is written as it is when given; else a file that exists is kept; else random bytes are
        generated once and written in hexadecimal, without a final newline.
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
        description: The secret, 8 characters at least, where the inventory has it. An empty string counts as none.
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
          - What the file holds, byte for byte. It is a string, so data need a filter like
            P(ansible.builtin.to_nice_json#filter).
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
    description: Directories that a process reads as a whole. What is in them and not ours is reported with a warning.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - bestviable.portfolio.attributes
attributes:
  check_mode:
    support: full
    details:
      - A secret that would be generated is predicted as new, and so is each file that refers to it.
      - An owner or group that does not exist yet is a warning, as an earlier task of the real run may make it.
  diff_mode:
    support: full
    details: [The content of secrets and of secret files is never shown.]
  idempotent:
    support: full
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
effects:
  description: Each change, and each unknown path as V(left), as M(bestviable.portfolio.effect) describes them.
  returned: success
  type: list
  elements: dict
  sample: [{effect: change, object: /opt/portfolio/traefik/conf/traefik.yml, detail: mode 0666 instead of 0644}]
problems:
  description: One sentence for each entry that is invalid.
  returned: when an entry is invalid
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bestviable.portfolio.plugins.module_utils.files.manager import ConfigFiles

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
# no_log as a whole: in the system log Ansible does not find values of several lines to mask them.
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


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    ConfigFiles(module).run()


if __name__ == "__main__":
    main()
