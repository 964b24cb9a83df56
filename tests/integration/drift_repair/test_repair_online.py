# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Indexes and constraints of large tables, which are made outside the transaction."""

from __future__ import annotations

import pytest

from tests.integration.drift_repair.cases import HARMLESS, OBSTACLES
from tests.integration.postgresql_migration.drift import Drifting, converge, sql

pytestmark = pytest.mark.usefixtures("nothing_is_lost")


@pytest.mark.parametrize("name", ["index dropped", "index invalid", "foreign key dropped", "check not validated"])
def test_a_large_table_is_repaired_while_writers_work(project: Drifting, name: str) -> None:
    project.options["online_above"] = 0
    key, _detail, damage = HARMLESS[name]
    done = converge(project, damage)
    assert key in done.data["repaired"] and done.data["fingerprint"]["after"] == done.data["fingerprint"]["expected"]
    last = "SELECT object, detail ->> 'statements' FROM migration.event ORDER BY id DESC LIMIT 1"
    written = sql(project, last)[0]
    assert written[0] == key and ("CONCURRENTLY" in written[1] or "VALIDATE" in written[1])


def test_a_unique_index_of_a_large_table_leaves_nothing_behind_where_rows_are_in_the_way(project: Drifting) -> None:
    project.options.update(online_above=0, repair=["constraint app.thing thing_code_key"])
    _key, damage, correct, _reason = OBSTACLES["unique"]
    sql(project, damage, "ALTER TABLE app.part ALTER COLUMN thing_id SET DEFAULT 1")
    failed = project.run()
    assert failed.rc and failed.data["left"] == "partly" and failed.data["changed"]
    assert "constraint app.thing thing_code_key cannot be made again: could not create unique" in failed.message
    assert sql(project, "SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [(0,)]
    sql(project, correct)
    assert project.run().data["repaired"] == ["constraint app.thing thing_code_key"]
