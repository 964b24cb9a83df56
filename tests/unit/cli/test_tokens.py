# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of the register of tokens."""

from __future__ import annotations

from typing import Any

from cli.tokens import kid_of, lines, rotated


def entry(jti: str, state: str = "live", key: str = "signing", **more: Any) -> dict[str, Any]:
    whose = {"role": "erp_reader", "sub": "tooljet", "client_id": None, "person_id": None}
    return {"jti": jti, "state": state, "key": key, "days_left": 7, **whose, **more}


def text(*entries: dict[str, Any], elsewhere: tuple[str, ...] = ()) -> list[str]:
    revoked = [{"jti": jti} for jti in elsewhere]
    return list(lines({"register": "inventory/.register", "tokens": list(entries), "revoked_elsewhere": revoked}))


def test_nothing_was_handed_out() -> None:
    assert text() == ["tokens in inventory/.register: 0 live"]


def test_each_token_has_a_line_but_what_has_expired() -> None:
    scoped = entry("c" * 36, role="agent_client", client_id="acme", person_id=3)
    first, head, *rows = text(entry("a" * 36, key="old"), entry("b" * 36, "revoked"), scoped, entry("d", "expired"))
    assert first == "tokens in inventory/.register: 2 live, 1 of them of the old key"
    assert head.split() == ["id", "role", "days", "state", "key", "for"]
    assert [row.split()[2:] for row in rows] == [
        ["7", "live", "old", "tooljet"],
        ["-", "revoked", "signing", "tooljet"],
        ["7", "live", "signing", "tooljet", "(client_id", "acme,", "person_id", "3)"],
    ]
    assert (
        len({row.index(word) for row, word in zip([head, *rows], ["state", "live", "revoked", "live"], strict=True)})
        == 1
    )


def test_what_is_refused_and_was_not_handed_out_here_is_told() -> None:
    assert text(elsewhere=("x", "y"))[1:] == ["  refused, and not handed out from here: x, y"]


def test_what_comes_next_in_a_rotation() -> None:
    report = {"tokens": [entry("a", key="old"), entry("b", "revoked", key="old"), entry("c")]}
    first, still, then = rotated("begin", True, report, " INVENTORY=x")
    assert first == "rotate: new tokens are signed with the new key"
    assert (still.split()[2], then.split("replaced")[1].strip()) == ("1", "make rotate STEP=finish INVENTORY=x")
    assert next(rotated("begin", False, report, "")).startswith("rotate: nothing to do, new tokens are already")
    assert list(rotated("finish", True, report, "")) == ["rotate: tokens of the old key have ended"]
    assert list(rotated("finish", False, report, "")) == ["rotate: nothing to do, there is no old key"]


def test_a_key_is_meant_by_its_state_or_its_name() -> None:
    report = {"keys": [{"kid": "k1", "state": "signing"}, {"kid": "k2", "state": "old"}]}
    assert [kid_of(report, wanted) for wanted in ("old", "k1", "k3")] == ["k2", "k1", "k3"]
