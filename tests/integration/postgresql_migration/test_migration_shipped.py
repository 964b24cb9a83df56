# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQL of this collection through its own module: from an empty server to nothing left to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract import COUNT as TABLES
from tests.integration.postgresql_migration.driver import ROOT, Project
from tests.integration.postgresql_migration.shipped import shipped_project

VERSIONS = sorted(path.name[:3] for path in (ROOT / "sql/migrations").glob("*.sql"))
# The owner's own check.
COUNT = "SELECT count(*) FROM information_schema.tables WHERE table_schema IN ('erp', 'agent')"
# How many rows each table has, and which transaction wrote the last one.
ROWS = """
SELECT c.oid::regclass::text, query_to_xml(
    format('SELECT count(*), max(xmin::text::bigint) FROM %s', c.oid::regclass), TRUE, TRUE, '')::text
FROM pg_class AS c
WHERE c.relkind = 'r' AND c.relnamespace::regnamespace::text IN ('erp', 'agent', 'private', 'migration') ORDER BY 1
"""


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with shipped_project(ROOT / "sql", tmp_path_factory.mktemp("shipped")) as project:
        yield project


def test_shipped_sql(shipped: Project) -> None:
    bare = shipped.run(check=True)
    assert bare.changed and bare.data["pending"] == VERSIONS and not bare.data["reachable"]
    first = shipped.run()
    assert first.rc == 0 and [item["version"] for item in first.data["applied"]] == VERSIONS, first.text
    assert first.data["effects"] == bare.data["effects"]
    assert shipped.query(COUNT, user="erp_admin") == [(TABLES,)]
    for check in (True, False):
        again = shipped.run(check=check)
        assert again.rc == 0 and not again.changed and again.warnings == [], again.text


def test_shipped_probes_hold_and_leave_nothing(shipped: Project) -> None:
    plain = shipped.run().data["assertions"]["passed"]
    before = shipped.query(ROWS, user="erp_admin")
    probed = shipped.run(probe=True)
    assert not probed.changed and probed.data["assertions"]["failed"] == [], probed.text
    assert probed.data["assertions"]["passed"] > plain
    assert shipped.query(ROWS, user="erp_admin") == before


@pytest.mark.parametrize(
    "drift",
    [
        "GRANT DELETE ON erp.people TO erp_writer",
        "REVOKE USAGE ON SCHEMA erp FROM erp_reader",
        "GRANT SELECT (webhook_url) ON agent.events TO agent_viewer",
        "GRANT EXECUTE ON FUNCTION private.check_request() TO PUBLIC",
        "ALTER FUNCTION private.check_request() SECURITY INVOKER",
        "DROP VIEW api_view.profiles",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA agent GRANT SELECT ON TABLES TO agent_viewer",
    ],
)
def test_rights_that_somebody_changed_are_put_right(shipped: Project, drift: str) -> None:
    assert shipped.run().rc == 0
    shipped.query(drift, user="erp_admin")
    predicted, repaired = shipped.run(check=True), shipped.run()
    fingerprint = repaired.data["fingerprint"]
    assert repaired.changed and fingerprint["after"] == fingerprint["expected"] != fingerprint["before"], repaired.text
    assert predicted.data["effects"] == repaired.data["effects"] != []
    assert not shipped.run().changed


def test_an_owner_who_lost_the_database_and_a_right_that_was_handed_on(shipped: Project) -> None:
    assert shipped.run().rc == 0
    for drift in (
        "GRANT SELECT ON erp.people TO erp_reader WITH GRANT OPTION",
        "SET ROLE erp_reader; GRANT SELECT ON erp.people TO pg_monitor",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
    ):
        shipped.query(drift)
    predicted, repaired = shipped.run(check=True), shipped.run()
    assert predicted.data["effects"] == repaired.data["effects"], repaired.text
    assert [effect["object"] for effect in repaired.data["effects"]] == ["schema public", "table erp.people"]
    shipped.query("ALTER DATABASE portfolio OWNER TO postgres; DROP OWNED BY erp_monitor; DROP ROLE erp_monitor")
    predicted, repaired = shipped.run(check=True), shipped.run()
    assert predicted.rc == 0 and repaired.rc == 0, repaired.text
    again = shipped.run()
    assert not again.changed and again.data["effects"] == [], again.text
