# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The assertions file: what it may say, and what each word means for a snapshot."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import asserts, asserts_file, asserts_sql
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import Snapshot, snapshot
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError

SCHEMAS = ["s"]
GOOD: list[tuple[Any, ...]] = [
    ("table", "s", None, "t", {"owner": "o", "comment": "c", "acl": ["o=r/o"]}),
    ("column", "s", "t", "updated_at", {"type": "timestamp with time zone", "not_null": True}),
    ("column", "s", "t", "u_id", {"type": "bigint", "generated": "stored"}),
    ("constraint", "s", "t", "t_pkey", {"type": "primary key", "columns": ["id"]}),
    (
        "constraint",
        "s",
        "t",
        "t_u_id_fkey",
        {
            "type": "foreign key",
            "columns": ["u_id"],
            "references": "s.u",
            "definition": "FOREIGN KEY (u_id) REFERENCES s.u(id) ON DELETE CASCADE",
        },
    ),
    (
        "index",
        "s",
        "t",
        "t_u_id_idx",
        {"definition": "CREATE INDEX t_u_id_idx ON s.t (u_id)", "columns": ["u_id", "x"]},
    ),
    (
        "trigger",
        "s",
        "t",
        "t_up",
        {"function": "s.set_updated_at", "definition": "CREATE TRIGGER t_up BEFORE UPDATE ON s.t"},
    ),
    ("function", "s", None, "f()", {"settings": ['search_path=""'], "acl": ["o=X/o"]}),
    ("policy", "s", "t", "p", {"roles": ["r"]}),
    ("table", "s", None, "u", {"owner": "o", "comment": "c", "row_security": True, "acl": []}),
    ("constraint", "s", "u", "u_pkey", {"type": "primary key", "columns": ["id"]}),
    ("extension", "", None, "plpgsql", {}),
]


def parse(**found: Any) -> asserts_file.Assertions:
    return asserts_file.parse({"assert": found}, SCHEMAS)


def having(*rows: tuple[Any, ...]) -> Snapshot:
    """The good snapshot with rows put in place of those of the same name."""
    names = {row[:4] for row in rows}
    return snapshot([row for row in GOOD if row[:4] not in names] + list(rows))


TRY = {"name": "a", "do": "DELETE FROM s.t"}


@pytest.mark.parametrize(
    ("document", "part"),
    [
        (None, "the file must be a mapping"),
        ({"asert": {}}, "the file has the unknown key 'asert'"),
        ({"assert": {"table": {}}}, "assert has the unknown key 'table'"),
        ({"assert": {"tables": {"x": 1}}}, "tables has the unknown key 'x'"),
        ({"assert": {"tables": {"s": "t"}}}, "tables.s must be a list of names"),
        ({"assert": {"tables": {"s": True}}}, "tables.s must be a list of names"),
        ({"assert": {"every_table": ["primry_key"]}}, "every_table has the unknown entry 'primry_key'"),
        ({"assert": {"every_table": [{"owned": "x"}]}}, "every_table has the unknown key 'owned'"),
        ({"assert": {"none": ["invalid_indexes"]}}, "none has the unknown entry 'invalid_indexes'"),
        ({"assert": {"objects": {"x.t": {}}}}, "objects.x.t must be schema.table with one of the schemas s"),
        ({"assert": {"objects": {"s.t": {"column": {}}}}}, "objects.s.t has the unknown key 'column'"),
        ({"assert": {"objects": {"s.t": {"columns": {"c": {"typ": "x"}}}}}}, "columns.c has the unknown key 'typ'"),
        (
            {"assert": {"sql": [{"name": "a", "query": "SELECT 1", "expects": []}]}},
            r"sql\[1\] has the unknown key 'expects'",
        ),
        ({"assert": {"every_table": [{"owner": "x"}, {"owner": "y"}]}}, "every_table.owner is given twice"),
        ({"assert": {"sql": {}}}, "sql must be a list"),
        ({"assert": {"sql": [{"query": "SELECT 1"}]}}, r"sql\[1\] needs a name"),
        ({"assert": {"sql": [{"name": "a"}]}}, r"sql\[1\].query must be one query"),
        ({"assert": {"sql": [{"name": "a", "query": "SELECT 1"}] * 2}}, r"sql\[2\] has the name 'a', which another"),
        ({"assert": {"sql": [{"name": "a", "query": "SELECT 1; SELECT 2"}]}}, "must be one query"),
        ({"assert": {"sql": [{"name": "a", "query": "COMMIT"}]}}, "must be one query"),
        ({"assert": {"sql": [{"name": "a", "query": "SHOW work_mem"}]}}, "must be one query"),
        ({"assert": {"sql": [{"name": "a", "query": "SELECT 1", "expect": 1}]}}, r"sql\[1\].expect must be a list of"),
        ({"assert": {"sql": [{"name": "a", "query": "SELECT 'x"}]}}, r"sql\[1\].query:1:8: "),
        ({"assert": {"probe": [{"name": "a", "did": "x"}]}}, r"probe\[1\] has the unknown key 'did'"),
        ({"assert": {"probe": [{"name": "a"}]}}, r"probe\[1\].do must be the SQL that is tried"),
        ({"assert": {"probe": [{"name": "a", "do": "-- none"}]}}, r"probe\[1\].do must be the SQL that is tried"),
        ({"assert": {"probe": [{**TRY, "do": "COMMIT"}]}}, r"probe\[1\].do cannot be undone as a probe: COMMIT is not"),
        ({"assert": {"probe": [{**TRY, "do": "SET ROLE x"}]}}, r"do cannot be undone as a probe: SET without LOCAL"),
        ({"assert": {"probe": [TRY]}}, r"probe\[1\].query must be one query"),
        ({"assert": {"probe": [{**TRY, "query": "SELECT 1"}]}}, r"probe\[1\].expect must be a list of rows"),
        ({"assert": {"probe": [{**TRY, "error": 23503}]}}, r"probe\[1\].error must be an SQLSTATE in quotation marks"),
        ({"assert": {"probe": [{**TRY, "error": "2350"}]}}, r"probe\[1\].error must be an SQLSTATE"),
        ({"assert": {"probe": [{**TRY, "error": "23503", "expect": []}]}}, "expects an error and rows"),
        ({"assert": {"probe": [{**TRY, "error": "23503"}] * 2}}, r"probe\[2\] has the name 'a', which another"),
    ],
)
def test_unknown_words_are_errors(document: Any, part: str) -> None:
    with pytest.raises(MigrationError, match=part):
        asserts_file.parse(document, SCHEMAS)


EVERYTHING = {
    "tables": {"s": ["t", "u"]},
    "every_table": ["primary_key", "comment", "fk_indexed", "updated_at_trigger", {"owner": "o"}],
    "none": [name for name in asserts_file.NONE if name != "rls_policy_without_rls"],
    "objects": {"s.t": {"columns": {"u_id": {"type": "bigint", "generated": "stored"}}, "references": {"u_id": "s.u"}}},
}


def test_a_good_schema_passes_everything() -> None:
    report = asserts.evaluate(parse(**EVERYTHING), snapshot(GOOD))
    assert not report.failed and report.passed == 1 + 5 + 12 + 1


T = {"owner": "o", "comment": "c", "acl": []}
BAD: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("tables", ("table", "s", None, "v", T), {"tables": {"s": ["t", "u"]}}, "s.v"),
    ("tables", ("table", "s", None, "v", T), {"tables": {"s": 2}}, "s"),
    ("primary_key", ("table", "s", None, "v", T), {"every_table": ["primary_key"]}, "s.v"),
    ("comment", ("table", "s", None, "t", {**T, "comment": None}), {"every_table": ["comment"]}, "s.t"),
    ("owner", ("table", "s", None, "t", {**T, "owner": "x"}), {"every_table": [{"owner": "o"}]}, "s.t"),
    (
        "fk_indexed",
        ("index", "s", "t", "t_u_id_idx", {"definition": "", "columns": ["x", "u_id"]}),
        {"every_table": ["fk_indexed"]},
        "s.t t_u_id_fkey",
    ),
    (
        "fk_indexed",
        ("index", "s", "t", "t_u_id_idx", {"definition": "", "columns": ["u_id"], "predicate": "x"}),
        {"every_table": ["fk_indexed"]},
        "s.t t_u_id_fkey",
    ),
    (
        "updated_at_trigger",
        ("trigger", "s", "t", "t_up", {**GOOD[6][4], "state": "disabled"}),
        {"every_table": ["updated_at_trigger"]},
        "s.t",
    ),
    ("row_security", GOOD[0], {"every_table": ["row_security"]}, "s.t"),
    ("policy", GOOD[9], {"every_table": ["policy"]}, "s.u"),
    (
        "invalid_index",
        ("index", "s", "t", "i", {"definition": "x", "invalid": True}),
        {"none": ["invalid_index"]},
        "s.t i",
    ),
    (
        "duplicate_index",
        (
            "index",
            "s",
            "t",
            "t_u_id_idx2",
            {"definition": "CREATE INDEX t_u_id_idx2 ON s.t (u_id)", "columns": ["u_id"]},
        ),
        {"none": ["duplicate_index"]},
        "s.t t_u_id_idx2",
    ),
    (
        "unvalidated_constraint",
        ("constraint", "s", "t", "t_c", {"type": "check", "not_valid": True}),
        {"none": ["unvalidated_constraint"]},
        "s.t t_c",
    ),
    (
        "unnamed_constraint",
        ("constraint", "s", "t", "t_check", {"type": "check"}),
        {"none": ["unnamed_constraint"]},
        "s.t t_check",
    ),
    (
        "unnamed_constraint",
        ("constraint", "s", "t", "t_a_check1", {"type": "check"}),
        {"none": ["unnamed_constraint"]},
        "s.t t_a_check1",
    ),
    ("disabled_trigger", ("trigger", "s", "t", "g", {"state": "disabled"}), {"none": ["disabled_trigger"]}, "s.t g"),
    (
        "function_without_search_path",
        ("function", "s", None, "g()", {"acl": []}),
        {"none": ["function_without_search_path"]},
        "s.g()",
    ),
    ("public_privilege", ("function", "s", None, "g()", {"acl": ["=X/o"]}), {"none": ["public_privilege"]}, "s.g()"),
    (
        "public_privilege",
        ("column", "s", "t", "c", {"type": "x", "acl": ["=r/o"]}),
        {"none": ["public_privilege"]},
        "s.t c",
    ),
    ("rls_policy_without_rls", GOOD[8], {"none": ["rls_policy_without_rls"]}, "s.t p"),
    ("public_policy", ("policy", "s", "t", "p", {"roles": ["PUBLIC"]}), {"none": ["public_policy"]}, "s.t p"),
    (
        "unlogged_table",
        ("table", "s", None, "t", {**T, "persistence": "unlogged"}),
        {"none": ["unlogged_table"]},
        "s.t",
    ),
    ("extension", ("extension", "", None, "vector", {}), {"none": ["extension"]}, "vector"),
    (
        "foreign_key_without_on_delete",
        (
            "constraint",
            "s",
            "t",
            "t_u_id_fkey",
            {"type": "foreign key", "columns": ["u_id"], "definition": "FOREIGN KEY (u_id) REFERENCES s.u(id)"},
        ),
        {"none": ["foreign_key_without_on_delete"]},
        "s.t t_u_id_fkey",
    ),
    (
        "view_without_security_invoker",
        ("view", "s", None, "w", {"acl": []}),
        {"none": ["view_without_security_invoker"]},
        "s.w",
    ),
    ("objects", GOOD[0], {"objects": {"s.x": {}}}, "s.x"),
    ("objects", GOOD[0], {"objects": {"s.t": {"columns": {"nope": {}}}}}, "s.t.nope"),
    ("objects", GOOD[0], {"objects": {"s.t": {"columns": {"u_id": {"type": "text"}}}}}, "s.t.u_id"),
    ("objects", GOOD[0], {"objects": {"s.t": {"columns": {"u_id": {"not_null": True}}}}}, "s.t.u_id"),
    ("objects", GOOD[0], {"objects": {"s.t": {"references": {"u_id": "s.v"}}}}, "s.t.u_id"),
    ("objects", GOOD[0], {"objects": {"s.t": {"indexes": ["nope"]}}}, "index s.t nope"),
    ("objects", GOOD[0], {"objects": {"s.t": {"triggers": ["nope"]}}}, "trigger s.t nope"),
    ("objects", GOOD[0], {"objects": {"s.t": {"constraints": ["nope"]}}}, "constraint s.t nope"),
    *(
        (
            "objects",
            ("column", "s", "t", "u_id", {name: "x"}),
            {"objects": {"s.t": {"columns": {"u_id": {name: "y"}}}}},
            "s.t.u_id",
        )
        for name in asserts_file.COLUMN
    ),
]


@pytest.mark.parametrize(("name", "row", "found", "object_"), BAD)
def test_one_bad_object_is_named(name: str, row: tuple[Any, ...], found: dict[str, Any], object_: str) -> None:
    report = asserts.evaluate(parse(**found), having(row))
    assert [(failure.name, failure.object) for failure in report.failed] == [(name, object_)]


def test_every_word_of_the_file_has_a_case_here() -> None:
    tried = {name for name, *_ in BAD}
    assert tried >= {*asserts_file.EVERY_TABLE, *asserts_file.NONE}


# As they come out of JSON: every value of a row is a text.
@pytest.mark.parametrize(
    ("rows", "expect", "fails"),
    [
        ([], [], False),
        ([["1"]], [1], False),
        ([["1", "a"]], [[1, "a"]], False),
        ([["true"], ["null"], ["1.50"], ["[1,2]"]], [True, None, "1.50", [[1, 2]]], False),
        ([["1"]], [], True),
        ([], [1], True),
        ([["2"]], [1], True),
        ([["True"]], [True], True),
    ],
)
def test_rows_are_compared_as_the_server_writes_them(rows: list[list[str]], expect: list[Any], fails: bool) -> None:
    assertion = parse(sql=[{"name": "n", "query": "SELECT 1", "expect": expect}]).sql[0]
    assert bool(asserts_sql.judge("sql", assertion.name, assertion.expect, rows)) is fails


def test_many_rows_are_cut() -> None:
    failure = asserts_sql.judge("sql", "n", [], [[str(number)] for number in range(9)])
    assert failure is not None and (failure.expected, failure.actual) == ("no rows", "(0), (1), (2), (3), (4), ...")


def test_what_is_asked_of_the_server_counts_like_the_rest() -> None:
    failure = asserts.Failure("sql", "n", "no rows", "(1)")
    report = asserts.Report(3, []).plus([None, failure, None])
    assert (report.passed, report.failed) == (5, [failure])


def test_what_a_probe_says() -> None:
    probes = [
        {**TRY, "do": "DELETE FROM s.t; DELETE FROM s.u;", "error": "23503"},
        {"name": "b", "do": "SELECT 1", "query": "SELECT ';';", "expect": [7]},
    ]
    one, two = parse(probe=probes).probe
    assert (one.statements, one.error, one.query) == (("DELETE FROM s.t", "DELETE FROM s.u"), "23503", "")
    assert (two.query, two.expect, two.error) == ("SELECT ';'", [[7]], None)
