# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of run_lease that only the control node knows: who runs this, what it did, whether another holder lives."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml
from ansible.plugins.action import ActionBase
from ansible_collections.bestviable.portfolio.plugins.module_utils import control_process
from ansible_collections.bestviable.portfolio.plugins.plugin_utils import run_record

# In a clone it is behind a link.
COLLECTION = Path(__file__).resolve().parents[2]


def version(collection: Path = COLLECTION) -> str:
    """Of this collection: an installed one has a manifest, a clone what that is made from."""
    try:
        found: Any = json.loads((collection / "MANIFEST.json").read_text())["collection_info"]["version"]
    except (OSError, ValueError, KeyError):
        try:
            found = yaml.safe_load((collection / "galaxy.yml").read_text())["version"]
        except (OSError, yaml.YAMLError, KeyError, TypeError):
            return ""
    return str(found)


def commit(collection: Path = COLLECTION) -> str:
    """Of a clone, with a + where files differ from it; empty for an installed collection."""
    if not (collection / ".git").exists():
        return ""
    command = ["git", "-C", str(collection), "describe", "--always", "--exclude=*", "--dirty=+", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


class ActionModule(ActionBase):
    """One remote execution; a second one only to take over the lease of a run that is gone."""

    _supports_check_mode = True
    _supports_diff = False
    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        arguments = {**self._task.args, "holder": control_process.identity()}
        if arguments.get("state") == "absent":
            arguments["run"] = {**run_record.CURRENT.summary(), "collection": version(), "commit": commit()}
        result: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
        lease = result.get("lease")
        if result.get("failed") and lease and control_process.is_gone(lease.get("holder") or {}):
            again = {**arguments, "take_over": lease["run_id"]}
            result = self._execute_module(module_args=again, task_vars=task_vars)
        return result
