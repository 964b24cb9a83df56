# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What older algorithms knew of the catalog, and what a record of theirs is completed with."""

from __future__ import annotations

from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import catalog_history
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import ALGORITHM

from tests.snapshot_query import branches

_RELATION = (
    "owner acl comment definition partition persistence row_security force_row_security replica_identity options "
    "toast_options method tablespace inherits sequence owned_by"
)
# catalog-2 as it was released: kinds and their attributes.
SECOND = {
    **dict.fromkeys(("table", "view", "materialized view", "foreign table", "composite type", "sequence"), _RELATION),
    "schema": "owner acl comment",
    "column": "type not_null default generated expression identity storage compression collation statistics options "
    "acl comment",
    "constraint": "definition type not_valid columns references comment",
    "index": "definition unique primary invalid clustered replica_identity columns predicate owner comment",
    "trigger": "definition function state comment",
    "policy": "command restrictive roles using check comment",
    "rule": "definition state",
    "statistics": "definition owner target",
    **dict.fromkeys(("function", "procedure", "aggregate"), "definition settings security_definer owner acl comment"),
    "type": "definition owner acl comment",
    "default privileges": "acl",
    "database": "owner acl",
    "extension": "version schema",
}


def _everything() -> dict[str, dict[str, Any]]:
    """One object of every kind that the query knows, with every attribute."""
    result: dict[str, dict[str, Any]] = {}
    for kinds, attributes in branches():
        for kind in kinds:
            result.setdefault(f"{kind} s.x y", {}).update(dict.fromkeys(attributes, 1))
    return result


def test_the_second_saw_what_it_saw() -> None:
    seen = catalog_history.seen_by("catalog-2", _everything(), ["s"])
    assert seen is not None
    assert {key.removesuffix(" s.x y"): set(found) for key, found in seen.items()} == {
        kind: set(names.split()) for kind, names in SECOND.items()
    }


def test_a_foreign_key_from_outside_is_new() -> None:
    objects: dict[str, Any] = {"constraint s.t k": {}, "constraint public.t k": {}}
    assert catalog_history.seen_by("catalog-2", objects, ["s"]) == {"constraint s.t k": {}}


def test_the_first_did_not_look_at_schema_public() -> None:
    objects: dict[str, Any] = {"schema public": {}, "schema s": {}}
    assert catalog_history.seen_by(ALGORITHM, objects, ["s"]) is objects
    assert catalog_history.seen_by("catalog-1", objects, ["s"]) == {"schema s": {}}
    assert catalog_history.seen_by("catalog-1", objects, ["public", "s"]) == objects
    assert catalog_history.seen_by("catalog-2", objects, ["s"]) == objects
    assert catalog_history.seen_by("catalog-99", objects, ["s"]) is None


def test_what_was_not_known_counts_as_recorded() -> None:
    recorded: dict[str, Any] = {"table s.t": {"owner": "o"}, "table s.gone": {"owner": "o"}}
    live: dict[str, Any] = {"table s.t": {"owner": "eve", "column_order": ["a"]}, "cast x": {}, "table s.new": {}}
    seen = catalog_history.seen_by("catalog-2", live, ["s"])
    assert seen is not None
    assert catalog_history.completed(recorded, live, seen) == {
        "table s.t": {"owner": "o", "column_order": ["a"]},
        "table s.gone": {"owner": "o"},
        "cast x": {},
    }
