"""The verbs `backup` and `restore`: what they refuse before a server is asked."""

from __future__ import annotations

import pytest

from cli.backup import backup, restore
from cli.call import Call, Refused


def test_a_type_that_there_is_not() -> None:
    with pytest.raises(Refused, match="'weekly' of backup; set TYPE to full, incremental, dump or restore-test"):
        backup(Call("backup", {"TYPE": "weekly"}, ()))


def test_a_state_that_there_is_not() -> None:
    with pytest.raises(Refused, match="'kept' of a restore; set STATE to restored or confirmed"):
        restore(Call("restore", {"STATE": "kept"}, ()))
