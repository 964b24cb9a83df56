"""The verbs `backup` and `restore`: what they refuse before a server is asked."""

from __future__ import annotations

import pytest

from cli.backup import backup, restore
from cli.call import Call, Refused


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
