# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who sees and changes which rows: each role, table and verb on rows that are there, and clients by claim."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests import contract
from tests.integration.sql.conftest import SEED, SQL

if TYPE_CHECKING:
    from tests.integration.sql.conftest import Session

RIGHTS: dict[str, dict[str, str]] = yaml.safe_load((Path(__file__).parent / "rights.yml").read_text(encoding="utf-8"))
DENIED = "42501"
# What refuses a row that its role may write: it is there already, or something hangs on it.
LATER = {None, "23503", "23505"}
# The client of the example rows, and the person that it is.
CLIENT = {"client_id": "nordhafen", "person_id": -13}
OTHER = {"client_id": "other", "person_id": -12}
BY_CLIENT = [
    *("agent.client_profiles", "agent.events", "agent.facts", "agent.memory_entries", "agent.plans"),
    *("agent.scheduler_runs", "agent.working_state"),
]
BY_PERSON = ["agent.reflections", "agent.sessions"]


@pytest.fixture
def rows(admin: Session) -> Session:
    """A superuser's transaction with the example rows."""
    admin.rows((SQL / "seed/apply.sql").read_text(encoding="utf-8"))
    admin.rows("SELECT pg_temp.seed(%s, 'present')", json.dumps(SEED))
    return admin


def become(session: Session, role: str, claims: dict[str, Any]) -> None:
    """As PostgREST does it with a token."""
    session.rows("SELECT set_config('request.jwt.claims', %s, true)", json.dumps({"role": role, **claims}))
    session.rows(f"SET LOCAL ROLE {role}")


def tables(session: Session) -> list[str]:
    return [
        name
        for (name,) in session.rows("""
        SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'v')
        AND relnamespace::regnamespace::text IN ('erp', 'agent', 'private', 'api_view') ORDER BY 1""")
    ]


def columns(session: Session, table: str, role: str, privilege: str) -> tuple[list[str], list[str]]:
    """All columns that can be written, and those to which the role has this right."""
    found = session.rows(
        """
        SELECT attname::text, has_column_privilege(%s, attrelid, attnum, %s) FROM pg_attribute
        WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum""",
        role,
        privilege,
        table,
    )
    return [name for name, _may in found], [name for name, may in found if may]


def changed(session: Session, statement: str, *values: Any) -> int:
    """How many rows a statement touched."""
    session.rows(statement, *values)
    return session.cursor.rowcount


def tried(session: Session, action: Callable[[], int]) -> tuple[str | None, int]:
    """The error, and how many rows were touched."""
    touched = 0

    def act() -> None:
        nonlocal touched
        touched = action()

    state, _constraint = session.error(act)
    return state, touched


class Attempt:
    """One role on one table: what it can do to the rows that are there."""

    def __init__(self, session: Session, role: str, table: str) -> None:
        self.session, self.role, self.table = session, role, table
        self.count = session.value(f"SELECT count(*) FROM {table}")
        self.row = session.rows(f"SELECT to_jsonb(t) FROM {table} AS t LIMIT 1")

    def verbs(self) -> str:
        found = self.wide("SELECT", "r", "s", self.select) + self.wide("INSERT", "i", "n", self.insert)
        found += self.wide("UPDATE", "u", "p", self.update)
        return found + ("d" if self.may(*self.tried(lambda: self.delete())) else "")

    def wide(self, privilege: str, whole: str, some: str, act: Callable[[list[str]], int]) -> str:
        everything, mine = columns(self.session, self.table, self.role, privilege)
        if self.may(*self.tried(lambda: act(everything))):
            return whole
        return some if mine and self.may(*self.tried(lambda: act(mine))) else ""

    def tried(self, action: Callable[[], int]) -> tuple[str | None, int]:
        with self.session.undone():
            become(self.session, self.role, CLIENT)
            return tried(self.session, action)

    def may(self, state: str | None, touched: int) -> bool:
        assert state in LATER | {DENIED}, (self.role, self.table, state)
        # A right that reaches no row is none.
        return state in LATER and (touched > 0 or state is not None)

    def select(self, names: list[str]) -> int:
        return changed(self.session, f"SELECT {', '.join(names)} FROM {self.table}")

    def insert(self, names: list[str]) -> int:
        listed = ", ".join(names)
        given = json.dumps(self.row[0][0] if self.row else {})
        return changed(
            self.session,
            f"INSERT INTO {self.table} ({listed}) SELECT {listed} FROM jsonb_populate_record(NULL::{self.table}, %s)",
            given,
        )

    def update(self, names: list[str]) -> int:
        return changed(self.session, f"UPDATE {self.table} SET {', '.join(f'{name} = {name}' for name in names)}")

    def delete(self) -> int:
        return changed(self.session, f"DELETE FROM {self.table}")


def declared(role: str, table: str) -> str:
    rights = RIGHTS[role]
    return rights.get(table, rights.get(table.partition(".")[0], ""))


@pytest.mark.parametrize("role", RIGHTS)
def test_matrix_of_roles_tables_and_verbs(rows: Session, role: str) -> None:
    """T16, T17, T19, T20: on every table that has rows, what a role can really do is what is declared."""
    rows.insert("private.revoked_tokens", jti="gone")
    # A copy of a row hangs on the same session, which has to be the client's.
    rows.rows("UPDATE agent.sessions SET client_person_id = -13")
    everything = tables(rows)
    assert len(everything) == contract.COUNT + 3
    found = {table: Attempt(rows, role, table).verbs() for table in everything}
    assert found == {table: declared(role, table) for table in everything}
    assert all(rows.value(f"SELECT count(*) > 0 FROM {table}") for table in everything), "nothing to try it on"


def test_a_role_without_a_policy_reaches_no_row_although_it_has_the_right(rows: Session) -> None:
    """The matrix' control: rights alone open nothing, and the owner's rows are there."""
    rows.rows("GRANT SELECT ON erp.people TO erp_monitor; GRANT USAGE ON SCHEMA erp TO erp_monitor")
    assert Attempt(rows, "erp_monitor", "erp.people").verbs() == ""
    rows.rows("ALTER TABLE erp.people DISABLE ROW LEVEL SECURITY")
    assert Attempt(rows, "erp_monitor", "erp.people").verbs() == "r"


# agent_client


def seen(session: Session, table: str, claims: dict[str, Any]) -> int:
    with session.undone():
        become(session, "agent_client", claims)
        return int(session.value(f"SELECT count(id) FROM {table}"))


@pytest.mark.parametrize("table", BY_CLIENT + BY_PERSON + ["api_view.events"])
def test_a_client_sees_its_own_rows_and_no_others(rows: Session, table: str) -> None:
    """T18, and what a token without the claim, with an odd one, or of another client sees."""
    column = "client_person_id" if table in BY_PERSON else "client_id"
    own = rows.value(f"SELECT count(id) FROM {table} WHERE {column} = %s", {"client_id": "nordhafen"}.get(column, -13))
    assert own > 0
    assert seen(rows, table, CLIENT) == own
    odd: list[Any] = [None, "", "NORDHAFEN", "nordhafen ", "%", [], {}, 0, True]
    for claims in (OTHER, {}, *({"client_id": value, "person_id": value} for value in odd)):
        assert seen(rows, table, claims) == 0, claims


@pytest.mark.parametrize("value", ["-13", -13])
def test_a_person_is_a_number_or_its_text(rows: Session, value: Any) -> None:
    assert seen(rows, "agent.sessions", {"person_id": value}) == 1


@pytest.mark.parametrize("value", ["-13 OR true", "-13.0", -13.5, "1" * 19, "１３", "- 13", None, True, [-13]])
def test_what_is_no_number_is_nobody(rows: Session, value: Any) -> None:
    assert seen(rows, "agent.sessions", {"person_id": value}) == 0


OWN = {
    "agent.events": {"client_id": "nordhafen", "event_type": "x"},
    "agent.facts": {"client_id": "nordhafen", "content": "x"},
    "agent.memory_entries": {"client_id": "nordhafen", "content": "x"},
    "agent.plans": {"client_id": "nordhafen"},
    "agent.reflections": {"client_person_id": -13, "reflection_date": "2026-11-20"},
    "agent.scheduler_runs": {"client_id": "nordhafen"},
    "agent.sessions": {"client_person_id": -13, "session_type": "planning"},
    "agent.working_state": {"client_id": "nordhafen", "state_key": "x"},
}
# A row of somebody else, in the words of OWN.
FOREIGN: list[dict[str, Any]] = [
    {"client_id": "other", "client_person_id": -12},
    {"client_id": None, "client_person_id": None},
]


def refused(session: Session, table: str, values: dict[str, Any]) -> str | None:
    names = list(values)
    holes = ", ".join(["%s"] * len(names))
    return session.error(
        lambda: session.rows(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({holes})", *values.values())
    )[0]


@pytest.mark.parametrize("table", OWN)
def test_a_client_writes_rows_of_its_own_only(rows: Session, table: str) -> None:
    """T18: neither a row of another client, nor one of nobody; nor does a row of its own go to another."""
    own = OWN[table]
    column = next(name for name in own if name.startswith("client_"))
    become(rows, "agent_client", CLIENT)
    assert refused(rows, table, own) is None
    for other in FOREIGN:
        assert refused(rows, table, {**own, column: other[column]}) in {DENIED, "23502"}, other
        moved = rows.error(lambda other=other: rows.rows(f"UPDATE {table} SET {column} = %s", other[column]))  # type: ignore[misc]
        assert moved[0] in {DENIED, "23502"}, other
    assert refused(rows, table, {**own, "id": 10**6}) == DENIED, "an id that is yet to come"


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("agent.events", "session_id"),
        ("agent.memory_entries", "session_id"),
        ("agent.plans", "session_id"),
        ("agent.reflections", "session_id"),
        ("agent.events", "promoted_fact_id"),
        ("agent.facts", "source_event_id"),
        ("agent.scheduler_runs", "plan_id"),
    ],
)
def test_a_client_hangs_its_rows_on_its_own_only(rows: Session, table: str, column: str) -> None:
    """A key alone is checked without row security: it would tell what is there, and be found beside it."""
    parent = {"session_id": "agent.sessions", "promoted_fact_id": "agent.facts", "plan_id": "agent.plans"}.get(
        column, "agent.events"
    )
    own = rows.insert(parent, **OWN[parent])
    column_of = "client_person_id" if parent == "agent.sessions" else "client_id"
    foreign = rows.insert(parent, **{**OWN[parent], column_of: FOREIGN[0][column_of]})
    become(rows, "agent_client", CLIENT)
    assert refused(rows, table, {**OWN[table], column: own}) is None
    assert refused(rows, table, {**OWN[table], column: None}) is None
    for wrong in (foreign, 10**9):
        assert refused(rows, table, {**OWN[table], column: wrong}) == DENIED, "the same answer, there or not"
        assert rows.error(lambda wrong=wrong: rows.rows(f"UPDATE {table} SET {column} = %s", wrong))[0] == DENIED  # type: ignore[misc]


def test_a_client_changes_its_own_rows_whatever_they_hang_on(rows: Session) -> None:
    """Its plan belongs to a session about nobody, which it does not see."""
    become(rows, "agent_client", CLIENT)
    assert rows.rows("SELECT id FROM agent.sessions WHERE id = -182") == []
    assert changed(rows, "UPDATE agent.plans SET status = 'completed' WHERE id = -331") == 1


def test_a_client_neither_makes_its_profile_nor_changes_who_it_is(rows: Session) -> None:
    become(rows, "agent_client", CLIENT)
    assert changed(rows, "UPDATE agent.client_profiles SET preferences = '{}'") == 1
    for column in ("person_id", "client_id"):
        assert (
            rows.error(lambda column=column: rows.rows(f"UPDATE agent.client_profiles SET {column} = NULL"))[0]
            == DENIED
        )  # type: ignore[misc]
    assert refused(rows, "agent.client_profiles", {"client_id": "nordhafen"}) == DENIED


def test_another_client_is_not_reached_by_update_or_delete(rows: Session) -> None:
    """T18: rows that are not seen are not touched, without an error."""
    before = rows.rows("SELECT to_jsonb(t) FROM agent.memory_entries AS t ORDER BY id")
    with rows.undone():
        become(rows, "agent_client", OTHER)
        assert changed(rows, "UPDATE agent.memory_entries SET content = 'mine'") == 0
        assert changed(rows, "DELETE FROM agent.memory_entries") == 0
        assert changed(rows, "DELETE FROM agent.working_state") == 0
    assert rows.rows("SELECT to_jsonb(t) FROM agent.memory_entries AS t ORDER BY id") == before


def test_without_its_policy_a_client_would_see_everybody(rows: Session) -> None:
    """The control: it is the policy that holds the clients apart."""
    rows.rows("ALTER POLICY events_client_select ON agent.events USING (true)")
    assert seen(rows, "agent.events", OTHER) > 0


# Logins of services


def test_a_login_of_its_own_works_as_member(rows: Session) -> None:
    """Policies name roles, and who is a member of one is meant by them."""
    rows.rows("CREATE ROLE svc LOGIN IN ROLE agent_service, erp_reader")
    rows.rows("SET LOCAL ROLE svc")
    assert rows.value("SELECT count(*) FROM agent.working_state") == 1
    assert rows.value("SELECT count(*) FROM erp.people") == len(SEED["erp.people"])
    assert changed(rows, "UPDATE agent.plans SET status = 'completed'") == 1


def test_a_login_of_its_own_could_claim_to_be_any_client(rows: Session) -> None:
    """Why agent_client is for the authenticator only (decision 7): nobody checks what a login says of itself."""
    rows.rows("CREATE ROLE svc LOGIN IN ROLE agent_client")
    rows.rows("SET LOCAL ROLE svc")
    rows.rows("""SET LOCAL request.jwt.claims = '{"client_id": "nordhafen"}'""")
    assert rows.value("SELECT count(*) FROM agent.working_state") == 1


def test_a_claim_is_read_once_and_its_column_has_an_index(rows: Session) -> None:
    rows.rows(
        "INSERT INTO agent.events (client_id, event_type) SELECT 'c' || n, 'x' FROM generate_series(1, 5000) AS n"
    )
    rows.rows("ANALYZE agent.events")
    become(rows, "agent_client", CLIENT)
    plan = "\n".join(line for (line,) in rows.rows("EXPLAIN SELECT id FROM agent.events"))
    assert "InitPlan" in plan
    assert "events_client_id_occurred_at_idx" in plan
    assert "Seq Scan" not in plan
