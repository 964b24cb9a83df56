# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/DATABASE_SCHEMA.md is what the catalog says, its links and pictures lead somewhere, its examples run."""

from __future__ import annotations

import re
from contextlib import closing

import pytest

from tests.cluster import Cluster
from tests.contract import TABLES
from tests.generate import database_schema, er
from tests.generate.catalog import read
from tests.generate.database_schema import TARGET
from tests.integration.sql.conftest import Session, run_files

DOCUMENT = TARGET.read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", DOCUMENT, flags=re.M | re.S))
PICTURES = re.findall(r"```mermaid\n(.*?)```", DOCUMENT, flags=re.S)
NAME = r"(?:erp|agent)_\w+"
# What Mermaid's grammar takes of what is drawn here; it answers anything else with an error in place of the picture.
GRAMMAR = re.compile(
    rf'erDiagram|flowchart LR|subgraph s\d\["\w+"\]|end|}}|{NAME}\["(?:erp|agent)\.\w+"\](?: {{)?|{NAME} --> {NAME}'
    rf"|{NAME} (?:\|\||\|o)--(?:o\||o{{) {NAME} : \w+|[a-z]\w*(?:\[\])? \w+(?: (?:PK|FK|UK)(?:, (?:PK|FK|UK))*)?"
)


def test_it_differs_by_nothing_from_the_catalog(cluster: Cluster) -> None:
    assert database_schema.of(cluster) == DOCUMENT, "run: make expected"


@pytest.mark.parametrize(
    "change",
    [
        "COMMENT ON TABLE erp.people IS 'Nobody.'",
        "COMMENT ON COLUMN erp.people.handle IS NULL",
        "ALTER TABLE erp.people ALTER full_name DROP NOT NULL",
        "ALTER TABLE erp.people ALTER is_active SET DEFAULT FALSE",
        "DROP INDEX agent.events_occurred_at_idx",
        "ALTER TABLE erp.tasks DROP CONSTRAINT tasks_status_check",
        "ALTER TABLE erp.tasks DROP CONSTRAINT tasks_project_id_fkey, ADD CONSTRAINT tasks_project_id_fkey "
        "FOREIGN KEY (project_id) REFERENCES erp.projects (id) ON DELETE RESTRICT",
    ],
)
def test_any_change_of_the_catalog_shows(db: Session, change: str) -> None:
    db.rows(change)
    assert database_schema.generate(read(db.connection)) != DOCUMENT


def test_every_table_and_column_of_the_contract_is_described() -> None:
    assert set(SECTIONS) == set(TABLES)
    for table, entry in TABLES.items():
        columns = re.findall(r"^\| `(\w+)` \| [^|]+ \| (?:yes)? \|", SECTIONS[table], flags=re.M)
        assert sorted(columns) == sorted(entry["columns"]), table


def test_every_index_says_what_it_serves() -> None:
    rows = [
        row for text in SECTIONS.values() for row in re.findall(r"^\| `\w+_(?:idx|key|pkey)` \| `.*$", text, flags=re.M)
    ]
    assert len(rows) > 100
    assert [row for row in rows if row.endswith("|  |")] == []


def test_links_lead_to_headings() -> None:
    anchors = {name.replace(".", "") for name in SECTIONS}
    assert set(re.findall(r"\]\(#(\w+)\)", DOCUMENT)) == anchors


def test_pictures_are_what_mermaid_reads() -> None:
    assert len(PICTURES) == 1 + len(er.SUBJECTS) and 5 <= len(er.SUBJECTS) <= 7
    strange = [line for text in PICTURES for line in text.splitlines() if not GRAMMAR.fullmatch(line.strip())]
    assert strange == []


def test_every_key_is_drawn_once_and_every_table_in_the_overview() -> None:
    drawn = [match for text in PICTURES[1:] for match in re.findall(r"(\w+) \S+--\S+ (\w+) : (\w+)", text)]
    wanted = [
        (er.entity(target), er.entity(table), column)
        for table, entry in TABLES.items()
        for column, target in entry.get("references", {}).items()
    ]
    assert sorted(drawn) == sorted(wanted)
    assert set(re.findall(r'\["(\w+\.\w+)"\]', PICTURES[0])) == set(TABLES)


def test_a_table_without_a_subject_is_refused(db: Session) -> None:
    db.rows("CREATE TABLE erp.extra (id BIGINT)")
    with pytest.raises(ValueError, match=r"erp\.extra must stand in exactly one of SUBJECTS"):
        database_schema.generate(read(db.connection))


def parents_first() -> list[str]:
    """The tables in an order in which their required keys can be filled; keys that may be null are left out anyway."""
    order: list[str] = []

    def visit(table: str) -> None:
        if table not in order:
            needed = re.findall(r"refers to \[(\S+?)\]\(\S+\); ON DELETE", SECTIONS[table])
            for parent in needed:
                visit(parent)
            order.append(table)

    for table in SECTIONS:
        visit(table)
    return order


def test_the_examples_run_on_an_empty_database(cluster: Cluster) -> None:
    """Row 1 of each table, in a database of its own: keys in the examples refer to it."""
    with closing(cluster.connect(autocommit=True)) as admin, admin.cursor() as outside:
        outside.execute("CREATE DATABASE examples OWNER erp_admin")
        try:
            run_files(cluster, "migrations", "examples")
            with closing(cluster.connect(user="erp_admin", dbname="examples")) as connection:
                cursor = connection.cursor()
                for table in parents_first():
                    [statement] = re.findall(r"```sql\n(.*?)\n```", SECTIONS[table], flags=re.S)
                    cursor.execute(statement)
                    assert {value for row in cursor.fetchall() for value in row} == {1}, table
        finally:
            outside.execute("DROP DATABASE examples")
