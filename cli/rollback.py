# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs that take things away and can give them back: `rollback` for the schemas, `archive` for old migrations."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from cli import screen
from cli.ansible import host_of, may_change
from cli.call import Call, Refused, say
from cli.report import INTERRUPTED, Event, Report
from cli.run import watch

ROLLBACK = "playbooks/rollback.yml"
ARCHIVE = "playbooks/archive_legacy.yml"
DIRECTORY = "DIRECTORY=/home/david/services/old"
NAME = "portfolio"  # of the database: what is typed to confirm


def only_predicts(call: Call) -> bool:
    """Whether nothing is to be changed."""
    return bool({"--check", "-C"} & set(call.extra))


def backup_of(events: Iterable[Event]) -> str:
    """The name of the backup that a run told of; empty when it made none."""
    told = [event["said"] for event in events if isinstance(event.get("said"), Mapping)]
    return "".join(PurePosixPath(said["backup"][0]).name for said in told if "backup" in said)


def rollback(call: Call) -> int:
    """Drop the schemas after a backup, once that is confirmed; or put the rows of a backup back."""
    file, confirmed = call.settings.get("RESTORE", ""), call.settings.get("CONFIRM", "")
    if file and confirmed:
        raise Refused("CONFIRM= drops the tables and RESTORE= puts rows back; give one of the two.")
    if confirmed and confirmed != NAME:
        raise Refused(f"CONFIRM={confirmed} is not the database's name, nothing was changed; give CONFIRM={NAME}.")
    asked = not (file or confirmed or only_predicts(call))
    if asked and not sys.stdin.isatty():
        raise Refused(
            f"rollback drops every table after a backup, and nobody can be asked here; add CONFIRM={NAME} "
            "if that is wanted."
        )
    host = host_of(call)
    may_change(call, host)
    if file:
        report = watch(call, host, ROLLBACK, "-e", json.dumps({"rollback_restore": file})).report
        if not report.failure and not report.check:
            print(f"rollback: the rows of {file} are in the tables on {host.name} again; look: make psql{call.again}")
        return end(report)
    if asked:
        report = watch(call, host, ROLLBACK, "--check").report
        if report.failure or not report.effects:
            return end(report)
        if input(f"Type {NAME} to drop what is listed above, after a backup: ") != NAME:
            raise Refused(f"rollback was not confirmed, nothing was changed; type {NAME} if you want it.")
    watched = watch(call, host, ROLLBACK, "-e", json.dumps({"confirm": NAME}))
    file = backup_of(watched.events)
    if file:
        print(f"rollback: the tables on {host.name} are gone, their rows are in {file}")
        print(f"  tables   make deploy{call.again}")
        print(f"  rows     make rollback RESTORE={file}{call.again}")
    return end(watched.report)


def end(report: Report) -> int:
    """The exit code, after what went wrong was said: a playbook that fails here has left the server as it was."""
    if report.failure:
        say("\n".join(screen.failed(report)))
        return report.exit if report.exit == INTERRUPTED else 1
    return 0


def archive(call: Call) -> int:
    """Move the migrations of an old service away, or back."""
    state = call.settings.get("STATE", "archived")
    if state not in ("archived", "restored"):
        raise Refused(f"there is no state {state!r} of the old migrations; set STATE to archived or restored.")
    directory = call.settings["DIRECTORY"]
    if not directory.startswith("/"):
        raise Refused(f"DIRECTORY is {directory!r}; give its full path on the server, such as {DIRECTORY}.")
    host = host_of(call)
    may_change(call, host)
    options = {"archive_legacy_directory": directory, "archive_legacy_state": state}
    report = watch(call, host, ARCHIVE, "-e", json.dumps(options)).report
    place = f"{directory}/migrations{'/deprecated' if state == 'archived' else ''}"
    if report.failure:
        return end(report)
    if not report.effects:
        print(f"archive: nothing to do, the old migrations are in {place}")
    elif report.check:
        print(f"archive: the old migrations would then be in {place}; nothing was changed")
    else:
        undo = f"; back again: make archive DIRECTORY={directory} STATE=restored{call.again}"
        print(f"archive: the old migrations are now in {place}{undo if state == 'archived' else ''}")
    return 0
