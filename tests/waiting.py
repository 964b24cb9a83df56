# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for something that is not there yet, and asking at an even pace."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from http.client import HTTPException

PAUSE = 0.02
# Requests of a client at the same time: fewer than `postgrest_erp_in_flight`, above which the API says 429.
AT_ONCE = 32


def until(true: Callable[[], object], what: str = "", seconds: float = 30) -> None:
    """Ask again until *true* is; a server that does not answer yet is no failure. `what` is said when time is up."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if true():
                return
        except (OSError, HTTPException):
            pass
        assert time.monotonic() < deadline, f"after {seconds} s still not: {what}"
        time.sleep(PAUSE)


def turns(rate: float, over: Callable[[], bool]) -> Iterator[None]:
    """A client's turns, `rate` a second until it is over.

    One that got no processor for a while leaves out what it missed: all of that at once would be told 429.
    """
    due = time.monotonic()
    while not over():
        yield
        due = max(due + 1 / rate, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))
