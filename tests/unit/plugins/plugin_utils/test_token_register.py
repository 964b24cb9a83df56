# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The register of tokens: what is refused by id, subject and key, and a file that is whole at any time."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.bestviable.portfolio.plugins.plugin_utils import token_register
from ansible_collections.bestviable.portfolio.plugins.plugin_utils.token_register import (
    Issued,
    Register,
    Revoked,
    Wish,
    revoke,
    unreplaced,
)
from ansible_collections.bestviable.portfolio.plugins.plugin_utils.tokens import DAY, MAX_DAYS, TokenError

NOW = 1_795_000_000


def issued(jti: str, sub: str = "tooljet", kid: str = "k1", days: int = 30, role: str = "erp_reader") -> Issued:
    return Issued(jti, role, sub, NOW, NOW + days * DAY, kid)


def reasons(register: Register) -> dict[str, str]:
    return {entry.jti: entry.reason for entry in register.revoked}


def test_the_text_keeps_everything() -> None:
    scoped = replace(issued("b"), role="agent_client", client_id="acme", person_id=7)
    register = Register((issued("a", sub='ö"\n'), scoped), (Revoked("a", NOW, NOW + DAY, "by its id"),))
    assert token_register.parse(token_register.render(register), "here") == register
    assert token_register.parse(token_register.render(Register()), "here") == Register()


def test_a_token_is_refused_by_its_id_until_it_would_end() -> None:
    register = revoke(Register((issued("a"), issued("b"))), Wish(jti=("a",)), NOW + DAY)
    assert register.revoked == (Revoked("a", NOW + DAY, NOW + 30 * DAY, "by its id"),)
    assert [entry.jti for entry in register.live(NOW + DAY)] == ["b"]


def test_an_unknown_id_is_refused_as_long_as_any_token_can_live() -> None:
    [entry] = revoke(Register(), Wish(jti=("x",)), NOW).revoked
    assert entry.expires_at == NOW + MAX_DAYS * DAY


def test_all_of_a_subject_or_of_a_key_are_refused() -> None:
    register = Register((issued("a"), issued("b", sub="retool"), issued("c", kid="k2"), issued("d", days=1)))
    later = NOW + 2 * DAY
    assert reasons(revoke(register, Wish(sub="tooljet"), later)) == dict.fromkeys("ac", "all of sub tooljet")
    assert reasons(revoke(register, Wish(kid="k1"), later)) == dict.fromkeys("ab", "all of key k1")
    assert revoke(register, Wish(sub="nobody"), later) == register
    assert revoke(register, Wish(), later) == register


def test_once_refused_stays_as_it_was() -> None:
    once = revoke(Register((issued("a"),)), Wish(jti=("a",)), NOW)
    assert revoke(once, Wish(jti=("a",), sub="tooljet"), NOW + DAY) == once


@pytest.mark.parametrize("jti", ["", "a b", "x'; DROP", "x" * 101, "ä"])
def test_what_is_no_id_is_refused(jti: str) -> None:
    with pytest.raises(TokenError, match="is not a token's id"):
        revoke(Register(), Wish(jti=(jti,)), NOW)


def test_what_has_been_over_for_long_goes() -> None:
    ended = NOW + 30 * DAY
    register = revoke(Register((issued("a"),)), Wish(jti=("a",)), NOW)
    assert register.pruned(ended + MAX_DAYS * DAY - 1) == register
    assert register.pruned(ended + MAX_DAYS * DAY) == Register()


def test_tokens_that_end_with_their_key_are_those_without_a_successor() -> None:
    ended = issued("e", kid="k0")
    other = issued("c", sub="retool", kid="k2")
    register = Register((issued("a"), issued("b", sub="retool"), other, issued("d", role="erp_writer"), ended))
    assert [entry.jti for entry in unreplaced(register, "k1", "k2", NOW)] == ["a", "d"]
    assert unreplaced(register, "k1", "k2", NOW + 31 * DAY) == []
    assert unreplaced(revoke(register, Wish(jti=("a", "d")), NOW), "k1", "k2", NOW) == []
    # A successor that is refused is none.
    assert [entry.jti for entry in unreplaced(revoke(register, Wish(jti=("c",)), NOW), "k1", "k2", NOW)] == [
        "a",
        "b",
        "d",
    ]


def test_a_failed_change_leaves_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "register"
    token_register.change(str(path), lambda register: register.plus(issued("a")))
    before = path.read_bytes()

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TokenError, match="No space left on device"):
        token_register.change(str(path), lambda register: register.plus(issued("b")))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["register"]


def test_nothing_to_change_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "register"
    token_register.change(str(path), lambda register: register)
    assert not path.exists()


def test_a_link_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TokenError, match="is a link"):
        token_register.change(str(link), lambda register: register.plus(issued("a")))
    assert link.is_symlink()


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TokenError, match="cannot be read and written"):
        token_register.change(str(tmp_path / "none" / "register"), lambda register: register.plus(issued("a")))


def test_a_name_alone_is_a_file_of_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    token_register.change("register.json", lambda register: register.plus(issued("a")))
    assert token_register.read("register.json").issued == (issued("a"),)
    assert [entry.name for entry in tmp_path.iterdir()] == ["register.json"]
