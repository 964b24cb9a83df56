# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run as it is watched: one line that is rewritten on a terminal, else one line for each step that did something."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from cli.call import SILENCE
from cli.report import Event, task_of
from cli.usual import Usual
from cli.words import WIDTH, printable, seconds, shortened, step, waiting

LONG = 3.0  # seconds after which a step that changed nothing is worth a line
WIPE = "\r\x1b[K"


class View:
    """Writes to one stream; never silent for long, and without control characters where there is no terminal."""

    def __init__(
        self, stream: TextIO, terminal: bool, usual: Usual, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream, self._terminal, self._usual, self._clock = stream, terminal, usual, clock
        self._began = self._spoke = self._step_began = clock()
        self._step: Event = {}
        self._attempt = ""
        self._open = False  # a line that is still to be rewritten

    @property
    def pause(self) -> float:
        """Seconds until it wants to be asked again."""
        return 1.0 if self._terminal else max(0.1, SILENCE - (self._clock() - self._spoke))

    def take(self, event: Event) -> None:
        """Show an event, as far as there is something to show."""
        kind = event.get("event")
        if kind == "task":
            self._step, self._step_began, self._attempt = event, self._clock(), ""
            if self._terminal:
                self._rewrite(self._line(step))
        elif kind == "retry":
            self._attempt = f", attempt {event.get('attempt')} of {event.get('retries')}"
        elif kind == "result":
            self._result(event)

    def tick(self) -> None:
        """Nothing came for a while: say what is being waited for."""
        took = self._clock() - self._step_began
        line = f"{self._line(waiting)}{self._attempt}, {seconds(took)}{self._usually(took)}"
        if self._terminal and self._step:  # before the first one, Ansible may be asking for a password
            self._rewrite(line)
        elif self._clock() - self._spoke >= SILENCE:
            self.say(line)

    def say(self, text: str) -> None:
        """Whole lines that stay."""
        self.close()
        print(text, file=self._stream, flush=True)
        self._spoke = self._clock()

    def close(self) -> None:
        """Take the rewritten line away."""
        if self._open:
            print(WIPE, end="", file=self._stream, flush=True)
            self._open = False

    def _result(self, event: Event) -> None:
        # What is left to a person is told at the end, with its remedy.
        left = [str(effect["object"]) for effect in event.get("effects") or () if effect["effect"] == "left"]
        for warning in event.get("warnings") or ():
            if not any(name in str(warning) for name in left):
                self.say(f"warning: {printable(str(warning))}")
        for line in told(event.get("said")):
            self.say(f"  {line}")
        took = self._clock() - self._step_began
        status = "changed" if event.get("changed") else str(event.get("status", ""))
        failed = status in ("failed", "unreachable")
        if task_of(event) == task_of(self._step) and (status == "changed" or failed or took >= LONG):
            end = f": {status}, {seconds(took)}{self._usually(took)}"
            self.say(shortened(self._line(step), WIDTH - len(end)) + end)

    def _line(self, words: Callable[[str, str], str]) -> str:
        if not self._step:
            return "Ansible is starting"
        return f"[{self._step['number']}/{self._step['total']}] {words(*task_of(self._step))}"

    def _usually(self, took: float) -> str:
        usual = self._usual.of(": ".join(filter(None, task_of(self._step))))
        return f" (usually {seconds(usual)})" if usual and max(usual, took) >= LONG else ""

    def _rewrite(self, line: str) -> None:
        print(f"{WIPE}{shortened(line, WIDTH - 1)}", end="", file=self._stream, flush=True)
        self._open, self._spoke = True, self._clock()


def told(said: Any) -> list[str]:
    """What a task only says, in lines: a sentence, or names with what belongs to them."""
    if isinstance(said, Mapping):
        return [printable(f"{name}: {', '.join(map(str, values)) or 'none'}") for name, values in said.items()]
    return [printable(line) for line in str(said or "").splitlines()]
