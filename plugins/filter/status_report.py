# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter status_report: what was found on a server, judged; causes come before what follows from them."""

from __future__ import annotations

import re
from typing import Any

VERSION = 1
MEGABYTE = 1024 * 1024
OK = "ok"
WRONG = "wrong"
NOT_CHECKED = "not checked"
DEPLOY = "run: make deploy"
# What ./portfolio status ends with.
EXITS = {"ok": 0, "wrong": 2, "bare": 2, "unknown": 1}
Json = dict[str, Any]


def status_report(facts: Json) -> Json:
    """Judge *facts* (roles/portfolio/tasks/status.yml)."""
    problems: list[Json] = []
    report: Json = {
        "version": VERSION,
        "host": facts["host"],
        "status": OK,
        "exit": 0,
        "problems": problems,
        "engine": None,
        "containers": [],
        "schema": None,
        "chain": [],
        "networks": [],
    }
    server = facts["server"]
    if server is None:
        problems.append(
            _problem(
                facts["host"],
                f"{facts['host']} does not tell its state ({facts['error']})",
                "see that it is up; run: make doctor",
            )
        )
        return _closed(report, "unknown")
    report["engine"] = {key: server["docker"][key] for key in ("reachable", "version", "error")}
    if not facts["deployed"] and not any(_found(server, wanted) for wanted in facts["containers"]):
        problems.append(_problem(facts["host"], "nothing is deployed here", "run: make plan"))
        return _closed(report, "bare")
    if server["docker"]["reachable"]:
        report["containers"] = [_container(server, wanted) for wanted in facts["containers"]]
        report["networks"] = [_network(server, name) for name in facts["networks"]]
        for wanted in facts["containers"]:
            problems += _container_problems(server, wanted)
        missing = [network["name"] for network in report["networks"] if not network["there"]]
        problems += [_problem(name, f"there is no network {name}", DEPLOY) for name in missing]
    else:
        told = f"the Docker Engine does not answer ({server['docker']['error']})"
        problems.append(_problem("Docker Engine", told, DEPLOY))
    if facts["token"]:
        problems.append(_problem("signing key", *_sentence(facts["token"])))
    report["schema"] = _schema(facts)
    report["chain"] = _chain(facts, problems)
    problems += _schema_problems(report["schema"])
    return _closed(report, "wrong" if problems else OK)


def _closed(report: Json, status: str) -> Json:
    return report | {"status": status, "exit": EXITS[status]}


def _problem(about: str, what: str, remedy: str) -> Json:
    return {"object": about, "what": what, "remedy": remedy}


def _sentence(text: str) -> tuple[str, str]:
    """What is wrong and the remedy, of a sentence that holds both."""
    what, _mark, remedy = text.rstrip(".").partition("; ")
    return what, remedy or DEPLOY


def _found(server: Json, wanted: Json) -> Json | None:
    found: Json | None = server["containers"].get(wanted["name"])
    return found


def _minute(stamp: str | None) -> str | None:
    return stamp[:16].replace("T", " ") + "Z" if stamp else None


def _container(server: Json, wanted: Json) -> Json:
    found = _found(server, wanted)
    if found is None:
        return {"name": wanted["name"], "state": "missing"}
    running = found["state"] == "running"
    return {
        "name": wanted["name"],
        "state": found["state"],
        "health": found["health"] if running else None,
        "since": _minute(found["started_at"] if running else found["finished_at"]),
        "restarts": found["restart_count"],
        "memory_limit_mb": (found["memory"] or 0) // MEGABYTE,
        "image": found["image"],
        "networks": sorted(found["networks"]),
    }


def _container_problems(server: Json, wanted: Json) -> list[Json]:
    name, found = wanted["name"], _found(server, wanted)
    if found is None:
        return [_problem(name, f"there is no container {name}", DEPLOY)]
    logs = f"run: make logs S={name}"
    if found["state"] == "restarting":
        told = f"{name} ends right after each start (exit {found['exit_code']}, {found['restart_count']} restarts)"
        return [_problem(name, told, logs)]
    if found["state"] == "paused":
        return [_problem(name, f"{name} is paused", f"on the server, run: docker unpause {name}")]
    if found["state"] != "running":
        since = f" since {_minute(found['finished_at'])}, exit {found['exit_code']}" if found["finished_at"] else ""
        return [_problem(name, f"{name} does not run ({found['state']}{since})", DEPLOY)]
    problems = []
    missing = [network for network in wanted["networks"] if network not in found["networks"]]
    if missing:
        problems.append(_problem(name, f"{name} is not connected to {', '.join(missing)}", DEPLOY))
    if found["health"] == "starting":
        problems.append(_problem(name, f"{name} is still starting", "wait a moment, and run: make status"))
    elif found["health"] not in (None, "healthy"):
        problems.append(_problem(name, f"{name} is {found['health']}", logs))
    return problems


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
        return [_problem("schema", *_sentence(schema["problem"]))]
    if schema["pending"]:
        return [_problem("schema", f"migrations are pending: {', '.join(schema['pending'])}", DEPLOY)]
    if schema["drift"]:
        objects = f"{len(schema['drift'])} object{'s differ' if len(schema['drift']) > 1 else ' differs'}"
        told = (
            f"{objects} from what the last run recorded ({schema['drift'][0]}{', ...' if schema['drift'][1:] else ''})"
        )
        return [_problem("schema", told, "run: make schema")]
    return [
        _problem("schema", f"schema {n['schema']} has {n['found']} tables instead of {n['wanted']}", "run: make plan")
        for n in schema["tables"]
        if n["found"] != n["wanted"]
    ]


def _chain(facts: Json, problems: list[Json]) -> list[Json]:
    """Each link, the database first. The first one that is broken is a problem where none yet explains it."""
    explained, links = bool(problems), []
    for link in facts["chain"]:
        state, detail, remedy = _link(link, facts["server"])
        links.append({"name": link["name"], "state": state, "at": link["at"], "detail": detail})
        if state == WRONG and not explained:
            explained = True
            problems.append(_problem(link["name"], f"{link['name']} at {link['at']} {detail}", remedy))
    return links


def _link(link: Json, server: Json) -> tuple[str, str, str]:
    """State, detail and remedy of one link."""
    answer = link["answer"]
    if answer is None or answer.get("skipped"):
        return NOT_CHECKED, _unasked(link, server), ""
    if answer.get("reachable") or answer.get("status") == 200:
        return OK, "answers", ""
    code = answer.get("status")
    if isinstance(code, int) and code > 0:
        return WRONG, f"answers {code}", link["remedies"].get(str(code), link["remedies"]["other"])
    reason = _short(answer.get("problem") or answer.get("msg"))
    return WRONG, f"does not answer ({reason})", link["remedies"]["other"]


def _unasked(link: Json, server: Json) -> str:
    if link["unasked"]:
        return str(link["unasked"])
    if not server["docker"]["reachable"]:
        return "the Docker Engine does not answer"
    found = server["containers"].get(link["container"])
    if not found or found["state"] != "running":
        return f"{link['container']} does not run"
    return f"{link['container']} is not connected to {link['network']}"


def _short(message: Any) -> str:
    """The reason alone, without what modules and libraries put around it."""
    text = " ".join(str(message).split()).partition("; nothing was changed")[0]
    return re.sub(r"^(Status code was -1 and not \[200\]|cannot log in to database .*? as \S+): ", "", text).rstrip(".")


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"status_report": status_report}
