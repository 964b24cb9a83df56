# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb status: what is wrong first, with its remedy; then what runs and what it answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from cli.ansible import host_of
from cli.call import Call, wanted_format
from cli.findings import Json, addressed, fetch, show
from cli.glance import Glance
from cli.words import wrapped


def status(call: Call) -> int:
    """Print what was found; 0 ok, 2 something is wrong, 1 it could not be found out."""
    wanted = wanted_format(call)
    glance = Glance(call, host_of(call))
    if report := glance.report():
        return show(addressed(report, call.again), wanted, lines)
    report = fetch(call, "playbooks/status.yml", "_portfolio_status")
    if report["exit"] == 0:
        glance.remember()
    return show(report, wanted, lines)


def lines(report: Json) -> Iterator[str]:
    """The text of a report (roles/portfolio/tasks/status.yml); pure."""
    problems = report["problems"]
    if report["status"] == "bare":
        yield f"portfolio on {report['host']}: {problems[0]['what']}; {problems[0]['remedy']}"
        return
    warnings = report["warnings"]
    count = f"{len(problems)} thing{'s are' if len(problems) > 1 else ' is'} wrong"
    verdict = {"ok": "ok", "unknown": "its status could not be found out"}.get(report["status"], count)
    verdict += f", {len(warnings)} warning{'s' if len(warnings) > 1 else ''}" if warnings else ""
    yield from wrapped(f"portfolio on {report['host']}: {verdict}", "", "  ")
    for problem in problems:
        yield from _finding(problem, "")
    for warning in warnings:
        yield from _finding(warning, "warning: ")
    yield from _parts(report)


def _parts(report: Json) -> Iterator[str]:
    """What runs and what it answers."""
    if report["containers"]:
        yield f"{'containers':40}since"
        used = _used(report["numbers"])
        yield from (_container(container, used) for container in report["containers"])
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
    if report["numbers"] and report["numbers"]["numbers"]:
        yield from _numbers(report["numbers"])


def _finding(found: Json, mark: str) -> Iterator[str]:
    yield from wrapped(f"{mark}{found['what']};", "  ", "    ")
    # A command stays in one line, so that it can be copied.
    remedy = found["remedy"]
    yield from [f"    {remedy}"] if "run: " in remedy else wrapped(remedy, "    ", "    ")


# What stands in each line of the numbers.
GROUPS = {
    "server": ("disk", "memory", "token", "run", "last_run"),
    "database": ("connections", "transaction", "lock_wait", "database_size", "wal", "slots"),
    "backup": ("backup", "dump", "restore_test", "archive", "partial", "spool"),
}
GLUE = "\N{NO-BREAK SPACE}"
# What need not be said.
NOTHING = (("run", "none at work"), ("transaction", 0), ("lock_wait", 0), ("slots", 0), ("partial", 0), ("spool", 0))


def _numbers(found: Json) -> Iterator[str]:
    """The numbers that people look at; FORMAT=json has all of them."""
    well = sum(number["level"] == "ok" for number in found["numbers"])
    yield f"numbers      {well} of {len(found['numbers'])} are well, {_age(found['age'])} ago"
    by_name = {number["name"]: number for number in found["numbers"]}
    for title, names in GROUPS.items():
        told = [by_name[name] for name in names if name in by_name]
        shown = [_number(each, found["at"]) for each in told if (each["name"], each["value"]) not in NOTHING]
        if shown:
            # A value stays with its unit.
            joined = ", ".join(each.replace(" ", GLUE) for each in shown)
            yield from (line.replace(GLUE, " ") for line in wrapped(joined, f"  {title:10} ", " " * 13))


def _number(number: Json, at: str) -> str:
    name, value, unit = number["name"].replace("_", " "), number["value"], number["unit"]
    if value is None:
        return f"{name} none yet"
    if unit == "s":
        return f"{name} {_age(value)}"
    if unit == "epoch":
        looked = datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        return f"{name} {_age(max(0, looked.timestamp() - value))} ago"
    share = f" of {number['of']}" if number["of"] and unit != "%" else ""
    return f"{name} {value}{share} {unit}".rstrip()


def _age(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _used(found: Json | None) -> dict[str, str]:
    """Megabytes of each container, where they are known."""
    numbers = found["numbers"] if found else []
    return {
        number["name"].removeprefix("memory "): f"{number['value']}/"
        for number in numbers
        if number["name"].startswith("memory ")
    }


def _container(container: Json, used: Mapping[str, str] = MappingProxyType({})) -> str:
    if container["state"] == "missing":
        return f"  {container['name']:20} missing"
    state = ", ".join(filter(None, (container["state"], container["health"])))
    restarts = f"{container['restarts']} restart{'' if container['restarts'] == 1 else 's'}"
    memory = f"{used.get(container['name'], '')}{container['memory_limit_mb']} MB"
    return f"  {container['name']:20} {state:16} {container['since'] or '':17} {restarts:10} {memory}"


def _schema(schema: Json) -> str:
    if schema["tables"] is None:
        return "not checked"
    waiting = f"pending: {', '.join(schema['pending'])}" if schema["pending"] else "nothing pending"
    counts = " + ".join(map(_count, schema["tables"]))
    return f"{schema['status']}, version {schema['version']}, {waiting}; tables: {counts}"


def _count(tables: Json) -> str:
    missing = f" of {tables['wanted']}" if tables["found"] != tables["wanted"] else ""
    return f"{tables['found']}{missing} {tables['schema']}"
