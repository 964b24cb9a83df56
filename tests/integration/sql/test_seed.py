# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example rows come, stay, are refused and go, in the shipped schema and as its owner."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.sql.conftest import SEED as ROWS
from tests.integration.sql.conftest import SQL, session_of

if TYPE_CHECKING:
    from tests.cluster import Cluster
    from tests.integration.sql.conftest import Session

TOTAL = sum(map(len, ROWS.values()))
QUIET: dict[str, Any] = {"missing": [], "foreign_rows": [], "referring": []}


@pytest.fixture
def seeded(db: Session) -> Session:
    db.rows((SQL / "seed/apply.sql").read_text(encoding="utf-8"))
    assert apply(db, "present") == {**QUIET, "changed": TOTAL}
    return db


def apply(db: Session, state: str, rows: dict[str, list[dict[str, Any]]] = ROWS) -> dict[str, Any]:
    report: dict[str, Any] = db.value("SELECT pg_temp.seed(%s, %s)", json.dumps(rows), state)
    return report


def content(db: Session) -> dict[str, list[Any]]:
    """Every row of every table, as text: what did not change is equal."""
    return {table: sorted(row[0] for row in db.rows(f"SELECT t::text FROM {table} AS t")) for table in ROWS}


def test_every_row_arrives_as_it_is_written(seeded: Session) -> None:
    for table, rows in ROWS.items():
        stored = [row[0] for row in seeded.rows(f"SELECT to_jsonb(t) FROM {table} AS t")]
        assert len(stored) == len(rows), table
        for row in rows:
            key = {name: row[name] for name in ("id", "profile_id", "tool_id") if name in row}
            [found] = [one for one in stored if key.items() <= one.items()]
            for name, value in row.items():
                if isinstance(value, str) and value.endswith("Z"):
                    assert seeded.value("SELECT %s::timestamptz = %s::timestamptz", found[name], value), (table, name)
                else:
                    assert found[name] == value, (table, name)


def test_the_second_time_changes_nothing(seeded: Session) -> None:
    seeded.rows("UPDATE erp.people SET notes = 'edited' WHERE id = -11")
    before = content(seeded)
    assert apply(seeded, "present") == {**QUIET, "changed": 0}
    assert content(seeded) == before


def test_a_missing_row_comes_back(seeded: Session) -> None:
    seeded.rows("DELETE FROM erp.tasks WHERE id = -94")
    assert apply(seeded, "present") == {**QUIET, "changed": 1}


def test_ids_of_later_rows_are_those_of_a_database_without_seed(seeded: Session) -> None:
    for table in ("erp.people", "agent.plans"):
        name = "full_name" if table == "erp.people" else "plan_title"
        assert seeded.insert(table, **{name: "later"}) > 0


def without(table: str, row: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """A seed that does not know one of the rows: it is then a row of somebody else."""
    return {**ROWS, table: [one for one in ROWS[table] if one is not row]}


@pytest.mark.parametrize("table", sorted(ROWS))
def test_a_table_with_rows_of_others_is_named_and_nothing_is_done(seeded: Session, table: str) -> None:
    before = content(seeded)
    report = apply(seeded, "present", without(table, ROWS[table][-1]))
    assert report == {**QUIET, "foreign_rows": [table], "changed": 0}
    assert content(seeded) == before


def test_an_empty_database_with_one_row_of_others_stays_as_it_is(seeded: Session) -> None:
    assert apply(seeded, "absent")["changed"] == TOTAL
    seeded.insert("erp.people", full_name="Somebody")
    seeded.insert("agent.events", event_type="something")
    report = apply(seeded, "present")
    assert report == {**QUIET, "foreign_rows": ["agent.events", "erp.people"], "changed": 0}
    assert sum(map(len, content(seeded).values())) == 2


def test_exactly_the_seed_goes(seeded: Session) -> None:
    person = seeded.insert("erp.people", full_name="Somebody")
    seeded.insert("erp.tasks", title="Theirs", assignee_id=person)
    seeded.insert("agent.events", event_type="theirs", subject_type="person", subject_id=person)
    assert apply(seeded, "absent") == {**QUIET, "changed": TOTAL}
    left = {table: len(rows) for table, rows in content(seeded).items() if rows}
    assert left == {"erp.people": 1, "erp.tasks": 1, "agent.events": 1}
    assert apply(seeded, "absent") == {**QUIET, "changed": 0}


REFERENCES = [
    pytest.param(table, row, column, id=f"{table}.{column}{row.get('id', '')}")
    for table, rows in ROWS.items()
    for row in rows
    for column, value in row.items()
    if column not in ("id", "external_id", "trace_id") and column.endswith("_id") and isinstance(value, int)
]


@pytest.mark.parametrize(("table", "row", "column"), REFERENCES)
def test_rows_of_others_that_refer_to_the_seed_are_named_and_nothing_is_done(
    seeded: Session, table: str, row: dict[str, Any], column: str
) -> None:
    before = content(seeded)
    report = apply(seeded, "absent", without(table, row))
    assert report["changed"] == 0
    assert f"{table} {row.get('id', '')} ({column} {row[column]})" in report["referring"]
    assert content(seeded) == before


def test_a_reference_from_another_schema_counts(seeded: Session) -> None:
    seeded.rows("CREATE SCHEMA theirs")
    seeded.rows("CREATE TABLE theirs.badges (person BIGINT REFERENCES erp.people ON DELETE CASCADE)")
    seeded.rows("INSERT INTO theirs.badges VALUES (-11)")
    assert apply(seeded, "absent")["referring"] == ["theirs.badges  (person -11)"]


def test_nobody_writes_between_the_look_and_the_change(cluster: Cluster, seeded: Session) -> None:
    with session_of(cluster, "erp_admin") as other:
        other.rows("SET lock_timeout = '50ms'")
        assert other.error(lambda: other.insert("agent.plans", plan_title="theirs"))[0] == "55P03"
        assert other.rows("SELECT FROM agent.plans") == [], "readers are not held up"


def test_a_schema_without_its_tables_is_named(seeded: Session) -> None:
    seeded.rows("ALTER TABLE agent.plans RENAME TO other")
    assert apply(seeded, "present") == {**QUIET, "missing": ["agent.plans"], "changed": 0}
