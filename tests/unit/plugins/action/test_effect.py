"""effect: what is wrong with a list of effects."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.action.effect import problem

CHANGE = {"effect": "change", "object": "/etc/x", "detail": "content"}
LEFT = {"effect": "left", "object": "role x", "detail": "superuser", "remedy": "run: docker ps"}


def test_a_good_list() -> None:
    assert problem([CHANGE, LEFT]) is None
    assert problem([]) is None


@pytest.mark.parametrize(
    ("effects", "words"),
    [
        ("change", "must be a list"),
        ([{"effect": "change", "object": "x"}], "other keys"),
        ([CHANGE | {"colour": "red"}], "other keys"),
        ([CHANGE | {"effect": "boom"}], "not known"),
        ([{key: value for key, value in LEFT.items() if key != "remedy"}], "remedy"),
        ([CHANGE | {"remedy": "none"}], "remedy"),
    ],
)
def test_a_bad_list(effects: Any, words: str) -> None:
    assert words in (problem(effects) or "")
