# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is a member of whom, and what a session may change of it. Pure.

Since PostgreSQL 16 a membership belongs to who gave it, there may be several of the same two roles, and each has
options of its own: whether the rights count without SET ROLE, and whether SET ROLE is allowed at all.
https://www.postgresql.org/docs/17/role-membership.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import Role, identifier

# What a role of ours never has and who is no superuser cannot take away (since 16: who does not have it).
_KEPT_BY_SUPERUSERS = ("superuser", "replication", "bypassrls")


@dataclass(frozen=True)
class Administrator:
    """The login that keeps the roles, and what it may; without a word a superuser, who may everything."""

    name: str = ""
    # The settings that it may set for others.
    settable: frozenset[str] | None = None

    @property
    def superuser(self) -> bool:
        return self.settable is None

    def sets(self, setting: str) -> bool:
        return self.settable is None or setting.lower() in self.settable

    def takes(self, attribute: str) -> bool:
        """One of the attributes that roles of ours never have."""
        return self.superuser or attribute not in _KEPT_BY_SUPERUSERS

    def takes_back(self, grant: Mapping[str, Any]) -> bool:
        return self.superuser or grant.get("grantor") in (None, self.name)


def administrator(state: Mapping[str, Any]) -> Administrator:
    """As the server tells it; only who is no superuser is told what it may set."""
    settable = state.get("settable")
    return Administrator(state["user"], None if settable is None else frozenset(settable))


@dataclass
class Memberships:
    """Of one role in others: statements that make them as wanted, and in words what differs."""

    statements: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    # Groups that are granted later, when all roles are there.
    missing: list[str] = field(default_factory=list)
    # What this login may not take back, and the groups that the role stays in by it.
    stuck: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    # Options that differ, for the state before.
    marks: list[str] = field(default_factory=list)


def grants_of(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Each membership of a role; before 16 nothing is known of one but the two names and ADMIN OPTION."""
    grants: list[Mapping[str, Any]] | None = found.get("grants")
    if grants is not None:
        return grants
    admin_of = found.get("admin_of") or ()
    return [{"role": group, "admin": group in admin_of} for group in found["member_of"]]


def by_whom(grant: Mapping[str, Any]) -> str:
    """The end of a GRANT or REVOKE that is about this membership and not about one that somebody else gave."""
    grantor = grant.get("grantor")
    return f" GRANTED BY {identifier(grantor)}" if grantor else ""


def _revoke(name: str, grant: Mapping[str, Any], option: str = "") -> str:
    # What the role gave on with it cannot stay; before 16 nothing depends on it.
    cascade = " CASCADE" if grant.get("given_on") else ""
    return f"REVOKE {option}{identifier(grant['role'])} FROM {identifier(name)}{by_whom(grant)}{cascade}"


def _given_on(grant: Mapping[str, Any]) -> str:
    names = grant.get("given_on") or ()
    return f", and so are {', '.join(names)}" if names else ""


def compare(name: str, wanted: Role, found: Mapping[str, Any], by: Administrator) -> Memberships:
    """What lies between the memberships of one role and those that it should have."""
    result = Memberships()
    grants = sorted(grants_of(found), key=lambda grant: (grant["role"], grant.get("grantor") or ""))
    for grant in grants:
        if grant["role"] not in wanted.member_of:
            _take(result, _revoke(name, grant), f"extra member of {grant['role']}{_given_on(grant)}", grant, by)
            result.kept += [] if by.takes_back(grant) else [grant["role"]]
    for grant in grants:
        if grant["role"] in wanted.member_of and grant.get("admin"):
            words = f"may make others members of {grant['role']}{_given_on(grant)}"
            _take(result, _revoke(name, grant, "ADMIN OPTION FOR "), words, grant, by)
    for group in wanted.member_of:
        having = [grant for grant in grants if grant["role"] == group]
        if not having:
            result.missing.append(group)
        for statement, words, grant in _options(name, group, having, wanted.inherit):
            _take(result, statement, words, grant, by)
            result.marks.append(words.replace(" ", "_"))
    result.words += [f"no member of {group}" for group in result.missing]
    return result


def _take(result: Memberships, statement: str, words: str, grant: Mapping[str, Any], by: Administrator) -> None:
    if by.takes_back(grant):
        result.statements.append(statement)
        result.words += [] if words in result.words else [words]
    else:
        result.stuck.append(words)


def _options(
    name: str, group: str, having: Iterable[Mapping[str, Any]], inherit: bool
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The options of memberships that have some; one of several is enough for a right."""
    having = [grant for grant in having if grant.get("inherit") is not None]
    statement = f"GRANT {identifier(group)} TO {identifier(name)} WITH "
    if having and inherit and not any(grant["inherit"] for grant in having):
        yield f"{statement}INHERIT TRUE", f"does not inherit {group}", {}
    for grant in having:
        if grant["inherit"] and not inherit:
            yield f"{statement}INHERIT FALSE{by_whom(grant)}", f"inherits {group}", grant
    if having and not any(grant["set"] for grant in having):
        yield f"{statement}SET TRUE", f"may not become {group}", {}
