# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshot: fingerprint, lines, and what is recorded after a change."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import catalog
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import snapshot

TABLE: dict[str, Any] = {"owner": "o", "acl": ["b=r/o", "a=r/o"]}


def test_keys() -> None:
    found = snapshot(
        [
            ("schema", "s", None, "s", {}),
            ("table", "s", None, "t", {}),
            ("column", "s", "t", "c", {}),
            ("database", "", None, "this", {}),
        ]
    )
    assert sorted(found.objects) == ["column s.t c", "database this", "schema s", "table s.t"]


def test_order_of_rows_and_grants_means_nothing() -> None:
    rows = [("table", "s", None, "t", TABLE), ("table", "s", None, "u", TABLE)]
    other = [("table", "s", None, "u", TABLE), ("table", "s", None, "t", {**TABLE, "acl": ["a=r/o", "b=r/o"]})]
    assert catalog.fingerprint(snapshot(rows).objects) == catalog.fingerprint(snapshot(other).objects)


@pytest.mark.parametrize("change", [{"owner": "x"}, {"comment": "c"}, {"acl": ["a=r/o"]}])
def test_every_attribute_means_something(change: dict[str, Any]) -> None:
    one, two = snapshot([("table", "s", None, "t", TABLE)]), snapshot([("table", "s", None, "t", {**TABLE, **change})])
    assert catalog.fingerprint(one.objects) != catalog.fingerprint(two.objects)


def test_extensions_are_not_in_the_fingerprint() -> None:
    found = snapshot([("extension", "", None, "x", {"version": "1"})])
    assert not found.objects and found.of_kind("extension")


def test_lines_are_one_line() -> None:
    attributes = {"definition": "CREATE\nINDEX", "unique": True, "comment": "a\nb"}
    assert catalog.line("index s.t i", attributes) == 'index s.t i: CREATE\\nINDEX comment="a\\nb" unique'


def test_empty() -> None:
    rows: list[tuple[Any, ...]] = [
        ("schema", "s", None, "s", {}),
        ("table", "other", None, "t", {}),
        ("database", "", None, "this", {}),
    ]
    assert snapshot(rows).is_empty(["s"])
    assert not snapshot([*rows, ("function", "s", None, "f()", {})]).is_empty(["s"])


@pytest.mark.parametrize(
    ("live", "concerns"),
    [
        ({"table s.t": {"owner": "o", "acl": ["a"]}}, False),
        ({"table s.t": {"owner": "o", "acl": ["a", "b"]}}, True),
        ({"table s.t": {"owner": "o", "acl": ["a"], "row_security": True}}, True),
        ({"table s.t": {"owner": "x", "acl": ["a"]}}, False),
        ({"table s.t": {"owner": "o", "acl": ["a"]}, "policy s.t p": {}}, True),
        ({"table s.t": {"owner": "o", "acl": ["a"]}, "table s.u": {"acl": ["a"]}}, False),
        ({}, False),
    ],
)
def test_what_concerns_the_access_files(live: dict[str, Any], concerns: bool) -> None:
    recorded = {"table s.t": {"owner": "o", "acl": ["a"]}}
    assert catalog.concerns_access(recorded, live, []) is concerns


def test_an_object_that_the_access_files_made_is_theirs() -> None:
    recorded = {"view s.v": {"definition": "1"}}
    assert catalog.concerns_access(recorded, {}, ["view s.v"]) and not catalog.concerns_access(recorded, {}, [])


def test_a_record_keeps_foreign_changes_apart_from_ours() -> None:
    recorded: dict[str, Any] = {"a": {"x": 1, "acl": ["r=r/o"]}, "gone": {"x": 1}, "same": {"x": 1}}
    before: dict[str, Any] = {"a": {"x": 9, "acl": ["r=r/o"]}, "extra": {"x": 1}, "same": {"x": 1}, "dropped": {"x": 1}}
    after: dict[str, Any] = {"a": {"x": 9, "acl": ["r=rw/o"]}, "extra": {"x": 1}, "same": {"x": 1}, "new": {"x": 5}}
    assert catalog.carry(recorded, before, after) == {
        "a": {"x": 1, "acl": ["r=rw/o"]},
        "gone": {"x": 1},
        "same": {"x": 1},
        "new": {"x": 5},
    }


def test_what_the_access_files_will_do_to_an_object() -> None:
    wanted, live = {"acl": ["a"], "comment": "x"}, {"acl": ["b"], "row_security": True, "comment": "y"}
    assert catalog.by_access("table s.t", wanted, live, []) == {"acl": ["a"], "comment": "y"}
    assert catalog.by_access("table s.t", wanted, live, ["table s.t"]) == wanted
    assert catalog.by_access("policy s.t p", wanted, None, []) == wanted
    assert catalog.by_access("table s.t", wanted, None, []) is None


def _table(*columns: str) -> dict[str, Any]:
    return {"owner": "o", "column_order": list(columns)}


@pytest.mark.parametrize(
    ("one", "two", "differ"),
    [
        ("abc", "abc", set()),
        ("abc", "acb", {"column_order"}),
        # A column that is missing, extra or renamed is told by itself.
        ("abc", "ac", set()),
        ("abc", "axbc", set()),
        ("abc", "axc", set()),
        ("abc", "cxa", {"column_order"}),
    ],
)
def test_columns_in_another_order(one: str, two: str, differ: set[str]) -> None:
    assert catalog.differing(_table(*one), _table(*two)) == differ
    assert catalog.changed({"t": _table(*one)}, {"t": _table(*two)}) == (["t"] if differ else [])
    assert catalog.differing(_table(*one), {"owner": "o"}) == set(), "an older record did not know it"


def test_a_line_does_not_repeat_the_columns() -> None:
    assert catalog.line("table s.t", _table("a", "b")) == 'table s.t: owner="o"'


@pytest.mark.parametrize(
    ("recorded", "before", "after", "kept"),
    [
        ("ab", "ab", "abn", "abn"),
        # x is somebody else's; g was dropped by somebody else.
        ("ab", "axb", "axbn", "abn"),
        ("agb", "ab", "abn", "agbn"),
        ("ga", "a", "an", "gan"),
        ("ag", "a", "ag", "ag"),
        ("ab", "ab", "b", "b"),
    ],
)
def test_a_record_keeps_the_order_of_its_own_columns(recorded: str, before: str, after: str, kept: str) -> None:
    result = catalog.carry({"t": _table(*recorded)}, {"t": _table(*before)}, {"t": _table(*after)})
    assert "".join(result["t"]["column_order"]) == kept


def test_a_record_keeps_the_rights_that_somebody_else_gave_out_of_it() -> None:
    """Although the access files changed other rights of the same object."""
    recorded = {"t": {"acl": ["a=r/o", "o=arw/o"]}}
    before = {"t": {"acl": ["eve=r*w/o", "o=arw/o"]}}
    after = {"t": {"acl": ["a=rw/o", "eve=r*w/o", "o=arw/o"]}}
    assert catalog.carry(recorded, before, after) == {"t": {"acl": ["a=rw/o", "o=arw/o"]}}
    assert catalog.carry({"c": {}}, {"c": {"acl": ["eve=r/o"]}}, {"c": {}}) == {"c": {}}
    assert catalog.carry({"t": {"acl": ["a=r/o"]}}, {"t": {"acl": ["a=r/o"]}}, {"t": {"acl": []}}) == {"t": {"acl": []}}
    quoted = ['"odd ""=/ name"=U*C/o']
    assert catalog.carry({"s": {"acl": []}}, {"s": {"acl": []}}, {"s": {"acl": quoted}}) == {"s": {"acl": quoted}}
