# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter restore_facts: what a repository of backups holds, and what a wanted moment means for it."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any


def restore_facts(answer: str, time: str = "") -> dict[str, Any]:
    """Make facts of *answer*, which is `pgbackrest info` as JSON, and of *time*, empty for the latest.

    `backups` counts the complete ones; without one, or where *answer* is no such JSON, the facts about them are empty.
    `moment` is None for a *time* that cannot be read.
    """
    backups, identifier = _backups(answer)
    first = min((int(each["timestamp"]["stop"]) for each in backups), default=0)
    moment = _moment(time)
    return {
        "backups": len(backups),
        "system_identifier": identifier,
        "first": first,
        "first_said": _said(datetime.fromtimestamp(first, timezone.utc)) if backups else "",
        "size_mb": max((int(each["info"]["size"]) for each in backups), default=0) // 2**20,
        "moment": None if moment is None else moment.timestamp(),
        "target": "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S.%f}+00",
        "said": "" if moment is None else _said(moment),
    }


def _backups(answer: str) -> tuple[list[dict[str, Any]], str]:
    """Backups of the database that was backed up last, and its system identifier."""
    try:
        stanza = json.loads(answer)[0]
        database = stanza["db"][-1]
        found = [each for each in stanza["backup"] if each["database"]["id"] == database["id"]]
    except (ValueError, LookupError, TypeError):
        return [], ""
    return found, str(database["system-id"])


def _moment(text: str) -> datetime | None:
    """A moment as ISO 8601 writes it; without a zone it is UTC, as everything on the server."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)


def _said(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"restore_facts": restore_facts}
