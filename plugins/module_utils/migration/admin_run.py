# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin session at work: what `admin` plans is done here, and tried again where its connection is lost."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import (
    lock,
    passwords,
    scram,
    system_settings,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.admin import (
    AdminPlan,
    AdminWork,
    plan_of,
    read,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.effects import Change
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.remedies import remedy_sentence
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.retry import again
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import identifier, literal
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import DatabaseError, Session

# Seconds until the server has read its configuration again, if it is very busy.
_RELOAD = 10.0


def _reload(session: Session) -> None:
    """Have the configuration read again, and wait until this session has done so as well."""
    before = session.query("SELECT pg_conf_load_time()::text FROM pg_reload_conf()")[0][0]
    deadline = time.monotonic() + _RELOAD
    while session.query("SELECT pg_conf_load_time()::text")[0][0] == before and time.monotonic() < deadline:
        time.sleep(0.05)


def _execute(work: AdminWork, session: Session, plan: AdminPlan) -> Iterator[None]:
    """Comes back after each step that stands, whatever becomes of the next."""
    if plan.before:
        session.transaction(plan.before)
        yield
    if plan.create_database:
        session.execute(
            f"CREATE DATABASE {identifier(work.database)} OWNER {identifier(work.owner)} "
            "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"
        )
        yield
    if plan.after:
        session.transaction(plan.after)
        yield
    if plan.inside:
        with contextlib.closing(Session(work.admin.at(database=work.database), work.settings)) as inside:
            inside.transaction(plan.inside)
        yield
    if plan.system:
        for statement in plan.system:
            session.execute(statement)
            yield
        _reload(session)
        plan.pending_restart = system_settings.waiting(read(work, session), reset=True)
    for login in plan.passwords:
        session.execute(f"ALTER ROLE {identifier(login.name)} PASSWORD {literal(scram.verifier(login.password))}")
        yield
        if not passwords.works(work.admin, work.settings, login):
            raise MigrationError(
                f"{login.name} cannot log in at {work.admin.host} with the password that was just set; "
                f"{passwords.asking_sentence(work.admin)}"
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
            plan = plan_of(self.work, self.logins, session)
            if self.check_mode or (plan.empty and not self.begun):
                return plan
            if not self.begun:
                self.changing()
            lock.acquire(session, self.work.lock_wait)
            # What was missing a moment ago may be the work of the run that held the lock.
            plan = plan_of(self.work, self.logins, session)
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
