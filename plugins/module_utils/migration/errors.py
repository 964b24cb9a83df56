# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one kind of exception that leaves this package."""

from __future__ import annotations

from typing import Any


class MigrationError(Exception):
    """One sentence for the operator (what, where, remedy), with machine-readable details beside it."""

    def __init__(self, sentence: str, **details: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.details = details
