# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did until now, as Ansible's main process saw it; tasks find it here, since their workers are its forks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass
class RunRecord:
    """Filled by the callback run_record, read by the action plugin of run_lease."""

    playbook: str = ""
    failure: str | None = None
    told: list[tuple[str, str, bool, list[dict[str, str]]]] = field(default_factory=list)

    def add(self, role: str, name: str, changed: bool, effects: list[dict[str, str]]) -> None:
        """What a task came to."""
        if changed or effects:
            self.told.append((role, name, changed, effects))

    def effects(self) -> list[Json]:
        """As cli/report.py: a changed task stands for itself where no task of its name said anything."""
        spoke = {(role, name) for role, name, _changed, effects in self.told if effects}
        found: list[Json] = []
        for role, name, changed, effects in self.told:
            found += [effect for effect in effects if effect["effect"] != "left" and effect not in found]
            if changed and (role, name) not in spoke:
                found.append({"effect": "change", "object": name, "detail": role})
        return found

    def summary(self) -> Json:
        failed = self.failure is not None
        return {
            "playbook": self.playbook,
            "effects": self.effects(),
            "rc": 2 if failed else 0,
            "error": (self.failure or "its reason is hidden") if failed else "",
        }


CURRENT = RunRecord()
