# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs that take things away and can give them back: `rollback` for the schemas, `archive` for old migrations."""

from __future__ import annotations

import json
import re
import sys

from cli.ansible import host_of, may_change, playbook, recap
from cli.call import Call, Refused, say

ROLLBACK = "playbooks/rollback.yml"
ARCHIVE = "playbooks/archive_legacy.yml"
DIRECTORY = "DIRECTORY=/home/david/services/old"
NAME = "portfolio"  # of the database: what is typed to confirm


def only_predicts(call: Call) -> bool:
    return bool({"--check", "-C"} & set(call.extra))


def backup_of(output: str) -> str:
    """The name of the backup that a run told of; empty when it made none."""
    found = re.search(rf"/({NAME}-\w+Z-\w+\.dump)", output)
    return found[1] if found else ""


def rollback(call: Call) -> int:
    file, confirmed = call.settings.get("RESTORE", ""), call.settings.get("CONFIRM", "")
    if file and confirmed:
        raise Refused("rollback either drops (CONFIRM) or restores (RESTORE); give one of the two.")
    if confirmed and confirmed != NAME:
        raise Refused(f"CONFIRM is {confirmed!r}, not the database's name; nothing was changed; give CONFIRM={NAME}.")
    asked = not (file or confirmed or only_predicts(call))
    if asked and not sys.stdin.isatty():
        raise Refused(
            f"rollback drops every table after a backup, and nobody can be asked here; add CONFIRM={NAME} "
            "if that is wanted."
        )
    host = host_of(call)
    may_change(call, host)
    if file:
        return restore(call, host.name, file)
    if asked:
        code, output = playbook(call, ROLLBACK, "--check")
        if code or not recap(output).get("changed", 0):
            return failed(call, host.name) if code else 0
        if input(f"Type {NAME} to drop what is listed above, after a backup: ") != NAME:
            raise Refused("rollback was not confirmed; nothing was changed.")
    code, output = playbook(call, ROLLBACK, "-e", json.dumps({"confirm": NAME}))
    if code:
        return failed(call, host.name)
    file = backup_of(output)
    if file:
        print(f"\nrollback: the tables on {host.name} are gone, their rows are in {file}")
        print(f"  tables   make deploy{call.again}")
        print(f"  rows     make rollback RESTORE={file}{call.again}")
    return 0


def restore(call: Call, host: str, file: str) -> int:
    code, _output = playbook(call, ROLLBACK, "-e", json.dumps({"rollback_restore": file}))
    if code:
        return failed(call, host)
    if not only_predicts(call):
        print(f"\nrollback: the rows of {file} are in the tables on {host} again; look: make psql{call.again}")
    return 0


def failed(call: Call, host: str) -> int:
    say(f"{call.verb}: it did not succeed on {host}; the failed task above says why.")
    return 1


def archive(call: Call) -> int:
    state = call.settings.get("STATE", "archived")
    if state not in ("archived", "restored"):
        raise Refused(f"there is no state {state!r} of the old migrations; STATE is archived or restored.")
    directory = call.settings["DIRECTORY"]
    if not directory.startswith("/"):
        raise Refused(f"DIRECTORY is {directory!r}; give its full path on the server, such as {DIRECTORY}.")
    host = host_of(call)
    may_change(call, host)
    options = {"archive_legacy_directory": directory, "archive_legacy_state": state}
    code, output = playbook(call, ARCHIVE, "-e", json.dumps(options))
    if code:
        return failed(call, host.name)
    place = "migrations/deprecated" if state == "archived" else "migrations"
    if not recap(output).get("changed", 0):
        print(f"\narchive: nothing to do, the old migrations are in {directory}/{place}")
    elif only_predicts(call):
        print(f"\narchive: the old migrations would then be in {directory}/{place}; nothing was changed")
    else:
        undo = f"; back again: make archive DIRECTORY={directory} STATE=restored{call.again}"
        print(f"\narchive: the old migrations are now in {directory}/{place}{undo if state == 'archived' else ''}")
    return 0
