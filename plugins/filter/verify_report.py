# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter verify_report: each link of the chain as it answered by itself, and the first one that is broken."""

from __future__ import annotations

from typing import Any

from ansible_collections.bestviable.portfolio.plugins.filter.schema_report import faults
from ansible_collections.bestviable.portfolio.plugins.module_utils.links import (
    NOT_CHECKED,
    OK,
    WRONG,
    Json,
    container_problems,
    judged,
    problem,
    sentence,
    short,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring.published import numbers_report

VERSION = 1
BROKEN = "broken"
NOT_SET_UP = "not set up"
NOT_JUDGED = "not judged"
# What ./portfolio verify ends with.
EXITS = {"ok": 0, "broken": 2, "bare": 2, "unknown": 1}
# A link: what is said of it, and what is wrong with it where something is.
Link = tuple[Json, Json | None]


def verify_report(facts: Json) -> Json:
    """Judge *facts* (roles/portfolio/tasks/verify.yml)."""
    host, server = facts["host"], facts["server"]
    if server is None:
        told = f"{host} does not tell its state ({facts['error']})"
        wrong = problem(host, told, "see that it is up; run: make doctor")
        return _report(facts, "unknown", [_link("server", host, WRONG, told), *_public(facts["public"])], wrong)
    if not facts["deployed"] and not any(server["containers"].get(each["name"]) for each in facts["containers"]):
        wrong = problem(host, "nothing is deployed here", "run: make plan")
        return _report(facts, "bare", [], wrong)
    links = [_engine(host, server)]
    if server["docker"]["reachable"]:
        links += _inside(facts)
    links += _numbers(facts["monitoring"])
    links += _public(facts["public"])
    broken = next((wrong for _said, wrong in links if wrong), None)
    return _report(facts, "broken" if broken else "ok", links, broken)


def _report(facts: Json, status: str, links: list[Link], broken: Json | None) -> Json:
    return {
        "version": VERSION,
        "host": facts["host"],
        "status": status,
        "exit": EXITS[status],
        "broken": broken,
        "links": _in_order(links),
    }


def _in_order(links: list[Link]) -> list[Json]:
    """The first broken one is broken; a later one may only follow from it, so it is not judged."""
    found, first = [], ""
    for said, _wrong in links:
        if said["state"] == WRONG:
            state, detail = (
                (NOT_JUDGED, f"{said['detail']}; {first} comes first") if first else (BROKEN, said["detail"])
            )
            found.append(said | {"state": state, "detail": detail})
            first = first or said["name"]
        else:
            found.append(said)
    return found


def _link(name: str, at: str, state: str, detail: str, remedy: str = "") -> Link:
    said = {"name": name, "at": at, "state": state, "detail": detail}
    return said, problem(name, f"{name} at {at}: {detail}", remedy) if state == WRONG else None


def _engine(host: str, server: Json) -> Link:
    engine = server["docker"]
    if engine["reachable"]:
        return _link("server", host, OK, f"Docker Engine {engine['version']}")
    return _link("server", host, WRONG, f"the Docker Engine does not answer ({engine['error']})", "run: make deploy")


def _inside(facts: Json) -> list[Link]:
    """The links on the server, each with what its container says of itself."""
    found = []
    wanted = {each["name"]: each for each in facts["containers"]}
    for link in facts["links"]:
        if link["name"] == "API" and facts["token"]:
            what, remedy = sentence(facts["token"])
            found.append(_link("signing key", "the control node", WRONG, what, remedy))
        found.append(_asked(link, wanted.get(link["container"]), facts))
        if link["name"] == "database":
            found.append(_schema(link["at"], facts["schema"]))
    return found


def _asked(link: Json, wanted: Json | None, facts: Json) -> Link:
    """The container, then whether its program is there, then what it says of the chain behind it."""
    name, at, alive = link["name"], link["at"], facts["alive"].get(link["name"])
    for wrong in container_problems(facts["server"], wanted)[:1] if wanted else ():
        return _link(name, at, WRONG, wrong["what"], wrong["remedy"])
    state, detail, remedy = judged(link, facts["server"])
    if alive is not None and alive["status"] != 401:
        state, detail = WRONG, _without_token(alive)
        remedy = link["remedies"].get(str(alive["status"]), link["remedies"]["other"])
    elif alive is not None:
        detail = f"401 without a token; {'200 with one' if state == OK else detail}"
    return _link(name, at, state, detail, remedy)


def _without_token(alive: Json) -> str:
    if alive["status"] > 0:
        return f"answers {alive['status']} instead of 401 without a token"
    return f"does not answer ({short(alive['msg'])})"


def _schema(at: str, answer: Json) -> Link:
    """Files and assertions; what somebody changed beside them breaks no link, and `make schema` tells it."""
    if not answer.get("reachable"):
        return _link("schema", at, NOT_CHECKED, "the database does not answer")
    wrong = faults(answer)
    if wrong:
        more = f", and {len(wrong) - 1} more" if wrong[1:] else ""
        return _link("schema", at, WRONG, f"{wrong[0]['what']}{more}", wrong[0]["remedy"])
    return _link(
        "schema", at, OK, f"version {answer['ledger_version']}, {answer['assertions']['passed']} assertions hold"
    )


def _numbers(facts: Json) -> list[Link]:
    """What the server found itself; the first thing that fails stands for all. What it warns of breaks nothing."""
    found = numbers_report(facts)
    if found is None:
        return []
    for wrong in found["problems"][:1]:
        return [_link("numbers", "the server", WRONG, wrong["what"], wrong["remedy"])]
    return [_link("numbers", found["at"], OK, f"{len(found['numbers'])} looked at")]


def _public(public: Json) -> list[Link]:
    """The name and the way behind it, as the control node sees them."""
    name, url = public["name"], f"https://{public['name']}"
    if public["error"]:
        return [_link("DNS", name, NOT_CHECKED, public["error"]), _link("tunnel", url, NOT_CHECKED, "see DNS")]
    if not public["addresses"]:
        told, remedy = "does not resolve", "make its record lead to the tunnel, or set portfolio_published to false"
        dns = _link("DNS", name, WRONG if public["published"] else NOT_SET_UP, told, remedy)
        return [dns, _link("tunnel", url, NOT_CHECKED, "its name does not resolve")]
    return [_link("DNS", name, OK, ", ".join(sorted(public["addresses"])[:2])), _tunnel(url, public)]


def _tunnel(url: str, public: Json) -> Link:
    alive, answer = public["alive"], public["answer"]
    if alive["status"] == 401 and not public["published"]:
        told = "somebody answers 401; if that is this server, set portfolio_published to true"
        return _link("tunnel", url, NOT_SET_UP, told)
    if not public["published"]:
        return _link("tunnel", url, NOT_SET_UP, _without_token(alive))
    remedies = public["remedies"]
    if alive["status"] != 401:
        remedy = remedies.get(str(alive["status"]), remedies.get("other", ""))
        return _link("tunnel", url, WRONG, _without_token(alive), remedy)
    link = {"answer": answer, "unasked": "there is no token for it", "remedies": remedies}
    state, detail, remedy = judged(link, {})
    return _link("tunnel", url, state, f"401 without a token; {'200 with one' if state == OK else detail}", remedy)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"verify_report": verify_report}
