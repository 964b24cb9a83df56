# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter check_findings: every check of a list with its verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

WARN = "warn"
FAIL = "fail"
OK = "ok"


def check_findings(checks: Iterable[Mapping[str, Any]], where: str) -> list[dict[str, str]]:
    """Return C(where), C(check), C(level) and C(message) of each of *checks*; the message is empty where all is well.

    A condition is only looked at here, when its turn comes: one that cannot be told is the fault of its check alone.
    """
    return [_finding(check, where) for check in checks]


def _finding(check: Mapping[str, Any], where: str) -> dict[str, str]:
    found = {"where": where, "check": str(check["name"]), "level": OK, "message": ""}
    try:
        if not check["that"]:
            level = check.get("level", FAIL)
            found |= {"level": str(level), "message": " ".join(str(check["message"]).split())}
    except Exception as error:  # whatever a template or a lookup raises
        found |= {"level": FAIL, "message": _first_cause(error)}
    return found


def _first_cause(error: BaseException) -> str:
    """The sentence of whoever raised first; Ansible wraps it several times."""
    while error.__cause__ is not None and not str(error).startswith("token: "):
        error = error.__cause__
    return " ".join(str(error).removeprefix("token: ").split())


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"check_findings": check_findings}
