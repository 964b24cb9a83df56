# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container's state and a link's answer mean, for everybody who judges a server. Pure."""

from __future__ import annotations

import re
from typing import Any

OK = "ok"
WRONG = "wrong"
NOT_CHECKED = "not checked"
DEPLOY = "run: make deploy"
Json = dict[str, Any]


def problem(about: str, what: str, remedy: str) -> Json:
    """One thing that is wrong."""
    return {"object": about, "what": what, "remedy": remedy}


def sentence(text: str) -> tuple[str, str]:
    """What is wrong and the remedy, of a sentence that holds both."""
    what, _mark, remedy = text.replace("; nothing was changed", "").rstrip(".").partition("; ")
    return what, remedy or DEPLOY


def found_of(server: Json, wanted: Json) -> Json | None:
    """The container as the engine has it."""
    found: Json | None = server["containers"].get(wanted["name"])
    return found


def minute(stamp: str | None) -> str | None:
    """A moment as people read it."""
    return stamp[:16].replace("T", " ") + "Z" if stamp else None


def container_problems(server: Json, wanted: Json) -> list[Json]:
    """What is wrong with a container: why a run refuses it (which is also why it is down), state, networks, health."""
    name, found = wanted["name"], found_of(server, wanted)
    problems = [problem(name, *sentence(wanted["refused"]))] if wanted.get("refused") else []
    if problems and (found is None or found["state"] != "running" or found["health"] == "starting"):
        return problems
    if found is None:
        return [problem(name, f"there is no container {name}", DEPLOY)]
    logs = f"run: make logs S={name}"
    if found["state"] == "restarting":
        told = f"{name} ends right after each start (exit {found['exit_code']}, {found['restart_count']} restarts)"
        return [problem(name, told, logs)]
    if found["state"] == "paused":
        return [problem(name, f"{name} is paused", f"on the server, run: docker unpause {name}")]
    if found["state"] != "running":
        since = f" since {minute(found['finished_at'])}, exit {found['exit_code']}" if found["finished_at"] else ""
        return [problem(name, f"{name} does not run ({found['state']}{since})", DEPLOY)]
    missing = [network for network in wanted["networks"] if network not in found["networks"]]
    if missing:
        problems.append(problem(name, f"{name} is not connected to {', '.join(missing)}", DEPLOY))
    if found["health"] == "starting":
        problems.append(problem(name, f"{name} is still starting", "wait a moment, and run: make status"))
    elif found["health"] not in (None, "healthy"):
        problems.append(problem(name, f"{name} is {found['health']}", logs))
    return problems


def judged(link: Json, server: Json) -> tuple[str, str, str]:
    """State, detail and remedy of one link."""
    answer = link["answer"]
    if answer is None or answer.get("skipped"):
        return NOT_CHECKED, _unasked(link, server), ""
    if answer.get("reachable") or answer.get("status") == 200:
        return OK, "answers", ""
    code = answer.get("status")
    if isinstance(code, int) and code > 0:
        return WRONG, f"answers {code}", link["remedies"].get(str(code), link["remedies"]["other"])
    reason = short(answer.get("problem") or answer.get("msg"))
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


def short(message: Any) -> str:
    """The reason alone, without what modules and libraries put around it."""
    text = " ".join(str(message).split()).partition("; nothing was changed")[0]
    return re.sub(r"^(Status code was -1 and not \[\d+\]|cannot log in to database .*? as \S+): ", "", text).rstrip(".")
