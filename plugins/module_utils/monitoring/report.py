# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of the verb status: what was found, judged; causes come before what follows from them. Pure."""

from __future__ import annotations

from ansible_collections.bestviable.portfolio.plugins.module_utils.links import (
    DEPLOY,
    NOT_CHECKED,
    OK,
    WRONG,
    Json,
    container_problems,
    found_of,
    judged,
    minute,
    problem,
    sentence,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring.published import numbers_report

VERSION = 1
MEGABYTE = 1024 * 1024
# What ./portfolio status ends with.
EXITS = {"ok": 0, "wrong": 2, "bare": 2, "unknown": 1}


def status_report(facts: Json) -> Json:
    """Judge *facts* (roles/portfolio/tasks/status.yml)."""
    problems: list[Json] = []
    report: Json = {
        "version": VERSION,
        "host": facts["host"],
        "status": OK,
        "exit": 0,
        "problems": problems,
        "warnings": [],
        "engine": None,
        "containers": [],
        "schema": None,
        "chain": [],
        "networks": [],
        "numbers": None,
    }
    server = facts["server"]
    if server is None:
        problems.append(
            problem(
                facts["host"],
                f"{facts['host']} does not tell its state ({facts['error']})",
                "see that it is up; run: make doctor",
            )
        )
        return _closed(report, "unknown")
    report["engine"] = {key: server["docker"][key] for key in ("reachable", "version", "error")}
    if not facts["deployed"] and not any(found_of(server, wanted) for wanted in facts["containers"]):
        problems.append(problem(facts["host"], "nothing is deployed here", "run: make plan"))
        return _closed(report, "bare")
    if server["docker"]["reachable"]:
        report["containers"] = [_container(server, wanted) for wanted in facts["containers"]]
        report["networks"] = [_network(server, name) for name in facts["networks"]]
        for wanted in facts["containers"]:
            problems += container_problems(server, wanted)
        missing = [network["name"] for network in report["networks"] if not network["there"]]
        problems += [problem(name, f"there is no network {name}", DEPLOY) for name in missing]
    else:
        told = f"the Docker Engine does not answer ({server['docker']['error']})"
        problems.append(problem("Docker Engine", told, DEPLOY))
    if facts["token"]:
        problems.append(problem("signing key", *sentence(facts["token"])))
    report["schema"] = _schema(facts)
    report["chain"] = _chain(facts, problems)
    problems += _schema_problems(report["schema"])
    found = numbers_report(facts["monitoring"])
    if found:
        problems += found.pop("problems")
        report["warnings"] = found.pop("warnings")
        report["numbers"] = found
    return _closed(report, "wrong" if problems else OK)


def _closed(report: Json, status: str) -> Json:
    return report | {"status": status, "exit": EXITS[status]}


def _container(server: Json, wanted: Json) -> Json:
    found = found_of(server, wanted)
    if found is None:
        return {"name": wanted["name"], "state": "missing"}
    running = found["state"] == "running"
    return {
        "name": wanted["name"],
        "state": found["state"],
        "health": found["health"] if running else None,
        "since": minute(found["started_at"] if running else found["finished_at"]),
        "restarts": found["restart_count"],
        "memory_limit_mb": (found["memory"] or 0) // MEGABYTE,
        "image": found["image"],
        "networks": sorted(found["networks"]),
    }


def _network(server: Json, name: str) -> Json:
    found = server["networks"].get(name)
    return {"name": name, "there": found is not None, "containers": sorted(found["containers"]) if found else []}


def _schema(facts: Json) -> Json:
    """What the ledger says beside the files; without an answer only what the files want."""
    answer = facts["schema"] or {}
    found = answer.get("tables", {})
    tables = [{"schema": name, "found": found.get(name, 0), "wanted": n} for name, n in facts["tables"].items()]
    return {
        "status": answer.get("status", NOT_CHECKED),
        "version": answer.get("ledger_version"),
        "pending": answer.get("pending", []),
        "problem": answer.get("problem"),
        "drift": [item["object"] for item in answer.get("drift", [])],
        "tables": tables if answer.get("reachable") else None,
    }


def _schema_problems(schema: Json) -> list[Json]:
    if schema["tables"] is None:  # its link of the chain says so
        return []
    if schema["status"] == "refused":
        return [problem("schema", *sentence(schema["problem"]))]
    if schema["pending"]:
        return [problem("schema", f"migrations are pending: {', '.join(schema['pending'])}", DEPLOY)]
    if schema["drift"]:
        objects = f"{len(schema['drift'])} object{'s differ' if len(schema['drift']) > 1 else ' differs'}"
        told = (
            f"{objects} from what the last run recorded ({schema['drift'][0]}{', ...' if schema['drift'][1:] else ''})"
        )
        return [problem("schema", told, "run: make schema")]
    return [
        problem("schema", f"schema {n['schema']} has {n['found']} tables instead of {n['wanted']}", "run: make plan")
        for n in schema["tables"]
        if n["found"] != n["wanted"]
    ]


def _chain(facts: Json, problems: list[Json]) -> list[Json]:
    """Each link, the database first. The first one that is broken is a problem where none yet explains it."""
    explained, links = bool(problems), []
    for link in facts["chain"]:
        state, detail, remedy = judged(link, facts["server"])
        links.append({"name": link["name"], "state": state, "at": link["at"], "detail": detail})
        if state == WRONG and not explained:
            explained = True
            problems.append(problem(link["name"], f"{link['name']} at {link['at']} {detail}", remedy))
    return links
