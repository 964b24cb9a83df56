# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb schema: what is wrong with the schema first, with its remedy; then what is applied and what holds."""

from __future__ import annotations

from collections.abc import Iterator

from cli.ansible import host_of
from cli.call import Call, wanted_format
from cli.findings import Json, fetch, show
from cli.screen import do
from cli.words import wrapped


def schema(call: Call) -> int:
    """Print what was found; 0 ok, 2 something is pending or wrong, 1 it could not be found out."""
    wanted = wanted_format(call)
    host_of(call)
    return show(fetch(call, "playbooks/schema.yml", "_portfolio_schema_report"), wanted, lines)


def lines(report: Json) -> Iterator[str]:
    """The text of a report (roles/portfolio/tasks/schema.yml); pure."""
    problems = report["problems"]
    what = f"schema of {report['database']} on {report['host']}"
    count = f"{len(problems)} thing{'s are' if len(problems) > 1 else ' is'} wrong"
    verdict = {"ok": "ok", "unknown": "it could not be found out", "bare": "there is none"}
    yield from wrapped(f"{what}: {verdict.get(report['status'], count)}", "", "  ")
    for problem in problems:
        yield from wrapped(f"{problem['what']};", "  ", "    ")
        yield from do(problem["remedy"], "    ", "    ")
    if report["schema"]:
        yield from _found(report["schema"])


def _found(found: Json) -> Iterator[str]:
    tables = " + ".join(f"{one['found']} {one['schema']}" for one in found["tables"])
    yield f"  {'version':<12} {found['version'] or 'none'}, {_pending(found)}"
    yield f"  {'tables':<12} {tables}"
    yield f"  {'assertions':<12} {_assertions(found['assertions'])}"
    yield f"  {'drift':<12} {_drift(found['drift'])}"
    if found["history"]:
        yield "history"
        yield from _history(found["history"])


def _history(rows: list[Json]) -> Iterator[str]:
    files = [f"{row['version']}_{row['name']}.sql" for row in rows]
    width = max(map(len, files))
    yield f"  {'file':<{width}}  {'applied, UTC':<16}  statements {'ms':>6}  by"
    for file, row in zip(files, rows, strict=True):
        at = row["applied_at"][:16].replace("T", " ")
        kind = "" if row["kind"] == "apply" else f", {row['kind']}"
        yield f"  {file:<{width}}  {at}  {row['statements']:>10} {row['duration_ms']:>6}  {row['applied_by']}{kind}"


def _pending(found: Json) -> str:
    pending = [*found["pending"], *(["access files"] if found["access_pending"] else [])]
    return f"pending: {', '.join(pending)}" if pending else "nothing pending"


def _assertions(found: Json | None) -> str:
    if found is None:
        return "not asked before everything is applied"
    failed = len(found["failed"])
    return f"{found['passed']} hold" + (f", {failed} {'does' if failed == 1 else 'do'} not" if failed else "")


def _drift(found: list[Json]) -> str:
    if not found:
        return "none: every object is as the last run recorded it"
    alone = sum(item["effect"] == "change" for item in found)
    return f"{len(found)}: the next run puts {alone} right, {len(found) - alone} left to you"
