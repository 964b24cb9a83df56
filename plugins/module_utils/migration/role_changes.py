# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles, memberships and the database: what lies between roles.yml and the server. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import memberships
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.effects import Change, Effect, Psql
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.memberships import Administrator
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import (
    Role,
    Wanted,
    identifier,
    literal,
)

SUPERUSER = Administrator()
_BY_SUPERUSER = "let a superuser of this server take it away"
# No role of ours ever has one of these.
FORBIDDEN = ("superuser", "createrole", "createdb", "replication", "bypassrls")
_NEW: dict[str, Any] = {
    "login": False,
    "inherit": True,
    "connection_limit": -1,
    "expires": False,
    "settings": [],
    "comment": None,
    "member_of": [],
}


@dataclass
class Settings:
    """The settings of one role or database: statements that make them as wanted, and in words what differs."""

    statements: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    # What this login may not reset.
    stuck: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)


def split_settings(config: Iterable[str]) -> dict[str, str]:
    """`name=value` as PostgreSQL keeps it."""
    return dict(item.split("=", 1) for item in config)


def compare_settings(
    alter: str, wanted: Mapping[str, str], config: Iterable[str], by: Administrator, where: str = ""
) -> Settings:
    """What somebody else set is named and reset; its value is nobody's business: it may be a secret."""
    result = Settings(after=[f"{name}={wanted[name]}" for name in sorted(wanted)])
    found = split_settings(config)
    present = {name.lower(): value for name, value in found.items()}
    for name, value in wanted.items():
        old = present.get(name.lower())
        if old != value:
            result.statements.append(f"{alter} SET {name} TO {literal(value)}")
            result.words.append(f"setting {name} is {'missing' if old is None else f'{old} instead of {value}'}{where}")
    ours = {name.lower() for name in wanted}
    for name, value in sorted(found.items()):
        if name.lower() in ours:
            result.before.append(f"{name}={value}")
            continue
        result.before.append(f"{name}=...{where}")
        if by.sets(name):
            result.statements.append(f"{alter} RESET {setting_name(name)}")
            result.words.append(f"extra setting {name}{where}")
        else:
            result.stuck.append(name)
            result.after.append(f"{name}=...{where}")
    return result


def setting_name(name: str) -> str:
    """A setting as RESET takes it; the part before the dot is a name of its own."""
    return ".".join(identifier(part) for part in name.split("."))


def parameter(right: str) -> str:
    """`SET work_mem` as GRANT and REVOKE take it."""
    privilege, name = right.rsplit(" ", 1)
    return f"{privilege} ON PARAMETER {setting_name(name)}"


def _summary(found: Mapping[str, Any], member_of: Iterable[str], settings: list[str], comment: str | None) -> str:
    words = ["login" if found["login"] else "nologin", "inherit" if found["inherit"] else "noinherit"]
    words += [key for key in (*FORBIDDEN, "expires") if found.get(key)]
    if found["connection_limit"] >= 0:
        words.append(f"connection_limit={found['connection_limit']}")
    groups = sorted(member_of)
    words += [f"member_of={','.join(groups)}"] if groups else []
    words += [f"admin_of={','.join(found['admin_of'])}"] if found.get("admin_of") else []
    return " ".join([*words, *settings] + ([f"comment={comment!r}"] if comment else []))


def _options(wanted: Role, found: Mapping[str, Any], by: Administrator) -> tuple[list[str], list[str]]:
    """The words after ALTER ROLE, and what differs."""
    words = [key.upper() for key in FORBIDDEN if found.get(key) and by.takes(key)]
    options = [f"NO{word}" for word in words]
    for key, yes in (("login", wanted.login), ("inherit", wanted.inherit)):
        if found[key] != yes:
            want, have = (key.upper(), f"NO{key.upper()}") if yes else (f"NO{key.upper()}", key.upper())
            options.append(want)
            words.append(f"{have} instead of {want}")
    if found["connection_limit"] != wanted.connection_limit:
        options.append(f"CONNECTION LIMIT {wanted.connection_limit:d}")
        words.append(f"connection limit {found['connection_limit']} instead of {wanted.connection_limit}")
    if found["expires"]:
        options.append("VALID UNTIL 'infinity'")
        words.append("it expires")
    return options, words


def out_of_reach(found: Mapping[str, Any] | None, by: Administrator) -> bool:
    """Nobody but a superuser changes anything of a superuser."""
    return bool(found and found.get("superuser") and not by.superuser)


def role_change(
    name: str, wanted: Role, found: Mapping[str, Any] | None, by: Administrator = SUPERUSER
) -> Change | None:
    """What makes one role as wanted; it becomes a member of others later, when all roles are there."""
    if out_of_reach(found, by):
        return None
    quoted, new, found = identifier(name), found is None, _NEW if found is None else found
    options, words = _options(wanted, found, by)
    statements = [f"CREATE ROLE {quoted}"] if new else []
    statements += [f"ALTER ROLE {quoted} {' '.join(options)}"] if options else []
    settings = compare_settings(f"ALTER ROLE {quoted}", wanted.settings, found["settings"], by)
    statements, words = statements + settings.statements, words + settings.words
    before, after = settings.before, settings.after
    for database, config in sorted((found.get("database_settings") or {}).items()):
        alter = f"ALTER ROLE {quoted} IN DATABASE {identifier(database)}"
        inside = compare_settings(alter, {}, config, by, f" in database {database}")
        statements, words = statements + inside.statements, words + inside.words
        before, after = before + inside.before, after + inside.after
    if wanted.comment != found["comment"]:
        statements.append(f"COMMENT ON ROLE {quoted} IS {literal(wanted.comment) if wanted.comment else 'NULL'}")
        words.append("comment")
    groups = memberships.compare(name, wanted, found, by)
    statements, words, before = statements + groups.statements, words + groups.words, before + groups.marks
    for right in found.get("parameters") or ():
        statements.append(f"REVOKE {parameter(right)} FROM {quoted}")
        words.append(f"extra right: {right}")
        before = [*before, f"right={right}"]
    if not statements and not groups.missing:
        return None
    asked = {"login": wanted.login, "inherit": wanted.inherit, "connection_limit": wanted.connection_limit}
    return Change(
        f"role {name}",
        None if new else _summary(found, found["member_of"], before, found["comment"]),
        _summary(asked, {*wanted.member_of, *groups.kept}, after, wanted.comment),
        tuple(statements),
        "missing" if new else ", ".join(words),
    )


def membership_statements(wanted: Wanted, found: Mapping[str, Any]) -> list[str]:
    """Memberships that are missing."""
    return [
        f"GRANT {identifier(group)} TO {identifier(name)}"
        for name, role in wanted.roles.items()
        for group in role.member_of
        if group not in found.get(name, {}).get("member_of", [])
    ]


def database_change(
    name: str, owner: str, wanted: Wanted, found: Mapping[str, Any] | None, by: Administrator = SUPERUSER
) -> tuple[bool, Change | None]:
    """Whether the database must be created, and the change as a whole (statements are those after creation)."""
    quoted = identifier(name)
    if found is not None and found["encoding"] != "UTF8":
        raise MigrationError(
            f"database {name} has the encoding {found['encoding']}, not UTF8; nothing was changed; "
            "dump it and restore it into a database with UTF8, or choose another name"
        )
    state: Mapping[str, Any] = found or {"settings": []}
    settings = compare_settings(f"ALTER DATABASE {quoted}", wanted.database_settings, state["settings"], by)
    statements, words, marks = list(settings.statements), list(settings.words), []
    if found is not None and found["owner"] != owner:
        statements.insert(0, f"ALTER DATABASE {quoted} OWNER TO {identifier(owner)}")
        words.append(f"owner {found['owner']} instead of {owner}")
    elif state.get("connects") is False:
        statements.append(f"GRANT ALL ON DATABASE {quoted} TO {identifier(owner)}")
        words.append("its owner may not connect")
        marks.append("closed_to_its_owner")
    limit = state.get("connection_limit", -1)
    for differs, option, word in (
        (limit != -1, "CONNECTION LIMIT -1", f"connection limit {limit}"),
        (state.get("closed"), "ALLOW_CONNECTIONS true", "no connections allowed"),
        (state.get("template"), "IS_TEMPLATE false", "it is a template"),
    ):
        if differs:
            statements.append(f"ALTER DATABASE {quoted} {option}")
            words.append(word)
            marks.append(word.replace(" ", "_"))
    if found is not None and not statements:
        return False, None
    before = " ".join([f"owner={found['owner']}", *marks, *settings.before]) if found else None
    after = " ".join([f"owner={owner}", *settings.after])
    return found is None, Change(
        f"database {name}", before, after, tuple(statements), ", ".join(words) if found else "missing"
    )


def left(wanted: Wanted, state: Mapping[str, Any], psql: Psql) -> list[Effect]:
    """What somebody gave to roles that are not ours, and what this login may not take away: named, not touched."""
    result = []
    known = {state["user"], *wanted.roles, *(state["roles"] or {})}
    by = memberships.administrator(state)
    for name, role in wanted.roles.items():
        found = (state["roles"] or {}).get(name)
        if found is None:
            continue
        for member in sorted(set(found["members"]) - known):
            detail = f"member of {name}, which roles.yml does not ask for"
            result.append(Effect("left", f"role {member}", detail, _take_from(member, name, found, by, psql)))
        result += [Effect("left", f"role {name}", *words) for words in _stuck(name, role, found, by)]
    # A role of ours that is not in roles.yml would be called foreign, so without roles nobody is.
    powerful = state.get("powerful") or {} if wanted.roles else {}
    for name, attributes in sorted(powerful.items()):
        words = [key.upper() for key in FORBIDDEN if attributes[key]]
        alter = f"ALTER ROLE {identifier(name)} {' '.join(f'NO{word}' for word in words)}"
        detail = f"{', '.join(words)}, and it is not in roles.yml"
        result.append(Effect("left", f"role {name}", detail, psql.as_admin(alter)))
    return result


def _take_from(member: str, group: str, found: Mapping[str, Any], by: Administrator, psql: Psql) -> str:
    """How somebody else's membership in a role of ours is taken away."""
    grants = [grant for grant in found.get("given") or () if grant["member"] == member] or [{}]
    if not all(by.takes_back(grant) for grant in grants):
        return _BY_SUPERUSER
    revoke = f"REVOKE {identifier(group)} FROM {identifier(member)}"
    return psql.as_admin(*(f"{revoke}{memberships.by_whom(grant)}" for grant in grants))


def _stuck(name: str, wanted: Role, found: Mapping[str, Any], by: Administrator) -> list[tuple[str, str]]:
    """What differs of a role of ours and is not this login's to change, with the remedy."""
    attributes = [key.upper() for key in FORBIDDEN if found.get(key) and not by.takes(key)]
    result = [(f"it is {', '.join(attributes)}", _BY_SUPERUSER)] if attributes else []
    if out_of_reach(found, by):
        return result
    groups = memberships.compare(name, wanted, found, by).stuck
    settings = compare_settings("", wanted.settings, found["settings"], by).stuck
    return [
        *result,
        *((words, _BY_SUPERUSER) for words in groups),
        *((f"extra setting {setting}", "let a superuser of this server reset it") for setting in settings),
    ]
