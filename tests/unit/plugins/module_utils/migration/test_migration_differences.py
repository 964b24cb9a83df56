# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between two states of an object: in words, and the SQL that undoes it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import acl, differences, schema_effects
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.effects import Psql
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.schema_effects import Drift


def test_privileges() -> None:
    items = ["=r/o", "a=r*w/o", '"odd ""=/ name"=U/o', "nonsense"]
    assert acl.privileges(items) == {
        ("PUBLIC", "SELECT"),
        ("a", "SELECT"),
        ("a", "SELECT WITH GRANT OPTION"),
        ("a", "UPDATE"),
        ('odd "=/ name', "USAGE"),
        ("nonsense", ""),
    }


def test_who_has_what_too_much() -> None:
    live, wanted = ["o=arw/o", "eve=rw/o", "a=r*/o", "=X/o"], ["o=arw/o", "a=r/o", "b=r/o"]
    assert acl.differences(live, wanted) == [
        "extra right of PUBLIC: EXECUTE",
        "extra right of a: SELECT WITH GRANT OPTION",
        "extra right of eve: SELECT, UPDATE",
        "missing right of b: SELECT",
    ]
    assert acl.statements(live, wanted, "%s ON TABLE t") == [
        "REVOKE EXECUTE ON TABLE t FROM PUBLIC",
        'REVOKE GRANT OPTION FOR SELECT ON TABLE t FROM "a"',
        'REVOKE SELECT, UPDATE ON TABLE t FROM "eve"',
        'GRANT SELECT ON TABLE t TO "b"',
    ]
    assert acl.statements([], ["a=r*w/o"], "%s ON TABLE t") == [
        'GRANT UPDATE ON TABLE t TO "a"',
        'GRANT SELECT ON TABLE t TO "a" WITH GRANT OPTION',
    ]


@pytest.mark.parametrize(
    ("live", "wanted", "words"),
    [
        (None, {}, "missing"),
        ({}, None, "extra"),
        ({"owner": "eve"}, {"owner": "o"}, "owner eve instead of o"),
        ({}, {"row_security": True}, "row security off instead of on"),
        ({"state": "disabled"}, {}, "state disabled instead of none"),
        ({"definition": "x" * 50}, {"definition": "y"}, "another definition"),
        ({"acl": ["a=r/o"]}, {"acl": ["a=r/p"]}, "who gave the rights"),
        ({"acl": ["a=r/o"], "owner": "x"}, {"owner": "o"}, "extra right of a: SELECT, owner x instead of o"),
    ],
)
def test_words(live: Any, wanted: Any, words: str) -> None:
    assert differences.words(live, wanted) == words


ACL = {"acl": ["o=r/o", "eve=rw/o"]}, {"acl": ["o=r/o"]}


@pytest.mark.parametrize(
    ("key", "live", "wanted", "statements"),
    [
        ("table s.t", *ACL, ['REVOKE SELECT, UPDATE ON TABLE "s"."t" FROM "eve"']),
        ("column s.t c", *ACL, ['REVOKE SELECT ("c"), UPDATE ("c") ON TABLE "s"."t" FROM "eve"']),
        ("schema s", *ACL, ['REVOKE SELECT, UPDATE ON SCHEMA "s" FROM "eve"']),
        ("database this", *ACL, ['REVOKE SELECT, UPDATE ON DATABASE "d" FROM "eve"']),
        (
            "function s.f(a integer, b text)",
            *ACL,
            ['REVOKE SELECT, UPDATE ON FUNCTION "s"."f"(a integer, b text) FROM "eve"'],
        ),
        (
            "default privileges s.tables for o",
            ACL[0],
            None,
            [
                'ALTER DEFAULT PRIVILEGES FOR ROLE "o" IN SCHEMA "s" REVOKE SELECT, UPDATE ON TABLES FROM "eve"',
                'ALTER DEFAULT PRIVILEGES FOR ROLE "o" IN SCHEMA "s" REVOKE SELECT ON TABLES FROM "o"',
            ],
        ),
        ("index s.t i", None, {"definition": "CREATE INDEX i ON s.t (a)"}, ["CREATE INDEX i ON s.t (a)"]),
        ("index s.t i", {}, None, ['DROP INDEX "s"."i"']),
        (
            "index s.t i",
            {"definition": "x"},
            {"definition": "CREATE INDEX i ON s.t (a)"},
            ['DROP INDEX "s"."i"', "CREATE INDEX i ON s.t (a)"],
        ),
        ("policy s.t p", {}, None, ['DROP POLICY "p" ON "s"."t"']),
        ("trigger s.t g", {"state": "disabled"}, {}, ['ALTER TABLE "s"."t" ENABLE TRIGGER "g"']),
        ("constraint s.t k", None, {"definition": "CHECK (a)"}, ['ALTER TABLE "s"."t" ADD CONSTRAINT "k" CHECK (a)']),
        ("constraint s.t k", {}, None, ['ALTER TABLE "s"."t" DROP CONSTRAINT "k"']),
        ("function s.f(a integer)", {}, None, ['DROP FUNCTION "s"."f"(a integer)']),
        ("column s.t c", {"default": "1"}, {}, ['ALTER TABLE "s"."t" ALTER COLUMN "c" DROP DEFAULT']),
        ("column s.t c", {}, {"default": "1"}, ['ALTER TABLE "s"."t" ALTER COLUMN "c" SET DEFAULT 1']),
        ("table s.t", {"owner": "eve", "acl": ["eve=r/eve"]}, {"owner": "o"}, ['ALTER TABLE "s"."t" OWNER TO "o"']),
        ("sequence s.q", {"owner": "eve"}, {"owner": "o", "owned_by": "s.t.id"}, []),
        ("table s.t", {"acl": []}, {"acl": ["o=r/o"]}, ['GRANT SELECT ON TABLE "s"."t" TO "o"']),
        # What may hold rows is never dropped, and what has many lines is no remedy.
        ("table s.t", {}, None, []),
        ("column s.t c", {}, None, []),
        ("materialized view s.m", {}, None, []),
        ("function s.f()", None, {"definition": "CREATE\nFUNCTION"}, []),
        ("function s.f()", {"definition": "a"}, {"definition": "b"}, []),
        ("column s.t c", {"type": "text"}, {"type": "integer"}, []),
    ],
)
def test_what_undoes_it(key: str, live: Any, wanted: Any, statements: list[str]) -> None:
    assert sorted(differences.sql(key, live, wanted, "d")) == sorted(statements)


def test_a_part_is_not_named_beside_its_table() -> None:
    recorded: dict[str, Any] = {"table s.gone": {}, "column s.gone id": {}, "column s.kept x": {}, "table s.kept": {}}
    live: dict[str, Any] = {
        "table s.kept": {},
        "table s.new": {},
        "index s.new new_pkey": {},
        "sequence s.new_id_seq": {"owned_by": "s.new.id"},
    }
    drift = Drift(recorded, live, live)
    assert drift.left() == ["column s.kept x", "table s.gone", "table s.new"]
    effects = schema_effects.left(drift, Psql("psql", "d", "o", None))
    assert [effect.remedy for effect in effects] == [
        "what stood in it is gone with it; restore it from a backup",
        "what stood in it is gone with it; restore it from a backup",
        "move it to a schema of its own, or drop it if nobody needs what is in it",
    ]


def test_only_what_somebody_else_changed_is_named_beside_a_migration() -> None:
    recorded: dict[str, Any] = {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1}}
    live: dict[str, Any] = {"a": {"x": 2}, "b": {"x": 1}, "c": {"x": 2}}
    after: dict[str, Any] = {"a": {"x": 1}, "b": {"x": 3}, "c": {"x": 2}, "new": {}}
    drift = Drift(recorded, live, after)
    assert drift.changes(everything=False) == [("a", "x 2 instead of 1")] and drift.left() == ["c"]
    assert [key for key, _detail in drift.changes(everything=True)] == ["a", "b", "new"]
    assert Drift(recorded, live, after, frozenset("c")).left() == []
