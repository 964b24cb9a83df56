# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did or would do, made from the events of bestviable.portfolio.events. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

VERSION = 1
INTERRUPTED = 130  # the exit code after Ctrl-C
Event = Mapping[str, Any]


@dataclass(frozen=True)
class Effect:
    """One thing that a run did or would do; `left` is what only a person may decide."""

    effect: str  # change, reload, restart or left
    object: str
    detail: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Part:
    """One of the things that a failure names, taken apart."""

    what: str
    where: str
    remedy: str


@dataclass(frozen=True)
class Failure:
    """Why a run ended: all of what was said, the task that said it, where what it speaks of is written."""

    message: str
    task: str = ""
    where: str = ""
    parts: tuple[Part, ...] = ()
    outcome: str = ""  # what it says of the server: `Nothing was changed.`

    @property
    def untouched(self) -> bool:
        """Whether the server is as it was."""
        return self.outcome.startswith("Nothing")


@dataclass(frozen=True)
class Report:
    """What is printed with FORMAT=json; every text is rendered from it."""

    verb: str
    host: str
    check: bool
    exit: int
    seconds: float
    effects: tuple[Effect, ...] = ()
    failure: Failure | None = None

    def of(self, *kinds: str) -> list[Effect]:
        """The effects of these kinds, in the order of the run."""
        return [effect for effect in self.effects if effect.effect in kinds]

    @property
    def restarted(self) -> list[str]:
        """Each container once, however many reasons there are."""
        return list(dict.fromkeys(effect.object for effect in self.of("restart")))

    def as_json(self) -> dict[str, Any]:
        """The report as data; a remedy is there only where there is one."""
        effects = [{key: value for key, value in asdict(effect).items() if value} for effect in self.effects]
        return {"version": VERSION, **asdict(self), "effects": effects}


def task_of(event: Event) -> tuple[str, str]:
    """The role and the name of an event's task."""
    return str(event.get("role", "")), str(event.get("name", ""))


def results(events: Iterable[Event]) -> list[Event]:
    """What the tasks came to."""
    return [event for event in events if event.get("event") == "result"]


def effects_of(events: Iterable[Event]) -> tuple[Effect, ...]:
    """What modules say; a changed task stands for itself where no task of its name said anything."""
    ended = results(events)
    spoke = {task_of(event) for event in ended if event.get("effects")}
    found: dict[Effect, None] = {}
    for event in ended:
        role, name = task_of(event)
        for effect in event.get("effects") or ():
            found[Effect(**effect)] = None
        if event.get("changed") and (role, name) not in spoke:
            found[Effect("change", name, role)] = None
    return tuple(found)


def failed_of(events: Iterable[Event]) -> Event | None:
    """The result that ended a run: the first that failed, or what a rescue made of it; later ones follow from it."""
    found: Event | None = None
    for event in results(events):
        failed = event.get("status") in ("failed", "unreachable") and not event.get("ignored")
        if failed and (found is None or event.get("rescue")):
            found = event
    return found


def steps(events: Sequence[Event]) -> dict[str, float]:
    """Seconds of each task that did its work, by name with role; a skipped one says nothing about the usual time."""
    began: dict[str, float] = {}
    taken: dict[str, float] = {}
    for event in events:
        key = ": ".join(filter(None, task_of(event)))
        if event.get("event") == "task":
            began[key] = float(event["seconds"])
        elif event.get("event") == "result" and event.get("status") == "ok" and key in began:
            taken[key] = float(event["seconds"]) - began[key]
    return taken
