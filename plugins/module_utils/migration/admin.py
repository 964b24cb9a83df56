# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin session: roles, memberships, the database, passwords. It comes first and does nothing else."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import (
    admin_query,
    lock,
    passwords,
    role_changes,
    scram,
    system_settings,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.effects import Change, Effect, Psql
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.remedies import remedy_sentence
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.retry import again
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import Wanted, identifier, literal
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import (
    DatabaseError,
    Session,
    Settings,
    Target,
)

# Seconds until the server has read its configuration again, if it is very busy.
_RELOAD = 10.0


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
    psql: Psql
    # reset, report or ignore
    system_settings: str
    admin_has_password: bool


@dataclass
class AdminPlan:
    changes: list[Change] = field(default_factory=list)
    # What only a person may decide.
    left: list[Effect] = field(default_factory=list)
    create_database: bool = False
    # SQL in the transaction before the database is created, and in the one after.
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    # SQL that cannot be in a transaction; the configuration is read again after it.
    system: list[str] = field(default_factory=list)
    passwords: list[passwords.Login] = field(default_factory=list)
    # Settings that a restart brings into force, once all this is done.
    pending_restart: list[str] = field(default_factory=list)
    # The owner's session cannot be tried yet: roles or the database are missing, or the database is somebody else's.
    incomplete: bool = False
    # ... but it can at least read the ledger.
    readable: bool = False
    # The owner cannot log in yet: nothing can be said of the schema.
    locked: bool = False

    @property
    def empty(self) -> bool:
        return not self.changes

    @property
    def effects(self) -> list[Effect]:
        """What is done, then what is left."""
        return [change.as_effect() for change in self.changes] + self.left


def _read(work: AdminWork, session: Session) -> dict[str, Any]:
    names = {"roles": list(work.wanted.roles), "database": work.database, "owner": work.owner}
    state: dict[str, Any] = session.query(admin_query.query(session.superuser, not work.admin_has_password), names)[0][
        0
    ]
    return state


def _plan_roles(work: AdminWork, plan: AdminPlan, state: dict[str, Any]) -> None:
    found, settable = state["roles"] or {}, state.get("settable")
    for name, role in work.wanted.roles.items():
        change = role_changes.role_change(name, role, found.get(name), settable)
        if change:
            plan.changes.append(change)
            plan.before += change.statements
    plan.before += role_changes.membership_statements(work.wanted, found)
    plan.create_database, change = role_changes.database_change(
        work.database, work.owner, work.wanted, state["database"], settable
    )
    if change:
        plan.changes.append(change)
        plan.after += change.statements
        # Only a member of a role may hand a database to it, unless it is a superuser.
        if (
            "settable" in state
            and work.owner != state["user"]
            and state["user"] not in found.get(work.owner, {}).get("members", [])
        ):
            plan.before.append(f"GRANT {identifier(work.owner)} TO CURRENT_USER")
    plan.left += role_changes.left(work.wanted, state, work.psql)


def _plan_server(work: AdminWork, plan: AdminPlan, state: dict[str, Any]) -> None:
    if work.system_settings == "reset":
        for change in system_settings.changes(state):
            plan.changes.append(change)
            (plan.system if change.effect == "reload" else plan.before).extend(change.statements)
    elif work.system_settings == "report":
        plan.left += system_settings.left(state, work.psql)
    plan.pending_restart = system_settings.waiting(state, work.system_settings == "reset")
    if state.get("own_password"):
        statement = f"ALTER ROLE {identifier(state['user'])} PASSWORD NULL"
        plan.before.append(statement)
        plan.changes.append(
            Change(f"password {state['user']}", "set", "none", (statement,), "it has one and needs none")
        )


def _password(name: str) -> Change:
    return Change(f"password {name}", "another one", "as in its file", (), "not the one in its file")


def first(work: AdminWork) -> AdminPlan:
    """On a server that has nothing yet."""
    plan = AdminPlan(incomplete=True)
    _plan_roles(work, plan, {"roles": {}, "database": None})
    plan.changes += [_password(name) for name, _path in work.logins]
    return plan


def _plan(work: AdminWork, logins: list[passwords.Login], session: Session) -> AdminPlan:
    state, plan = _read(work, session), AdminPlan()
    lock.refuse_pooler(state["pid"], session.backend_pid)
    found, database = state["roles"] or {}, state["database"] or {}
    _plan_roles(work, plan, state)
    _plan_server(work, plan, state)
    for login in logins:
        if not login.password or login.name not in found or not passwords.works(work.admin, work.settings, login):
            plan.passwords.append(login)
            plan.changes.append(_password(login.name))
    plan.incomplete = (
        plan.create_database
        or any(name not in found for name in work.wanted.roles)
        or database.get("owner") != work.owner
    )
    plan.readable = not plan.create_database and work.owner in found
    owner = found.get(work.owner)
    plan.locked = plan.readable and bool(
        database.get("closed")
        or database.get("connects") is False
        or database.get("connection_limit") == 0
        or (owner and (not owner["login"] or owner["connection_limit"] == 0))
    )
    return plan


def _transaction(session: Session, statements: list[str]) -> None:
    session.execute("; ".join(["BEGIN", *statements, "COMMIT"]))


def _reload(session: Session) -> None:
    """Have the configuration read again, and wait until this session has done so as well."""
    before = session.query("SELECT pg_conf_load_time()::text FROM pg_reload_conf()")[0][0]
    deadline = time.monotonic() + _RELOAD
    while session.query("SELECT pg_conf_load_time()::text")[0][0] == before and time.monotonic() < deadline:
        time.sleep(0.05)


def _execute(work: AdminWork, session: Session, plan: AdminPlan) -> Iterator[None]:
    """Comes back after each step that stands, whatever becomes of the next."""
    if plan.before:
        _transaction(session, plan.before)
        yield
    if plan.create_database:
        session.execute(
            f"CREATE DATABASE {identifier(work.database)} OWNER {identifier(work.owner)} "
            "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"
        )
        yield
    if plan.after:
        _transaction(session, plan.after)
        yield
    if plan.system:
        for statement in plan.system:
            session.execute(statement)
            yield
        _reload(session)
        plan.pending_restart = system_settings.waiting(_read(work, session), reset=True)
    for login in plan.passwords:
        session.execute(f"ALTER ROLE {identifier(login.name)} PASSWORD {literal(scram.verifier(login.password))}")
        yield
        if not passwords.works(work.admin, work.settings, login):
            raise MigrationError(
                f"{login.name} cannot log in at {work.admin.host} with the password that was just set; "
                f'let pg_hba.conf say "local {work.admin.database} all scram-sha-256" for it'
            )


class _Run:
    """One run over several attempts; it remembers what an attempt began whose connection was lost."""

    def __init__(self, work: AdminWork, check_mode: bool, changing: Callable[[], None]) -> None:
        self.work = work
        self.check_mode = check_mode
        self.changing = changing
        self.logins = [passwords.read(name, path, check_mode) for name, path in work.logins]
        self.begun: list[Change] = []
        # Something may stand already: not all of it can be in one transaction.
        self.touched = False

    def attempt(self, _number: int) -> AdminPlan:
        with contextlib.closing(Session(self.work.admin, self.work.settings)) as session:
            plan = _plan(self.work, self.logins, session)
            if self.check_mode or (plan.empty and not self.begun):
                return plan
            if not self.begun:
                self.changing()
            lock.acquire(session, self.work.lock_wait)
            # What was missing a moment ago may be the work of the run that held the lock.
            plan = _plan(self.work, self.logins, session)
            known = {change.key for change in self.begun}
            self.begun += [change for change in plan.changes if change.key not in known]
            try:
                for _step in _execute(self.work, session, plan):
                    self.touched = True
            except DatabaseError as error:
                self.touched = self.touched or error.lost
                raise
            plan.changes = self.begun
            return plan


def run(work: AdminWork, check_mode: bool, changing: Callable[[], None]) -> AdminPlan:
    """Bring roles, database and passwords up to date; in check mode only say what would be done."""
    this = _Run(work, check_mode, changing)
    try:
        return again(this.attempt, not check_mode, time.sleep)
    except DatabaseError as error:
        failure = MigrationError(
            f"roles and database cannot be brought up to date as {work.admin.user}: {error}; nothing was changed; "
            f"{remedy_sentence(error, 'see that this login may create roles and databases')}"
        )
    except MigrationError as error:
        failure = error
    if this.touched:
        sentence = failure.sentence.replace("nothing was changed", "no schema was changed")
        failure = MigrationError(sentence, **{**failure.details, "left": "roles", "changed": True})
    raise failure from None
