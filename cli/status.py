# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb status: what is wrong first, with its remedy; then what runs and what it answers."""

from __future__ import annotations

from collections.abc import Iterator

from cli.ansible import host_of
from cli.call import Call, wanted_format
from cli.findings import Json, fetch, show
from cli.words import wrapped


def status(call: Call) -> int:
    """Print what was found; 0 ok, 2 something is wrong, 1 it could not be found out."""
    wanted = wanted_format(call)
    host_of(call)
    return show(fetch(call, "playbooks/status.yml", "_portfolio_status"), wanted, lines)


def lines(report: Json) -> Iterator[str]:
    """The text of a report (roles/portfolio/tasks/status.yml); pure."""
    problems = report["problems"]
    if report["status"] == "bare":
        yield f"portfolio on {report['host']}: {problems[0]['what']}; {problems[0]['remedy']}"
        return
    count = f"{len(problems)} thing{'s are' if len(problems) > 1 else ' is'} wrong"
    verdict = {"ok": "ok", "unknown": "its status could not be found out"}
    yield from wrapped(f"portfolio on {report['host']}: {verdict.get(report['status'], count)}", "", "  ")
    for problem in problems:
        yield from wrapped(f"{problem['what']};", "  ", "    ")
        # A command stays in one line, so that it can be copied.
        remedy = problem["remedy"]
        yield from [f"    {remedy}"] if "run: " in remedy else wrapped(remedy, "    ", "    ")
    if report["containers"]:
        yield "containers"
        yield from (_container(container) for container in report["containers"])
    if report["schema"]:
        yield "schema"
        yield from wrapped(_schema(report["schema"]), "  ", "  ")
    if report["chain"]:
        yield "chain"
    for link in report["chain"]:
        told = "" if link["state"] == "ok" else f": {link['detail']}"
        yield from wrapped(f"{link['at']}{told}", f"  {link['state']:12} {link['name']:12} ", " " * 28)
    if report["networks"]:
        yield "networks"
    for network in report["networks"]:
        members = ", ".join(network["containers"]) or ("empty" if network["there"] else "missing")
        yield from wrapped(members, f"  {network['name']:25} ", " " * 28)


def _container(container: Json) -> str:
    if container["state"] == "missing":
        return f"  {container['name']:14} missing"
    state = ", ".join(filter(None, (container["state"], container["health"])))
    since = f"since {container['since']}" if container["since"] else ""
    restarts = f"{container['restarts']} restart{'' if container['restarts'] == 1 else 's'}"
    return f"  {container['name']:14} {state:18} {since:24} {restarts:11} {container['memory_limit_mb']} MB"


def _schema(schema: Json) -> str:
    if schema["tables"] is None:
        return "not checked"
    waiting = f"pending: {', '.join(schema['pending'])}" if schema["pending"] else "nothing pending"
    counts = " + ".join(map(_count, schema["tables"]))
    return f"{schema['status']}, version {schema['version']}, {waiting}; tables: {counts}"


def _count(tables: Json) -> str:
    missing = f" of {tables['wanted']}" if tables["found"] != tables["wanted"] else ""
    return f"{tables['found']}{missing} {tables['schema']}"
