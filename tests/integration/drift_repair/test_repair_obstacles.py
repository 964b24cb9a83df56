# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of a repair is said, and left as it is."""

from __future__ import annotations

import pytest

from tests.integration.drift_repair.cases import OBSTACLES
from tests.integration.postgresql_migration.drift import Drifting, converge, sql, told

pytestmark = pytest.mark.usefixtures("nothing_is_lost")


@pytest.mark.parametrize("name", OBSTACLES)
def test_rows_in_the_way_are_counted_and_kept(project: Drifting, name: str) -> None:
    key, damage, correct, reason = OBSTACLES[name]
    project.options["repair"] = [key]
    done = converge(project, damage)
    (effect,) = done.data["effects"]
    assert (effect["effect"], effect["object"]) == ("left", key) and effect["detail"].endswith(f", and {reason}")
    assert effect["remedy"] == "correct or delete these rows and run again" and not done.changed
    done = converge(project, correct)
    assert key in done.data["repaired"]


def test_a_repair_that_cannot_be_done_is_left_and_the_others_are_done(project: Drifting) -> None:
    """What a function returns cannot be replaced while it is there."""
    other = "CREATE FUNCTION app.one() RETURNS text LANGUAGE sql AS 'SELECT NULL::text'"
    done = converge(
        project,
        f"SET ROLE app_owner; DROP FUNCTION app.one(); {other}; REVOKE ALL ON FUNCTION app.one() FROM PUBLIC",
        "DROP INDEX app.part_thing_id_idx",
    )
    assert [found[:2] for found in told(done)] == [
        ("change", "index app.part part_thing_id_idx"),
        ("left", "function app.one()"),
    ]
    left = done.data["effects"][1]
    assert "cannot change return type of existing function" in left["detail"]
    sql(project, "DROP FUNCTION app.one()")
    assert "function app.one()" in project.run().data["repaired"]
