# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does about drift: what it repairs, what it names, and what it refuses to go on with. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.findings import Finding
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError

_NAMED = 10
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Policy:
    """The module's options `drift`, `repair`, `revoke_extra` and `online_above`."""

    mode: str = "repair"
    named: frozenset[str] = frozenset()
    revoke_extra: bool = False
    # Megabytes of a table above which an index is built without shutting writers out.
    online_above: int = 32

    def repairs(self, finding: Finding) -> bool:
        """Whether a run puts it right by itself."""
        if self.mode != "repair" or not finding.step.statements or finding.step.by_admin:
            return False
        if finding.step.drift_class == "A":
            return True
        asked = finding.key in self.named or (self.revoke_extra and finding.step.takes_access)
        return finding.step.drift_class == "B" and asked

    def refuses(self, finding: Finding) -> bool:
        """Whether a run must not go on with it."""
        return self.mode == "fail" or (self.mode == "repair" and finding.step.drift_class == "C")

    def acts(self, findings: Sequence[Finding]) -> bool:
        """Whether there is anything to do or to refuse."""
        return any(self.repairs(finding) or self.refuses(finding) for finding in findings)

    def online(self, size: int) -> bool:
        """Whether a table of so many bytes is large."""
        return size > self.online_above * _MEGABYTE

    def refuse(self, findings: Sequence[Finding], details: Mapping[str, Any]) -> None:
        """MigrationError, with these details, where one of them must stop the run."""
        stopping = [finding for finding in findings if self.refuses(finding)]
        if not stopping:
            return
        named = ", ".join(f"{finding.key} ({finding.detail})" for finding in stopping[:_NAMED])
        more = f" and {len(stopping) - _NAMED} more" if len(stopping) > _NAMED else ""
        who = "drift is set to fail" if self.mode == "fail" else "only a person may decide about them"
        raise MigrationError(
            f"objects differ from what the last run recorded, and {who}: {named}{more}; nothing was changed; "
            "put them right as the effects of this result say, or set drift to report",
            **details,
        )
