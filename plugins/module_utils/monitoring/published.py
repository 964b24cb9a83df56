# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status file of role monitoring as a later reader sees it: what was found, and whether it still looks. Pure."""

from __future__ import annotations

from ansible_collections.bestviable.portfolio.plugins.module_utils.links import DEPLOY, Json, problem
from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring.numbers import FAIL, WARN, span

# Three of its minutes: then its age is an alarm by itself.
STALE = 180.0
# What a verb asks itself, now; what the file says of it may be a minute old.
FRESH = ("engine", "container ", "link ", "drift")


def numbers_report(facts: Json) -> Json | None:
    """Of *facts*: `wanted`, the file's content as `status`, the server's clock as `now`. None where it is off."""
    if not facts["wanted"]:
        return None
    status = facts["status"] or {}
    if "epoch" not in status:
        why = status.get("error") or "there is no status yet"
        return _silent(None, f"the server does not look at itself ({why})")
    age = max(0.0, float(facts["now"]) - float(status["epoch"]))
    if age > STALE:
        return _silent(status, f"the server has not looked at itself for {span(age)}")
    asked = [each for each in status["numbers"] if not each["name"].startswith(FRESH)]
    return {
        "at": status["at"],
        "age": round(age),
        "numbers": status["numbers"],
        "problems": [_finding(each) for each in asked if each["level"] == FAIL],
        "warnings": [_finding(each) for each in asked if each["level"] == WARN],
    }


def _silent(status: Json | None, told: str) -> Json:
    """Numbers that are old say nothing."""
    return {
        "at": status["at"] if status else None,
        "age": None,
        "numbers": [],
        "problems": [problem("numbers", told, DEPLOY)],
        "warnings": [],
    }


def _finding(number: Json) -> Json:
    return problem(number["name"], number["what"], number["remedy"])
