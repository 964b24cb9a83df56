# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs `backup`, a backup now, `restore`, the whole database or tables from one, and `rebuild`, a whole server."""

from __future__ import annotations

import json
import re
import sys

from cli import screen
from cli.ansible import Host, host_of, may_change
from cli.call import Call, Refused, say
from cli.report import INTERRUPTED, Report
from cli.rollback import only_predicts
from cli.run import watch

BACKUP = "playbooks/backup.yml"
RESTORE = "playbooks/restore.yml"
REBUILD = "playbooks/rebuild.yml"
# What ends a restore: the playbook's option, and what is said then.
ENDS = {
    "confirmed": ("restore_forget", "what was kept of the data before is removed from"),
    "compared": ("restore_compared", "the database with restored tables is removed from"),
}
JOBS = ("full", "incremental", "dump", "restore-test")


def backup(call: Call) -> int:
    """One of the timers' jobs, now."""
    job = call.settings.get("TYPE", JOBS[0])
    if job not in JOBS:
        raise Refused(f"there is no type {job!r} of backup; set TYPE to {', '.join(JOBS[:-1])} or {JOBS[-1]}.")
    host = host_of(call)
    may_change(call, host)
    report = watch(call, host, BACKUP, "-e", json.dumps({"job": job})).report
    if not report.failure and not report.check:
        done = "a restore was tried and is well" if job == JOBS[-1] else f"{job} of the database is there"
        print(f"backup: {done} on {host.name}")
    return end(report)


def restore(call: Call) -> int:
    """The database as it was at TIME or last, once that is confirmed; tables of it beside it; or the end of one."""
    time, state, tables = begins_or_ends(call)
    host = host_of(call)
    may_change(call, host)
    if state in ENDS:
        option, done = ENDS[state]
        report = watch(call, host, RESTORE, "-e", json.dumps({option: True})).report
        if not report.failure and not report.check:
            print(f"restore: {done} {host.name}")
        return end(report)
    wanted = {"restore_time": time}
    if tables:
        return beside(call, host, {**wanted, "restore_tables": tables})
    moment = f"was at {time}" if time else "was last in its backups"
    report = watch(call, host, RESTORE, "--check", "-e", json.dumps(wanted)).report
    if report.failure or only_predicts(call):
        return end(report)
    if call.settings.get("YES") != "1":
        if not sys.stdin.isatty():
            raise Refused(
                f"restore would take the database on {host.name} back to what it {moment}, and nobody can be asked "
                "here; add YES=1 if that is wanted."
            )
        if input(f"Type {host.name} to take its database back to what it {moment}: ") != host.name:
            raise Refused(f"restore was not confirmed, nothing was changed; type {host.name} if you want it.")
    report = watch(call, host, RESTORE, "-e", json.dumps({**wanted, "restore_confirmed": True})).report
    if not report.failure:
        print(f"restore: the database on {host.name} is what it {moment}")
        print(f"  look at it     make psql{call.again}")
        print(f"  all is well    make restore STATE=confirmed{call.again}   removes what was kept of the data before")
    return end(report)


def begins_or_ends(call: Call) -> tuple[str, str, list[str]]:
    """Time, state and tables, where they go together."""
    time, state, named = call.settings.get("TIME", ""), call.settings.get("STATE", "restored"), "TABLE" in call.settings
    tables = [name for name in re.split(r"[,\s]+", call.settings.get("TABLE", "")) if name]
    if state not in ("restored", *ENDS):
        raise Refused(f"there is no state {state!r} of a restore; set STATE to restored, {' or '.join(ENDS)}.")
    if state in ENDS and (time or named):
        raise Refused(f"STATE={state} ends a restore, and TIME and TABLE begin one; give STATE alone.")
    if named and not tables:
        raise Refused(
            "TABLE= is empty, and without it the whole database is restored; name a table, such as erp.people."
        )
    return time, state, tables


def beside(call: Call, host: Host, wanted: dict[str, object]) -> int:
    """Tables in a database of their own: nothing is overwritten, so nobody is asked."""
    report = watch(call, host, RESTORE, "-e", json.dumps(wanted)).report
    if not report.failure and not report.check:
        for effect in report.effects:
            print(f"restore: {effect.object} on {host.name} holds {effect.detail}")
        print(
            f"  compare    make psql{call.again}   docs/RESTORE.md has the statements, also those that copy rows back"
        )
        print(f"  remove it  make restore STATE=compared{call.again}")
    return end(report)


def rebuild(call: Call) -> int:
    """A bare server with the data of its backups."""
    time = call.settings.get("TIME", "")
    host = host_of(call)
    may_change(call, host)
    report = watch(call, host, REBUILD, "-e", json.dumps({"restore_time": time})).report
    if not report.failure and not report.check:
        print(f"rebuild: {host.name} runs, and its database is what it was {f'at {time}' if time else 'last'}")
        print(f"  look at it     make status{call.again}")
    return end(report)


def end(report: Report) -> int:
    """The exit code, after what went wrong was said."""
    if report.failure:
        say("\n".join(screen.failed(report)))
        return report.exit if report.exit == INTERRUPTED else 1
    return 0
