# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a rotation: each step alone, out of turn, twice, and killed in its middle."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.bestviable.portfolio.plugins.plugin_utils import signing_keys
from ansible_collections.bestviable.portfolio.plugins.plugin_utils.tokens import TokenError, new_key

ALL = ("prepare", "switch", "retire", "end")


@pytest.fixture(name="key")
def _key(tmp_path: Path) -> Path:
    path = tmp_path / ".key.pem"
    path.write_text(new_key())
    path.chmod(0o600)
    return path


def states(key: Path) -> list[str]:
    return list(signing_keys.there(str(key)))


def run(key: Path, *steps: str) -> None:
    for step in steps:
        assert signing_keys.run(step, str(key), check=False)


def test_a_rotation_from_its_begin_to_its_end(key: Path) -> None:
    first = key.read_text()
    run(key, "prepare")
    assert states(key) == ["signing", "next"]
    second = (key.parent / ".key.next.pem").read_text()
    assert signing_keys.accepted(str(key)) == [first, second]
    run(key, "switch")
    assert states(key) == ["signing", "old"]
    assert signing_keys.accepted(str(key)) == [second, first]
    run(key, "retire")
    assert states(key) == ["signing", "retired"]
    assert signing_keys.accepted(str(key)) == [second]
    run(key, "end")
    assert [path.name for path in key.parent.iterdir()] == [".key.pem"]


def test_keys_are_for_their_owner_only(key: Path) -> None:
    run(key, "prepare")
    assert [path.stat().st_mode & 0o777 for path in key.parent.iterdir()] == [0o600, 0o600]


@pytest.mark.parametrize("done", range(4))
def test_a_step_that_was_made_is_not_made_again(key: Path, done: int) -> None:
    run(key, *ALL[: done + 1])
    before = {path.name: path.read_text() for path in key.parent.iterdir()}
    # After its end a rotation may begin again.
    if ALL[done] != "end":
        assert signing_keys.run(ALL[done], str(key), check=False) == []
    assert {path.name: path.read_text() for path in key.parent.iterdir()} == before


@pytest.mark.parametrize("done", range(4))
def test_a_dry_run_says_the_same_and_does_nothing(key: Path, done: int) -> None:
    run(key, *ALL[:done])
    before = {path.name: path.read_text() for path in key.parent.iterdir()}
    predicted = signing_keys.run(ALL[done], str(key), check=True)
    assert {path.name: path.read_text() for path in key.parent.iterdir()} == before
    assert signing_keys.run(ALL[done], str(key), check=False) == predicted


def test_a_switch_that_was_killed_goes_on(key: Path) -> None:
    """The old key has its second name, and the next one does not sign yet."""
    run(key, "prepare")
    first, second = key.read_text(), (key.parent / ".key.next.pem").read_text()
    os.link(key, key.parent / ".key.old.pem")
    assert states(key) == ["signing", "next"]
    assert signing_keys.accepted(str(key)) == [first, second]
    assert signing_keys.run("prepare", str(key), check=False) == []
    run(key, "switch")
    assert signing_keys.accepted(str(key)) == [second, first]


def test_the_signing_key_has_its_name_at_any_moment(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(key, "prepare")

    def killed(*_names: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        signing_keys.run("switch", str(key), check=False)
    assert key.exists()


def test_a_key_that_lies_in_the_way_is_kept(key: Path) -> None:
    run(key, "prepare")
    other = key.parent / ".key.old.pem"
    other.write_text(new_key())
    other.chmod(0o600)
    before = key.read_text(), other.read_text()
    with pytest.raises(TokenError, match=r"move .* away"):
        signing_keys.run("switch", str(key), check=False)
    assert (key.read_text(), other.read_text()) == before


def test_steps_out_of_turn_are_refused(key: Path) -> None:
    run(key, "prepare")
    with pytest.raises(TokenError, match=r"run: make rotate$"):
        signing_keys.run("retire", str(key), check=False)
    run(key, "switch", "retire")
    with pytest.raises(TokenError, match="run: make rotate STEP=finish"):
        signing_keys.run("prepare", str(key), check=False)


def test_without_a_key_nothing_is_rotated(tmp_path: Path) -> None:
    with pytest.raises(TokenError, match="There is no signing key"):
        signing_keys.run("prepare", str(tmp_path / "none.pem"), check=False)
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_others_can_read_is_not_published(key: Path) -> None:
    run(key, "prepare")
    (key.parent / ".key.next.pem").chmod(0o644)
    with pytest.raises(TokenError, match="can be read by others"):
        signing_keys.accepted(str(key))
    with pytest.raises(TokenError, match="can be read by others"):
        signing_keys.run("switch", str(key), check=False)
