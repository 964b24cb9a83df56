# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles and the database: what roles.yml asks for, what the server has, which statements lie between. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?")
_ROLE_KEYS: dict[str, tuple[type, ...]] = {
    "login": (bool,),
    "inherit": (bool,),
    "connection_limit": (int,),
    "member_of": (list,),
    "settings": (dict,),
    "comment": (str,),
}
# The server stores these in a form of its own, so comparing them as text would never end.
_LISTS = {"search_path", "temp_tablespaces", "session_preload_libraries", "local_preload_libraries"}
# No role of ours ever has one of these.
FORBIDDEN = {
    "superuser": "NOSUPERUSER",
    "createrole": "NOCREATEROLE",
    "createdb": "NOCREATEDB",
    "replication": "NOREPLICATION",
    "bypassrls": "NOBYPASSRLS",
}

# Everything about the named roles and the database in one round trip, from views that everybody may read.
READ = """
SELECT jsonb_build_object(
    'user', current_user,
    'superuser', (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = current_user),
    'roles', (SELECT jsonb_object_agg(r.rolname, jsonb_build_object(
        'login', r.rolcanlogin, 'inherit', r.rolinherit, 'connection_limit', r.rolconnlimit,
        'superuser', r.rolsuper, 'createrole', r.rolcreaterole, 'createdb', r.rolcreatedb,
        'replication', r.rolreplication, 'bypassrls', r.rolbypassrls,
        'expires', r.rolvaliduntil IS NOT NULL AND r.rolvaliduntil <> 'infinity',
        'settings', to_jsonb(coalesce(r.rolconfig, '{}')),
        'comment', shobj_description(r.oid, 'pg_authid'),
        'member_of', (SELECT coalesce(jsonb_agg(DISTINCT pg_get_userbyid(m.roleid)), '[]')
            FROM pg_auth_members AS m WHERE m.member = r.oid),
        'members', (SELECT coalesce(jsonb_agg(DISTINCT pg_get_userbyid(m.member)), '[]')
            FROM pg_auth_members AS m WHERE m.roleid = r.oid)))
        FROM pg_roles AS r WHERE r.rolname = ANY (%(roles)s)),
    'database', (SELECT jsonb_build_object(
        'owner', pg_get_userbyid(d.datdba), 'encoding', pg_encoding_to_char(d.encoding), 'collate', d.datcollate,
        'settings', (SELECT coalesce(to_jsonb(s.setconfig), '[]') FROM (SELECT 1) AS one
            LEFT JOIN pg_db_role_setting AS s ON s.setdatabase = d.oid AND s.setrole = 0))
        FROM pg_database AS d WHERE d.datname = %(database)s))
"""


@dataclass(frozen=True)
class Role:
    login: bool = False
    inherit: bool = True
    connection_limit: int = -1
    member_of: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    comment: str | None = None


@dataclass(frozen=True)
class Wanted:
    roles: Mapping[str, Role]
    database_settings: Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """One object that differs: how it looks before and after, and the statements between."""

    key: str
    before: str | None
    after: str
    statements: tuple[str, ...]


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    quoted = "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
    return f"E{quoted}" if "\\" in value else quoted


def _settings(where: str, found: Any) -> dict[str, str]:
    if not isinstance(found, dict):
        raise MigrationError(f"roles.yml: {where} must be a mapping of setting to value; correct it")
    result = {}
    for name, value in found.items():
        if not isinstance(name, str) or not _SETTING.fullmatch(name) or not isinstance(value, (str, int, float)):
            raise MigrationError(f"roles.yml: {where}.{name} is not a setting with a plain value; correct it")
        if name.lower() in _LISTS:
            raise MigrationError(
                f"roles.yml: {where}.{name} is a list of names, which is not kept here; name schemas in the SQL instead"
            )
        result[name] = {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
    return result


def _role(name: Any, found: Any) -> Role:
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name.startswith("pg_"):
        raise MigrationError(f"roles.yml: {name!r} is not a lower-case role name; rename it")
    found = {} if found is None else found
    if not isinstance(found, dict):
        raise MigrationError(f"roles.yml: role {name} must be a mapping; correct it")
    for key, value in found.items():
        types = _ROLE_KEYS.get(key)
        if types is None:
            raise MigrationError(
                f"roles.yml: role {name} has the unknown key {key!r}; use one of: {', '.join(_ROLE_KEYS)}"
            )
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise MigrationError(
                f"roles.yml: role {name}: {key} must be of type {types[0].__name__}, not {type(value).__name__}; "
                "correct it"
            )
    plain = {key: value for key, value in found.items() if key not in ("member_of", "settings")}
    return Role(
        **plain,
        member_of=tuple(found.get("member_of", ())),
        settings=_settings(f"roles.{name}.settings", found.get("settings", {})),
    )


def parse(document: Any) -> Wanted:
    """The content of roles.yml; every unknown key is an error."""
    if not isinstance(document, dict) or set(document) - {"roles", "database"}:
        raise MigrationError("roles.yml must hold the keys roles and database and no other; correct it")
    found = document.get("roles") or {}
    if not isinstance(found, dict):
        raise MigrationError("roles.yml: roles must be a mapping of names; correct it")
    roles = {name: _role(name, value) for name, value in found.items()}
    for name, role in roles.items():
        for group in role.member_of:
            if group not in roles:
                raise MigrationError(
                    f"roles.yml: role {name} is a member of {group}, which is not in roles.yml; add it or remove it"
                )
    database = document.get("database") or {}
    if not isinstance(database, dict) or set(database) - {"settings"}:
        raise MigrationError("roles.yml: database may hold the key settings only; correct it")
    return Wanted(roles, _settings("database.settings", database.get("settings") or {}))


def _split_settings(config: list[str]) -> dict[str, str]:
    return dict(item.split("=", 1) for item in config)


def _different(wanted: Mapping[str, str], found: Mapping[str, str]) -> dict[str, str]:
    present = {name.lower(): value for name, value in found.items()}
    return {name: value for name, value in wanted.items() if present.get(name.lower()) != value}


def _summary(
    login: bool,
    inherit: bool,
    limit: int,
    member_of: set[str],
    settings: Mapping[str, str],
    comment: str | None,
    extra: list[str],
) -> str:
    words = ["login" if login else "nologin", "inherit" if inherit else "noinherit", *extra]
    if limit >= 0:
        words.append(f"connection_limit={limit}")
    if member_of:
        words.append(f"member_of={','.join(sorted(member_of))}")
    words += [f"{name}={settings[name]}" for name in sorted(settings)]
    return " ".join(words + ([f"comment={comment!r}"] if comment else []))


def role_change(name: str, wanted: Role, found: Mapping[str, Any] | None) -> Change | None:
    """What makes one role as wanted; memberships come later, when all roles are there."""
    quoted = identifier(name)
    statements = []
    if found is None:
        found = {
            "login": False,
            "inherit": True,
            "connection_limit": -1,
            "settings": [],
            "comment": None,
            "member_of": [],
            "expires": False,
            "new": True,
        }
        statements.append(f"CREATE ROLE {quoted}")
    options = [word for key, word in FORBIDDEN.items() if found.get(key)]
    if found["login"] != wanted.login:
        options.append("LOGIN" if wanted.login else "NOLOGIN")
    if found["inherit"] != wanted.inherit:
        options.append("INHERIT" if wanted.inherit else "NOINHERIT")
    if found["connection_limit"] != wanted.connection_limit:
        options.append(f"CONNECTION LIMIT {wanted.connection_limit:d}")
    if found["expires"]:
        options.append("VALID UNTIL 'infinity'")
    if options:
        statements.append(f"ALTER ROLE {quoted} {' '.join(options)}")
    present = _split_settings(found["settings"])
    different = _different(wanted.settings, present)
    statements += [f"ALTER ROLE {quoted} SET {setting} TO {literal(value)}" for setting, value in different.items()]
    if wanted.comment != found["comment"]:
        statements.append(f"COMMENT ON ROLE {quoted} IS {literal(wanted.comment) if wanted.comment else 'NULL'}")
    member_of = set(found["member_of"])
    grants = [group for group in wanted.member_of if group not in member_of]
    if not statements and not grants:
        return None
    before = (
        None
        if "new" in found
        else _summary(
            found["login"],
            found["inherit"],
            found["connection_limit"],
            member_of,
            present,
            found["comment"],
            [key for key in FORBIDDEN if found.get(key)] + (["expires"] if found["expires"] else []),
        )
    )
    after = _summary(
        wanted.login,
        wanted.inherit,
        wanted.connection_limit,
        member_of | set(wanted.member_of),
        {**present, **different},
        wanted.comment,
        [],
    )
    return Change(f"role {name}", before, after, tuple(statements))


def membership_statements(wanted: Wanted, found: Mapping[str, Any]) -> list[str]:
    return [
        f"GRANT {identifier(group)} TO {identifier(name)}"
        for name, role in wanted.roles.items()
        for group in role.member_of
        if group not in found.get(name, {}).get("member_of", [])
    ]


def database_change(
    name: str, owner: str, wanted: Wanted, found: Mapping[str, Any] | None
) -> tuple[bool, Change | None]:
    """Whether the database must be created, and the change as a whole (statements are those after creation)."""
    quoted = identifier(name)
    if found is not None and found["encoding"] != "UTF8":
        raise MigrationError(
            f"database {name} has the encoding {found['encoding']}, not UTF8; nothing was changed; "
            "dump it and restore it into a database with UTF8, or choose another name"
        )
    present = _split_settings(found["settings"]) if found else {}
    different = _different(wanted.database_settings, present)
    statements = [f"ALTER DATABASE {quoted} SET {setting} TO {literal(value)}" for setting, value in different.items()]
    if found is not None and found["owner"] != owner:
        statements.insert(0, f"ALTER DATABASE {quoted} OWNER TO {identifier(owner)}")
    if found is not None and not statements:
        return False, None

    def summary(who: str, settings: Mapping[str, str]) -> str:
        return " ".join([f"owner={who}", *(f"{key}={settings[key]}" for key in sorted(settings))])

    before = summary(found["owner"], present) if found else None
    return found is None, Change(
        f"database {name}", before, summary(owner, {**present, **different}), tuple(statements)
    )


def warnings(wanted: Wanted, found: Mapping[str, Any], admin: str) -> list[str]:
    """What somebody added to our roles; reported, never taken away."""
    result = []
    for name, role in wanted.roles.items():
        state = found.get(name)
        if state is None:
            continue
        names = {setting.lower() for setting in role.settings}
        for group in sorted(set(state["member_of"]) - set(role.member_of)):
            result.append(
                f"role {name} is a member of {group}, which roles.yml does not ask for; revoke it or add it there"
            )
        for member in sorted(set(state["members"]) - {admin}):
            if member not in wanted.roles:
                result.append(
                    f"role {member} is a member of {name}, which roles.yml does not ask for; revoke it or add it there"
                )
        for setting in _split_settings(state["settings"]):
            if setting.lower() not in names:
                result.append(
                    f"role {name} has the setting {setting}, which roles.yml does not ask for; reset it or add it there"
                )
    return result
