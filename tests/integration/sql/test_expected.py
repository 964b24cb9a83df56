# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sql/expected is what the files make of an empty server: by our module, and by hand in the same order."""

from __future__ import annotations

import json

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import catalog
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog_query import SNAPSHOT

from tests.generate import expected
from tests.integration.sql.conftest import Session

FILES = {major: expected.SQL / f"expected/{major}.json" for major in expected.MAJORS}
TEXT = FILES[15].read_text(encoding="utf-8")
DOCUMENT = json.loads(TEXT)


def objects(session: Session) -> catalog.Objects:
    session.cursor.execute(SNAPSHOT, {"schemas": ["erp", "agent", "private", "api_view"]})
    return catalog.snapshot(session.cursor.fetchall()).objects


@pytest.mark.parametrize("major", FILES)
def test_it_is_what_the_module_makes_of_an_empty_server(major: int) -> None:
    text = FILES[major].read_text(encoding="utf-8")
    assert expected.generate(expected.made(expected.SQL, major)) == text, "run: make expected"


def test_it_is_what_the_files_make_without_the_module(db: Session) -> None:
    assert objects(db) == DOCUMENT["objects"]
    assert DOCUMENT["fingerprint"] == catalog.fingerprint(DOCUMENT["objects"])


@pytest.mark.parametrize(
    "change",
    [
        "COMMENT ON TABLE erp.people IS 'Nobody.'",
        "DROP INDEX agent.events_occurred_at_idx",
        "GRANT SELECT ON erp.people TO erp_monitor",
    ],
)
def test_any_change_of_the_catalog_shows(db: Session, change: str) -> None:
    db.rows(change)
    assert objects(db) != DOCUMENT["objects"]


def test_a_review_sees_one_line_for_each_object() -> None:
    lines = [line for line in TEXT.splitlines() if '": {"' in line or line.endswith(('": {}', '": {},'))]
    keys = [json.loads("{" + line.rstrip(",") + "}").popitem()[0] for line in lines if not line.startswith('"migr')]
    assert keys == sorted(DOCUMENT["objects"])
