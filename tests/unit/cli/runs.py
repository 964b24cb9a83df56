# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that were recorded from a server in a container: its first deploy, nothing to do, drift, a refusal."""

from __future__ import annotations

import json
from pathlib import Path

from cli.report import Event

HERE = Path(__file__).parent / "recorded"


def recorded(name: str) -> list[Event]:
    return [json.loads(line) for line in (HERE / f"{name}.jsonl").read_text().splitlines()]


def result(role: str, name: str, **fields: object) -> Event:
    """A made-up result; what is not said is what most results are."""
    return {"event": "result", "seconds": 1.0, "status": "ok", "role": role, "name": name, **fields}


def effect(kind: str, name: str, detail: str = "", **fields: str) -> dict[str, str]:
    return {"effect": kind, "object": name, "detail": detail, **fields}
