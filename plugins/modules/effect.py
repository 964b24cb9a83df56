#!/usr/bin/python
# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the action plugin of this name does the work on the control node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: effect
short_description: Say as data what a task does or would do
version_added: 0.1.0
description:
  - Runs on the control node and touches nothing.
  - Stands beside a task of the same name that does the work. In check mode that task is skipped, and this one reports
    C(changed); in a real run that task does. The effects are the same in both, so a plan can be compared with its run.
options:
  effects:
    description: What is changed, reloaded or restarted, or is left to a person.
    type: list
    elements: dict
    required: true
    suboptions:
      effect:
        description:
          - V(change), V(reload) (a configuration is read again, nobody is interrupted), V(restart) (a container starts
            or is made again), or V(left) (only a person may decide; it never counts as changed and becomes a warning).
        type: str
        choices: [change, reload, restart, left]
        required: true
      object:
        description: What an operator calls it, such as a path or a container's name.
        type: str
        required: true
      detail:
        description: What differs, as a short phrase. Never a secret.
        type: str
        required: true
      remedy:
        description: What a person can do about it. Required for V(left), and only there.
        type: str
extends_documentation_fragment:
  - bestviable.portfolio.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: N/A
    details: [It touches nothing.]
author:
  - Best Viable (@bestviable)
"""

EXAMPLES = r"""
- name: Start the server
  community.docker.docker_compose_v2:
    project_src: /opt/portfolio/postgres-erp
  when: not ansible_check_mode

- name: Start the server
  bestviable.portfolio.effect:
    effects: [{effect: restart, object: postgres-erp, detail: it is exited}]
"""

RETURN = r"""
effects:
  description: The effects, as given.
  returned: success
  type: list
  elements: dict
  sample: [{effect: restart, object: postgres-erp, detail: it is exited}]
"""
