# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The register of tokens, a file beside the inventory: what was handed out, and what of it is refused.

It never holds a token, only what names one. What is refused is the list of record; the database has a copy
(private.revoked_tokens), which every run of site.yml puts right.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.files import disk
from ansible_collections.bestviable.portfolio.plugins.plugin_utils.tokens import DAY, MAX_DAYS, TokenError

VERSION = 1
# For how long an entry is still told of after its token has expired.
KEPT = MAX_DAYS * DAY
JTI = re.compile(r"[A-Za-z0-9._:-]{1,100}")


@dataclass(frozen=True)
class Issued:
    """A token that was handed out."""

    jti: str
    role: str
    sub: str
    iat: int
    exp: int
    kid: str
    client_id: str | None = None
    person_id: int | None = None


@dataclass(frozen=True)
class Revoked:
    """A token that is refused. When it ends is known of what was handed out here, else it is the latest possible."""

    jti: str
    revoked_at: int
    expires_at: int
    reason: str


@dataclass(frozen=True)
class Wish:
    """What is to be refused: the tokens of these ids, of a subject, or of a key."""

    jti: tuple[str, ...] = ()
    sub: str = ""
    kid: str = ""


@dataclass(frozen=True)
class Register:
    """All of it, in the order in which it was written."""

    issued: tuple[Issued, ...] = ()
    revoked: tuple[Revoked, ...] = field(default=())

    @property
    def refused(self) -> set[str]:
        """The ids of what is revoked."""
        return {entry.jti for entry in self.revoked}

    def live(self, now: int) -> list[Issued]:
        """What the API accepts, as far as it was handed out here."""
        return [entry for entry in self.issued if entry.exp > now and entry.jti not in self.refused]

    def plus(self, entry: Issued) -> Register:
        """With one more token that was handed out."""
        return replace(self, issued=(*self.issued, entry))

    def pruned(self, now: int) -> Register:
        """Without what has been over for long."""
        return Register(
            tuple(entry for entry in self.issued if entry.exp + KEPT > now),
            tuple(entry for entry in self.revoked if entry.expires_at + KEPT > now),
        )


def parse(text: str, source: str) -> Register:
    """The register in a file's text."""
    try:
        document = json.loads(text)
        if document["version"] != VERSION:
            raise TokenError(
                f"{source} is of version {document['version']}, and this collection knows {VERSION}; update it."
            )
        issued = tuple(Issued(**entry) for entry in document["issued"])
        revoked = tuple(Revoked(**entry) for entry in document["revoked"])
    except (ValueError, TypeError, KeyError) as error:
        if isinstance(error, TokenError):
            raise
        raise TokenError(
            f"{source} is not the register of tokens that this collection writes ({error}), and it says which tokens "
            "are refused; restore it from a backup."
        ) from None
    return Register(issued, revoked)


def render(register: Register) -> str:
    """The text of the file: one line for each entry, what is not known left out."""

    def lines(entries: Iterable[Issued | Revoked]) -> str:
        told = [{name: value for name, value in asdict(entry).items() if value is not None} for entry in entries]
        return ",".join(f"\n    {json.dumps(entry)}" for entry in told)

    return (
        f'{{\n  "version": {VERSION},\n  "issued": [{lines(register.issued)}],\n'
        f'  "revoked": [{lines(register.revoked)}]\n}}\n'
    )


def read(path: str) -> Register:
    """The register of a file; empty before the first token."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), encoding="utf-8") as file:
            return parse(file.read(), path)
    except FileNotFoundError:
        return Register()
    except OSError as error:
        raise _failure(path, error) from None


def change(path: str, how: Callable[[Register], Register]) -> Register:
    """Change the file as a whole or not at all, one at a time; what is there afterwards."""
    with locked(path):
        before = read(path)
        after = how(before)
        if after != before:
            _write(path, render(after))
        return after


def chosen(register: Register, wish: Wish) -> list[str]:
    """The ids that a wish names, whatever became of these tokens."""
    issued = [entry.jti for entry in register.issued if wish.sub == entry.sub or wish.kid == entry.kid]
    return list(dict.fromkeys((*wish.jti, *issued)))


def revoke(register: Register, wish: Wish, now: int) -> Register:
    """With everything refused that the wish names and that is still accepted."""
    known = {entry.jti: entry for entry in register.issued}
    wrong = [jti for jti in wish.jti if not JTI.fullmatch(jti)]
    if wrong:
        raise TokenError(f"JTI={wrong[0]} is not a token's id; look at what was handed out, run: make tokens")
    others = f"all of sub {wish.sub}" if wish.sub else f"all of key {wish.kid}"
    ends = {jti: known[jti].exp if jti in known else now + MAX_DAYS * DAY for jti in chosen(register, wish)}
    added = tuple(
        Revoked(jti, now, end, "by its id" if jti in wish.jti else others)
        for jti, end in ends.items()
        if end > now and jti not in register.refused
    )
    return replace(register, revoked=(*register.revoked, *added))


def unreplaced(register: Register, kid: str, signing: str, now: int) -> list[Issued]:
    """Tokens of a key that would end with it, and of which nobody has one of the signing key for the same use."""
    live = register.live(now)

    def use(entry: Issued) -> tuple[Any, ...]:
        return entry.role, entry.sub, entry.client_id, entry.person_id

    replaced = {use(entry) for entry in live if entry.kid == signing}
    return [entry for entry in live if entry.kid == kid and use(entry) not in replaced]


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """The file's directory: the file itself is another one after each change."""
    try:
        directory = os.open(Path(path).parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _failure(path, error) from None
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def _write(path: str, text: str) -> None:
    try:
        disk.replace(path, text.encode(), os.geteuid(), os.getegid(), 0o600)
    except OSError as error:
        raise _failure(path, error) from None


def _failure(path: str, error: OSError) -> TokenError:
    if error.errno == errno.ELOOP:
        return TokenError(f"The register of tokens {path} is a link, which a change would replace; put the file there.")
    return TokenError(
        f"The register of tokens {path} cannot be read and written ({error.strerror}); correct the owner and mode of "
        "the file and its directory."
    )
