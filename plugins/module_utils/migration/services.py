# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins of services: roles beside those of roles.yml, and what becomes of one that nobody asks for any more. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.effects import Change
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.memberships import Administrator
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.role_changes import (
    SUPERUSER,
    role_change,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import Role, Wanted

# By it a login is known again when it stands in no list any more.
COMMENT = "Login of a service (bestviable.portfolio)."
NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
# Words of CREATE ROLE and of pg_hba.conf.
RESERVED = ("all", "none", "postgres", "public")


def _check(name: str, service: Mapping[str, Any], wanted: Wanted) -> None:
    if not NAME.fullmatch(name) or name.startswith("pg_") or name in RESERVED:
        raise MigrationError(
            f"services: {name!r} is not the name of a login; take lower-case letters, digits, _ and -, and none that "
            "PostgreSQL has itself"
        )
    if name in wanted.roles:
        raise MigrationError(f"services: {name} stands there twice or is a role of roles.yml; rename it")
    given = [role for role, found in wanted.roles.items() if not found.login and not found.by_token]
    wrong = [role for role in service["roles"] if role not in given]
    if wrong or not service["roles"]:
        has = f"the role {wrong[0]}" if wrong else "no role"
        raise MigrationError(f"services: {name} has {has}; give it some of: {', '.join(given)}")
    if service["connection_limit"] < 1:
        raise MigrationError(f"services: {name} has a connection_limit below 1; raise it or remove the service")


def added(wanted: Wanted, services: Iterable[Mapping[str, Any]]) -> Wanted:
    """What roles.yml asks for, and a login for each service."""
    for service in services:
        name = service["name"]
        _check(name, service, wanted)
        login = Role(
            login=True,
            connection_limit=service["connection_limit"],
            member_of=tuple(service["roles"]),
            comment=COMMENT,
        )
        wanted = replace(wanted, roles={**wanted.roles, name: login})
    return wanted


def closed(wanted: Wanted, found: Mapping[str, Mapping[str, Any]]) -> dict[str, Role]:
    """Logins that were a service's: they get in no more and lose what they had by their roles; what they own stays."""
    return {
        name: Role(connection_limit=state["connection_limit"], comment=COMMENT)
        for name, state in sorted(found.items())
        if name not in wanted.roles
    }


def retired(
    roles: Mapping[str, Role], found: Mapping[str, Mapping[str, Any]], by: Administrator = SUPERUSER
) -> dict[str, Change]:
    """What closes them."""
    changes = {name: role_change(name, role, found[name], by) for name, role in roles.items()}
    return {
        name: replace(change, detail=f"not among the services any more: {change.detail}")
        for name, change in changes.items()
        if change
    }
