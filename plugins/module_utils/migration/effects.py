# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does or would do, as data: `changed`, the diff, warnings and `effects` are made of it. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass


@dataclass(frozen=True)
class Effect:
    """One object and what becomes of it; `left`: it is named and not touched, and `remedy` says what to do."""

    effect: str
    object: str
    detail: str
    remedy: str | None = None

    def as_dict(self) -> dict[str, str]:
        """As it stands in the result."""
        shown = {"effect": self.effect, "object": self.object, "detail": self.detail}
        return shown if self.remedy is None else {**shown, "remedy": self.remedy}

    @property
    def sentence(self) -> str:
        """As a warning."""
        return f"{self.object}: {self.detail}" + ("" if self.remedy is None else f"; {self.remedy}")


@dataclass(frozen=True)
class Change:
    """One object that differs: how it looks before and after, the statements between, and what differs in short."""

    key: str
    before: str | None
    after: str | None
    statements: tuple[str, ...]
    detail: str
    effect: str = "change"

    def as_effect(self) -> Effect:
        """For the result's list."""
        return Effect(self.effect, self.key, self.detail)


@dataclass(frozen=True)
class Psql:
    """How an operator reaches the server by hand: what a remedy begins with."""

    command: str
    database: str
    owner: str
    admin: str | None

    def as_admin(self, *statements: str) -> str:
        """A remedy that only the administrator's login can do."""
        return self._run(self.admin or self.owner, statements)

    def as_owner(self, *statements: str) -> str:
        """A remedy that the owner of the objects can do."""
        return self._run(self.owner, statements)

    def _run(self, user: str, statements: tuple[str, ...]) -> str:
        # One -c each: some statements cannot share a transaction.
        sql = " ".join(f"-c {shlex.quote(statement)}" for statement in statements)
        return f"run: {self.command} -U {shlex.quote(user)} -d {shlex.quote(self.database)} {sql}"
