# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a signing key and the steps of its rotation, each whole or not done, so that a killed one goes on.

While KEY.pem, which signs, is rotated, there lie beside it KEY.next.pem, which is published before it signs;
KEY.old.pem, whose tokens are accepted still; and KEY.retired.pem, whose tokens are not, until that is proven.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.bestviable.portfolio.plugins.plugin_utils import token_register
from ansible_collections.bestviable.portfolio.plugins.plugin_utils.tokens import TokenError, kid_of, new_key, read_key

# Whose tokens the API accepts, the one that signs first.
ACCEPTED = ("signing", "next", "old")
STATES = (*ACCEPTED, "retired")


@dataclass(frozen=True)
class Done:
    """One thing that a step did or would do."""

    object: str
    detail: str


def place(path: str, state: str) -> Path:
    """Where the key of a state lies."""
    signing = Path(path)
    return signing if state == "signing" else signing.with_suffix(f".{state}{signing.suffix}")


def there(path: str) -> dict[str, Path]:
    """The keys that are there, by state. The same file under two names, as a killed step leaves it, is the first."""
    found: dict[str, Path] = {}
    for state in STATES:
        file = place(path, state)
        if os.path.lexists(file) and not any(file.samefile(other) for other in found.values()):
            found[state] = file
    return found


def named(path: str) -> dict[str, str]:
    """The state of each key that is there, by its name (kid)."""
    return {kid_of(read_key(str(file))): state for state, file in there(path).items()}


def accepted(path: str) -> list[str]:
    """The keys whose tokens the API accepts."""
    return [read_key(str(file)) for state, file in there(path).items() if state in ACCEPTED]


def prepare(path: str, check: bool) -> list[Done]:
    """Make the key that comes next, unless a rotation is under way."""
    found = there(path)
    if "retired" in found:
        raise TokenError(
            f"The rotation before is not finished: {found['retired']} is there still; run: make rotate STEP=finish"
        )
    if "signing" not in found:
        read_key(path)
    if {"next", "old"} & found.keys():
        return []
    target = place(path, "next")
    if not check:
        _create(target)
    return [Done(str(target), "missing, made on the control node")]


def switch(path: str, check: bool) -> list[Done]:
    """Let the next key sign, and keep the one before."""
    found = there(path)
    if "next" not in found:
        return []
    read_key(str(found["next"]))
    if not check:
        old = place(path, "old")
        # The signing key has a name at any moment: it gets its second one before it loses the first.
        with contextlib.suppress(FileExistsError):
            os.link(path, old)
        if not old.samefile(path):
            raise TokenError(f"{old} is not the key that signs, and the next one is there; move {old} away.")
        os.replace(found["next"], path)
    return [Done(path, "the next key takes its place")]


def retire(path: str, check: bool) -> list[Done]:
    """Take the old key from those that are accepted."""
    found = there(path)
    if "next" in found:
        raise TokenError(f"The rotation is only begun: {found['next']} does not sign yet; run: make rotate")
    if "old" not in found:
        return []
    if not check:
        os.replace(found["old"], place(path, "retired"))
    return [Done(str(found["old"]), "its tokens end")]


def end(path: str, check: bool) -> list[Done]:
    """Remove the key that ended."""
    found = there(path)
    if "retired" not in found:
        return []
    if not check:
        found["retired"].unlink()
    return [Done(str(found["retired"]), "removed")]


STEPS: dict[str, Callable[[str, bool], list[Done]]] = {
    "prepare": prepare,
    "switch": switch,
    "retire": retire,
    "end": end,
}


def run(step: str, path: str, check: bool) -> list[Done]:
    """One step, alone in the key's directory; what it did."""
    with token_register.locked(path):
        try:
            return STEPS[step](path, check)
        except OSError as error:
            raise TokenError(
                f"The signing key {path} cannot be replaced ({error.strerror}); "
                "correct the owner and mode of its directory."
            ) from None


def _create(target: Path) -> None:
    """A new key under its name as a whole, and never in the place of another."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name.lstrip('.')}.")
    try:
        with open(handle, "w", encoding="ascii") as file:
            file.write(new_key())
            file.flush()
            os.fsync(file.fileno())
        os.link(name, target)
    finally:
        os.unlink(name)
