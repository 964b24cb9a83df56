# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example rows as they are written: all tables, fixed ids, references that lead somewhere."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract import TABLES

SEED = Path(__file__).parents[3] / "sql" / "seed"
FILES: dict[str, dict[str, list[dict[str, Any]]]] = {
    schema: yaml.safe_load((SEED / f"{schema}.yml").read_text(encoding="utf-8")) for schema in ("erp", "agent")
}
ROWS = {table: rows for file in FILES.values() for table, rows in file.items()}
IDS = {table: [row["id"] for row in rows if "id" in row] for table, rows in ROWS.items()}
PAIRS = {"subject_type": "subject_id", "focal_entity_type": "focal_entity_id", "source_table": "source_id"}
SINGULAR = {"person": "erp.people", "project": "erp.projects", "task": "erp.tasks"}


def scalars(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(chain.from_iterable(map(scalars, value.values())))
    return list(chain.from_iterable(map(scalars, value))) if isinstance(value, list) else [value]


def test_every_table_has_rows_in_the_file_of_its_schema() -> None:
    assert sorted(ROWS) == sorted(TABLES)
    assert all(ROWS.values())
    assert all(table.startswith(f"{schema}.") for schema, file in FILES.items() for table in file)


def test_there_are_about_sixty() -> None:
    assert 55 <= sum(map(len, ROWS.values())) <= 65


def test_ids_are_fixed_negative_and_say_which_table_and_row() -> None:
    assert [table for table, ids in IDS.items() if not ids] == ["agent.profile_tools"]
    numbers = {table: -ids[0] // 10 for table, ids in IDS.items() if ids}
    assert len(set(numbers.values())) == len(numbers)
    for table, number in numbers.items():
        assert IDS[table] == [-(10 * number + row) for row in range(1, len(ROWS[table]) + 1)], table


@pytest.mark.parametrize("table", sorted(ROWS))
def test_rows_of_a_table_give_the_same_columns_of_the_contract(table: str) -> None:
    """The first row's columns are inserted for all of them, and a name that is no column would be lost in silence."""
    given = {tuple(row) for row in ROWS[table]}
    assert len(given) == 1
    assert set(*given) <= set(TABLES[table]["columns"]) - {"created_at", "updated_at"}


@pytest.mark.parametrize("table", [table for table in sorted(TABLES) if TABLES[table].get("references")])
def test_every_reference_is_shown_and_leads_to_a_row_of_the_seed(table: str) -> None:
    for column, target in TABLES[table]["references"].items():
        values = {row.get(column) for row in ROWS[table]} - {None}
        assert values, f"no row of {table} shows {column}"
        assert values <= set(IDS[target]), column


def test_a_subject_without_a_key_is_a_row_of_the_seed_as_well() -> None:
    shown = [(row[kind], row[PAIRS[kind]]) for rows in ROWS.values() for row in rows for kind in PAIRS if kind in row]
    assert shown
    for kind, value in shown:
        assert value in IDS[SINGULAR.get(kind, kind)], (kind, value)


def test_everything_survives_the_way_through_json_and_a_quoted_string() -> None:
    """A date that YAML reads as one would not; and $seed$ ends the string in which the playbook sends the rows."""
    values = scalars(ROWS)
    assert {type(value) for value in values} <= {str, int, float, bool, type(None)}
    assert not [value for value in values if isinstance(value, str) and ("$seed$" in value or "{{" in value)]


def test_addresses_belong_to_nobody() -> None:
    """RFC 2606 keeps .example for it; a test that sends something reaches no one."""
    for value in scalars(ROWS):
        if isinstance(value, str) and ("@" in value or "://" in value):
            assert value.split("://")[-1].split("@")[-1].split("/")[0].endswith(".example"), value
