# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the schema does with rows: computes, refuses, cascades."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.sql.conftest import SEED, SQL

if TYPE_CHECKING:
    from tests.integration.sql.conftest import Session

CHECK, UNIQUE, FOREIGN = "23514", "23505", "23503"
LONG_AGO = "2020-01-01 00:00:00+00"


@pytest.mark.parametrize(
    ("estimated", "actual", "expected"),
    [
        (10, 12, Decimal(20)),
        (10, 5, Decimal(-50)),
        (8, 8, Decimal(0)),
        (0, 5, None),
        (None, 5, None),
        (10, None, None),
        (None, None, None),
    ],
)
def test_variance_is_actual_against_estimate_in_percent(
    db: Session, estimated: int | None, actual: int | None, expected: Decimal | None
) -> None:
    run = db.insert("erp.execution_runs", estimated_hours=estimated, actual_hours=actual)
    assert db.value("SELECT variance_pct FROM erp.execution_runs WHERE id = %s", run) == expected


def test_variance_follows_an_update_and_cannot_be_written(db: Session) -> None:
    run = db.insert("erp.execution_runs", estimated_hours=10)
    db.rows("UPDATE erp.execution_runs SET actual_hours = 15 WHERE id = %s", run)
    assert db.value("SELECT variance_pct FROM erp.execution_runs WHERE id = %s", run) == 50
    assert db.error(lambda: db.insert("erp.execution_runs", variance_pct=1))[0] == "428C9"


def amounts(db: Session) -> list[tuple[str, str]]:
    """Table and column of every number with a fraction that somebody writes."""
    return [
        (table, column)
        for table, column in db.rows("""
        SELECT format('%s.%s', table_schema, table_name), column_name FROM information_schema.columns
        WHERE table_schema IN ('erp', 'agent') AND data_type IN ('numeric', 'real', 'double precision')
        AND is_generated = 'NEVER' ORDER BY 1, 2""")
    ]


def test_amounts_are_numbers_from_zero(db: Session) -> None:
    db.rows((SQL / "seed/apply.sql").read_text(encoding="utf-8"))
    db.rows("SELECT pg_temp.seed(%s, 'present')", json.dumps(SEED))
    found = amounts(db)
    assert len(found) >= 14
    for table, column in found:
        refused = (CHECK, f"{table.partition('.')[2]}_{column}_check")

        def write(value: Any, table: str = table, column: str = column) -> Any:
            return db.error(lambda: db.rows(f"UPDATE {table} SET {column} = %s", value))

        assert write("NaN") == write(-1) == refused
        # With a declared scale the type itself refuses it, before the check.
        assert write("Infinity") in {refused, ("22003", None)}
        assert write(1) == (None, None)


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("agent.events", {"event_type": "e", "salience_score": "1.01"}),
        ("agent.facts", {"content": "c", "confidence_score": "1.01"}),
    ],
)
def test_a_share_ends_at_one(db: Session, table: str, row: dict[str, Any]) -> None:
    assert db.error(lambda: db.insert(table, **row))[0] == CHECK


# (changed table, its row, a real change, the same value again)
UPDATES = [
    ("erp.people", {"full_name": "Ada"}, ("full_name", "Grace")),
    ("erp.projects", {"name": "p", "tags": ["a"]}, ("tags", ["a", "b"])),
    ("erp.execution_runs", {"estimated_hours": 10, "actual_hours": 12}, ("actual_hours", 13)),
    (
        "agent.working_state",
        {"client_id": "c", "state_key": "k", "state_value": '{"a": 1}'},
        ("state_value", '{"a": 2}'),
    ),
]


@pytest.mark.parametrize(("table", "row", "change"), UPDATES, ids=[u[0] for u in UPDATES])
def test_updated_at_is_the_time_of_the_last_change(
    db: Session, table: str, row: dict[str, Any], change: tuple[str, Any]
) -> None:
    column, value = change
    key = db.insert(table, **row, updated_at=LONG_AGO)

    def updated() -> bool:
        return bool(db.value(f"SELECT updated_at = now() FROM {table} WHERE id = %s", key))

    db.rows(f"UPDATE {table} SET {column} = {column} WHERE id = %s", key)
    assert not updated(), "an update that changes nothing leaves it alone"
    db.rows(f"UPDATE {table} SET updated_at = now() WHERE id = %s", key)
    assert not updated(), "it is not the client's to write"
    db.rows(f"UPDATE {table} SET {column} = %s WHERE id = %s", value, key)
    assert updated()


def test_updated_at_trigger_knows_every_generated_column(db: Session) -> None:
    """Its arguments name them: forgotten, every update of the table would count as a change."""
    assert (
        db.rows("""
        SELECT t.tgrelid::regclass::text, a.attname FROM pg_trigger AS t
        INNER JOIN pg_attribute AS a ON a.attrelid = t.tgrelid AND a.attgenerated <> ''
        WHERE t.tgfoid = 'erp.set_updated_at'::regproc
        AND position(a.attname::bytea || '\\000'::bytea IN t.tgargs) = 0""")
        == []
    )


def test_email_is_unique_regardless_of_case(db: Session) -> None:
    db.insert("erp.people", full_name="Ada", email="Ada@Example.com")
    twin = {"full_name": "Ada", "email": "aDA@example.COM"}
    assert db.error(lambda: db.insert("erp.people", **twin)) == (UNIQUE, "people_email_key")
    db.insert("erp.people", full_name="nobody")
    db.insert("erp.people", full_name="nobody either")


@pytest.mark.parametrize(
    ("global_id", "accepted"),
    [
        ("project_2024q4_eng", True),
        ("6f1c2b1e-6f0e-4d5e-9d57-0e1d7f0a1b2c", True),
        ("a:b.c-d_e", True),
        (None, True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("", False),
        ("-x", False),
        ("a b", False),
        ("a\n", False),
        ("ä", False),
    ],
)
def test_global_id_pattern(db: Session, global_id: str | None, accepted: bool) -> None:
    outcome = db.error(lambda: db.insert("erp.projects", name="p", global_id=global_id))
    assert outcome == ((None, None) if accepted else (CHECK, "projects_global_id_check"))


def test_global_id_is_unique_and_required_only_for_blocks(db: Session) -> None:
    db.insert("erp.projects", name="p", global_id="one")
    assert db.error(lambda: db.insert("erp.projects", name="q", global_id="one"))[0] == UNIQUE
    assert db.error(lambda: db.insert("agent.blocks", title="b"))[0] == "23502"


@pytest.mark.parametrize(
    ("table", "base", "start", "end"),
    [
        ("erp.projects", {"name": "p"}, "start_date", "end_date"),
        ("erp.engagements", {"name": "e"}, "start_date", "end_date"),
        ("erp.sprints", {"name": "s"}, "start_date", "end_date"),
        ("erp.okrs", {"objective": "o"}, "time_horizon_start", "time_horizon_end"),
        ("agent.goals", {"title": "g"}, "time_horizon_start", "time_horizon_end"),
        ("erp.execution_runs", {}, "started_at", "ended_at"),
        ("agent.sessions", {"session_type": "planning"}, "started_at", "ended_at"),
        ("agent.facts", {"content": "c"}, "valid_from", "valid_to"),
    ],
)
def test_the_end_is_not_before_the_start(db: Session, table: str, base: dict[str, Any], start: str, end: str) -> None:
    name = f"{table.partition('.')[2]}_{start}_{end}_check"
    assert db.error(lambda: db.insert(table, **base, **{start: "2024-02-02", end: "2024-02-01"})) == (CHECK, name)
    assert db.error(lambda: db.insert(table, **base, **{start: "2024-02-02", end: "2024-02-02"})) == (None, None)
    assert db.error(lambda: db.insert(table, **base, **{start: "2024-02-02"})) == (None, None)


@pytest.mark.parametrize(
    ("table", "base", "kind", "key"),
    [
        ("erp.execution_runs", {}, "subject_type", "subject_id"),
        ("agent.sessions", {"session_type": "planning"}, "subject_type", "subject_id"),
        ("agent.events", {"event_type": "e"}, "subject_type", "subject_id"),
        ("agent.facts", {"content": "c"}, "subject_type", "subject_id"),
        ("agent.goals", {"title": "g"}, "subject_type", "subject_id"),
        ("agent.reflections", {"reflection_date": "2024-01-01"}, "focal_entity_type", "focal_entity_id"),
        ("agent.blocks", {"global_id": "b"}, "source_table", "source_id"),
    ],
)
def test_a_subject_is_a_pair(db: Session, table: str, base: dict[str, Any], kind: str, key: str) -> None:
    name = f"{table.partition('.')[2]}_{kind}_{key}_check"
    assert db.error(lambda: db.insert(table, **base, **{kind: "project"})) == (CHECK, name)
    assert db.error(lambda: db.insert(table, **base, **{key: 1})) == (CHECK, name)
    assert db.error(lambda: db.insert(table, **base, **{kind: "project", key: 1})) == (None, None)
    assert db.error(lambda: db.insert(table, **base, **{kind: None})) == (None, None)


def test_vocabulary_is_closed_and_has_a_default(db: Session) -> None:
    assert db.error(lambda: db.insert("erp.tasks", title="t", status="later")) == (CHECK, "tasks_status_check")
    assert db.error(lambda: db.insert("erp.tasks", title="t", status=None))[0] == "23502"
    task = db.insert("erp.tasks", title="t")
    assert db.rows("SELECT status, priority FROM erp.tasks WHERE id = %s", task) == [("todo", "medium")]


def test_json_has_its_declared_type(db: Session) -> None:
    assert db.error(lambda: db.insert("erp.okrs", objective="o", key_results="{}")) == (CHECK, "okrs_key_results_check")
    assert db.error(lambda: db.insert("agent.plans", metadata="[]")) == (CHECK, "plans_metadata_check")
    state = {"client_id": "c", "state_key": "k"}
    assert db.error(lambda: db.insert("agent.working_state", **state, state_value="null"))[0] == CHECK
    assert db.error(lambda: db.insert("agent.working_state", **state, state_value="7")) == (None, None)


def test_every_json_column_is_checked(db: Session) -> None:
    assert (
        db.rows("""
        SELECT a.attrelid::regclass::text, a.attname FROM pg_attribute AS a
        INNER JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind = 'r'
        WHERE c.relnamespace IN ('erp'::regnamespace, 'agent'::regnamespace) AND a.atttypid = 'jsonb'::regtype
        AND NOT (a.attnotnull AND a.atthasdef AND EXISTS (
            SELECT FROM pg_constraint AS k WHERE k.conrelid = a.attrelid AND k.conkey = ARRAY[a.attnum]
            AND pg_get_constraintdef(k.oid) LIKE '%jsonb_typeof%'))""")
        == []
    )


def test_one_default_action_per_block(db: Session) -> None:
    block, other = (db.insert("agent.blocks", global_id=name) for name in ("one", "two"))
    db.insert("agent.block_actions", block_id=block, is_default=True)
    db.insert("agent.block_actions", block_id=block)
    db.insert("agent.block_actions", block_id=block)
    db.insert("agent.block_actions", block_id=other, is_default=True)
    assert db.error(lambda: db.insert("agent.block_actions", block_id=block, is_default=True)) == (
        UNIQUE,
        "block_actions_block_id_key",
    )


def test_a_fact_key_is_unique_per_client_and_for_all(db: Session) -> None:
    def fact(client: str | None, key: str | None) -> tuple[str | None, str | None]:
        return db.error(lambda: db.insert("agent.facts", content="c", client_id=client, fact_key=key))

    db.insert("agent.facts", content="c", client_id="a", fact_key="k")
    db.insert("agent.facts", content="c", fact_key="k")
    db.insert("agent.facts", content="c")
    assert fact("a", "k") == (UNIQUE, "facts_client_id_fact_key_key")
    assert fact(None, "k") == (UNIQUE, "facts_fact_key_key")
    assert fact("b", "k") == fact(None, None) == (None, None)


def test_an_external_id_is_unique_per_system_and_without_one(db: Session) -> None:
    artifact = {"artifact_type": "document", "external_id": "42"}
    for system in ("drive", None):
        db.insert("agent.artifacts", **artifact, source_system=system)
        assert (
            db.error(
                lambda system=system: db.insert(  # type: ignore[misc]
                    "agent.artifacts", **artifact, source_system=system
                )
            )[0]
            == UNIQUE
        )
    assert db.error(lambda: db.insert("agent.artifacts", **artifact, source_system="git")) == (None, None)


def test_deleting_a_person_frees_what_was_theirs(db: Session) -> None:
    person = db.insert("erp.people", full_name="Ada")
    project = db.insert("erp.projects", name="p", owner_person_id=person)
    session = db.insert("agent.sessions", session_type="planning", client_person_id=person)
    db.rows("DELETE FROM erp.people WHERE id = %s", person)
    assert db.value("SELECT owner_person_id FROM erp.projects WHERE id = %s", project) is None
    assert db.value("SELECT client_person_id FROM agent.sessions WHERE id = %s", session) is None


def test_deleting_a_whole_takes_its_parts(db: Session) -> None:
    engagement = db.insert("erp.engagements", name="e")
    db.insert("erp.deliverables", name="d", engagement_id=engagement)
    db.rows("DELETE FROM erp.engagements WHERE id = %s", engagement)
    assert db.value("SELECT count(*) FROM erp.deliverables") == 0


def test_deleting_reference_data_in_use_is_refused(db: Session) -> None:
    client = db.insert("erp.organizations", name="o")
    db.insert("erp.engagements", name="e", client_org_id=client)
    assert db.error(lambda: db.rows("DELETE FROM erp.organizations WHERE id = %s", client)) == (
        FOREIGN,
        "engagements_client_org_id_fkey",
    )


def test_the_cross_schema_key_holds_and_lets_go(db: Session) -> None:
    session = db.insert("agent.sessions", session_type="execution")
    run = db.insert("erp.execution_runs", session_id=session)
    assert db.error(lambda: db.insert("erp.execution_runs", session_id=session + 1)) == (
        FOREIGN,
        "execution_runs_session_id_fkey",
    )
    db.rows("DELETE FROM agent.sessions WHERE id = %s", session)
    assert db.value("SELECT session_id FROM erp.execution_runs WHERE id = %s", run) is None


def test_events_and_facts_know_each_other_and_part_in_peace(db: Session) -> None:
    event = db.insert("agent.events", event_type="e")
    fact = db.insert("agent.facts", content="c", source_event_id=event)
    db.rows("UPDATE agent.events SET promoted_fact_id = %s WHERE id = %s", fact, event)
    with db.undone():
        db.rows("DELETE FROM agent.facts WHERE id = %s", fact)
        assert db.value("SELECT promoted_fact_id FROM agent.events WHERE id = %s", event) is None
    db.rows("DELETE FROM agent.events WHERE id = %s", event)
    assert db.value("SELECT source_event_id FROM agent.facts WHERE id = %s", fact) is None


def test_ids_may_be_given_for_imports(db: Session) -> None:
    assert db.insert("erp.people", id=4711, full_name="Ada") == 4711


def test_graph_neighbours_in_both_directions(db: Session) -> None:
    a, b, c, d = (db.insert("agent.graph_nodes", node_id=name, node_type="thing") for name in "abcd")
    for kind, origin, target in (("knows", a, b), ("likes", a, b), ("owns", c, a), ("is", a, a), ("far", b, d)):
        db.insert("agent.graph_edges", edge_type=kind, from_node_id=origin, to_node_id=target)
    found = db.rows("SELECT edge_type, direction, neighbor_node_id FROM agent.get_graph_neighbors('a') ORDER BY 1")
    assert found == [("is", "out", "a"), ("knows", "out", "b"), ("likes", "out", "b"), ("owns", "in", "c")]
    assert db.rows("SELECT * FROM agent.get_graph_neighbors('nobody')") == []
    again = {"edge_type": "knows", "from_node_id": a, "to_node_id": b}
    assert db.error(lambda: db.insert("agent.graph_edges", **again))[0] == UNIQUE
