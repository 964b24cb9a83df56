# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What .squawk.toml lets through: not what stops people at work, and what is ours to decide."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SQUAWK = Path(sys.executable).parent / "squawk"


def found(directory: Path, sql: str) -> str:
    file = directory / "003_x.sql"
    file.write_text(sql)
    command = [str(SQUAWK), "--config", str(ROOT / ".squawk.toml"), "--reporter", "gcc", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("ALTER TABLE erp.people DROP COLUMN handle;", "ban-drop-column"),
        ("DROP TABLE erp.people;", "ban-drop-table"),
        ("ALTER TABLE erp.people RENAME COLUMN handle TO h;", "renaming-column"),
        ("ALTER TABLE erp.people ALTER COLUMN handle TYPE BIGINT;", "changing-column-type"),
        ("ALTER TABLE erp.people ADD COLUMN nick TEXT NOT NULL;", "adding-required-field"),
        ("CREATE INDEX people_handle_idx ON erp.people (handle);", "require-concurrent-index-creation"),
    ],
)
def test_what_stops_people_at_work_is_found(tmp_path: Path, sql: str, rule: str) -> None:
    assert rule in found(tmp_path, sql)
    assert found(tmp_path, f"-- Nobody uses it.\n-- squawk-ignore {rule}\n{sql}") == ""


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE erp.people ADD COLUMN nickname TEXT;",
        "ALTER TABLE erp.people ADD COLUMN rank INTEGER NOT NULL DEFAULT 0;",
        "CREATE TABLE erp.x (id BIGINT, CONSTRAINT x_pkey PRIMARY KEY (id)); CREATE INDEX x_idx ON erp.x (id);",
        "ALTER TABLE erp.x ADD CONSTRAINT x_id_fkey FOREIGN KEY (id) REFERENCES erp.people (id) ON DELETE CASCADE;",
        "-- squawk-ignore-file ban-concurrent-index-creation-in-transaction\n-- migrate: no-transaction\n"
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS events_x_idx ON agent.events (event_type);",
    ],
)
def test_what_a_migration_here_may_do_is_not(tmp_path: Path, sql: str) -> None:
    assert found(tmp_path, sql) == ""


def test_every_rule_that_is_left_out_exists_and_would_find_something(tmp_path: Path) -> None:
    rules = tomllib.loads((ROOT / ".squawk.toml").read_text())["excluded_rules"]
    sql = (
        "ALTER TABLE erp.people ADD COLUMN rank INTEGER; ALTER TABLE erp.people ADD CONSTRAINT people_id_fkey "
        "FOREIGN KEY (id) REFERENCES erp.tasks (id);"
    )
    (tmp_path / "003_x.sql").write_text(sql)
    command = [str(SQUAWK), "--pg-version", "15.0", "--assume-in-transaction", "--reporter", "gcc", "003_x.sql"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    assert [rule for rule in rules if rule not in told] == []
