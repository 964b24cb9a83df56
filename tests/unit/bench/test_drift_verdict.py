# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as named and as settled when the bench does changes by hand, and how both are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.drift import Drift, Outcome, named, warnings, words
from tests.bench.measure import Figures
from tests.bench.report import drift_sentence, figures_table
from tests.server import MOST_EXECUTIONS, Droplet, Run

RECAP = "PLAY RECAP ***\ndroplet : ok=3 changed={} unreachable=0 failed={} skipped=0 rescued=0 ignored=0\n"
UNKNOWN = "[WARNING]: /srv/conf/extra.yml is not ours;\nremove it\n\n"


def run(changed: int = 0, failed: int = 0, before: str = "") -> Run:
    return Run(2 if failed else 0, before + RECAP.format(changed, failed))


@pytest.mark.parametrize(
    ("check", "usual", "verdict"),
    [
        (run(), "", False),
        (run(changed=1), "", True),
        (run(failed=1), "", True),
        (run(before=UNKNOWN), "", True),
        (run(before=UNKNOWN), UNKNOWN, False),
    ],
)
def test_named(check: Run, usual: str, verdict: bool) -> None:
    assert named(check, warnings(run(before=usual))) is verdict


def test_a_warning_is_one_sentence_however_it_is_wrapped() -> None:
    assert warnings(run(before=UNKNOWN)) == {"[WARNING]: /srv/conf/extra.yml is not ours; remove it"}


@pytest.mark.parametrize(
    ("outcome", "settled", "told"),
    [
        (Outcome("x", named=True, repaired=True, intact=None), True, "named, put right"),
        (Outcome("x", named=False, repaired=True, intact=None), True, "not seen, put right"),
        (Outcome("x", named=True, repaired=False, intact=None), False, "named, stays"),
        (Outcome("x", named=True, repaired=False, intact=True), True, "named, left alone"),
        (Outcome("x", named=False, repaired=False, intact=True), False, "not seen, left alone"),
        (Outcome("x", named=True, repaired=False, intact=False), False, "named, made worse"),
    ],
)
def test_settled(outcome: Outcome, settled: bool, told: str) -> None:
    assert outcome.settled is settled
    assert words(outcome) == told


def test_the_cases_are_whole_and_have_names_of_their_own(tmp_path: Path) -> None:
    cases = Drift(Droplet("nowhere", tmp_path)).cases
    assert len({case.name for case in cases}) == len(cases) >= 25
    # Ansible reads the same file, and a Go template looks like one of its own.
    assert not [case.name for case in cases if "{{" in case.damage + case.repaired + case.restore + case.intact]


def test_both_playbooks_stand_in_the_tables() -> None:
    ours = Figures(60.0, 1.0, 8.0, 8.1, 8, 0, {"traefik": 14.2}, {"full": 4.6, "quick": 0.9})
    plain = Figures(90.0, 1.0, 30.0, 30.2, 77, 3, {"traefik": 14.4}, {})
    table = figures_table({"ours": ours, "plain": plain}, 5)
    assert f"| remote module executions of a no-op run | 8 | ≤ {MOST_EXECUTIONS} | 77 |" in table
    assert "| seconds of `make status` on a healthy server, over SSH | 0.9 | ≤ 2 |  |" in table
    assert "where something has changed 4.6." in " ".join(table.split())
    assert "| changed tasks of a no-op run | 0 | 0 | 3 |" in table
    seen, missed = Outcome("x", True, True, None), Outcome("x", False, False, None)
    sentence = " ".join(drift_sentence({"ours": [seen, seen], "plain": [seen, missed]}).split())
    assert "Of 2 changes" in sentence
    assert "`site.yml` named 2 and settled 2" in sentence
    assert "hand-written playbook named 1 and settled 1" in sentence
