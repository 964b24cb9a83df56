# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `rollback` and `archive` refuse before anything is asked of a server, and what they read out of a run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cli.call import Call, Refused
from cli.report import Event, Failure, Report
from cli.rollback import archive, backup_of, end, rollback


@pytest.mark.parametrize(
    ("verb", "settings", "told"),
    [
        (
            rollback,
            {"CONFIRM": "Portfolio"},
            "CONFIRM=Portfolio is not the database's name, nothing was changed; give CONFIRM=portfolio",
        ),
        (rollback, {"CONFIRM": "portfolio", "RESTORE": "x.dump"}, "give one of the two"),
        (rollback, {}, "nobody can be asked here; add CONFIRM=portfolio if that is wanted"),
        (archive, {"DIRECTORY": "old"}, "DIRECTORY is 'old'; give its full path on the server"),
        (archive, {"DIRECTORY": "/old", "STATE": "gone"}, "set STATE to archived or restored"),
    ],
)
def test_a_refusal_needs_no_server(
    monkeypatch: pytest.MonkeyPatch, verb: Callable[[Call], int], settings: dict[str, str], told: str
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    # An inventory that is not there: whoever came that far would refuse that instead.
    with pytest.raises(Refused) as refused:
        verb(Call(verb.__name__, {"INVENTORY": "nowhere", **settings}, ()))
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_backup_is_read_from_what_the_run_said() -> None:
    backup = "/opt/portfolio/postgres-erp/backups/portfolio-20260101T000000Z-0b7e1c2d.dump"
    events: list[Event] = [
        {"event": "step"},
        {"said": "a sentence"},
        {"said": {"tables dropped": ["35"], "backup": [backup]}},
    ]
    assert backup_of(events) == "portfolio-20260101T000000Z-0b7e1c2d.dump"
    assert backup_of([{"said": {"nothing to roll back": ["the schemas are gone already"]}}]) == ""


@pytest.mark.parametrize(("ansible", "ours"), [(2, 1), (4, 1), (130, 130)])
def test_what_went_wrong_is_exit_code_1(ansible: int, ours: int) -> None:
    failure = Failure("there is no room; free disk space and run again")
    assert end(Report("rollback", "droplet", check=False, exit=ansible, seconds=1.0, failure=failure)) == ours
    assert end(Report("rollback", "droplet", check=False, exit=0, seconds=1.0)) == 0
