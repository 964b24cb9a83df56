# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The copy of the list of refused tokens: what is missing, what differs, what is over, what is only there."""

from __future__ import annotations

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.revocations import (
    GRACE,
    Plan,
    Revocation,
    Row,
    plan,
)

NOW = 1_795_000_000
END = NOW + 1000


def entry(jti: str, end: int = END) -> Revocation:
    return Revocation(jti, NOW, end, "by its id")


def row(jti: str, end: int | None = END, reason: str | None = "by its id") -> Row:
    return Row(jti, end, reason)


def test_a_true_copy_is_left_alone() -> None:
    assert plan([entry("a"), entry("b")], [row("a"), row("b")], NOW) == Plan([], [], [], [])
    assert not plan([], [], NOW).changes


def test_what_is_missing_comes_and_what_differs_is_put_right() -> None:
    found = plan([entry("a"), entry("b"), entry("c")], [row("b", END + 1), row("c", reason=None)], NOW)
    assert ([one.jti for one in found.missing], [one.jti for one in found.differing]) == (["a"], ["b", "c"])
    assert [effect.detail for effect in found.effects()] == ["missing in the database"] + [
        "its end or reason differs"
    ] * 2


def test_what_is_over_goes_and_does_not_come_back() -> None:
    over = NOW - GRACE
    assert plan([entry("a", over)], [row("a", over)], NOW).ended == ["a"]
    assert plan([entry("a", over)], [], NOW).missing == []
    # Somebody else's as well: nobody is let in by that.
    assert plan([], [row("a", over)], NOW).ended == ["a"]
    # Not before the clocks of all have passed it.
    assert plan([entry("a", over + 1)], [row("a", over + 1)], NOW) == Plan([], [], [], [])


def test_a_copy_that_ends_too_soon_is_kept_alive() -> None:
    found = plan([entry("a")], [row("a", NOW - GRACE)], NOW)
    assert ([one.jti for one in found.differing], found.ended) == (["a"], [])


def test_what_only_the_copy_refuses_stays_and_is_named() -> None:
    found = plan([entry("a")], [row("a"), row("b"), row("c", None)], NOW)
    assert (found.extra, found.changes) == (["b", "c"], False)
    [effect] = found.effects()
    assert (effect.effect, effect.remedy) == ("left", "if they are to stay refused, run: make revoke JTI=b,c")
    assert found.left == [effect]
