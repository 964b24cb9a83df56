#!/usr/bin/python
# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes or gives up the lease of a run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: run_lease
short_description: Hold a server for one run, so that two runs never change it at the same time
version_added: 0.1.0
description:
  - Writes C(/run/portfolio/lease.json) on the server. The other modules of this collection renew it during the run.
  - Refuses, with the name of its holder, a server that another run holds.
  - A lease that was not renewed for ten minutes is taken over with a warning, and so, at once, is one whose holder was
    started on this control node and is gone.
  - The run is named by the environment variable C(PORTFOLIO_RUN_ID), which the play sets for all its tasks.
options:
  state:
    description: Take the lease, or give it up. A lease of another run is never given up.
    type: str
    choices: [present, absent]
    default: present
  holder:
    description: Who runs this, filled in by the action plugin on the control node.
    type: dict
  history:
    description:
      - A file of JSON lines on the server. When the lease is given up, a run that changed something or failed is added
        to it, and C(last_run.json) beside it tells how the last run ended, whatever it did.
      - A run whose lease is taken over is added too. Where the directory of the file is missing, nothing is written.
    type: path
  run:
    description: What this run did until now, filled in by the action plugin.
    type: dict
  take_over:
    description: The run whose lease is taken though it is fresh, filled in by the action plugin when that run is gone.
    type: str
extends_documentation_fragment:
  - bestviable.portfolio.attributes
attributes:
  check_mode:
    support: full
    details: [No lease is taken, but a server that another run holds is refused.]
  diff_mode:
    support: none
    details: [A lease is no part of the server's configuration, so it is never reported as a change.]
  idempotent:
    support: full
author:
  - Best Viable (@bestviable)
"""

EXAMPLES = r"""
- name: Change a server alone
  hosts: portfolio
  environment:
    PORTFOLIO_RUN_ID: "{{ portfolio_run_id }}"
  tasks:
    - name: Take the lease
      bestviable.portfolio.run_lease:

    - name: Give the lease up
      bestviable.portfolio.run_lease:
        state: absent
        history: /opt/portfolio/.portfolio/history.jsonl
"""

RETURN = r"""
lease:
  description: The lease as it is now, or that of the other run when it is refused; V(null) where there is none.
  returned: always
  type: dict
  sample: {run_id: 20260101T120000-4711, who: david@laptop, since: 1767268800.0, renewed: 1767268860.0}
"""

import os
import time
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bestviable.portfolio.plugins.module_utils import history, lease

ARGUMENTS: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "holder": {"type": "dict"},
    "history": {"type": "path"},
    "run": {"type": "dict"},
    "take_over": {"type": "str"},
}


def take(module: AnsibleModule, path: str, run_id: str) -> NoReturn:
    current, now = lease.read(path), time.time()
    verdict = lease.judge(current, run_id, module.params["take_over"], now)
    if current and verdict == lease.REFUSED:
        module.fail_json(msg=f"{lease.held_sentence(current)}. Nothing was changed.", lease=current)
    if current and verdict == lease.TAKEN_OVER:
        module.warn(lease.taken_over_sentence(current))
        remember(module, history.killed(current, now))
    new = lease.renewed(current, verdict, run_id, module.params["holder"] or {}, now)
    if not module.check_mode:
        lease.write(path, new)
    module.exit_json(changed=False, lease=current if module.check_mode else new)


def remember(module: AnsibleModule, found: dict[str, Any]) -> None:
    """A history that cannot be written is no reason for a run to fail: what it did is done."""
    path = module.params["history"]
    if not path or module.check_mode:
        return
    try:
        history.remember(path, found)
    except OSError as error:
        module.warn(
            f"The run is not in the history {path} ({error.strerror}); correct the cause, and the next one will be."
        )


def give_up(module: AnsibleModule, path: str, run_id: str) -> NoReturn:
    current = lease.read(path)
    ours = current is not None and current["run_id"] == run_id
    if ours and current and not module.check_mode:
        os.unlink(path)
        remember(module, history.entry(current, module.params["run"] or {}, time.time()))
    module.exit_json(changed=False, lease=None if ours and not module.check_mode else current)


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    run_id, path = os.environ.get(lease.RUN_VARIABLE), lease.lease_file()
    if not run_id:
        module.fail_json(msg=f"{lease.RUN_VARIABLE} is not set for this task; set it in the environment of the play.")
    step = take if module.params["state"] == "present" else give_up
    try:
        if module.check_mode:
            # Nothing is written, not even the file that is locked.
            step(module, path, run_id)
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        with lease.locked(path):
            step(module, path, run_id)
    except lease.LeaseError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"The lease {path} cannot be kept: {error.strerror}; run as root.")


if __name__ == "__main__":
    main()
