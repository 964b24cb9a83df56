# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin session: roles, memberships, the database, passwords. It comes first and does nothing else."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import lock, roles, scram
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.retry import again
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import Change, Wanted, identifier
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import (
    DatabaseError,
    Session,
    Settings,
    Target,
    UnreachableError,
)


@dataclass(frozen=True)
class Login:
    name: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class AdminWork:
    admin: Target
    database: str
    owner: str
    wanted: Wanted
    # Name and password file; the file may not be there yet when check mode runs on a bare server.
    logins: list[tuple[str, str]]
    settings: Settings
    lock_wait: float


@dataclass
class AdminPlan:
    changes: list[Change] = field(default_factory=list)
    create_database: bool = False
    # SQL in the transaction before the database is created, and in the one after.
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    passwords: list[Login] = field(default_factory=list)
    # The owner's session cannot be tried yet: roles or the database are missing.
    incomplete: bool = False
    # ... but it can at least read the ledger.
    readable: bool = False
    warnings: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not self.changes


def read_login(name: str, path: str, check_mode: bool) -> Login:
    """A password from a file on the server; check mode may come before the file and leaves the password empty."""
    if check_mode and not os.path.lexists(path):
        return Login(name, "")
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise MigrationError(
                f"{path}, the password file of {name}, is not a file; write the password into a file there"
            )
        with open(path, encoding="ascii") as handle:
            password = handle.read().rstrip("\r\n")
    except OSError as error:
        raise MigrationError(
            f"{path}, the password file of {name}, cannot be read: {error.strerror}; write the password there first"
        ) from None
    except UnicodeDecodeError:
        password = ""
    if not password or not all(" " < character <= "~" for character in password):
        raise MigrationError(
            f"{path} must hold the password of {name}: one line of printable ASCII without spaces; correct the file"
        )
    return Login(name, password)


def _password_works(work: AdminWork, login: Login) -> bool:
    """Log in with it: the one check that needs no right to read verifiers."""
    target = work.admin.at(user=login.name, password=login.password)
    try:
        session = Session(target, work.settings)
    except UnreachableError as error:
        # PostgreSQL counts connections after it has checked the password.
        return "too many connections" in error.message
    try:
        if not session.used_password:
            raise MigrationError(
                f"{login.name} was let in at {target.host} without being asked for a password, so its password cannot "
                f'be checked; let pg_hba.conf say "local {target.database} all scram-sha-256" for it'
            )
        return True
    finally:
        session.close()


def _plan(work: AdminWork, logins: list[Login], session: Session) -> AdminPlan:
    names = list(work.wanted.roles)
    state: dict[str, Any] = session.query(roles.READ, {"roles": names, "database": work.database})[0][0]
    found = state["roles"] or {}
    plan = AdminPlan(warnings=roles.warnings(work.wanted, found, state["user"]))
    for name, role in work.wanted.roles.items():
        change = roles.role_change(name, role, found.get(name))
        if change:
            plan.changes.append(change)
            plan.before += change.statements
    plan.before += roles.membership_statements(work.wanted, found)
    plan.create_database, change = roles.database_change(work.database, work.owner, work.wanted, state["database"])
    if change:
        plan.changes.append(change)
        plan.after += change.statements
        # Only a member of a role may hand a database to it, unless it is a superuser.
        if (
            not state["superuser"]
            and work.owner != state["user"]
            and state["user"] not in found.get(work.owner, {}).get("members", [])
        ):
            plan.before.append(f"GRANT {identifier(work.owner)} TO CURRENT_USER")
    for login in logins:
        if not login.password or login.name not in found or not _password_works(work, login):
            plan.passwords.append(login)
            plan.changes.append(Change(f"password {login.name}", "another one", "as in its file", ()))
    plan.incomplete = plan.create_database or any(name not in found for name in names)
    plan.readable = not plan.create_database and work.owner in found
    return plan


def _transaction(session: Session, statements: list[str]) -> None:
    if statements:
        session.execute("; ".join(["BEGIN", *statements, "COMMIT"]))


def _execute(work: AdminWork, session: Session, plan: AdminPlan) -> None:
    _transaction(session, plan.before)
    if plan.create_database:
        session.execute(
            f"CREATE DATABASE {identifier(work.database)} OWNER {identifier(work.owner)} "
            "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"
        )
    _transaction(session, plan.after)
    for login in plan.passwords:
        session.execute(f"ALTER ROLE {identifier(login.name)} PASSWORD {roles.literal(scram.verifier(login.password))}")
        if not _password_works(work, login):
            raise MigrationError(
                f"{login.name} cannot log in at {work.admin.host} with the password that was just set; "
                f'let pg_hba.conf say "local {work.admin.database} all scram-sha-256" for it',
                left="roles",
                changed=True,
            )


def run(work: AdminWork, check_mode: bool, changing: Callable[[], None]) -> AdminPlan:
    """Bring roles, database and passwords up to date; in check mode only say what would be done."""
    logins = [read_login(name, path, check_mode) for name, path in work.logins]
    session = again(lambda attempt: Session(work.admin, work.settings), not check_mode, time.sleep)
    begun = False
    try:
        plan = _plan(work, logins, session)
        if plan.empty or check_mode:
            return plan
        changing()
        lock.acquire(session, work.lock_wait)
        # What was missing a moment ago may be the work of the run that held the lock.
        plan = _plan(work, logins, session)
        begun = True
        _execute(work, session, plan)
        return plan
    except DatabaseError as error:
        session.rollback()
        # A database cannot be created in a transaction, so the roles before it may stand already.
        left = {"left": "roles", "changed": True} if begun else {}
        raise MigrationError(
            f"roles and database cannot be brought up to date as {work.admin.user}: {error}; "
            "no schema was changed; see that this login may create roles and databases",
            **left,
        ) from None
    finally:
        session.close()
