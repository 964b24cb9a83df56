# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes by hand, one after the other: does a dry run name it, does one run put it right?"""

from __future__ import annotations

import re
import shlex
import sys
import time
from dataclasses import dataclass, fields

import yaml

from tests.bench.measure import PLAYBOOKS, play, succeeded
from tests.server import DIRECTORY, ROOT, Droplet, Run

FILE = ROOT / "molecule" / "drift" / "vars" / "cases.yml"
WARNING = re.compile(r"^\[WARNING\]: .*(?:\n(?!\n).*)*", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """What the bench needs of a change by hand; the file says what each field is."""

    name: str
    damage: str
    repaired: str
    restore: str
    intact: str = ""


@dataclass(frozen=True)
class Outcome:
    """What one playbook made of one case."""

    case: str
    named: bool
    repaired: bool
    # Whether nothing was made worse; None where no person has to decide.
    intact: bool | None

    @property
    def settled(self) -> bool:
        """Put right, or named and left alone where only a person may decide."""
        return self.repaired or (self.named and self.intact is True)


class Drift:
    """The cases of the file, and their commands on a server."""

    def __init__(self, droplet: Droplet) -> None:
        document = yaml.safe_load(FILE.read_text())
        names = [field.name for field in fields(Case)]
        self.cases = [
            Case(**{name: entry[name] for name in names if name in entry})
            for entry in document["drift_cases"]
            if entry.get("bench", True)
        ]
        self._prelude = f"directory={shlex.quote(DIRECTORY)} sql={shlex.quote(document['drift_sql'])}"
        self._droplet = droplet

    def true(self, command: str, seconds: float = 0) -> bool:
        """Whether the command exits 0 on the server, within so many seconds."""
        deadline = time.monotonic() + seconds
        while True:
            answer = self._droplet.shell(
                f"{self._prelude}\nif (\n{command}\n) >/dev/null 2>&1; then echo yes; fi", check=False
            )
            if answer == "yes" or time.monotonic() > deadline:
                return answer == "yes"
            time.sleep(1)

    def damage(self, case: Case) -> None:
        """Does the damage, and sees it done; the proxy takes some seconds to read its directory again."""
        self._droplet.shell(f"{self._prelude}\n{case.damage}")
        assert self.true(f"! (\n{case.repaired}\n)", seconds=10), f"{case.name}: the damage leaves no trace"
        assert not case.intact or self.true(case.intact), f"{case.name}: not intact before any run"

    def restore(self, case: Case) -> None:
        """Puts the server right without a playbook, and sees it done."""
        self._droplet.shell(f"{self._prelude}\n{case.restore}", check=False)
        assert self.true(case.repaired, seconds=60), f"{case.name}: not restored, so later cases would mean nothing"


def warnings(run: Run) -> set[str]:
    """The warnings of a run, each on one line."""
    return {" ".join(found.split()) for found in WARNING.findall(run.output)}


def named(run: Run, usual: set[str]) -> bool:
    """Whether a run says that something is not as it should be: a change, a failure, an unusual warning."""
    return run.returncode != 0 or run.recap["changed"] > 0 or bool(warnings(run) - usual)


def outcomes(droplet: Droplet, name: str, only: str = "") -> list[Outcome]:
    """Each case whose name contains `only`, on a server that the playbook has deployed."""
    playbook, drift, found = PLAYBOOKS[name], Drift(droplet), []
    _seconds, quiet = succeeded(f"a dry run of {playbook}", play(droplet, playbook, "--check", "--diff"))
    if quiet.recap["changed"]:
        sys.exit(f"bench: without any damage a dry run of {playbook} names {quiet.changed_tasks}.")
    chosen = [case for case in drift.cases if only in case.name]
    for number, case in enumerate(chosen, 1):
        drift.damage(case)
        _seconds, check = play(droplet, playbook, "--check", "--diff")
        play(droplet, playbook)
        outcome = Outcome(
            case.name,
            named=named(check, warnings(quiet)),
            repaired=drift.true(case.repaired, seconds=5),
            intact=drift.true(case.intact) if case.intact else None,
        )
        if not outcome.repaired:
            drift.restore(case)
        print(f"{name}: {number} of {len(chosen)}: {case.name}: {words(outcome)}", flush=True)
        found.append(outcome)
    return found


def words(outcome: Outcome) -> str:
    """An outcome as the table shows it."""
    seen = "named" if outcome.named else "not seen"
    if outcome.repaired:
        return f"{seen}, put right"
    if outcome.intact is None:
        return f"{seen}, stays"
    return f"{seen}, left alone" if outcome.intact else f"{seen}, made worse"
