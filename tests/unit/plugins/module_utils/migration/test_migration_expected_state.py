# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped state: how it is sent, what of it is compared, and what follows of three states of one object."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.bestviable.portfolio.plugins.action import postgresql_migration as action
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import catalog, files, shipped
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.asserts_file import Assertions
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.files import Migration
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.ledger import Expected, Plan
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.shipped import Shipped
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.state import Work

FIRST = Migration("001_x.sql", "SELECT 1;\n", "sum", (), "001", "x")
ACCESS = files.combined_checksum([])
TABLE = {"owner": "o", "acl": ["o=arwdDxt/o", "reader=r/o"]}
SHIPPED: dict[str, Any] = {"table s.t": TABLE, "column s.t c": {"type": "text"}, "index s.t i": {"definition": "new"}}


def document(**changes: Any) -> dict[str, Any]:
    return {
        "algorithm": catalog.ALGORITHM,
        "postgresql": 15,
        "fingerprint": catalog.fingerprint(SHIPPED),
        "migrations": {"001": "sum"},
        "access": ACCESS,
        "roles": ["o", "reader"],
        "access_objects": [],
        "objects": SHIPPED,
        **changes,
    }


def parsed(**changes: Any) -> Shipped:
    found = shipped.parse(shipped.pack(document(**changes)), 15, pytest.fail)
    assert found is not None
    return found


def test_what_is_sent_arrives() -> None:
    assert parsed().objects == SHIPPED and parsed().version == "001"
    assert shipped.parse(None, 15, pytest.fail) is None


@pytest.mark.parametrize("value", [[], {"objects": []}, "text", None])
def test_what_is_no_such_file_is_not_sent(tmp_path: Path, value: Any) -> None:
    file = tmp_path / "15.json"
    file.write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(AnsibleActionFail, match=r"15\.json: expected is not a file that this collection made"):
        action.json_file("expected", file)


def test_what_is_not_json_is_not_sent(tmp_path: Path) -> None:
    file = tmp_path / "15.json"
    for raw in (b'{"objects": ', b"\xff"):
        file.write_bytes(raw)
        with pytest.raises(AnsibleActionFail, match=r"15\.json is not JSON: .*; nothing was changed; run: make"):
            action.json_file("expected", file)


@pytest.mark.parametrize(
    "argument",
    [
        "/a/path",
        {"objects": "x"},
        document(migrations=[]),
        document(postgresql="fifteen"),
        document(access_objects=None),
        document(roles=None),
    ],
)
def test_what_is_sent_otherwise_is_refused(argument: Any) -> None:
    with pytest.raises(MigrationError, match="not a file that this collection made"):
        shipped.parse(argument, 15, pytest.fail)


@pytest.mark.parametrize("packed", ["not base64", "eJwAAA==", "eJyrBQAAewB7"])
def test_objects_that_cannot_be_unpacked_are_refused(packed: str) -> None:
    found = shipped.parse({**document(), "objects": packed}, 15, pytest.fail)
    assert found is not None
    with pytest.raises(MigrationError, match="not a file that this collection made"):
        found.differences({})


@pytest.mark.parametrize(
    "same",
    [
        {"table s.t": {**TABLE, "acl": [*TABLE["acl"], "service=r/o"]}},
        {"table s.t": {**TABLE, "acl": [*TABLE["acl"], '"odd=name"=r*/o']}},
        {"column s.t c": {"type": "text", "acl": ["service=r/o"]}},
        {"database this": {"owner": "somebody"}, "schema public": {"acl": ["=UC/postgres"]}},
    ],
)
def test_what_an_operator_may_add(same: dict[str, Any]) -> None:
    assert parsed().differences({**SHIPPED, **same}) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"table s.t": {**TABLE, "acl": [*TABLE["acl"], "=r/o"]}}, "table s.t"),
        ({"table s.t": {**TABLE, "acl": ["o=arwdDxt/o"]}}, "table s.t"),
        ({"table s.t": {**TABLE, "acl": ["o=arwdDxt/o", "reader=rw/o"]}}, "table s.t"),
        ({"column s.t c": {"type": "text", "acl": ["reader=r/o"]}}, "column s.t c"),
        ({"index s.t i": {"definition": "other"}}, "index s.t i"),
        ({"view s.v": {"owner": "service"}}, "view s.v"),
    ],
)
def test_what_nobody_may_add(change: dict[str, Any], named: str) -> None:
    assert parsed().differences({**SHIPPED, **change}) == [named]


def work(**changes: Any) -> Work:
    return Work(**{
        "migrations": [FIRST], "access": [], "assertions": Assertions(), "schemas": ["s"], "accept": {},
        "server_major": 15, "shipped": parsed(), **changes,
    })  # fmt: skip


def index(definition: str | None) -> dict[str, Any]:
    rest = {key: value for key, value in SHIPPED.items() if not key.startswith("index")}
    return rest if definition is None else {**rest, "index s.t i": {"definition": definition}}


def judged(recorded: Any, live: Any, plan: Plan | None = None, **changes: Any) -> shipped.Verdict:
    expected = Expected("001", catalog.ALGORITHM, catalog.fingerprint(recorded), ACCESS, [], "run")
    return shipped.judge(work(**changes), plan or Plan([], []), expected, recorded, live)


@pytest.mark.parametrize(
    ("recorded", "live", "renewed", "described"),
    [
        ("new", "new", False, False),
        ("old", "old", False, True),
        ("old", "new", True, False),
        # Drift, whatever the release says.
        ("new", "old", False, False),
        ("old", "other", False, False),
        ("old", None, False, False),
        (None, "new", True, False),
        (None, None, False, True),
        (None, "other", False, False),
    ],
)
def test_three_states(recorded: str | None, live: str | None, renewed: bool, described: bool) -> None:
    verdict = judged(index(recorded), index(live))
    assert (bool(verdict.renewed), bool(verdict.described)) == (renewed, described)
    assert (verdict.changes() != [], verdict.left() != []) == (renewed, described)
    after = verdict.recorded(index(recorded))
    assert after == (SHIPPED if renewed else index(recorded))


def test_only_the_same_files_are_compared() -> None:
    old = index("old")
    assert judged(old, old).described
    for changes in (
        {"plan": Plan([FIRST], [])},
        {"plan": Plan([], [FIRST])},
        {"shipped": None},
        {"shipped": parsed(migrations={"001": "another"})},
        {"shipped": parsed(access="another")},
    ):
        assert judged(old, old, **changes) == shipped.Verdict()
