# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""deploy and plan: a run of site.yml, and what is said when it has ended."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import replace

from cli import screen
from cli.ansible import Host, host_of, may_change, playbook, recap, role_default
from cli.call import Call, say, wanted_format
from cli.glance import after_run, control_mark
from cli.report import INTERRUPTED, Report
from cli.run import Watched, exit_code, own_output, terminal, watch

COLOURS = {"+": "32", "-": "31", "@": "36"}


def deploy(call: Call) -> int:
    as_json, host = wanted_format(call) == "json", host_of(call)
    may_change(call, host)
    say(f"deploy: {call.inventory} → {'this machine' if host.local else host.address}")
    if own_output(call) and not as_json:
        return plain(call, host)
    asked = control_mark(call, hidden=False)
    watched = watch(call, host, "site.yml")
    report = replace(watched.report, exit=exit_code(watched.report))
    if report.exit == 0 and not report.check:
        after_run(call, host, asked)
    if as_json:
        return print_json(report)
    if report.failure:
        last = "" if report.exit in (1, INTERRUPTED) else f"To go on from there, run: make deploy{call.again}"
        say("\n".join(screen.failed(report, last)))
    elif finished(watched):
        show_diff(watched)
        place = place_of(call, host)
        lines = screen.plan(report, place, "", to_deploy(call)) if report.check else screen.up(report, place)
        print("\n".join(lines))
    return report.exit


def plan(call: Call) -> int:
    as_json, host = wanted_format(call) == "json", host_of(call)
    may_change(call, host)
    if own_output(call) and not as_json:
        return plain(call, host, "--check", "--diff")
    watched = watch(call, host, "site.yml", "--check", "--diff")
    report = watched.report
    ended = report.exit if report.exit == INTERRUPTED else 1
    report = replace(report, exit=ended if report.failure else 2 if report.effects else 0)
    if as_json:
        return print_json(report)
    if report.failure:
        say("\n".join(screen.failed(report, "" if report.failure.untouched else "Nothing was changed.")))
    elif finished(watched):
        print("\n".join(coloured(screen.plan(report, place_of(call, host), watched.diff, to_deploy(call)))))
    return report.exit


def finished(watched: Watched) -> bool:
    """Whether the run came to its end; with some of its options Ansible runs nothing."""
    return any(event.get("event") == "stats" for event in watched.events)


def plain(call: Call, host: Host, *options: str) -> int:
    """With Ansible's own output, and one sentence at its end."""
    code, output = playbook(call, "site.yml", *options)
    counted = recap(output)
    if code or not counted:
        return min(code, 1) if call.verb == "plan" else code
    changed = counted["changed"]
    if call.verb == "plan":
        print(f"\nplan: {changed or 'no'} tasks would change {host.name}")
        return 2 if changed else 0
    print(f"\nportfolio is up on {host.name}: {changed} changed")
    print("\n".join(screen.how_to_go_on(place_of(call, host))))
    return 0


def print_json(report: Report) -> int:
    print(json.dumps(report.as_json(), indent=2))
    return report.exit


def to_deploy(call: Call) -> str:
    return f"make deploy{call.again}"


def place_of(call: Call, host: Host) -> screen.Place:
    public = "" if host.local else str(host.variables.get("portfolio_hostname", ""))
    local = f"http://localhost:{local_port(host)}"
    reached = f"https://{public}" if public else local if host.local else ""
    return screen.Place("" if host.local else host.address, reached, local, call.again, service_of(host), host.external)


def service_of(host: Host) -> str:
    """A service with a login of its own, where the inventory says it in plain words."""
    services = host.variables.get("postgres_erp_services")
    names = [each.get("name", "") for each in services if isinstance(each, dict)] if isinstance(services, list) else []
    return next((name for name in names if re.fullmatch(r"[a-z][a-z0-9_-]*", str(name))), "")


def local_port(host: Host) -> int:
    return int(host.variables.get("traefik_local_port", role_default("traefik", "traefik_local_port")))


def show_diff(watched: Watched) -> None:
    if watched.diff.strip():
        print("\n".join(coloured(screen.differences(watched.diff))))


def coloured(lines: list[str]) -> list[str]:
    """The lines of a diff in their colours, where they are wanted."""
    if not terminal(sys.stdout) or os.environ.get("NO_COLOR"):
        return lines
    begin = lines.index(screen.DIFF) if screen.DIFF in lines else len(lines)
    return lines[:begin] + [painted(line) for line in lines[begin:]]


def painted(line: str) -> str:
    colour = COLOURS.get(line[2:3])
    return f"\x1b[{colour}m{line}\x1b[0m" if colour else line
