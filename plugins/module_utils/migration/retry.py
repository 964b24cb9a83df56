# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is tried again, and how often."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import (
    DatabaseError,
    UnreachableError,
)

TRIES = 5
_T = TypeVar("_T")


def pause(attempt: int) -> float:
    """1, 2, 4, 8 seconds, each a little different so that two runs do not meet again."""
    # S311: to keep two runs apart, not to keep a secret.
    return float(2 ** (attempt - 1)) + random.uniform(0, 0.3)  # noqa: S311


def again(work: Callable[[int], _T], patient: bool, sleep: Callable[[float], None]) -> _T:
    """Call `work` with the number of the attempt until it succeeds or waiting cannot help (or `patient` is false)."""
    attempt = 1
    while True:
        try:
            return work(attempt)
        except DatabaseError as error:
            if not patient or attempt == TRIES or not error.worth_retrying:
                raise
        except UnreachableError as error:
            # Refused at the first attempt is an answer; later, or while the server starts, it is a matter of time.
            if not patient or attempt == TRIES or (attempt == 1 and not error.starting):
                raise
        sleep(pause(attempt))
        attempt += 1
