# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter schema_report: what postgresql_migration_info found in a server's database, judged."""

from __future__ import annotations

from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.links import DEPLOY, Json, problem, sentence

VERSION = 1
# What ./portfolio schema ends with.
EXITS = {"ok": 0, "wrong": 2, "bare": 2, "unknown": 1}


def schema_report(facts: Json) -> Json:
    """Judge *facts* (roles/portfolio/tasks/schema.yml)."""
    answer = facts["answer"] or {}
    report: Json = {
        "version": VERSION,
        "host": facts["host"],
        "database": facts["database"],
        "schema": None,
    }
    unasked = _unasked(facts)
    if unasked:
        return _closed(report, *unasked)
    if not answer.get("reachable"):
        told = str(answer.get("problem") or answer.get("msg"))
        return _closed(report, "unknown", [problem(facts["database"], *sentence(told))])
    report["schema"] = {
        "version": answer["ledger_version"],
        "pending": answer["pending"],
        "access_pending": answer["access_pending"],
        "tables": [{"schema": name, "found": answer["tables"].get(name, 0)} for name in facts["schemas"]],
        "assertions": answer["assertions"],
        "drift": answer["drift"],
        "history": answer["history"],
    }
    problems = faults(answer) + drifted(answer)
    return _closed(report, "wrong" if problems else "ok", problems)


def _closed(report: Json, status: str, problems: list[Json]) -> Json:
    return report | {"status": status, "exit": EXITS[status], "problems": problems}


def _unasked(facts: Json) -> tuple[str, list[Json]] | None:
    """Status and reason where nobody could be asked."""
    host, server = facts["host"], facts["server"]
    if server is None:
        told = f"{host} does not tell its state ({facts['error']})"
        return "unknown", [problem(host, told, "see that it is up; run: make doctor")]
    if not facts["container"]:  # an external server: nothing that runs here is asked
        return None if facts["deployed"] else ("bare", [problem(host, "nothing is deployed here", "run: make plan")])
    if not server["docker"]["reachable"]:
        told = f"the Docker Engine does not answer ({server['docker']['error']})"
        return "unknown", [problem("Docker Engine", told, "run: make status")]
    found = server["containers"].get(facts["container"])
    if found is None and not facts["deployed"]:
        return "bare", [problem(host, "nothing is deployed here", "run: make plan")]
    if found is None or found["state"] != "running":
        return "unknown", [problem(facts["container"], f"{facts['container']} does not run", "run: make status")]
    return None


def faults(answer: Json) -> list[Json]:
    """What is not as the files want it: pending or refused files, assertions that do not hold."""
    if answer["problem"]:
        found = [problem("migrations", *sentence(answer["problem"]))]
    elif answer["pending"]:
        found = [problem("migrations", f"migrations are pending: {', '.join(answer['pending'])}", DEPLOY)]
    else:
        found = []
    if answer["access_pending"] and not found:
        found.append(problem("access files", "the access files are not the ones that ran last", DEPLOY))
    for failure in (answer["assertions"] or {"failed": []})["failed"]:
        told = f"{failure['name']}: {failure['object']}: expected {failure['expected']}, found {failure['actual']}"
        found.append(problem(failure["object"], told, "run: make plan"))
    return found


def drifted(answer: Json) -> list[Json]:
    """What somebody changed beside the files."""
    return [
        problem(
            item["object"], f"{item['object']}: {item['detail']} (class {item['class']})", item.get("remedy", DEPLOY)
        )
        for item in answer["drift"]
    ]


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"schema_report": schema_report}
