# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three states: as the release makes it, as a run recorded it, as it is. On a real server."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import catalog

from tests.generate import expected
from tests.integration.postgresql_migration.conftest import TWO
from tests.integration.postgresql_migration.driver import Project

INDEX = "index app.part part_thing_id_idx"
OTHER_WORDS = "CREATE INDEX part_thing_id_idx ON app.part USING btree (thing_id) -- as another minor version says it"
NOT_DRIFT = (
    f"expected state: our release or another minor version of PostgreSQL describes 1 objects differently than they "
    f"are and were recorded: {INDEX}; this is not drift; nothing has to be done; where a migration was accepted "
    "without being run, do by hand what was edited in it, and the next run records that"
)


def ship(project: Project, edit: Callable[[dict[str, Any]], None] = lambda objects: None) -> None:
    """The release makes what was recorded here, but for an edit."""
    found = expected.read(project, ["app_owner"])
    edit(found["objects"])
    found["fingerprint"] = catalog.fingerprint(found["objects"])
    expected.write(project.directory, found)


@pytest.fixture
def released(project: Project) -> Project:
    project.run()
    ship(project)
    return project


def other_words(objects: dict[str, Any]) -> None:
    objects[INDEX]["definition"] = OTHER_WORDS


def test_three_equal_states_are_nothing_to_speak_of(released: Project) -> None:
    for check in (True, False):
        again = released.run(check=check)
        assert not again.changed and again.data["effects"] == [] and again.warnings == []


def test_a_release_that_describes_it_differently_is_not_drift(released: Project) -> None:
    ship(released, other_words)
    for check in (True, False, False):
        told = released.run(check=check)
        assert not told.changed and told.warnings == [NOT_DRIFT]
        assert [(effect["effect"], effect["object"]) for effect in told.data["effects"]] == [("left", "expected state")]


def test_it_hides_no_drift(released: Project) -> None:
    ship(released, other_words)
    released.query("COMMENT ON TABLE app.part IS 'Somebody was here'; DROP INDEX app.part_thing_id_idx", "app_owner")
    told = released.run(check=True)
    named = {effect["object"] for effect in told.data["effects"]}
    assert named == {"table app.part", INDEX}


def test_where_the_database_is_as_the_release_makes_it_the_record_is_made_anew(released: Project) -> None:
    released.migration("002_more.sql", TWO + "COMMENT ON COLUMN app.part.thing_id IS 'Where it belongs';\n")
    accept = {"002": released.run().message.rpartition(": ")[2].strip('"}')}
    assert released.run(accept=accept).rc == 0
    ship(released, lambda objects: objects["column app.part thing_id"].update(comment="Where it belongs"))
    assert "not drift" in released.run().warnings[0]
    released.query("COMMENT ON COLUMN app.part.thing_id IS 'Where it belongs'", "app_owner")
    predicted, recorded = released.run(check=True), released.run()
    detail = "records as the release makes them: column app.part thing_id"
    assert recorded.changed and recorded.warnings == []
    assert recorded.data["effects"] == [{"effect": "change", "object": "migration ledger", "detail": detail}]
    assert predicted.data["effects"] == recorded.data["effects"] and predicted.changed
    again = released.run()
    assert not again.changed and again.data["effects"] == []
    assert again.data["fingerprint"]["expected"] == again.data["fingerprint"]["after"]


def test_an_object_that_only_the_record_knows_is_forgotten(released: Project) -> None:
    released.query("CREATE TABLE app.old ()", "app_owner")
    released.query(
        "UPDATE migration.expected SET fingerprint = 'x', objects = objects || '{\"table app.old\": {}}'", "app_owner"
    )
    released.query("DROP TABLE app.old", "app_owner")
    assert released.run().changed
    assert not released.run().changed


def test_a_pending_migration_and_other_files_are_not_compared(released: Project) -> None:
    ship(released, other_words)
    released.migration("003_x.sql", "COMMENT ON TABLE app.part IS 'More';")
    assert released.run(check=True).warnings == []
    assert released.run().warnings == []
    # ... and now the file describes other migrations than the ones that are there.
    assert released.run().warnings == []


def test_rights_of_a_role_that_the_operator_added(project: Project) -> None:
    project.run()
    ship(project)
    project.query("DROP SCHEMA app, migration CASCADE")
    project.query("DO $$ BEGIN IF to_regrole('service') IS NULL THEN CREATE ROLE service; END IF; END $$")
    project.query(f"GRANT CONNECT ON DATABASE {project.database} TO service")
    text = project.directory.joinpath("migrations/001_base.sql").read_text()
    project.migration("001_base.sql", text + "GRANT SELECT ON app.thing TO service;\n")
    project.run()
    file = project.expected
    document = json.loads(file.read_text())
    changed = (project.directory / "migrations/001_base.sql").read_bytes()
    document["migrations"]["001"] = hashlib.sha256(changed).hexdigest()
    file.write_text(json.dumps(document))
    again = project.run()
    assert not again.changed and again.data["effects"] == [], again.text


def test_a_file_for_another_major_version(released: Project) -> None:
    file = released.expected
    major = released.cluster.major
    file.write_text(file.read_text().replace(f'"postgresql": {major}', '"postgresql": 16'))
    assert released.run().message == (
        f"expected describes the schema on PostgreSQL 16, and the server is to be {major}; nothing was changed; "
        f"remove expected, or give one that was made on PostgreSQL {major}"
    )


def test_a_file_of_an_older_release(released: Project) -> None:
    ship(released, other_words)
    file = released.expected
    file.write_text(file.read_text().replace(catalog.ALGORITHM, "catalog-1"))
    told = released.run()
    assert not told.changed and told.warnings == [
        f"expected was made by catalog-1, and this module knows {catalog.ALGORITHM}, so nothing is compared with it; "
        "run: make expected"
    ]
