# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets in and to what: grants, default privileges, the request check."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
import yaml

from tests import contract
from tests.cluster import Cluster

if TYPE_CHECKING:
    from tests.integration.sql.conftest import Session

HERE = Path(__file__).parent
ACCESS = HERE.parents[2] / "sql/access"
RIGHTS: dict[str, dict[str, str]] = yaml.safe_load((HERE / "rights.yml").read_text(encoding="utf-8"))
DENIED = "42501"
SCHEMAS = "('erp', 'agent', 'private', 'api_view', 'public')"

# Every right that anybody has to anything here, sorted: what the module calls the access part of the snapshot.
SNAPSHOT = f"""
    WITH acls (object, owner, acl) AS (
        SELECT 'database', datdba, coalesce(datacl, acldefault('d', datdba)) FROM pg_database
        WHERE datname = current_database()
        UNION ALL
        SELECT 'schema ' || nspname, nspowner, coalesce(nspacl, acldefault('n', nspowner)) FROM pg_namespace
        WHERE nspname IN {SCHEMAS}
        UNION ALL
        SELECT 'relation ' || oid::regclass, relowner, coalesce(relacl,
            acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner)) FROM pg_class
        WHERE relkind IN ('r', 'v', 'S') AND relnamespace::regnamespace::text IN {SCHEMAS}
        UNION ALL
        SELECT format('column %s.%s', attrelid::regclass, attname), c.relowner, attacl FROM pg_attribute
        INNER JOIN pg_class AS c ON c.oid = attrelid AND c.relnamespace::regnamespace::text IN {SCHEMAS}
        WHERE attacl IS NOT NULL
        UNION ALL
        SELECT 'function ' || oid::regprocedure, proowner, coalesce(proacl, acldefault('f', proowner)) FROM pg_proc
        WHERE pronamespace::regnamespace::text IN {SCHEMAS}
        UNION ALL
        SELECT format('default %s %s', defaclnamespace::regnamespace, defaclobjtype), defaclrole, defaclacl
        FROM pg_default_acl WHERE defaclnamespace <> 0 OR defaclobjtype <> 'f'
        UNION ALL
        -- Built-in rights of PUBLIC to functions yet to come: without a row they are in force.
        SELECT 'default functions', r.oid, coalesce(d.defaclacl, acldefault('f', r.oid)) FROM pg_roles AS r
        LEFT JOIN pg_default_acl AS d ON d.defaclrole = r.oid AND d.defaclnamespace = 0 AND d.defaclobjtype = 'f'
        WHERE r.rolname = 'erp_admin'
    )
    SELECT object, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END, privilege_type, is_grantable
    FROM acls, aclexplode(acl) WHERE grantee <> owner ORDER BY 1, 2, 3"""


def run_access(session: Session) -> None:
    for path in sorted(ACCESS.glob("*.sql")):
        session.rows(path.read_text(encoding="utf-8"))


# Convergence


def test_a_second_run_leaves_every_right_as_it_is(db: Session) -> None:
    before = db.rows(SNAPSHOT)
    assert len(before) > 100
    run_access(db)
    assert db.rows(SNAPSHOT) == before


@pytest.mark.parametrize(
    "extra",
    [
        "GRANT DELETE ON erp.people TO erp_writer",
        "GRANT SELECT (webhook_url) ON agent.events TO agent_viewer",
        "GRANT SELECT ON private.revoked_tokens TO erp_reader",
        "GRANT USAGE ON SCHEMA erp TO PUBLIC",
        "GRANT EXECUTE ON FUNCTION erp.set_updated_at() TO PUBLIC",
        "GRANT USAGE ON SEQUENCE erp.people_id_seq TO erp_writer",
        "GRANT SELECT ON erp.people TO portfolio_authenticator",
        "GRANT TEMPORARY ON DATABASE portfolio TO PUBLIC",
        "GRANT CREATE ON SCHEMA public TO agent_service",
        "GRANT SELECT ON erp.people TO erp_reader WITH GRANT OPTION",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA agent GRANT SELECT ON TABLES TO agent_viewer",
        "ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC",
        "REVOKE SELECT ON erp.people FROM erp_reader",
        "REVOKE EXECUTE ON FUNCTION private.check_request() FROM erp_reader",
    ],
)
def test_a_right_given_or_taken_by_hand_is_put_back(db: Session, extra: str) -> None:
    before = db.rows(SNAPSHOT)
    db.rows(extra)
    assert db.rows(SNAPSHOT) != before
    run_access(db)
    assert db.rows(SNAPSHOT) == before


def test_nothing_for_public(db: Session) -> None:
    assert [row for row in db.rows(SNAPSHOT) if row[1] == "PUBLIC"] == []


# Columns and functions


def test_agent_viewer_sees_all_columns_but_the_secret_ones(admin: Session) -> None:
    hidden = admin.rows("""
        SELECT attrelid::regclass::text, attname FROM pg_attribute
        WHERE attrelid IN ('agent.events'::regclass, 'agent.profiles'::regclass) AND attnum > 0 AND NOT attisdropped
        AND NOT has_column_privilege('agent_viewer', attrelid, attnum, 'SELECT') ORDER BY 1, 2""")
    assert hidden == [
        ("agent.events", "webhook_response"),
        ("agent.events", "webhook_url"),
        ("agent.profiles", "system_prompt_template"),
    ]


@pytest.mark.parametrize(
    ("view", "table", "row"),
    [
        (
            "api_view.events",
            "agent.events",
            {"event_type": "webhook", "webhook_url": "https://user:secret@example.com"},
        ),
        ("api_view.profiles", "agent.profiles", {"name": "p", "system_prompt_template": "secret"}),
    ],
)
def test_a_view_shows_the_rows_without_the_secrets(admin: Session, view: str, table: str, row: dict[str, Any]) -> None:
    admin.insert(table, **row)
    hidden = {"webhook_url", "webhook_response", "system_prompt_template"}
    columns = [
        name
        for (name,) in admin.rows(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0", table
        )
    ]
    admin.rows("SET ROLE agent_viewer")
    [shown] = admin.rows(f"SELECT to_jsonb(v) FROM {view} AS v")
    assert sorted(shown[0]) == sorted(set(columns) - hidden)


def test_deleting_a_sprint_needs_no_right_to_the_tasks_keys(admin: Session) -> None:
    """The key's SET NULL runs with the table owner's rights."""
    sprint = admin.insert("erp.sprints", name="s")
    task = admin.insert("erp.tasks", title="t", sprint_id=sprint)
    admin.rows("SET ROLE erp_writer")
    admin.rows("DELETE FROM erp.sprints WHERE id = %s", sprint)
    assert admin.value("SELECT sprint_id FROM erp.tasks WHERE id = %s", task) is None


def test_a_writer_inserts_and_updates_without_rights_to_sequence_or_trigger(admin: Session) -> None:
    admin.rows("SET ROLE erp_writer")
    person = admin.insert("erp.people", full_name="Ada", updated_at="2020-01-01")
    admin.rows("UPDATE erp.people SET full_name = 'Grace' WHERE id = %s", person)
    assert admin.value("SELECT updated_at = now() FROM erp.people WHERE id = %s", person)


@pytest.mark.parametrize(
    ("call", "roles"),
    [
        ("agent.get_graph_neighbors('a')", {"agent_service", "agent_viewer"}),
        ("api_view.health()", {"erp_monitor"}),
        ("private.claim('sub')", set(RIGHTS) - {"portfolio_authenticator"}),
    ],
)
def test_functions_are_for_whom_they_are(admin: Session, call: str, roles: set[str]) -> None:
    allowed = set()
    for role in RIGHTS:
        admin.rows(f"SET ROLE {role}")
        if admin.error(lambda: admin.rows(f"SELECT {call}"))[0] is None:
            allowed.add(role)
    assert allowed == roles


def test_health_counts_tables_for_a_role_that_may_read_none(admin: Session) -> None:
    admin.rows("SET ROLE erp_monitor")
    health = admin.value("SELECT api_view.health()")
    assert health["tables"] == {schema: contract.of(schema) for schema in ("erp", "agent")}
    assert admin.value("SELECT %s::timestamptz = now()", health["server_time"])


@pytest.mark.parametrize(
    ("schema", "role", "state"),
    [
        ("erp", "erp_reader", None),
        ("erp", "erp_writer", None),
        ("erp", "agent_viewer", DENIED),
        ("agent", "agent_viewer", DENIED),
        ("agent", "agent_service", DENIED),
        ("api_view", "erp_monitor", DENIED),
    ],
)
def test_a_table_to_come(db: Session, admin: Session, schema: str, role: str, state: str | None) -> None:
    """erp is open by default privileges, agent closed until the table is named in 30_grants.sql."""
    admin.rows("SET ROLE erp_admin")
    admin.rows(f"CREATE TABLE {schema}.later (id bigint)")
    admin.rows(f"SET ROLE {role}")
    assert admin.error(lambda: admin.rows(f"SELECT * FROM {schema}.later"))[0] == state


def test_a_function_to_come_is_closed(admin: Session) -> None:
    admin.rows("SET ROLE erp_admin")
    admin.rows("CREATE FUNCTION erp.later() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    admin.rows("SET ROLE erp_writer")
    assert admin.error(lambda: admin.rows("SELECT erp.later()"))[0] == DENIED


def test_the_authenticator_connects_and_is_nobody(cluster: Cluster) -> None:
    connection = cluster.connect(user="portfolio_authenticator", dbname="portfolio", autocommit=True)
    with connection.cursor() as cursor:
        for statement in (
            "SELECT * FROM erp.people",
            "CREATE TEMP TABLE t (id int)",
            "SET ROLE erp_admin",
            "SELECT private.check_request()",
        ):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(statement)
        cursor.execute("SET ROLE erp_reader")
        cursor.execute("SELECT * FROM erp.people")
    connection.close()


def test_a_login_of_nobody_does_not_connect(cluster: Cluster) -> None:
    superuser = cluster.connect(autocommit=True)
    with superuser.cursor() as cursor:
        cursor.execute("CREATE ROLE stranger LOGIN")
        try:
            with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
                cluster.connect(user="stranger", dbname="portfolio")
        finally:
            cursor.execute("DROP ROLE stranger")
    superuser.close()


# The request check

DAY = 24 * 60 * 60


def claims(**changes: Any) -> dict[str, Any]:
    """A good token's claims; a change to None leaves the claim out."""
    now = int(time.time())
    good = {
        "role": "erp_reader",
        "sub": "tooljet",
        "aud": "erp-db.bestviable.com",
        "iss": "portfolio",
        "iat": now,
        "exp": now + 90 * DAY,
        "jti": "one",
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def check(session: Session, token: dict[str, Any] | str, role: str = "erp_reader") -> tuple[str | None, str]:
    """(SQLSTATE, message) of the check as PostgREST calls it: in the role, with the claims, read only."""
    with session.undone():
        session.rows(
            "SELECT set_config('request.jwt.claims', %s, true)", token if isinstance(token, str) else json.dumps(token)
        )
        session.rows("SELECT set_config('role', %s, true)", role)
        session.rows("SET TRANSACTION READ ONLY")
        try:
            session.rows("SELECT private.check_request()")
        except psycopg2.Error as error:
            return error.pgcode, str(error.diag.message_primary)
    return None, ""


@pytest.mark.parametrize(
    "token",
    [
        claims(),
        claims(aud=["a", "b"]),
        claims(iat=None),
        claims(exp=int(time.time()) + 60),
        claims(iat=int(time.time()) + 10, exp=int(time.time()) + 10 + 90 * DAY),
        claims(client_id="c"),
    ],
)
def test_a_good_token_passes(admin: Session, token: dict[str, Any]) -> None:
    assert check(admin, token) == (None, "")


@pytest.mark.parametrize("role", sorted(set(RIGHTS) - {"portfolio_authenticator"}))
def test_every_api_role_can_be_checked(admin: Session, role: str) -> None:
    assert check(admin, claims(role=role), role) == (None, "")


@pytest.mark.parametrize(
    ("token", "word"),
    [
        ("", "role"),
        ({}, "role"),
        ({"role": "erp_reader"}, "sub"),
        (claims(role="erp_writer"), "role"),
        (claims(role=None), "role"),
        (claims(sub=None), "sub"),
        (claims(sub=""), "sub"),
        (claims(sub=7), "sub"),
        (claims(jti=None), "jti"),
        (claims(jti=""), "jti"),
        (claims(jti={}), "jti"),
        (claims(iss=None), "iss"),
        (claims(iss="somebody"), "issuer"),
        (claims(aud=None), "aud"),
        (claims(aud=""), "aud"),
        (claims(aud=[]), "aud"),
        (claims(exp=None), "exp"),
        (claims(exp="4102444800"), "exp"),
        (claims(exp=int(time.time()) + 3650 * DAY), "90 days"),
        (claims(exp=int(time.time()) + 91 * DAY), "90 days"),
        # Ten years, nine of which are over: its age does not make it short.
        (claims(iat=int(time.time()) - 3600 * DAY, exp=int(time.time()) + 50 * DAY), "90 days"),
        (claims(iat=int(time.time()) + 365 * DAY, exp=int(time.time()) + 400 * DAY), "90 days"),
    ],
)
def test_a_bad_token_is_refused(admin: Session, token: dict[str, Any] | str, word: str) -> None:
    state, message = check(admin, token)
    assert state == "PT401"
    assert word in message


def test_a_null_claim_is_a_missing_one(admin: Session) -> None:
    for name in ("sub", "jti", "iss", "aud", "exp"):
        assert check(admin, {**claims(), name: None})[0] == "PT401"


def test_a_revoked_token_is_refused_and_only_that(admin: Session) -> None:
    admin.insert("private.revoked_tokens", jti="one", reason="lost")
    assert check(admin, claims(jti="one")) == ("PT401", "token refused: it was revoked")
    assert check(admin, claims(jti="two")) == (None, "")


def test_the_check_is_keyed_on_the_role_in_force_not_on_the_claims(admin: Session) -> None:
    """The first draft returned early without `sub`: {"role": ...} alone passed. It must not."""
    assert check(admin, {"role": "erp_writer"}, "erp_writer")[0] == "PT401"
    assert check(admin, claims(), "erp_writer")[0] == "PT401"


def test_claims_are_read_as_text_and_missing_ones_are_null(admin: Session) -> None:
    assert admin.value("SELECT private.claim('client_id')") is None
    admin.rows("SELECT set_config('request.jwt.claims', %s, true)", json.dumps(claims(client_id="c1")))
    assert admin.value("SELECT private.claim('client_id')") == "c1"
    assert admin.value("SELECT private.claim('person_id')") is None
