# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb history: which runs changed the server, when, by whom, and what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from cli.ansible import host_of
from cli.call import Call, Refused, wanted_format
from cli.findings import Json, fetch, show
from cli.words import seconds, wrapped

# What is shown of one run; FORMAT=json has all of it.
MOST_EFFECTS = 3


def history(call: Call) -> int:
    """Print the last runs, the newest at the end, where a terminal's cursor is."""
    wanted, lines = wanted_format(call), call.settings.get("LINES", "20")
    if not lines.isdigit() or int(lines) < 1:
        raise Refused(f"LINES={lines} is no number of runs; set it to 1 or more.")
    host_of(call)
    asked = Call(call.verb, call.settings, (*call.extra, "-e", f"history_lines={lines}"))
    return show(fetch(asked, "playbooks/history.yml", "_portfolio_history_report"), wanted, text)


def text(report: Json) -> Iterator[str]:
    """Each run with what it did; pure."""
    if not report["runs"]:
        yield f"history of {report['host']}: no run has changed anything yet"
    for run in report["runs"]:
        yield from _run(run)


def _run(run: Json) -> Iterator[str]:
    at = datetime.fromtimestamp(run["finished"], UTC).strftime("%Y-%m-%d %H:%MZ")
    version = " ".join(filter(None, (run["collection"], run["commit"])))
    what = f"{run['changed']} changed" if not run["rc"] else f"failed, {run['changed']} changed"
    told = ", ".join(filter(None, (run["who"], run["playbook"], version, seconds(run["seconds"]), what)))
    yield from wrapped(told, f"{at}  ", "    ")
    for effect in run["effects"][:MOST_EFFECTS]:
        detail = f": {effect['detail']}" if effect.get("detail") else ""
        yield from wrapped(f"{effect['effect']} {effect['object']}{detail}", "    ", "      ")
    if run["changed"] > MOST_EFFECTS:
        yield f"    and {run['changed'] - MOST_EFFECTS} more"
    if run["error"]:
        yield from wrapped(run["error"], "    ", "      ")
