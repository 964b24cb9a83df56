# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as Ansible shows it: the same for a dry run and for the run. No secret is in a plan. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.plan import Action, Plan


def diff(plan: Plan) -> list[dict[str, str]]:
    return [
        {
            "before": lines(action.before),
            "after": lines(action.after),
            "before_header": action.object if action.before else f"{action.object} (absent)",
            "after_header": action.object if action.after else f"{action.object} (absent)",
        }
        for action in plan.actions
        if action.before or action.after
    ]


def lines(found: Mapping[str, Any]) -> str:
    def shown(value: Any) -> str:
        return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)

    return "".join(f"{key}: {shown(value)}\n" for key, value in found.items())


def effects(plan: Plan) -> list[dict[str, str]]:
    """As module `effect` describes them."""
    changed = [{"effect": "change", "object": action.object, "detail": action.detail} for action in plan.actions]
    left = [
        {"effect": "left", "object": item.object, "detail": item.detail, "remedy": item.remedy} for item in plan.left
    ]
    return changed + left


def kinds(actions: tuple[Action, ...]) -> list[str]:
    return [action.kind for action in actions]
