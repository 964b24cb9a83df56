# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs, of which class it is, and what puts it right."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift import acl, words
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.findings import Finding, find
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.policy import Policy
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.step import Context
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import schema_effects
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.effects import Psql
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.schema_effects import Drift

TABLE = 'ALTER TABLE "s"."t"'
COLUMN = f'{TABLE} ALTER COLUMN "c"'
ACL = {"acl": ["o=r/o", "eve=rw/o"]}, {"acl": ["o=r/o"]}


def found(recorded: dict[str, Any], live: dict[str, Any], **made: Any) -> list[Finding]:
    return find(Context(recorded, live, "d", "o", **made))


def one(key: str, live: Any, wanted: Any) -> list[Finding]:
    return found({} if wanted is None else {key: wanted}, {} if live is None else {key: live})


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
    assert acl.revoking(live, wanted, "%s ON TABLE t") == [
        "REVOKE EXECUTE ON TABLE t FROM PUBLIC",
        'REVOKE GRANT OPTION FOR SELECT ON TABLE t FROM "a"',
        'REVOKE SELECT, UPDATE ON TABLE t FROM "eve"',
    ]
    assert acl.granting(live, wanted, "%s ON TABLE t") == ['GRANT SELECT ON TABLE t TO "b"']
    assert acl.granting([], ["a=r*w/o"], "%s ON TABLE t") == [
        'GRANT UPDATE ON TABLE t TO "a"',
        'GRANT SELECT ON TABLE t TO "a" WITH GRANT OPTION',
    ]


@pytest.mark.parametrize(
    ("live", "wanted", "text"),
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
def test_words(live: Any, wanted: Any, text: str) -> None:
    assert words.of(live, wanted) == text


@pytest.mark.parametrize(
    ("key", "live", "wanted", "drift_class", "statements"),
    [
        ("table s.t", *ACL, "B", ['REVOKE SELECT, UPDATE ON TABLE "s"."t" FROM "eve"']),
        ("table s.t", *reversed(ACL), "A", ['GRANT SELECT, UPDATE ON TABLE "s"."t" TO "eve"']),
        ("column s.t c", *ACL, "B", ['REVOKE SELECT ("c"), UPDATE ("c") ON TABLE "s"."t" FROM "eve"']),
        ("schema s", *ACL, "B", ['REVOKE SELECT, UPDATE ON SCHEMA "s" FROM "eve"']),
        ("database this", *ACL, "B", ['REVOKE SELECT, UPDATE ON DATABASE "d" FROM "eve"']),
        (
            "function s.f(a integer, b text)",
            *ACL,
            "B",
            ['REVOKE SELECT, UPDATE ON FUNCTION "s"."f"(a integer, b text) FROM "eve"'],
        ),
        ("table s.t", {"acl": ["o=r/p"]}, {"acl": ["o=r/o"]}, "B", []),
        (
            "default privileges s.tables for o",
            ACL[0],
            None,
            "B",
            [
                'ALTER DEFAULT PRIVILEGES FOR ROLE "o" IN SCHEMA "s" REVOKE SELECT, UPDATE ON TABLES FROM "eve"',
                'ALTER DEFAULT PRIVILEGES FOR ROLE "o" IN SCHEMA "s" REVOKE SELECT ON TABLES FROM "o"',
            ],
        ),
        # That PUBLIC may call every new function is built in, and was taken away.
        (
            "default privileges functions for o",
            None,
            {"acl": ["o=X/o"]},
            "A",
            ['ALTER DEFAULT PRIVILEGES FOR ROLE "o" REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC'],
        ),
        ("index s.t i", None, {"definition": "CREATE INDEX i ON s.t (a)"}, "A", ["CREATE INDEX i ON s.t (a)"]),
        ("index s.t i", None, {"definition": "CREATE UNIQUE INDEX i", "unique": True}, "B", ["CREATE UNIQUE INDEX i"]),
        ("index s.t i", {}, None, "B", ['DROP INDEX "s"."i"']),
        (
            "index s.t i",
            {"definition": "x"},
            {"definition": "CREATE INDEX i ON s.t (a)"},
            "A",
            ['DROP INDEX "s"."i"', "CREATE INDEX i ON s.t (a)"],
        ),
        ("index s.t i", {"clustered": True}, {}, "A", [f"{TABLE} SET WITHOUT CLUSTER"]),
        ("policy s.t p", {}, None, "B", ['DROP POLICY "p" ON "s"."t"']),
        (
            "policy s.t p",
            None,
            {"command": "select", "roles": ["PUBLIC", "r"], "using": "true", "restrictive": True},
            "A",
            ['CREATE POLICY "p" ON "s"."t" AS RESTRICTIVE FOR SELECT TO PUBLIC, "r" USING (true)'],
        ),
        ("trigger s.t g", {"state": "disabled"}, {}, "A", [f'{TABLE} ENABLE TRIGGER "g"']),
        ("trigger s.t g", {}, {"state": "always"}, "A", [f'{TABLE} ENABLE ALWAYS TRIGGER "g"']),
        (
            "constraint s.t k",
            None,
            {"definition": "CHECK (a)", "type": "check"},
            "A",
            [f'{TABLE} ADD CONSTRAINT "k" CHECK (a)'],
        ),
        (
            "constraint s.t k",
            {"definition": "CHECK (a) NOT VALID", "type": "check", "not_valid": True},
            {"definition": "CHECK (a)", "type": "check"},
            "A",
            [f'{TABLE} VALIDATE CONSTRAINT "k"'],
        ),
        (
            "constraint s.t k",
            {"definition": "CHECK (b)", "type": "check"},
            {"definition": "CHECK (a)", "type": "check"},
            "B",
            [f'{TABLE} DROP CONSTRAINT "k"', f'{TABLE} ADD CONSTRAINT "k" CHECK (a)'],
        ),
        ("constraint s.t k", {"type": "check"}, None, "B", [f'{TABLE} DROP CONSTRAINT "k"']),
        ("function s.f(a integer)", {}, None, "C", []),
        ("function s.f()", None, {"definition": "CREATE\nFUNCTION"}, "A", ["CREATE\nFUNCTION"]),
        ("column s.t c", {"default": "1"}, {}, "A", [f"{COLUMN} DROP DEFAULT"]),
        ("column s.t c", {}, {"default": "1"}, "A", [f"{COLUMN} SET DEFAULT 1"]),
        (
            "column s.t c",
            {"storage": "external", "type": "text"},
            {"type": "text"},
            "A",
            [f"{COLUMN} SET STORAGE EXTENDED"],
        ),
        ("column s.t c", {}, {"not_null": True}, "B", [f"{COLUMN} SET NOT NULL"]),
        ("column s.t c", {"not_null": True}, {}, "B", [f"{COLUMN} DROP NOT NULL"]),
        (
            "column s.t c",
            {"identity": "always"},
            {"identity": "by default"},
            "B",
            [f"{COLUMN} SET GENERATED BY DEFAULT"],
        ),
        (
            "column s.t c",
            {"type": "bigint"},
            {"type": "integer"},
            "B",
            [f'{COLUMN} TYPE integer USING "c"::integer'],
        ),
        ("column s.t c", {"type": "integer"}, {"type": "bigint"}, "C", []),
        ("column s.t c", {"type": "text"}, {"type": "integer"}, "C", []),
        ("column s.t c", {"generated": "stored"}, {}, "C", []),
        ("column s.t c", {}, None, "C", []),
        ("table s.t", {"owner": "eve", "acl": ["eve=r/eve"]}, {"owner": "o"}, "B", [f'{TABLE} OWNER TO "o"']),
        ("sequence s.q", {"owner": "eve", "owned_by": "s.t.id"}, {"owner": "o", "owned_by": "s.t.id"}, "B", []),
        ("table s.t", {"comment": "x"}, {"comment": "it's"}, "A", ["COMMENT ON TABLE \"s\".\"t\" IS 'it''s'"]),
        ("trigger s.t g", {"comment": "x"}, {}, "A", ['COMMENT ON TRIGGER "g" ON "s"."t" IS NULL']),
        (
            "table s.t",
            {"options": ["fillfactor=70", "autovacuum_enabled=false"]},
            {"options": ["fillfactor=90"]},
            "A",
            [f"{TABLE} RESET (autovacuum_enabled)", f"{TABLE} SET (fillfactor = '90')"],
        ),
        ("table s.t", {"persistence": "unlogged"}, {}, "B", [f"{TABLE} SET LOGGED"]),
        ("table s.t", {}, {"row_security": True}, "A", [f"{TABLE} ENABLE ROW LEVEL SECURITY"]),
        # Whoever closed it meant it.
        ("table s.t", {"row_security": True}, {}, "B", [f"{TABLE} DISABLE ROW LEVEL SECURITY"]),
        ("table s.t", {}, None, "C", []),
        ("table s.t", None, {}, "C", []),
        ("table s.t", {"inherits": ["s.u"]}, {}, "C", []),
        ("materialized view s.m", {}, None, "C", []),
        (
            "sequence s.q",
            {"sequence": "bigint start 1 increment 5 min 1 max 9 cache 1 cycle"},
            {"sequence": "bigint start 1 increment 1 min 1 max 9 cache 1"},
            "A",
            ['ALTER SEQUENCE "s"."q" AS bigint INCREMENT BY 1 MINVALUE 1 MAXVALUE 9 START WITH 1 CACHE 1 NO CYCLE'],
        ),
    ],
)
def test_class_and_repair(key: str, live: Any, wanted: Any, drift_class: str, statements: list[str]) -> None:
    findings = one(key, live, wanted)
    assert [finding.step.drift_class for finding in findings] == [drift_class]
    assert sorted(findings[0].step.statements) == sorted(statements)


def test_a_part_is_not_named_beside_what_it_comes_and_goes_with() -> None:
    key = {"definition": "PRIMARY KEY (id)", "type": "primary key", "columns": ["id"]}
    recorded: dict[str, Any] = {
        "table s.gone": {},
        "column s.gone id": {},
        "column s.kept x": {},
        "table s.kept": {},
        "constraint s.kept kept_pkey": key,
        "index s.kept kept_pkey": {"definition": "CREATE UNIQUE INDEX kept_pkey ON s.kept (x)", "unique": True},
    }
    live: dict[str, Any] = {
        "table s.kept": {},
        "table s.new": {"owner": "o"},
        "index s.new new_pkey": {},
        "sequence s.new_id_seq": {"owned_by": "s.new.id"},
    }
    findings = found(recorded, live)
    assert [finding.key for finding in findings] == [
        "column s.kept x",
        "constraint s.kept kept_pkey",
        "table s.gone",
        "table s.new",
    ]
    effects = schema_effects.left(findings, {}, Context(recorded, live, "d", "o"), Psql("psql", "d", "o", None))
    assert [effect.remedy for effect in effects] == [
        "what stood in it is gone with it; restore it from a backup",
        'run: psql -U o -d d -c \'ALTER TABLE "s"."kept" ADD CONSTRAINT "kept_pkey" PRIMARY KEY (id)\'',
        "what stood in it is gone with it; restore it from a backup",
        "move it to a schema of its own, or drop it if nobody needs what is in it",
    ]


def test_an_index_is_not_named_beside_the_constraint_that_it_stands_behind() -> None:
    index = {"definition": "CREATE UNIQUE INDEX k ON s.t USING btree ({})", "unique": True}
    states: list[dict[str, Any]] = [
        {
            "constraint s.t k": {"definition": f"UNIQUE ({column})", "type": "unique", "columns": [column]},
            "index s.t k": {**index, "definition": str(index["definition"]).format(column)},
        }
        for column in ("a", "b")
    ]
    (finding,) = found(*states)
    assert (finding.key, finding.step.drift_class) == ("constraint s.t k", "B")
    assert finding.step.statements == (f'{TABLE} DROP CONSTRAINT "k"', f'{TABLE} ADD CONSTRAINT "k" UNIQUE (a)')


def test_a_rename_is_one_thing() -> None:
    index = {"definition": "CREATE INDEX {} ON s.t USING btree (a)", "columns": ["a"]}
    recorded: dict[str, Any] = {
        "column s.t a": {"type": "text"},
        "index s.t old": {**index, "definition": index["definition"].format("old")},  # type: ignore[attr-defined]
    }
    live: dict[str, Any] = {
        "column s.t b": {"type": "text"},
        "index s.t new": {**index, "definition": index["definition"].format("new")},  # type: ignore[attr-defined]
    }
    column, renamed = found(recorded, live)
    assert (column.key, column.detail, column.step.drift_class) == ("column s.t a", "renamed to b", "C")
    assert renamed.step.drift_class == "A" and renamed.step.statements == ('ALTER INDEX "s"."new" RENAME TO "old"',)


def test_a_foreign_key_whose_trigger_is_off_is_made_again() -> None:
    key = {
        "definition": "FOREIGN KEY (a) REFERENCES s.u(id)",
        "type": "foreign key",
        "columns": ["a"],
        "references": "s.u",
    }
    recorded: dict[str, Any] = {"constraint s.t t_a_fkey": key}
    name = 'trigger s.u behind t_a_fkey "RI_FKey_noaction_del"'
    (finding,) = found(recorded, {**recorded, name: {"state": "disabled"}})
    assert finding.step.drift_class == "A"
    assert finding.step.statements == (
        f'{TABLE} DROP CONSTRAINT "t_a_fkey"',
        f'{TABLE} ADD CONSTRAINT "t_a_fkey" FOREIGN KEY (a) REFERENCES s.u(id)',
    )
    assert finding.step.obstacles == (
        'SELECT count(*) FROM "s"."t" AS o WHERE o."a" IS NOT NULL '
        'AND NOT EXISTS (SELECT FROM "s"."u" AS t WHERE o."a" = t.id)'
    )


def test_a_right_that_comes_with_a_new_object_is_nobodys_decision() -> None:
    key = "function s.f()"
    live, wanted = {key: {"acl": ["=X/o", "o=X/o"]}}, {key: {"acl": ["o=X/o"]}}
    assert [finding.step.drift_class for finding in found(wanted, live)] == ["B"]
    assert [finding.step.drift_class for finding in found(wanted, live, made=frozenset({key}))] == ["A"]


def test_what_a_policy_does() -> None:
    index = one("index s.t i", None, {"definition": "CREATE INDEX i"})[0]
    right = one("table s.t", *ACL)[0]
    nullable = one("column s.t c", {}, {"not_null": True})[0]
    gone = one("table s.t", None, {})[0]
    assert [Policy().repairs(finding) for finding in (index, right, nullable, gone)] == [True, False, False, False]
    assert Policy(named=frozenset({"column s.t c"})).repairs(nullable)
    assert Policy(revoke_extra=True).repairs(right) and not Policy(revoke_extra=True).repairs(nullable)
    for mode in ("report", "fail"):
        assert not Policy(mode, frozenset({"column s.t c"}), True).repairs(index)
    assert Policy("report").acts([index, gone]) is False
    with pytest.raises(MigrationError, match=r"only a person may decide about them: table s\.t \(missing\); nothing"):
        Policy().refuse([index, gone], {})
    with pytest.raises(MigrationError, match=r"drift is set to fail: index s\.t i \(missing\)"):
        Policy("fail").refuse([index], {})


def test_only_what_somebody_else_changed_is_named_beside_a_migration() -> None:
    recorded: dict[str, Any] = {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1}}
    live: dict[str, Any] = {"a": {"x": 2}, "b": {"x": 1}, "c": {"x": 2}}
    after: dict[str, Any] = {"a": {"x": 1}, "b": {"x": 3}, "c": {"x": 2}, "new": {}}
    drift = Drift(recorded, live, after)
    assert drift.changes(everything=False) == [("a", "x 2 instead of 1")]
    assert [key for key, _detail in drift.changes(everything=True)] == ["a", "b", "new"]


def test_columns_that_are_alike_are_told_apart_by_their_place() -> None:
    text = {"type": "text"}
    recorded = {"table s.t": {"column_order": ["a", "b", "c"]}, "column s.t b": text, "column s.t c": text}
    live = {"table s.t": {"column_order": ["a", "x", "y"]}, "column s.t x": text, "column s.t y": text}
    assert [(item.key, item.detail) for item in found(recorded, live)] == [
        ("column s.t b", "renamed to x"),
        ("column s.t c", "renamed to y"),
    ]


def test_columns_in_another_order_are_for_a_person() -> None:
    [finding] = one("table s.t", {"column_order": ["b", "a"]}, {"column_order": ["a", "b"]})
    assert (finding.step.drift_class, finding.step.statements) == ("C", ())
    assert finding.detail == "column order ['b', 'a'] instead of ['a', 'b']"


def test_the_owners_own_rights_come_first() -> None:
    wanted = {"owner": "o", "acl": ["a=U/o", "o=UC/o"]}
    mine, others = one("schema s", {"owner": "o", "acl": []}, wanted)
    assert mine.first and mine.step.statements == ('GRANT CREATE, USAGE ON SCHEMA "s" TO "o"',)
    assert not others.first
    assert others.step.statements == ('GRANT USAGE ON SCHEMA "s" TO "a"',)


@pytest.mark.parametrize(
    ("live", "drift_class", "statements"),
    [
        ("CREATE OR REPLACE FUNCTION s.f()\n RETURNS integer\nAS 'y'", "A", 1),
        ("CREATE OR REPLACE FUNCTION s.f()\n RETURNS text\nAS 'x'", "B", 2),
        ("CREATE OR REPLACE FUNCTION s.f(a integer DEFAULT 1)\n RETURNS integer\nAS 'x'", "B", 2),
    ],
)
def test_a_routine_that_cannot_be_replaced_is_dropped_first(live: str, drift_class: str, statements: int) -> None:
    wanted = "CREATE OR REPLACE FUNCTION s.f()\n RETURNS integer\nAS 'x'"
    [finding] = one("function s.f()", {"definition": live}, {"definition": wanted})
    assert (finding.step.drift_class, len(finding.step.statements)) == (drift_class, statements)
    assert finding.step.statements[-1] == wanted


@pytest.mark.parametrize(
    ("live", "wanted", "drift_class", "statement"),
    [
        (["o=U/o"], None, "A", 'GRANT USAGE ON TYPE "s"."t" TO PUBLIC'),
        (["=U/o", "eve=U/o", "o=U/o"], None, "B", 'REVOKE USAGE ON TYPE "s"."t" FROM "eve"'),
        (None, ["o=U/o"], "B", 'REVOKE USAGE ON TYPE "s"."t" FROM PUBLIC'),
    ],
)
def test_rights_to_a_table_as_a_type(live: Any, wanted: Any, drift_class: str, statement: str) -> None:
    [finding] = one(
        "table s.t",
        {"owner": "o", **({"type_acl": live} if live else {})},
        {"owner": "o", **({"type_acl": wanted} if wanted else {})},
    )
    assert (finding.step.drift_class, finding.step.statements) == (drift_class, (statement,))
