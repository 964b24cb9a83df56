# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights and objects that somebody changes by hand: put right by the access files, or left to a person."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import catalog, catalog_history
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import literal

from tests.cluster import Cluster
from tests.integration.postgresql_migration.conftest import ONE
from tests.integration.postgresql_migration.drift import ACCESS, ROLES, Drifting, changes, converge, sql, told, undo
from tests.integration.postgresql_migration.driver import PEER_LIKE, Project


def test_rights_are_put_right_by_the_access_files(kept: Drifting) -> None:
    done = converge(
        kept,
        "GRANT DELETE ON app.thing TO app_reader",
        "GRANT SELECT ON app.thing TO PUBLIC",
        "GRANT UPDATE (name) ON app.thing TO app_writer",
        "GRANT CREATE ON SCHEMA app TO app_writer",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "GRANT EXECUTE ON FUNCTION app.one() TO PUBLIC",
        "GRANT USAGE ON SEQUENCE app.thing_id_seq TO app_writer",
        "GRANT TEMPORARY ON DATABASE app TO PUBLIC",
        "ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA app GRANT SELECT ON TABLES TO app_writer",
        "REVOKE USAGE ON SCHEMA app FROM app_reader",
        "ALTER TABLE app.thing DISABLE ROW LEVEL SECURITY",
        "ALTER POLICY everything ON app.thing USING (false)",
    )
    assert told(done) == changes(
        ("column app.thing name", "extra right of app_writer: UPDATE"),
        ("database app", "extra right of PUBLIC: TEMPORARY"),
        ("default privileges app.tables for app_owner", "extra"),
        ("function app.one()", "extra right of PUBLIC: EXECUTE"),
        ("policy app.thing everything", "using false instead of true"),
        ("schema app", "extra right of app_writer: CREATE, missing right of app_reader: USAGE"),
        ("schema public", "extra right of PUBLIC: CREATE"),
        ("sequence app.thing_id_seq", "extra right of app_writer: USAGE"),
        (
            "table app.thing",
            "extra right of PUBLIC: SELECT, extra right of app_reader: DELETE, row security off instead of on",
        ),
    )


def test_a_right_handed_on_by_a_role_of_ours_goes_with_it(kept: Drifting) -> None:
    grant = "GRANT SELECT ON app.thing TO"
    done = converge(kept, f"{grant} app_reader WITH GRANT OPTION; SET ROLE app_reader; {grant} mallory")
    detail = "extra right of app_reader: SELECT WITH GRANT OPTION, extra right of mallory: SELECT"
    assert told(done) == changes(("table app.thing", detail))


REPAIRED = [
    ("column app.thing name", "default 'y'::text instead of 'x'::text"),
    ("constraint app.part part_thing_id_fkey", "missing"),
    ("index app.part part_thing_id_idx", "missing"),
    ("trigger app.thing thing_touch", "state disabled instead of none"),
]
LEFT = [
    ("column app.thing id", "extra right of mallory: SELECT WITH GRANT OPTION, UPDATE WITH GRANT OPTION"),
    ("database app", "extra right of mallory: CREATE"),
    ("default privileges app.tables for app_owner", "extra"),
    ("function app.one()", "extra right of mallory: EXECUTE"),
    ("index app.part extra_idx", "extra"),
    ("policy app.thing backdoor", "extra"),
    ("schema public", "extra right of mallory: USAGE"),
    ("table app.thing", "extra right of mallory: SELECT"),
]


def test_what_only_a_person_may_decide_is_named(kept: Drifting) -> None:
    done = converge(
        kept,
        "CREATE ROLE eve SUPERUSER",
        "CREATE ROLE ivan BYPASSRLS CREATEROLE CREATEDB REPLICATION",
        "GRANT app_owner TO ivan",
        "GRANT SELECT ON app.thing TO mallory",
        "GRANT SELECT (id), UPDATE (id) ON app.thing TO mallory WITH GRANT OPTION",
        "GRANT CREATE ON DATABASE app TO mallory",
        "GRANT USAGE ON SCHEMA public TO mallory",
        "GRANT EXECUTE ON FUNCTION app.one() TO mallory",
        "ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA app GRANT SELECT ON TABLES TO mallory",
        "DROP INDEX app.part_thing_id_idx",
        "CREATE INDEX extra_idx ON app.part (id)",
        "ALTER TABLE app.thing DISABLE TRIGGER thing_touch",
        "CREATE POLICY backdoor ON app.thing TO mallory USING (true)",
        "ALTER TABLE app.thing ALTER COLUMN name SET DEFAULT 'y'",
        "ALTER TABLE app.part DROP CONSTRAINT part_thing_id_fkey",
    )
    foreign = [
        ("left", "role ivan", "member of app_owner, which roles.yml does not ask for"),
        ("left", "role eve", "SUPERUSER, and it is not in roles.yml"),
        ("left", "role ivan", "CREATEROLE, CREATEDB, REPLICATION, BYPASSRLS, and it is not in roles.yml"),
    ]
    assert told(done) == [*foreign, *changes(*REPAIRED), *(("left", name, detail) for name, detail in LEFT)]
    assert len(done.warnings) == 4
    undo(kept, done)
    sql(kept, "DROP ROLE eve, ivan")


def test_a_refused_run_says_what_somebody_changed(kept: Drifting) -> None:
    kept.assertions("assert: {every_table: [fk_indexed]}\n")
    sql(kept, "DROP INDEX app.part_thing_id_idx")
    kept.options["drift"] = "report"
    for check in (True, False):
        failed = kept.run(check=check)
        assert failed.rc and told(failed) == [("left", "index app.part part_thing_id_idx", "missing")]
    undo(kept, failed)
    del kept.options["drift"]
    (kept.directory / "assertions.yml").unlink()
    sql(kept, "ALTER TABLE app.part OWNER TO mallory")
    for check in (True, False):
        failed = kept.run(check=check)
        assert failed.message == (
            "the access files cannot run, because these objects belong to somebody else: table app.part; nothing was "
            "changed; give them back as the effects of this result say and run again"
        )
        assert told(failed)[-1][:2] == ("left", "table app.part") and "owner mallory instead of" in told(failed)[-1][2]
        assert told(failed)[0][1] == "sequence app.part_id_seq"
    failed.data["effects"] = failed.data["effects"][-1:]
    undo(kept, failed)


def test_files_are_effects_too(kept: Drifting) -> None:
    kept.access("10_rights.sql", ACCESS + "-- edited\n")
    assert told(converge(kept)) == changes(("access files", "edited"))
    kept.migration("004_more.sql", "CREATE TABLE app.more (id bigint CONSTRAINT more_pkey PRIMARY KEY);")
    done = converge(kept, "ALTER ROLE app_reader BYPASSRLS", "GRANT DELETE ON app.thing TO app_reader")
    assert told(done) == changes(
        ("role app_reader", "BYPASSRLS"),
        ("migration 004_more.sql", "1 statements"),
        ("table app.thing", "extra right of app_reader: DELETE"),
    )


def test_a_bare_server(tmp_path: Path, kept: Drifting) -> None:
    with Cluster(hba=PEER_LIKE) as cluster:
        project = Project(cluster, tmp_path / "project", options=kept.options)
        project.migration("001_base.sql", ONE)
        project.access("roles.yml", ROLES)
        project.access("10_rights.sql", "GRANT SELECT ON app.thing TO app_reader;")
        checked, done = project.run(check=True), project.run()
        assert checked.data["effects"] == done.data["effects"]
        assert told(done)[-3:] == changes(
            ("password app_login", "not the one in its file"),
            ("migration 001_base.sql", "3 statements"),
            ("access files", "never run"),
        )


@pytest.mark.parametrize("algorithm", ["catalog-1", "catalog-2"])
def test_an_older_record_is_made_anew_once(kept: Drifting, algorithm: str) -> None:
    """What the older one did not look at counts as recorded, and the access files run."""
    last = "(SELECT max(version) FROM migration.applied)"
    now = sql(kept, f"SELECT objects FROM migration.expected WHERE version = {last}")[0][0]
    older = catalog_history.seen_by(algorithm, now, ["app"])
    assert older is not None and older != now
    downgrade = (
        f"UPDATE migration.expected SET catalog_algo = '{algorithm}', objects = {literal(json.dumps(older))}, "
        f"fingerprint = '{catalog.fingerprint(older)}' WHERE version = {last}"
    )
    ledger = ("migration ledger", f"{algorithm} instead of {catalog.ALGORITHM}")
    assert told(converge(kept, downgrade)) == changes(ledger)
    assert sql(kept, f"SELECT objects FROM migration.expected WHERE version = {last}")[0][0] == now
    done = converge(kept, downgrade, "GRANT CREATE ON SCHEMA public TO PUBLIC", "DROP INDEX app.part_thing_id_idx")
    index = ("index app.part part_thing_id_idx", "missing")
    assert told(done) == changes(ledger, index, ("schema public", "extra right of PUBLIC: CREATE"))


def test_a_right_of_somebody_else_is_not_recorded_beside_one_that_is_put_right(kept: Drifting) -> None:
    for statement in ("REVOKE SELECT ON app.thing FROM app_reader", "GRANT DELETE ON app.thing TO app_reader"):
        converge(kept, statement, "GRANT SELECT ON app.thing TO mallory")
        again = kept.run()
        assert told(again) == [("left", "table app.thing", "extra right of mallory: SELECT")]
        undo(kept, again)
