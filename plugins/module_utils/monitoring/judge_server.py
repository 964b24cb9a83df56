# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine, its containers and what they answer, judged. Pure: what was found in, numbers out."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.bestviable.portfolio.plugins.module_utils import lease as leases
from ansible_collections.bestviable.portfolio.plugins.module_utils.links import (
    DEPLOY,
    NOT_CHECKED,
    WRONG,
    container_problems,
    judged,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring import counters as counting
from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring.numbers import (
    FAIL,
    OK,
    WARN,
    Json,
    graded,
    level,
    number,
    percent,
    short,
    span,
)

MEGABYTE = 2**20
SEEN = "when its cause is known, run: make acknowledge"


def machine(found: Json, limits: Json) -> Iterator[Json]:
    """Disk and memory."""
    disk, memory = found["disk"], found["memory"]
    if "error" in disk:
        yield graded(
            number("disk", None, "%"), FAIL, f"the disk gives no answer ({disk['error']})", "look at it by hand"
        )
    else:
        used = percent(disk["total_mb"] - disk["free_mb"], disk["total_mb"])
        told = f"the disk of {disk['path']} is {used} % full ({disk['free_mb']} MB are free)"
        remedy = "remove what is not needed, or enlarge it, for unused images run: docker image prune"
        yield graded(number("disk", used, "%", disk["total_mb"]), level(used, limits["disk_percent"]), told, remedy)
        files = disk["inodes_percent"]
        told = f"the disk of {disk['path']} has given away {files} % of the files that it can hold"
        remedy = "remove what is not needed, for unused images run: docker image prune"
        yield graded(number("inodes", files, "%"), level(files, limits["inodes_percent"]), told, remedy)
    if memory["total_mb"]:
        used = percent(memory["total_mb"] - memory["available_mb"], memory["total_mb"])
        told = f"the server has {memory['available_mb']} MB of memory left of {memory['total_mb']} MB"
        remedy = "end what is not needed, or take a bigger server, for the containers run: docker stats --no-stream"
        yield graded(
            number("memory", used, "%", memory["total_mb"]), level(used, limits["memory_percent"]), told, remedy
        )


def containers(found: Json, config: Json, counters: dict[str, Json]) -> Iterator[Json]:
    """What is wrong with each container, its memory, and what happened to it that nobody has seen yet."""
    engine = found["engine"]
    if not engine["docker"]["reachable"]:
        told = f"the Docker Engine does not answer ({short(engine['docker']['error'])})"
        yield graded(number("engine", None), FAIL, told, DEPLOY)
        return
    yield number("engine", "answers")
    for wanted in config["containers"]:
        there = engine["containers"].get(wanted["name"])
        state = there["state"] if there else "missing"
        wrong = container_problems(engine, wanted)[:1]
        level_ = OK if not wrong else WARN if state == "running" and there and there["health"] == "starting" else FAIL
        what, remedy = (wrong[0]["what"], wrong[0]["remedy"]) if wrong else ("", "")
        yield graded(number(f"container {wanted['name']}", state), level_, what, remedy)
        if there:
            yield from _container(wanted["name"], there, config["limits"], counters)


def _container(name: str, there: Json, limits: Json, counters: dict[str, Json]) -> Iterator[Json]:
    used, most = there["used"], there["memory_limit"]
    if used is not None and most:
        share = percent(used, most)
        told = f"{name} uses {used // MEGABYTE} of its {most // MEGABYTE} MB of memory"
        remedy = f"raise {name.replace('-', '_')}_memory, or lower what it is asked for, then run: make deploy"
        found = number(f"memory {name}", used // MEGABYTE, "MB", most // MEGABYTE)
        yield graded(found, level(share, limits["container_memory_percent"]), told, remedy)
    kills = counting.new(counters, f"oom_kills {name}")
    told = f"the kernel ended {kills} process{'es' if kills > 1 else ''} of {name}, for which the memory was not enough"
    yield graded(number(f"oom_kills {name}", kills), FAIL if kills else OK, told, SEEN)
    restarts = counting.new(counters, f"restarts {name}")
    told = f"{name} ended and was started again {restarts} time{'s' if restarts > 1 else ''}"
    yield graded(number(f"restarts {name}", restarts), WARN if restarts else OK, told, SEEN)


def links(found: Json, config: Json) -> Iterator[Json]:
    """What each link of the chain answers. One that could not be asked is no finding of its own: its container is."""
    for link in config["links"]:
        state, detail, remedy = judged({**link, "answer": found["answers"].get(link["name"])}, found["engine"])
        value = detail if state == NOT_CHECKED else "answers" if state == OK else "wrong"
        told = f"{link['name']} at {link['at']} {short(detail)}"
        yield graded(number(f"link {link['name']}", value), FAIL if state == WRONG else OK, told, remedy)


def token(found: Json, limits: Json, now: float) -> Iterator[Json]:
    """Days until the token ends with which the chain is asked; every deploy in time makes a new one."""
    if found["token"]:
        days, told = _left(found["token"], now, "the token of the monitor")
        yield graded(number("token", days, "days"), level(days, limits["token_days"]), told, DEPLOY)


def certificate(found: Json, limits: Json, now: float) -> Iterator[Json]:
    """Days until the first certificate ends by which a bucket or a database elsewhere is known."""
    if found["certificates"]:
        days, told = _left(found["certificates"], now, "a CA certificate of the bucket or of the database elsewhere")
        remedy = f"write the new one into the file that the inventory names, then {DEPLOY}"
        yield graded(number("certificate", days, "days"), level(days, limits["certificate_days"]), told, remedy)


def _left(end: float, now: float, what: str) -> tuple[int, str]:
    days = int((end - now) // 86400)
    return days, f"{what} ends in {days} days" if days >= 0 else f"{what} has ended"


def run(found: Json, now: float) -> Iterator[Json]:
    """When a run last ended, how, and whether one is at work."""
    last, lease = found["last_run"], found["lease"]
    if lease:
        who = f"{lease['who']} since {span(max(0, now - float(lease['since'])))}"
        told = f"a run by {who} has not given the server back"
        at_work = number("run", f"by {who}")
        yield graded(at_work, OK if leases.is_live(lease, now) else WARN, told, DEPLOY)
    else:
        yield number("run", "none at work")
    if last:
        age = span(max(0, now - float(last["finished"])))
        told = f"the last run ({short(last.get('playbook', ''))}, {age} ago) failed: {short(last.get('error'))}"
        yield graded(number("last_run", int(last["finished"]), "epoch"), WARN if last["rc"] else OK, told, DEPLOY)


def alarm(state: Json) -> Iterator[Json]:
    """Whether the last alarm reached its receiver."""
    if state.get("error"):
        told = f"the last alarm did not reach its receiver ({short(state['error'])})"
        yield graded(number("alarm", "not delivered"), WARN, told, f"correct monitoring_webhook_url, and {DEPLOY}")
