# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last screen of a run, read back: its numbers, and the commands that somebody would paste."""

from __future__ import annotations

import re

LABELS = ("try it", "connect", "next")
BESIDE = 14


def screen(output: str) -> list[str]:
    """Its lines; nothing stands after it."""
    return output[output.index("portfolio is up on") :].splitlines()


def numbers(output: str) -> tuple[int, int]:
    """How much was changed and restarted."""
    found = re.search(r"(\d+) changed · (\d+) restarted · ", output)
    assert found, output
    return int(found[1]), int(found[2])


def commands(output: str) -> list[str]:
    """Every command on it, over as many lines as it stands there."""
    found: list[str] = []
    label, whole = "", ""
    for line in screen(output):
        label = line[2:BESIDE].strip() or label
        if label not in LABELS:
            continue
        whole += line[BESIDE:]
        if line.endswith("\\"):
            whole += "\n"
        else:
            found += re.split(r" {4}", whole)
            whole = ""
    return found
