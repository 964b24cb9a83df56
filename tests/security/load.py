# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tool that asks the data API all the time, while something else happens to it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException

from tests.waiting import AT_ONCE, turns


@dataclass
class Load:
    """Requests that go on while something else happens, and what became of each."""

    # One request: the status of its answer.
    ask: Callable[[], int]
    rate: float = 20.0
    found: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def running(self) -> Iterator[None]:
        stop = threading.Event()
        with ThreadPoolExecutor(1) as pacer:
            pacing = pacer.submit(self._pace, stop)
            try:
                yield
            finally:
                stop.set()
            pacing.result()

    def _pace(self, stop: threading.Event) -> None:
        with ThreadPoolExecutor(AT_ONCE) as clients:
            asked = [clients.submit(self._ask) for _turn in turns(self.rate, stop.is_set)]
        # What went wrong in any other way than an answer that did not come is not swallowed.
        for one in asked:
            one.result()

    def _ask(self) -> None:
        try:
            self.found[str(self.ask())] += 1
        except (OSError, HTTPException) as error:
            self.found[type(error).__name__] += 1
