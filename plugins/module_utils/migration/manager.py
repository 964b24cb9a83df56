# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole run, from the module's parameters to its result."""

from __future__ import annotations

import os
import shlex
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift import by_admin
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.policy import Policy
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import (
    admin,
    admin_run,
    baseline,
    owner,
    passwords,
    report,
    revocations,
    roles,
    services,
    shipped,
    stages,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.admin import AdminPlan, AdminWork
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.arguments import files_of, target_of
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.effects import Effect, Psql
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.owner import Owner
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import Target, UnreachableError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.settings import Settings
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.state import State, Work


def read_work(params: Mapping[str, Any], warn: Callable[[str], None]) -> Work:
    """What the owner's session is to bring about."""
    found = files_of(params, warn)
    if not params["probe"]:
        found["assertions"] = replace(found["assertions"], probe=())
    release = shipped.parse(params["expected"], params["server_major"], warn)
    baseline.check(params["baseline"], found["migrations"], release)
    return Work(
        **found,
        accept={str(version): str(checksum) for version, checksum in params["accept"].items()},
        server_major=params["server_major"],
        per_file=params["transaction"] == "file",
        policy=Policy(params["drift"], frozenset(params["repair"]), params["revoke_extra"], params["online_above"]),
        shipped=release,
        baseline=params["baseline"],
    )


def read_psql(params: Mapping[str, Any], target: Target) -> Psql:
    """How an operator reaches the server by hand."""
    command = params["psql_command"] or _psql(target)
    return Psql(command, target.database, target.user, params["admin_user"])


def _psql(target: Target) -> str:
    """The client with this address; how it is encrypted is told by libpq's own variables."""
    secured = [f"PGSSLMODE={target.ssl_mode}"] if target.ssl_mode != "prefer" else []
    secured += [f"PGSSLROOTCERT={shlex.quote(target.ca_cert)}"] if target.ca_cert else []
    return " ".join([*secured, f"psql -h {shlex.quote(target.host)} -p {target.port}"])


def with_own_password(params: Mapping[str, Any], target: Target, check_mode: bool) -> Target:
    """Over TCP nobody is known without one: the owner's is the one that is kept, where no other is given."""
    files = {login["name"]: login["password_file"] for login in params["logins"]}
    given = params["login_unix_socket"] or params["login_password"] or params["passfile"]
    if given or target.user not in files:
        return target
    return target.at(password=passwords.read(target.user, files[target.user], check_mode).password)


def read_admin_work(params: Mapping[str, Any], target: Target, settings: Settings) -> AdminWork | None:
    """What the admin session is to bring about; None without an admin_user."""
    document = (params["access"] or {}).get("roles")
    wanted = roles.Wanted({}, {}) if document is None else roles.parse(document)
    if not params["admin_user"]:
        for option in ("logins", "services"):
            if params[option]:
                raise MigrationError(f"{option} are kept by the admin session; set admin_user")
        return None
    wanted = services.added(wanted, params["services"])
    if params["admin_password"] and not params["admin_has_password"]:
        raise MigrationError("admin_password is given and admin_has_password is false; give one or the other")
    for login in params["logins"]:
        if login["name"] not in wanted.roles:
            raise MigrationError(
                f"login {login['name']} is neither in roles.yml nor among the services; add it or remove the login"
            )
    if wanted.roles and params["login_user"] not in wanted.roles:
        raise MigrationError(f"login_user {params['login_user']} is not in roles.yml; add the role")
    return AdminWork(
        admin=target.at(
            user=params["admin_user"], password=params["admin_password"], database=params["maintenance_db"]
        ),
        database=params["login_db"],
        owner=params["login_user"],
        wanted=wanted,
        logins=[(login["name"], login["password_file"]) for login in params["logins"]],
        settings=settings,
        lock_wait=params["lock_wait"],
        psql=read_psql(params, target),
        system_settings=params["system_settings"],
        admin_has_password=params["admin_has_password"],
    )


class Manager:
    """`read`, then `run` (or `predict` where no session is possible); `failure` after an error of either."""

    def __init__(
        self,
        params: Mapping[str, Any],
        check_mode: bool,
        warn: Callable[[str], None],
        changing: Callable[[], None],
    ) -> None:
        self.params = params
        self.check_mode = check_mode
        self.warn = warn
        self.changing = changing
        lock_timeout = min(params["lock_timeout"], 1) if check_mode else params["lock_timeout"]
        self.settings = Settings(lock_timeout * 1000, params["statement_timeout"] * 1000)
        self.target = target_of(params)
        self.psql = read_psql(params, self.target)
        self.plan = AdminPlan()
        # Roles and database were brought up to date for good, whatever comes after.
        self.committed = False
        self.timings: dict[str, int] = {}

    def read(self) -> None:
        """Everything that can be judged without a server."""
        self.work = read_work(self.params, self.warn)
        self.target = with_own_password(self.params, self.target, self.check_mode)
        self.admin_work = read_admin_work(self.params, self.target, self.settings)
        given = self.params["revoked_tokens"]
        self.revoked = None if given is None else revocations.wanted(given)

    def predict(self) -> dict[str, Any]:
        """Nothing is there to look at: all of it is pending."""
        if self.admin_work and self.plan.empty:
            self.plan = admin.first(self.admin_work)
        result = report.predicted(self.work, self.plan)
        return result if self.revoked is None else report.with_revocations(result, revocations.first(self.revoked))

    def run(self) -> dict[str, Any]:
        """The result, with the list of refused tokens, which needs what the rest may just have made."""
        result = self._run()
        if self.revoked is None or not result["reachable"]:
            return result
        try:
            done = revocations.run(self.target, self.settings, self.revoked, self.check_mode)
        except MigrationError as error:
            if self.check_mode:
                raise
            sentence = error.sentence.replace("nothing was changed", "all else is as it should be")
            raise MigrationError(sentence, changed=result["changed"], left="partly") from None
        for effect in done.left:
            self.warn(effect.sentence)
        return report.with_revocations(result, done)

    def _run(self) -> dict[str, Any]:
        try:
            self._run_admin()
            if self.check_mode and (self.plan.locked or self.plan.incomplete):
                if self.plan.locked or not self.plan.readable:
                    return self.predict()
                return report.seen(owner.look(self._owner(), self.work), self.work, self.plan, self.psql, frozenset())
            taken_back = self._take_back()
            if taken_back is not None:
                return taken_back
            outcome = stages.run(self._owner(), self.work)
        except UnreachableError as error:
            # A server that has an address before we come is not one that is yet to be made.
            made = error.silent and self.params["login_uri"]
            if self.check_mode and (self._uncertified() or (error.absent and not made)):
                return self.predict()
            raise
        for sentence in report.warnings(outcome.left):
            self.warn(sentence)
        self._warn_of(outcome.before.verdict.left())
        return report.success(outcome, self.work, self.plan, self.psql, self.check_mode, self.timings)

    def _uncertified(self) -> bool:
        """Whether the certificate's file is yet to be written."""
        return self.target.ca_cert is not None and not os.path.lexists(self.target.ca_cert)

    def _warn_of(self, left: Iterable[Effect]) -> None:
        for effect in left:
            self.warn(effect.sentence)

    def _run_admin(self) -> None:
        if self.admin_work is None:
            return
        begin = time.monotonic()
        self.plan = admin_run.run(self.admin_work, self.check_mode, self.changing)
        self.committed = not self.check_mode and not self.plan.empty
        self.timings["admin"] = int((time.monotonic() - begin) * 1000)
        self._warn_of(self.plan.left)
        if self.check_mode and self.plan.changes:
            # They ask about roles too, which a dry run leaves as they are.
            self.work = replace(self.work, assertions=replace(self.work.assertions, sql=(), probe=()))

    def _take_back(self) -> dict[str, Any] | None:
        """Objects that stand in `repair` and belong to somebody else; a dry run ends with what it predicts."""
        if self.admin_work is None or not self.work.policy.named:
            return None
        state = owner.look(self._owner(), self.work)
        changes = by_admin.wanted(state.findings, self.work.policy)
        if not changes:
            return None
        self.plan.changes += changes
        if self.check_mode:
            keys = by_admin.handled(changes, state.snapshot.objects)
            return report.seen(state, self.work, self.plan, self.psql, keys)
        self.changing()
        administrator = self.admin_work.admin.at(database=self.target.database)
        by_admin.run(administrator, self.settings, self.params["lock_wait"], changes)
        self.committed = True
        return None

    def _owner(self) -> Owner:
        run_id = f"{os.environ.get('PORTFOLIO_RUN_ID', 'run')}/{uuid.uuid4()}"
        return Owner(self.target, self.settings, self.params["lock_wait"], self.check_mode, run_id, self.changing)

    def failure(self, error: Exception) -> dict[str, Any]:
        """The arguments of fail_json: the sentence, where, and what is left behind."""
        result = {"msg": str(error), "changed": self.committed, "left": "unchanged", **getattr(error, "details", {})}
        found: State | None = result.pop("found", None)
        admin = self.plan.effects if self.committed or self.check_mode else self.plan.left
        result["effects"] = [effect.as_dict() for effect in admin]
        result["effects"] += report.refused(found, self.psql) if found else []
        if "difference" in result:
            result["diff"] = {"prepared": result.pop("difference")}
        if self.committed:
            if result["left"] == "unchanged":
                result["left"] = "roles"
            result["admin"] = [change.key for change in self.plan.changes]
            result["msg"] = result["msg"].replace(
                "nothing was changed", "only roles and database were brought up to date"
            )
        return result
