# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb verify: the first broken link of the chain with its remedy, then what each link answered."""

from __future__ import annotations

from collections.abc import Iterator

from cli.ansible import host_of
from cli.call import Call, wanted_format
from cli.findings import Json, fetch, show
from cli.screen import do
from cli.words import wrapped


def verify(call: Call) -> int:
    """Print what was found; 0 ok, 2 a link is broken, 1 it could not be found out."""
    wanted = wanted_format(call)
    host_of(call)
    return show(fetch(call, "playbooks/verify.yml", "_portfolio_verify"), wanted, lines)


def lines(report: Json) -> Iterator[str]:
    """The text of a report (roles/portfolio/tasks/verify.yml); pure."""
    broken, answering = report["broken"], sum(link["state"] == "ok" for link in report["links"])
    verdict = {"ok": f"ok, {answering} links answer", "unknown": "it could not be found out", "bare": "there is none"}
    told = verdict.get(report["status"]) or f"broken at {broken['object']}"
    yield f"chain of {report['host']}: {told}"
    if broken:
        yield from wrapped(f"{broken['what']};", "  ", "    ")
        yield from do(broken["remedy"], "    ", "    ")
    for link in report["links"]:
        told = "" if link["state"] == "broken" else f": {link['detail']}"
        yield from wrapped(f"{link['at']}{told}", f"  {link['state']:12} {link['name']:12} ", " " * 28)
