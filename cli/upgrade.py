# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb upgrade: another version of PostgreSQL for the data that are there."""

from __future__ import annotations

import json
import sys

from cli.ansible import host_of, may_change
from cli.call import Call, Refused
from cli.rollback import NAME, end, only_predicts
from cli.run import watch

PLAYBOOK = "playbooks/upgrade.yml"


def upgrade(call: Call) -> int:
    """Say what would be done, ask, and do it; nobody can write meanwhile, which is why it asks."""
    confirmed = call.settings.get("CONFIRM", "")
    if confirmed not in ("", NAME):
        raise Refused(f"CONFIRM={confirmed} is not the database's name, nothing was changed; give CONFIRM={NAME}.")
    asked = not confirmed and not only_predicts(call)
    if asked and not sys.stdin.isatty():
        raise Refused(
            f"upgrade keeps all clients out for a while, and nobody can be asked here; add CONFIRM={NAME} "
            "if that is wanted."
        )
    host = host_of(call)
    may_change(call, host)
    if asked:
        report = watch(call, host, PLAYBOOK, "--check").report
        if report.failure or not report.effects:
            return end(report)
        if input(f"Type {NAME} to do what is listed above: ") != NAME:
            raise Refused(f"upgrade was not confirmed, nothing was changed; type {NAME} if you want it.")
    report = watch(call, host, PLAYBOOK, "-e", json.dumps({"confirm": NAME})).report
    if not report.failure and not report.check:
        print(f"upgrade: {host.name} is up to date; look: make verify{call.again}")
    return end(report)
