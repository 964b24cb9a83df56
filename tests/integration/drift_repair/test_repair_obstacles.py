# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of a repair is said, and left as it is."""

from __future__ import annotations

import pytest

from tests.integration.drift_repair.cases import OBSTACLES
from tests.integration.postgresql_migration.drift import Drifting, converge, told

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
    """A foreign key needs the key that it points to, and that one is somebody's decision."""
    key, foreign = "constraint app.thing thing_pkey", "constraint app.part part_thing_id_fkey"
    done = converge(
        project, "ALTER TABLE app.thing DROP CONSTRAINT thing_pkey CASCADE", "DROP INDEX app.part_thing_id_idx"
    )
    assert [found[:2] for found in told(done)] == [
        ("change", "index app.part part_thing_id_idx"),
        ("left", foreign),
        ("left", key),
    ]
    assert "there is no unique constraint matching given keys" in done.data["effects"][1]["detail"]
    project.options["repair"] = [key]
    assert {key, foreign} <= set(project.run().data["repaired"])


def test_a_function_with_another_result_is_made_again_when_asked(project: Drifting) -> None:
    other = "CREATE FUNCTION app.one() RETURNS text LANGUAGE sql AS 'SELECT NULL::text'"
    done = converge(project, f"SET ROLE app_owner; DROP FUNCTION app.one(); {other}")
    assert ("left", "function app.one()") in [found[:2] for found in told(done)]
    project.options["repair"] = ["function app.one()"]
    assert "function app.one()" in project.run().data["repaired"]
