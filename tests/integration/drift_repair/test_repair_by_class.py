# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody changed is put back, named, or refused, by class; nothing is lost by it."""

from __future__ import annotations

import pytest

from tests.integration.drift_repair.cases import DECIDED, HARMLESS, REFUSED
from tests.integration.postgresql_migration.drift import Drifting, changes, converge, sql, told, undo

pytestmark = pytest.mark.usefixtures("nothing_is_lost")


# All at once below, and every kind of them in drift_coverage.
@pytest.mark.long
@pytest.mark.parametrize("name", HARMLESS)
def test_class_a_is_put_right(project: Drifting, name: str) -> None:
    key, detail, damage = HARMLESS[name]
    done = converge(project, damage)
    assert done.changed and ("change", key) in [found[:2] for found in told(done)]
    assert key in done.data["repaired"] and all(found[0] == "change" for found in told(done))
    first = next(found for found in done.data["drift"] if found["object"] == key)
    assert (first["class"], first["detail"][: len(detail)]) == ("A", detail)
    assert done.data["fingerprint"]["after"] == done.data["fingerprint"]["expected"]


def test_class_a_all_at_once(project: Drifting) -> None:
    chosen = [
        HARMLESS[name]
        for name in HARMLESS
        if name
        not in (
            "index invalid",
            "index of a key invalid",
            "index renamed",
            "trigger changed",
            "trigger on replicas only",
        )
        and name not in ("trigger dropped", "foreign key dropped", "check not validated", "triggers of a foreign key")
        and name not in ("function settings", "view dropped")
    ]
    done = converge(project, *(damage for _key, _detail, damage in chosen))
    assert {key for key, _detail, _damage in chosen} <= {found[1] for found in told(done)}
    assert all(found[0] == "change" for found in told(done)), told(done)
    events = sql(project, "SELECT count(*) FROM migration.event WHERE kind = 'repair' AND detail ? 'statements'")
    assert events[0][0] >= len(chosen) - 1


@pytest.mark.parametrize("name", DECIDED)
def test_class_b_is_named_and_put_right_when_asked(project: Drifting, name: str) -> None:
    key, detail, damage = DECIDED[name]
    done = converge(project, damage)
    assert ("left", key) in [found[:2] for found in told(done)] and not done.changed
    first = next(found for found in done.data["drift"] if found["object"] == key)
    assert (first["class"], first["detail"][: len(detail)]) == ("B", detail) and done.data["repaired"] == []
    project.options["repair"] = [key, "index app.part nobody_changed_this"]
    done = converge(project)
    assert done.changed and all(found[0] == "change" for found in told(done)), told(done)


@pytest.mark.parametrize("name", ["NOT NULL dropped", "unique dropped", "text wider", "index added"])
def test_the_remedy_of_class_b_does_what_it_says(project: Drifting, name: str) -> None:
    undo(project, converge(project, DECIDED[name][2]))


@pytest.mark.parametrize("name", REFUSED)
def test_class_c_is_refused_with_the_list(project: Drifting, name: str) -> None:
    key, detail, damage, restore = REFUSED[name]
    harmless = "ALTER TABLE app.thing ALTER COLUMN size SET DEFAULT 3"
    sql(project, damage, harmless)
    project.assertions("assert: {every_table: [comment]}\n")
    for check in (True, False):
        failed = project.run(check=check)
        assert failed.rc and f"{key} ({detail})" in failed.message and "nothing was changed" in failed.message
        assert failed.data["left"] == "unchanged" and ("left", key) in [found[:2] for found in told(failed)]
        assert [found["name"] for found in failed.data["assertions"]["failed"]][:1] == ["comment"]
    (project.directory / "assertions.yml").unlink()
    assert sql(project, "SELECT count(*) FROM pg_attrdef WHERE adrelid = 'app.thing'::regclass") == [(3,)]
    project.options["drift"] = "report"
    if "renamed" not in name:
        reported = project.run()
        assert not reported.changed and reported.rc == 0, reported.text
    del project.options["drift"]
    sql(project, restore)
    assert project.run().data["repaired"] == ["column app.thing size"]


def test_drift_can_be_made_to_fail(project: Drifting) -> None:
    project.options["drift"] = "fail"
    sql(project, "DROP INDEX app.part_thing_id_idx")
    for check in (True, False):
        failed = project.run(check=check)
        assert "drift is set to fail: index app.part part_thing_id_idx (missing)" in failed.message
    del project.options["drift"]
    assert told(project.run()) == changes(("index app.part part_thing_id_idx", "missing"))


def test_extra_rights_are_revoked_when_that_is_wished(project: Drifting) -> None:
    grant = "GRANT SELECT (name), UPDATE (name) ON app.thing TO mallory"
    policy = "CREATE POLICY backdoor ON app.thing TO mallory USING (true)"
    default = "ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA app GRANT SELECT ON TABLES TO mallory"
    done = converge(project, grant, policy, default, "CREATE INDEX extra_idx ON app.part (id)")
    assert [found[0] for found in told(done)] == ["left"] * 4
    project.options["revoke_extra"] = True
    done = converge(project)
    assert [found[:2] for found in told(done)] == [
        ("change", "column app.thing name"),
        ("change", "default privileges app.tables for app_owner"),
        ("change", "policy app.thing backdoor"),
        ("left", "index app.part extra_idx"),
    ]
    sql(project, "DROP INDEX app.extra_idx")


def test_what_was_given_away_is_taken_back_when_asked(project: Drifting) -> None:
    sql(project, "ALTER TABLE app.part OWNER TO mallory", "ALTER FUNCTION app.one() OWNER TO mallory")
    failed = project.run()
    assert "belong to somebody else: function app.one(), table app.part" in failed.message
    project.options["repair"] = ["table app.part", "function app.one()"]
    done = converge(project, "DROP INDEX app.thing_name_idx")
    detail = "owner mallory instead of app_owner"
    assert [found for found in told(done) if found[0] == "left"] == []
    assert told(done)[:2] == changes(("function app.one()", detail), ("table app.part", detail))
