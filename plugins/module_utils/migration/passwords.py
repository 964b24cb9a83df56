# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords of logins: read from their files on the server, and tried by logging in."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import (
    Session,
    Target,
    UnreachableError,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.settings import Settings


@dataclass(frozen=True)
class Login:
    name: str
    password: str = field(repr=False)


def read(name: str, path: str, check_mode: bool) -> Login:
    """A password from a file on the server; check mode may come before the file and leaves the password empty."""
    if check_mode and not os.path.lexists(path):
        return Login(name, "")
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise MigrationError(
                f"{path}, the password file of {name}, is not a file; nothing was changed; "
                "write the password into a file there"
            )
        with open(path, encoding="ascii") as handle:
            password = handle.read().rstrip("\r\n")
    except OSError as error:
        raise MigrationError(
            f"{path}, the password file of {name}, cannot be read: {error.strerror}; nothing was changed; "
            "write the password there first"
        ) from None
    except UnicodeDecodeError:
        password = ""
    if not password or not all(" " < character <= "~" for character in password):
        raise MigrationError(
            f"{path} must hold the password of {name}: one line of printable ASCII without spaces; "
            "nothing was changed; correct the file"
        )
    return Login(name, password)


def asking_sentence(admin: Target) -> str:
    """The remedy where a server does not do so at this address."""
    if not admin.host.startswith("/"):
        return "let its pg_hba.conf ask this address for scram-sha-256"
    return f'let pg_hba.conf say "local {admin.database} all scram-sha-256" for it'


def works(admin: Target, settings: Settings, login: Login) -> bool:
    """Log in with it: the one check that needs no right to read verifiers."""
    try:
        session = Session(admin.at(user=login.name, password=login.password), settings)
    except UnreachableError as error:
        # A server that is not there or full has not looked at the password.
        if error.absent or error.insecure or (error.full and not error.after_password):
            raise
        return error.after_password
    try:
        if not session.used_password:
            raise MigrationError(
                f"{login.name} was let in at {admin.host} without being asked for a password, so its password cannot "
                f"be checked; nothing was changed; {asking_sentence(admin)}"
            )
        return True
    finally:
        session.close()
