# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The history of a server: a line of JSON for each run that changed something or failed, and how the last run ended."""

from __future__ import annotations

import json
import os
from typing import Any

Json = dict[str, Any]
VERSION = 1
# About two thousand runs; as many again are kept in the file before.
MOST_BYTES = 1_000_000
LAST = "last_run.json"
# Enough for a first deploy; what a run did beyond that is a number.
MOST_EFFECTS = 50


def entry(lease: Json, run: Json, now: float) -> Json:
    """One run: who and when as the lease knows it, the rest as the control node saw it."""
    effects = run.get("effects") or []
    return {
        "version": VERSION,
        "run_id": lease["run_id"],
        "who": lease["who"],
        "began": round(float(lease["since"]), 1),
        "finished": round(now, 1),
        "seconds": round(now - float(lease["since"]), 1),
        "playbook": run.get("playbook") or "",
        "collection": run.get("collection") or "",
        "commit": run.get("commit") or "",
        "rc": int(run.get("rc") or 0),
        "error": run.get("error") or "",
        "effects": effects[:MOST_EFFECTS],
        "changed": len(effects),
    }


def killed(lease: Json, now: float) -> Json:
    """A run that never gave the server back, as the one that takes over finds it."""
    return entry(lease, {"rc": 1, "error": "it did not end properly"}, now)


def remember(path: str, found: Json) -> None:
    """Where our directory is; before the first deploy, and after everything was removed, there is no history."""
    directory = os.path.dirname(path)
    if not os.path.isdir(directory):
        return
    if found["rc"] or found["changed"]:
        append(path, found)
    temporary = os.path.join(directory, f"{LAST}.tmp")
    with open(temporary, "w", encoding="utf-8", opener=private) as handle:
        json.dump({key: value for key, value in found.items() if key != "effects"}, handle, sort_keys=True)
    os.replace(temporary, os.path.join(directory, LAST))


def append(path: str, found: Json) -> None:
    """One write of one line; a file that has become too long is put aside first."""
    if os.path.exists(path) and os.path.getsize(path) > MOST_BYTES:
        os.replace(path, f"{path}.1")
    with open(path, "a", encoding="utf-8", opener=private) as handle:
        handle.write(json.dumps(found, sort_keys=True) + "\n")


def private(path: str, flags: int) -> int:
    """A reason for a failure may say more than everybody on the server should read."""
    return os.open(path, flags, 0o600)
