# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter status_report: what was found on a server, judged; causes come before what follows from them."""

from __future__ import annotations

from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring.report import status_report


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"status_report": status_report}
