# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What roles.yml asks for, and how names and values are written in SQL. Pure."""

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
    "by_token": (bool,),
    "connection_limit": (int,),
    "member_of": (list,),
    "settings": (dict,),
    "comment": (str,),
}
# The server stores these in a form of its own, so comparing them as text would never end.
_LISTS = {"search_path", "temp_tablespaces", "session_preload_libraries", "local_preload_libraries"}


@dataclass(frozen=True)
class Role:
    login: bool = False
    inherit: bool = True
    # Its rows follow from the claims of a token, which a login of its own could invent.
    by_token: bool = False
    connection_limit: int = -1
    member_of: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    comment: str | None = None


@dataclass(frozen=True)
class Wanted:
    roles: Mapping[str, Role]
    database_settings: Mapping[str, str]
    # New tables in them are closed by an event trigger, where a superuser can make one.
    guarded_schemas: tuple[str, ...] = ()


def identifier(name: str) -> str:
    """A name as SQL wants it."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A text as SQL wants it."""
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
            if roles[group].by_token and role.inherit:
                raise MigrationError(
                    f"roles.yml: role {name} is a member of {group} and has its rights without a token; "
                    "set inherit: false or remove it"
                )
    database = document.get("database") or {}
    if not isinstance(database, dict) or set(database) - {"settings", "guarded_schemas"}:
        raise MigrationError("roles.yml: database may hold the keys settings and guarded_schemas only; correct it")
    guarded = database.get("guarded_schemas") or []
    if not isinstance(guarded, list) or not all(isinstance(name, str) for name in guarded):
        raise MigrationError("roles.yml: database.guarded_schemas must be a list of schemas; correct it")
    return Wanted(roles, _settings("database.settings", database.get("settings") or {}), tuple(guarded))
