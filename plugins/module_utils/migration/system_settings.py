# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was set on the server beside its files: ALTER SYSTEM, and settings of everybody and of the admin. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.effects import Change, Effect, Psql
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.role_changes import (
    SUPERUSER,
    compare_settings,
    parameter,
    setting_name,
    split_settings,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import identifier

_BYTES = {"B": 1, "kB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
_MICROSECONDS = {"us": 1, "ms": 1000, "s": 10**6, "min": 60 * 10**6, "h": 3600 * 10**6, "d": 86400 * 10**6}
_TRUE = ("on", "true", "yes", "1")


def _number(text: str, unit: str | None) -> float | None:
    """A value in the setting's own unit (8kB is one too); None when it cannot be read."""
    text = text.strip()
    digits = text.rstrip("kMGTBusmindh ") if unit else text
    suffix = text[len(digits) :].strip()
    base = (unit or "").lstrip("0123456789")
    count = float((unit or "")[: -len(base)] or 1) if base else 1.0
    scale = _BYTES if base in _BYTES else _MICROSECONDS
    try:
        return float(digits) * (scale[suffix] / scale[base] / count if suffix else 1)
    except (KeyError, ValueError):
        return None


def _same(row: Mapping[str, Any], text: str) -> bool:
    """Whether a text in a file means the value in force; a text that cannot be compared means another one."""
    if row["type"] == "bool":
        return bool((text.lower() in _TRUE) == (row["setting"] == "on"))
    if row["type"] in ("integer", "real"):
        value = _number(text, row["unit"])
        whole = row["type"] == "integer"
        return value is not None and bool((round(value) if whole else value) == float(row["setting"]))
    return bool(text.lower() == row["setting"].lower() if row["type"] == "enum" else text == row["setting"])


def _other_after_start(row: Mapping[str, Any]) -> bool:
    """Would a start without what ALTER SYSTEM wrote change the value in force?"""
    if row["context"] != "postmaster":
        return False
    if row["file"] is not None:
        return not _same(row, row["file"])
    return bool(row["source"] == "configuration file" and row["setting"] != row["default"])


def _waits(row: Mapping[str, Any], reset: bool) -> bool:
    if row["altered"]:
        return _other_after_start(row) if reset else bool(row["pending"])
    # PostgreSQL 15 calls a setting pending for ever that was written and taken away again before a restart.
    return bool(row["pending"]) and _other_after_start(row)


def waiting(state: Mapping[str, Any], reset: bool) -> list[str]:
    """Settings that only a restart brings into force, after the reset of what ALTER SYSTEM wrote if `reset`."""
    if "waiting" in state:
        names: list[str] = state["waiting"]
        return names
    return [row["name"] for row in state["system"] or () if _waits(row, reset)]


def _altered(row: Mapping[str, Any]) -> str:
    """Texts are not shown: a connection string or a command may hold a secret."""
    known = row["type"] in ("bool", "integer", "real", "enum")
    return f"{row['value']} by ALTER SYSTEM" if known else "set by ALTER SYSTEM"


def changes(state: Mapping[str, Any]) -> list[Change]:
    """Each setting that is to be reset, with its statement; none where the session may not see them."""
    result = []
    for row in state.get("system") or ():
        if row["altered"]:
            statement = f"ALTER SYSTEM RESET {setting_name(row['name'])}"
            result.append(
                Change(
                    f"database setting {row['name']}", _altered(row), None, (statement,), _altered(row), effect="reload"
                )
            )
    for name in sorted(split_settings(state.get("common_settings") or ())):
        statement = f"ALTER ROLE ALL RESET {setting_name(name)}"
        result.append(Change(f"database setting {name}", "set for all roles", None, (statement,), "set for all roles"))
    for right in state.get("common_parameters") or ():
        words = f"everybody has the right {right.rsplit(' ', 1)[0]}"
        statement = f"REVOKE {parameter(right)} FROM PUBLIC"
        result.append(Change(f"database setting {right.rsplit(' ', 1)[1]}", words, None, (statement,), words))
    return [*result, *_own(state)]


def _own(state: Mapping[str, Any]) -> list[Change]:
    """Settings of the admin's own role: the next session would begin with them."""
    user = state["user"]
    statements: list[str] = []
    words: list[str] = []
    before: list[str] = []
    for database, config in sorted((state.get("own_settings") or {}).items()):
        inside = f" IN DATABASE {identifier(database)}" if database else ""
        where = f" in database {database}" if database else ""
        found = compare_settings(f"ALTER ROLE {identifier(user)}{inside}", {}, config, SUPERUSER, where)
        statements, words, before = statements + found.statements, words + found.words, before + found.before
    if not statements:
        return []
    return [Change(f"role {user}", " ".join(before), None, tuple(statements), ", ".join(words))]


def left(state: Mapping[str, Any], psql: Psql) -> list[Effect]:
    """The same, only named."""
    return [
        Effect(
            "left",
            change.key,
            change.detail,
            psql.as_admin(*change.statements, *(["SELECT pg_reload_conf()"] if change.effect == "reload" else [])),
        )
        for change in changes(state)
    ]
