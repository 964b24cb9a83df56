# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of the history does not grow for ever, and one run does not fill it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils import history

LEASE = {"run_id": "a", "who": "eve@laptop", "since": 10.0, "renewed": 60.0}


def test_a_file_that_is_too_long_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST_BYTES", 1000)
    path = tmp_path / "history.jsonl"
    for number in range(12):
        history.remember(str(path), history.entry({**LEASE, "run_id": str(number)}, {"rc": 2}, 70.0))
    kept = [json.loads(line)["run_id"] for line in [*(tmp_path / "history.jsonl.1").open(), *path.open()]]
    assert kept == [str(number) for number in range(12)][-len(kept) :]
    assert path.stat().st_size < 1500 and len(kept) >= 6


def test_a_run_that_did_much_is_counted() -> None:
    effects = [{"effect": "change", "object": str(number)} for number in range(80)]
    found = history.entry(LEASE, {"effects": effects, "rc": 0}, 70.0)
    assert (found["changed"], len(found["effects"]), found["seconds"]) == (80, history.MOST_EFFECTS, 60.0)
