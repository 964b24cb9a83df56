# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles: what lies between the server and roles.yml; and the SCRAM verifier against PostgreSQL's own example."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import role_changes, roles, scram
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.effects import Psql
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.memberships import Administrator
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import Role, Wanted

STATE: dict[str, Any] = {
    "login": False,
    "inherit": True,
    "connection_limit": -1,
    "superuser": False,
    "createrole": False,
    "createdb": False,
    "replication": False,
    "bypassrls": False,
    "expires": False,
    "settings": [],
    "comment": None,
    "member_of": [],
    "members": [],
}


def test_a_role_that_is_right_asks_for_nothing() -> None:
    assert role_changes.role_change("a", Role(), STATE) is None


@pytest.mark.parametrize(
    ("wanted", "found", "statement"),
    [
        (Role(login=True), {}, 'ALTER ROLE "a" LOGIN'),
        (Role(), {"login": True}, 'ALTER ROLE "a" NOLOGIN'),
        (Role(inherit=False), {}, 'ALTER ROLE "a" NOINHERIT'),
        (Role(connection_limit=15), {}, 'ALTER ROLE "a" CONNECTION LIMIT 15'),
        (Role(), {"superuser": True}, 'ALTER ROLE "a" NOSUPERUSER'),
        (Role(), {"createrole": True, "createdb": True}, 'ALTER ROLE "a" NOCREATEROLE NOCREATEDB'),
        (Role(), {"bypassrls": True, "replication": True}, 'ALTER ROLE "a" NOREPLICATION NOBYPASSRLS'),
        (Role(), {"expires": True}, "ALTER ROLE \"a\" VALID UNTIL 'infinity'"),
        (Role(settings={"statement_timeout": "8s"}), {}, "ALTER ROLE \"a\" SET statement_timeout TO '8s'"),
        (Role(settings={"TimeZone": "UTC"}), {"settings": ["TimeZone=CET"]}, "ALTER ROLE \"a\" SET TimeZone TO 'UTC'"),
        (Role(comment="it's"), {}, "COMMENT ON ROLE \"a\" IS 'it''s'"),
        (Role(), {"comment": "old"}, 'COMMENT ON ROLE "a" IS NULL'),
        (Role(), {"settings": ["app.Key=s3cret"]}, 'ALTER ROLE "a" RESET "app"."Key"'),
        (Role(), {"database_settings": {"d": ["jit=off"]}}, 'ALTER ROLE "a" IN DATABASE "d" RESET "jit"'),
        (Role(), {"member_of": ["pg_monitor"]}, 'REVOKE "pg_monitor" FROM "a"'),
        (
            Role(member_of=("g",)),
            {"member_of": ["g"], "admin_of": ["g"]},
            'REVOKE ADMIN OPTION FOR "g" FROM "a"',
        ),
    ],
)
def test_one_difference_is_one_statement(wanted: Role, found: dict[str, Any], statement: str) -> None:
    change = role_changes.role_change("a", wanted, {**STATE, **found})
    assert change is not None and change.statements == (statement,) and change.before != change.after
    assert change.detail and "s3cret" not in f"{change}"


@pytest.mark.parametrize("found", [["statement_timeout=8s"], ["Statement_Timeout=8s"]])
def test_a_setting_that_is_there_is_left_alone(found: list[str]) -> None:
    assert (
        role_changes.role_change("a", Role(settings={"statement_timeout": "8s"}), {**STATE, "settings": found}) is None
    )


def test_a_new_role() -> None:
    change = role_changes.role_change("a", Role(login=True, comment="A"), None)
    assert change is not None and change.before is None
    assert change.statements == ('CREATE ROLE "a"', 'ALTER ROLE "a" LOGIN', "COMMENT ON ROLE \"a\" IS 'A'")


def test_memberships_are_granted_once() -> None:
    wanted = Wanted({"a": Role(), "b": Role(member_of=("a",)), "c": Role(member_of=("a",))}, {})
    found = {"a": STATE, "b": {**STATE, "member_of": ["a"]}}
    assert role_changes.membership_statements(wanted, found) == ['GRANT "a" TO "c"']


DATABASE = {"owner": "a", "encoding": "UTF8", "collate": "C.UTF-8", "settings": ["TimeZone=UTC"]}


def test_database() -> None:
    wanted = Wanted({}, {"TimeZone": "UTC"})
    assert role_changes.database_change("d", "a", wanted, DATABASE) == (False, None)
    create, change = role_changes.database_change("d", "a", wanted, None)
    assert create and change is not None and change.statements == ("ALTER DATABASE \"d\" SET TimeZone TO 'UTC'",)
    create, change = role_changes.database_change("d", "a", wanted, {**DATABASE, "owner": "x"})
    assert not create and change is not None and change.statements == ('ALTER DATABASE "d" OWNER TO "a"',)
    changed = {"connection_limit": 0, "closed": True, "template": True, "connects": False, "settings": ["x.y=s3cret"]}
    _create, change = role_changes.database_change("d", "a", Wanted({}, {}), {**DATABASE, **changed})
    assert (
        change is not None
        and "s3cret" not in f"{change}"
        and change.statements
        == (
            'ALTER DATABASE "d" RESET "x"."y"',
            'GRANT ALL ON DATABASE "d" TO "a"',
            'ALTER DATABASE "d" CONNECTION LIMIT -1',
            'ALTER DATABASE "d" ALLOW_CONNECTIONS true',
            'ALTER DATABASE "d" IS_TEMPLATE false',
        )
    )
    with pytest.raises(MigrationError, match="encoding SQL_ASCII"):
        role_changes.database_change("d", "a", wanted, {**DATABASE, "encoding": "SQL_ASCII"})


PSQL = Psql("psql", "d", "o", "postgres")


def test_what_others_were_given_is_left() -> None:
    wanted = Wanted({"a": Role(), "b": Role(member_of=("a",))}, {})
    found = {
        "a": {**STATE, "members": ["b", "eve", "postgres"], "settings": ["role=x", "jit=off"]},
        "b": {**STATE, "member_of": ["a"]},
    }
    powers = dict.fromkeys(role_changes.FORBIDDEN, False)
    powerful = {"root": {**powers, "superuser": True, "bypassrls": True}}
    state = {"user": "postgres", "roles": found, "settable": ["jit"], "powerful": powerful}
    left = role_changes.left(wanted, state, PSQL)
    assert [(effect.object, effect.detail) for effect in left] == [
        ("role eve", "member of a, which roles.yml does not ask for"),
        ("role a", "extra setting role"),
        ("role root", "SUPERUSER, BYPASSRLS, and it is not in roles.yml"),
    ]
    assert left[0].remedy == """run: psql -U postgres -d d -c 'REVOKE "a" FROM "eve"'"""
    assert left[2].remedy == """run: psql -U postgres -d d -c 'ALTER ROLE "root" NOSUPERUSER NOBYPASSRLS'"""


def test_without_roles_nobody_is_foreign() -> None:
    state = {"user": "postgres", "roles": None, "powerful": {"root": dict.fromkeys(role_changes.FORBIDDEN, True)}}
    assert role_changes.left(Wanted({}, {}), state, PSQL) == []


def test_a_setting_that_only_a_superuser_may_reset_makes_no_change() -> None:
    found = {**STATE, "settings": ["log_statement=none"]}
    assert role_changes.role_change("a", Role(), found, Administrator("provider", frozenset(["jit"]))) is None


@pytest.mark.parametrize(
    ("document", "part"),
    [
        (None, "must hold the keys roles and database"),
        ({"rolls": {}}, "must hold the keys roles and database"),
        ({"roles": {"A": {}}}, "'A' is not a lower-case role name"),
        ({"roles": {"pg_a": {}}}, "'pg_a' is not"),
        ({"roles": {"a": {"superuser": True}}}, "role a has the unknown key 'superuser'"),
        ({"roles": {"a": {"login": "yes"}}}, "role a: login must be of type bool, not str"),
        ({"roles": {"a": {"connection_limit": True}}}, "role a: connection_limit must be of type int, not bool"),
        ({"roles": {"a": {"member_of": ["b"]}}}, "role a is a member of b, which is not in roles.yml"),
        ({"roles": {"a": {"settings": {"x y": 1}}}}, "roles.a.settings.x y is not a setting"),
        ({"roles": {"a": {"settings": {"search_path": "x"}}}}, "search_path is a list of names"),
        ({"database": {"owner": "x"}}, "database may hold the keys settings and guarded_schemas only"),
    ],
)
def test_bad_roles_files(document: Any, part: str) -> None:
    with pytest.raises(MigrationError, match=part):
        roles.parse(document)


def test_a_verifier_like_the_servers() -> None:
    """The example of RFC 7677, section 3."""
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    assert scram.verifier("pencil", salt) == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


def test_salts_differ() -> None:
    assert scram.verifier("a") != scram.verifier("a")


@pytest.mark.parametrize(("value", "sql"), [("a'b", "'a''b'"), ("a\\b", "E'a\\\\b'"), ("", "''")])
def test_literals(value: str, sql: str) -> None:
    assert roles.literal(value) == sql
