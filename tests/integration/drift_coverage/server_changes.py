# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes by hand to roles, the database and settings: pure functions from what roles.yml declares to SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

DATABASE = "portfolio"


@dataclass(frozen=True)
class ServerChange:
    """What is done, how it is undone, and which effect has to tell it."""

    name: str
    do: tuple[str, ...]
    undo: tuple[str, ...]
    # The object of the effect and words of its detail.
    object: str
    words: str
    effect: str = "change"


def of_role(name: str, declared: Mapping[str, Any], others: list[str]) -> Iterator[ServerChange]:
    """Everything that can be done to one role."""

    def change(
        what: str, do: str, undo: str, words: str, whose: str = f"role {name}", effect: str = "change"
    ) -> ServerChange:
        return ServerChange(f"{name}: {what}", (do,), (undo,), whose, words, effect)

    alter = f"ALTER ROLE {name}"
    for attribute in ("SUPERUSER", "CREATEROLE", "CREATEDB", "REPLICATION", "BYPASSRLS"):
        yield change(attribute, f"{alter} {attribute}", f"{alter} NO{attribute}", attribute)
    for attribute in ("LOGIN", "INHERIT"):
        yes = declared.get(attribute.lower(), attribute == "INHERIT")
        have, want = (f"NO{attribute}", attribute) if yes else (attribute, f"NO{attribute}")
        yield change(have, f"{alter} {have}", f"{alter} {want}", f"{have} instead of {want}")
    limit = declared.get("connection_limit", -1)
    yield change(
        "connection limit", f"{alter} CONNECTION LIMIT 7", f"{alter} CONNECTION LIMIT {limit}", "connection limit 7"
    )
    yield change("it expires", f"{alter} VALID UNTIL '2001-01-01'", f"{alter} VALID UNTIL 'infinity'", "it expires")
    comment = str(declared["comment"]).replace("'", "''")
    back = f"COMMENT ON ROLE {name} IS '{comment}'"
    yield change("comment changed", f"COMMENT ON ROLE {name} IS 'x'", back, "comment")
    yield change("comment dropped", f"COMMENT ON ROLE {name} IS NULL", back, "comment")
    yield change("extra setting", f"{alter} SET work_mem = '9MB'", f"{alter} RESET work_mem", "extra setting work_mem")
    inside = f"{alter} IN DATABASE {DATABASE}"
    yield change(
        "extra setting in the database",
        f"{inside} SET work_mem = '9MB'",
        f"{inside} RESET work_mem",
        "extra setting work_mem in database portfolio",
    )
    for setting, value in declared.get("settings", {}).items():
        back = f"{alter} SET {setting} TO '{value}'"
        yield change(f"{setting} changed", f"{alter} SET {setting} TO '77s'", back, f"setting {setting} is 77s")
        yield change(f"{setting} dropped", f"{alter} RESET {setting}", back, f"setting {setting} is missing")
    groups = declared.get("member_of", [])
    for group in groups:
        grant = f"GRANT {group} TO {name}"
        yield change(f"no member of {group}", f"REVOKE {group} FROM {name}", grant, f"no member of {group}")
        yield change(
            f"may make others members of {group}",
            f"{grant} WITH ADMIN OPTION",
            f"REVOKE ADMIN OPTION FOR {group} FROM {name}",
            f"may make others members of {group}",
        )
    for group in ("pg_read_all_data", "pg_execute_server_program", *others):
        # A role cannot be a member of its own member.
        if group not in groups and group != name:
            yield change(
                f"member of {group}",
                f"GRANT {group} TO {name}",
                f"REVOKE {group} FROM {name}",
                f"extra member of {group}",
            )
    yield change(
        "somebody is its member",
        f"GRANT {name} TO mallory",
        f"REVOKE {name} FROM mallory",
        f"member of {name}",
        "role mallory",
        "left",
    )
    yield change(
        "right to a setting",
        f"GRANT SET ON PARAMETER session_replication_role TO {name}",
        f"REVOKE SET ON PARAMETER session_replication_role FROM {name}",
        "extra right: SET session_replication_role",
    )
    yield change("renamed", f"{alter} RENAME TO renamed", f"ALTER ROLE renamed RENAME TO {name}", "missing")
    if declared.get("login"):
        password = f"ALTER ROLE {name} PASSWORD"
        yield change(
            "password", f"{password} 'x'", f"{password} '0123456789abcdef{name}'", "not the one", f"password {name}"
        )
        yield change(
            "no password", f"{password} NULL", f"{password} '0123456789abcdef{name}'", "not the one", f"password {name}"
        )


def of_database(settings: Mapping[str, str]) -> Iterator[ServerChange]:
    """Everything that can be done to the database."""
    alter, shown = f"ALTER DATABASE {DATABASE}", f"database {DATABASE}"
    for what, do, undo, words in (
        ("owner", "OWNER TO mallory", "OWNER TO erp_admin", "owner mallory"),
        ("connection limit", "CONNECTION LIMIT 7", "CONNECTION LIMIT -1", "connection limit 7"),
        ("no connections", "CONNECTION LIMIT 0", "CONNECTION LIMIT -1", "connection limit 0"),
        ("closed", "ALLOW_CONNECTIONS false", "ALLOW_CONNECTIONS true", "no connections allowed"),
        ("template", "IS_TEMPLATE true", "IS_TEMPLATE false", "it is a template"),
        ("extra setting", "SET work_mem = '9MB'", "RESET work_mem", "extra setting work_mem"),
    ):
        yield ServerChange(f"database: {what}", (f"{alter} {do}",), (f"{alter} {undo}",), shown, words)
    for setting, value in settings.items():
        back = (f"{alter} SET {setting} TO '{value}'",)
        yield ServerChange(
            f"database: {setting}", (f"{alter} SET {setting} TO 'CET'",), back, shown, f"setting {setting} is CET"
        )
        yield ServerChange(
            f"database: {setting} dropped", (f"{alter} RESET {setting}",), back, shown, f"setting {setting} is missing"
        )
    every = ("ALTER ROLE ALL SET work_mem = '9MB'",), ("ALTER ROLE ALL RESET work_mem",)
    yield ServerChange("every role: setting", *every, "database setting work_mem", "set for all roles")
    right = "ON PARAMETER session_replication_role"
    yield ServerChange(
        "every role: right to a setting",
        (f"GRANT ALTER SYSTEM {right} TO PUBLIC",),
        (f"REVOKE ALTER SYSTEM {right} FROM PUBLIC",),
        "database setting session_replication_role",
        "everybody has the right ALTER SYSTEM",
    )
    inside = f"ALTER ROLE ALL IN DATABASE {DATABASE}"
    yield ServerChange(
        "every role in the database: setting",
        (f"{inside} SET work_mem = '9MB'",),
        (f"{inside} RESET work_mem",),
        shown,
        "extra setting work_mem",
    )


def of_server() -> Iterator[ServerChange]:
    """What is set for the whole server, and roles that nobody asked for."""
    for name, value in (
        ("work_mem", "9MB"),
        ("fsync", "on"),
        ("max_connections", "55"),
        ("shared_preload_libraries", "auto_explain"),
        ("archive_command", "true"),
        ("session_replication_role", "replica"),
        ("log_statement", "none"),
        ("statement_timeout", "0"),
    ):
        yield ServerChange(
            f"ALTER SYSTEM: {name}",
            (f"ALTER SYSTEM SET {name} = '{value}'",),
            (f"ALTER SYSTEM RESET {name}",),
            f"database setting {name}",
            "by ALTER SYSTEM",
            "reload",
        )
    for attribute in ("SUPERUSER", "CREATEROLE", "CREATEDB", "REPLICATION", "BYPASSRLS"):
        drop = ("DROP ROLE eve",)
        yield ServerChange(
            f"extra role: {attribute}", (f"CREATE ROLE eve {attribute}",), drop, "role eve", attribute, "left"
        )
    yield ServerChange(
        "administrator: setting",
        ("ALTER ROLE postgres SET work_mem = '9MB'",),
        ("ALTER ROLE postgres RESET work_mem",),
        "role postgres",
        "extra setting work_mem",
    )
    yield ServerChange(
        "administrator: password",
        ("ALTER ROLE postgres PASSWORD 'x'",),
        ("ALTER ROLE postgres PASSWORD NULL",),
        "password postgres",
        "it has one and needs none",
    )


def everything(document: Mapping[str, Any]) -> list[ServerChange]:
    """All of them, for what a roles.yml declares."""
    roles = document["roles"]
    api = next(iter(found["member_of"] for found in roles.values() if "member_of" in found))
    # Members of others only: a circle of memberships is refused by PostgreSQL.
    found = [
        change
        for name, declared in roles.items()
        for change in of_role(name, declared, ["mallory"] if name not in api else ["erp_admin"])
    ]
    return [*found, *of_database(document["database"]["settings"]), *of_server()]
