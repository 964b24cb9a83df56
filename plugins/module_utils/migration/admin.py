# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin session: roles, memberships, the database, passwords. It comes first and does nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import (
    admin_query,
    guard,
    lock,
    memberships,
    passwords,
    role_changes,
    services,
    system_settings,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.effects import Change, Effect, Psql
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import Role, Wanted, identifier
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import (
    Session,
    Target,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.settings import Settings


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
    # SQL in a transaction of the administrator inside the database.
    inside: list[str] = field(default_factory=list)
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


def read(work: AdminWork, session: Session) -> dict[str, Any]:
    names: dict[str, Any] = {"roles": list(work.wanted.roles), "database": work.database, "owner": work.owner}
    names["service"] = services.COMMENT
    state: dict[str, Any] = session.query(admin_query.query(session.superuser, not work.admin_has_password), names)[0][
        0
    ]
    return state


def _plan_roles(work: AdminWork, plan: AdminPlan, state: dict[str, Any]) -> None:
    found, by = state["roles"] or {}, memberships.administrator(state)
    for name, role in work.wanted.roles.items():
        change = role_changes.role_change(name, role, found.get(name), by)
        if change:
            _refuse_others(f"role {name}", _asked_for(name, role, change, found), found, by)
            plan.changes.append(change)
            plan.before += change.statements
    closed = services.closed(work.wanted, found)
    for name, change in services.retired(closed, found, by).items():
        _refuse_others(f"role {name}", [name], found, by)
        plan.changes.append(change)
        plan.before += change.statements
    plan.before += role_changes.membership_statements(work.wanted, found)
    plan.create_database, change = role_changes.database_change(
        work.database, work.owner, work.wanted, state["database"], by
    )
    if change:
        plan.changes.append(change)
        plan.after += change.statements
        # Only who may become a role, and has its rights, may hand a database to it, unless it is a superuser.
        if not by.superuser and work.owner != by.name and not found.get(work.owner, {}).get("becomes"):
            _refuse_others(f"database {work.database}", [work.owner], found, by)
            plan.before.append(f"GRANT {identifier(work.owner)} TO CURRENT_USER")
    kept = replace(work.wanted, roles={**work.wanted.roles, **closed})
    plan.left += role_changes.left(kept, state, work.psql)


def _asked_for(name: str, wanted: Role, change: Change, found: Mapping[str, Any]) -> list[str]:
    """The roles that a change of one is about."""
    there = found.get(name, {}).get("member_of", ())
    joined = [group for group in wanted.member_of if group not in there]
    return [name, *joined] if change.statements else joined


def _refuse_others(what: str, roles: Iterable[str], found: Mapping[str, Any], by: memberships.Administrator) -> None:
    """Since PostgreSQL 16 CREATEROLE is about the roles that a login made itself, and those that it was given."""
    for role in roles:
        if found.get(role, {}).get("administered") is False:
            raise MigrationError(
                f"{what} is not as asked for, and {by.name} has no ADMIN OPTION on role {role}, which somebody else "
                "made; nothing was changed; let who made it or a superuser of this server say: "
                f"GRANT {identifier(role)} TO {identifier(by.name)} WITH ADMIN OPTION"
            )


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


def _plan_guard(work: AdminWork, plan: AdminPlan, administrator: str, closed: bool) -> None:
    """What only a superuser may make inside the database; one that lets nobody in is looked at in the next run."""
    if not work.wanted.guarded_schemas or closed:
        return
    found = None
    if not plan.create_database:
        with contextlib.closing(Session(work.admin.at(database=work.database), work.settings)) as session:
            found = session.query(guard.QUERY, guard.ARGUMENTS)[0][0]
    change = guard.change(administrator, work.wanted.guarded_schemas, found)
    if change:
        plan.changes.append(change)
        plan.inside += change.statements


def _password(name: str) -> Change:
    return Change(f"password {name}", "another one", "as in its file", (), "not the one in its file")


def first(work: AdminWork) -> AdminPlan:
    """On a server that has nothing yet."""
    plan = AdminPlan(incomplete=True)
    _plan_roles(work, plan, {"roles": {}, "database": None, "user": work.admin.user})
    if not work.admin_has_password:
        # A server of its own, which is about to be made.
        _plan_guard(work, plan, work.admin.user, closed=False)
    plan.changes += [_password(name) for name, _path in work.logins]
    return plan


def plan_of(work: AdminWork, logins: list[passwords.Login], session: Session) -> AdminPlan:
    state, plan = read(work, session), AdminPlan()
    lock.refuse_pooler(state["pid"], session.backend_pid)
    found, database = state["roles"] or {}, state["database"] or {}
    _plan_roles(work, plan, state)
    _plan_server(work, plan, state)
    if session.superuser:
        _plan_guard(work, plan, state["user"], bool(database.get("closed")))
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
