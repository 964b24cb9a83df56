"""The verbs `backup` and `restore`: what they refuse before a server is asked."""

from __future__ import annotations

import json

import pytest

from cli.ansible import Host
from cli.backup import RESTORE, backup, restore
from cli.call import Call, Refused
from cli.report import Effect, Report
from cli.run import Watched


def test_a_type_that_there_is_not() -> None:
    with pytest.raises(Refused, match="'weekly' of backup; set TYPE to full, incremental, dump or restore-test"):
        backup(Call("backup", {"TYPE": "weekly"}, ()))


def test_a_state_that_there_is_not() -> None:
    with pytest.raises(Refused, match="'kept' of a restore; set STATE to restored, confirmed or compared"):
        restore(Call("restore", {"STATE": "kept"}, ()))


@pytest.mark.parametrize("more", [{"TIME": "2026-11-28 14:05"}, {"TABLE": "erp.people"}, {"TABLE": ""}])
@pytest.mark.parametrize("state", ["confirmed", "compared"])
def test_an_end_that_begins_something(state: str, more: dict[str, str]) -> None:
    with pytest.raises(Refused, match=f"STATE={state} ends a restore"):
        restore(Call("restore", {"STATE": state, **more}, ()))


@pytest.mark.parametrize("table", ["", " , "])
def test_no_table_is_not_the_whole_database(table: str) -> None:
    """A variable of a script that is empty must not overwrite everything."""
    with pytest.raises(Refused, match="TABLE= is empty"):
        restore(Call("restore", {"TABLE": table, "YES": "1"}, ()))


@pytest.mark.parametrize("extra", [(), ("--check",)])
def test_tables_are_brought_without_a_question(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], extra: tuple[str, ...]
) -> None:
    """Nobody is there to answer one: nothing is overwritten, and the whole database is not asked for."""
    asked: list[tuple[str, ...]] = []

    def watch(_call: Call, host: Host, *words: str) -> Watched:
        asked.append(words)
        effect = Effect("change", "database portfolio_restored", "erp.people, erp.tasks as of the last commit")
        return Watched(Report("restore", host.name, bool(extra), 0, 6.0, (effect,)))

    monkeypatch.setattr("cli.backup.host_of", lambda call: Host("one", {}))
    monkeypatch.setattr("cli.backup.may_change", lambda call, host: None)
    monkeypatch.setattr("cli.backup.watch", watch)
    assert restore(Call("restore", {"TABLE": "erp.people, erp.tasks"}, extra)) == 0
    [(playbook, option, variables)] = asked
    assert (playbook, option) == (RESTORE, "-e")
    assert json.loads(variables) == {"restore_time": "", "restore_tables": ["erp.people", "erp.tasks"]}
    said = capsys.readouterr().out
    assert ("database portfolio_restored on one holds erp.people, erp.tasks" in said) == (not extra)
