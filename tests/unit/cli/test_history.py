# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the verb history says of each run."""

from __future__ import annotations

from typing import Any

from cli import history

RUN: dict[str, Any] = {
    "finished": 1795899600.0,
    "who": "david@laptop",
    "playbook": "site.yml",
    "collection": "0.1.0",
    "commit": "fa686bd54912",
    "seconds": 41.2,
    "rc": 0,
    "error": "",
    "changed": 5,
    "effects": [{"effect": "change", "object": f"file {number}", "detail": "content"} for number in range(5)],
}


def test_a_run_says_when_who_and_what() -> None:
    failed = RUN | {"rc": 2, "changed": 0, "effects": [], "error": "port 3000 is taken; stop it."}
    lines = list(history.text({"host": "erp-db", "runs": [RUN, failed]}))
    assert lines == [
        "2026-11-28 21:00Z  david@laptop, site.yml, 0.1.0 fa686bd54912, 41 s, 5 changed",
        "    change file 0: content",
        "    change file 1: content",
        "    change file 2: content",
        "    and 2 more",
        "2026-11-28 21:00Z  david@laptop, site.yml, 0.1.0 fa686bd54912, 41 s, failed, 0",
        "    changed",
        "    port 3000 is taken; stop it.",
    ]


def test_a_server_without_a_history_says_so() -> None:
    assert list(history.text({"host": "erp-db", "runs": []})) == ["history of erp-db: no run has changed anything yet"]
