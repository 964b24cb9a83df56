# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb doctor: everything that a deploy would refuse, at once; nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cli.ansible import host_of, secrets_are_there
from cli.call import Call, Refused, wanted_format
from cli.findings import Json, fetch, show
from cli.words import wrapped

LEVELS = ("fail", "warn", "ok")
WIDTH = 57
HERE = "control node"
SOURCE = ("playbooks/doctor.yml", "_portfolio_doctor")


def doctor(call: Call) -> int:
    """Print the checks of the control node, the inventory and all roles; 0 when none fails, else 1."""
    wanted = wanted_format(call)
    report: Json = {"version": 1, "host": None, "complete": False, "findings": []}
    findings = [_tried("inventory", lambda: host_of(call))]
    if _all_well(findings):
        findings.append(_tried("vault", lambda: secrets_are_there(call)))
    if _all_well(findings):
        findings.append(_tried("Ansible", lambda: report.update(fetch(call, *SOURCE))))
    report["findings"] = findings + report["findings"]
    report["exit"] = 0 if _all_well(report["findings"]) else 1
    return show(report, wanted, lines)


def _all_well(findings: list[Json]) -> bool:
    return all(finding["level"] != "fail" for finding in findings)


def _tried(check: str, ask: Callable[[], object]) -> Json:
    try:
        ask()
    except Refused as refused:
        return {"where": HERE, "check": check, "level": "fail", "message": str(refused)}
    return {"where": HERE, "check": check, "level": "ok", "message": ""}


def _some(names: list[str]) -> str:
    """As many as stand in one line; FORMAT=json has all of them."""
    for shown in range(len(names), 0, -1):
        more = f", and {len(names) - shown} more" if shown < len(names) else ""
        if len(text := ", ".join(names[:shown]) + more) <= WIDTH:
            return text
    return f"{len(names)} checks"


def lines(report: Json) -> Iterator[str]:
    """The text of a report: what is not OK first, each with its sentence; pure."""
    found = [one["level"] for one in report["findings"]]
    counts = ", ".join(f"{found.count(level)} {level.upper()}" for level in LEVELS)
    yield from wrapped(f"doctor{' of ' + report['host'] if report['host'] else ''}: {counts}", "", "  ")
    for level in ("fail", "warn"):
        for one in report["findings"]:
            if one["level"] == level:
                yield f"  {level.upper():5} {one['where']}: {one['check']}"
                yield from wrapped(one["message"], " " * 8, " " * 8)
    fine: dict[str, list[str]] = {}
    for one in report["findings"]:
        if one["level"] == "ok":
            fine.setdefault(one["where"], []).append(one["check"])
    for where, checks in fine.items():
        yield f"  OK    {where:14} {_some(checks)}"
    if not report["complete"]:
        yield "The other checks could not be made; correct this and ask again."
