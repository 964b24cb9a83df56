# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs `backup`, a backup now, `restore`, the whole database from one, and `rebuild`, a whole server."""

from __future__ import annotations

import json
import sys

from cli import screen
from cli.ansible import host_of, may_change
from cli.call import Call, Refused, say
from cli.report import INTERRUPTED, Report
from cli.rollback import only_predicts
from cli.run import watch

BACKUP = "playbooks/backup.yml"
RESTORE = "playbooks/restore.yml"
REBUILD = "playbooks/rebuild.yml"
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
    """The database as it was at TIME or last, once that is confirmed; or the end of one, with STATE=confirmed."""
    time, state = call.settings.get("TIME", ""), call.settings.get("STATE", "restored")
    if state not in ("restored", "confirmed"):
        raise Refused(f"there is no state {state!r} of a restore; set STATE to restored or confirmed.")
    host = host_of(call)
    may_change(call, host)
    if state == "confirmed":
        report = watch(call, host, RESTORE, "-e", json.dumps({"restore_forget": True})).report
        if not report.failure and not report.check:
            print(f"restore: what was kept of the data before is removed from {host.name}")
        return end(report)
    wanted = {"restore_time": time}
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
