# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the SQL files say, read by PostgreSQL's own parser: the contract, the names, the comments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pglast
import pytest
import yaml
from pglast import ast
from pglast.enums import AlterTableType, ConstrType, ObjectType

from tests.contract import CONTRACT, TABLES

ROOT = Path(__file__).parents[3]
SQL = ROOT / "sql"
FILES = sorted(SQL.rglob("*.sql"))
MIGRATIONS = sorted((SQL / "migrations").glob("*.sql"))

# Constraints that PostgreSQL 15 keeps as a property of the column, without a name.
NAMELESS = {
    ConstrType.CONSTR_NOTNULL,
    ConstrType.CONSTR_DEFAULT,
    ConstrType.CONSTR_IDENTITY,
    ConstrType.CONSTR_GENERATED,
}
SUFFIX = {ConstrType.CONSTR_UNIQUE: "key", ConstrType.CONSTR_FOREIGN: "fkey", ConstrType.CONSTR_CHECK: "check"}
# Not allowed inside the run's one transaction, or not for erp_admin.
FORBIDDEN = (
    ast.TransactionStmt,
    ast.VariableSetStmt,
    ast.CreateExtensionStmt,
    ast.VacuumStmt,
    ast.CreatedbStmt,
    ast.AlterSystemStmt,
    ast.CreateRoleStmt,
    ast.AlterRoleStmt,
    ast.DropRoleStmt,
    ast.CopyStmt,
)


def statements(path: Path) -> list[Any]:
    return [raw.stmt for raw in pglast.parse_sql(path.read_text(encoding="utf-8"))]


MIGRATED = [statement for path in MIGRATIONS for statement in statements(path)]


def of_kind(kind: type[ast.Node], among: Iterable[Any] = MIGRATED) -> list[Any]:
    return [node for node in among if isinstance(node, kind)]


def qualified(relation: Any) -> str:
    return f"{relation.schemaname}.{relation.relname}"


CREATED: dict[str, Any] = {qualified(statement.relation): statement for statement in of_kind(ast.CreateStmt)}


def changes(table: str) -> list[Any]:
    """What later migrations, or later statements, add to a table."""
    altered = [statement for statement in of_kind(ast.AlterTableStmt) if qualified(statement.relation) == table]
    adding = (AlterTableType.AT_AddColumn, AlterTableType.AT_AddConstraint)
    return [command.def_ for statement in altered for command in statement.cmds if command.subtype in adding]


def columns(table: str) -> list[Any]:
    return of_kind(ast.ColumnDef, [*CREATED[table].tableElts, *changes(table)])


def constraints(table: str) -> Iterator[Any]:
    """Every constraint of a table that has a name, wherever it is written."""
    for element in [*CREATED[table].tableElts, *changes(table)]:
        if isinstance(element, ast.Constraint):
            yield element
        else:
            yield from (c for c in element.constraints or () if c.contype not in NAMELESS)


def key_columns(constraint: Any) -> list[str]:
    return [key.sval for key in (constraint.fk_attrs or constraint.keys or ())]


def checked_columns(constraint: Any, table: str) -> list[str]:
    """The columns that a check names, in the table's order."""
    seen = set(re.findall(r"'sval': '(\w+)'", str(constraint.raw_expr(skip_none=True))))
    return [column.colname for column in columns(table) if column.colname in seen]


def comments(kind: ObjectType) -> dict[str, str]:
    found = {}
    for statement in of_kind(ast.CommentStmt):
        if statement.objtype == kind:
            found[".".join(part.sval for part in statement.object)] = statement.comment
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_postgresql_parses_it_and_it_fits_into_one_transaction(path: Path) -> None:
    found = statements(path)
    assert found
    assert [type(s).__name__ for s in found if isinstance(s, FORBIDDEN)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_is_plain_text_with_a_header(path: Path) -> None:
    content = path.read_bytes()
    assert content.decode("ascii").startswith("-- ")
    assert b"\r" not in content
    assert content.endswith(b"\n") and not content.endswith(b"\n\n")


@pytest.mark.parametrize("path", MIGRATIONS, ids=lambda path: path.name)
def test_a_migration_states_what_it_makes(path: Path) -> None:
    """IF NOT EXISTS would take somebody else's table for ours; views and grants have other homes."""
    for statement in statements(path):
        assert not getattr(statement, "if_not_exists", False)
        assert not isinstance(statement, ast.ViewStmt | ast.GrantStmt)


def test_the_first_migrations_are_the_two_of_the_contract() -> None:
    assert [path.name for path in MIGRATIONS[:2]] == ["001_erp_schema.sql", "002_agent_schema.sql"]


def test_tables_are_those_of_the_contract() -> None:
    assert sorted(CREATED) == sorted(TABLES)


@pytest.mark.parametrize("table", TABLES)
def test_columns_are_those_of_the_contract(table: str) -> None:
    assert sorted(c.colname for c in columns(table)) == sorted(TABLES[table]["columns"])


@pytest.mark.parametrize("table", TABLES)
def test_foreign_keys_are_those_of_the_contract(table: str) -> None:
    keys = {
        key_columns(c)[0]: qualified(c.pktable) for c in constraints(table) if c.contype == ConstrType.CONSTR_FOREIGN
    }
    assert keys == TABLES[table].get("references", {})


@pytest.mark.parametrize("table", TABLES)
def test_every_constraint_is_named_by_the_pattern(table: str) -> None:
    name = table.partition(".")[2]
    for constraint in constraints(table):
        if constraint.contype == ConstrType.CONSTR_PRIMARY:
            expected = f"{name}_pkey"
        else:
            parts = key_columns(constraint)
            if constraint.contype == ConstrType.CONSTR_CHECK:
                parts = checked_columns(constraint, table)
            expected = "_".join([name, *parts, SUFFIX[constraint.contype]])
        assert constraint.conname == expected
        assert len(constraint.conname) <= 63, "PostgreSQL would cut it"


def test_every_index_is_named_by_the_pattern() -> None:
    for index in of_kind(ast.IndexStmt):
        parts = [part.name or "email" for part in index.indexParams]
        suffix = "key" if index.unique else "idx"
        assert index.idxname == "_".join([index.relation.relname, *parts, suffix])
        assert len(index.idxname) <= 63


@pytest.mark.parametrize("table", TABLES)
def test_table_is_commented(table: str) -> None:
    assert comments(ObjectType.OBJECT_TABLE).get(table)


@pytest.mark.parametrize("table", TABLES)
def test_column_is_commented_where_its_name_does_not_explain_it(table: str) -> None:
    plain = set(CONTRACT["self_explanatory"]) | set(TABLES[table].get("references", {}))
    words = {
        checked_columns(c, table)[0]
        for c in constraints(table)
        if c.contype == ConstrType.CONSTR_CHECK and "AEXPR_IN" in str(c.raw_expr(skip_none=True))
    }
    commented = {key.rpartition(".")[2] for key in comments(ObjectType.OBJECT_COLUMN) if key.startswith(f"{table}.")}
    assert {c.colname for c in columns(table)} - plain - words - commented == set()


def test_an_index_beyond_keys_names_its_query() -> None:
    """Indexes of a single foreign key and of tags are the convention; each other one has to justify itself."""
    explained = comments(ObjectType.OBJECT_INDEX)
    for index in of_kind(ast.IndexStmt):
        table = qualified(index.relation)
        parts = [part.name for part in index.indexParams]
        conventional = parts == ["tags"] or (
            len(parts) == 1 and parts[0] in TABLES[table].get("references", {}) and not index.whereClause
        )
        if not conventional:
            assert "WHERE" in explained.get(f"{index.relation.schemaname}.{index.idxname}", ""), index.idxname


def test_the_assertions_name_the_same_tables() -> None:
    asserted = yaml.safe_load((SQL / "assertions.yml").read_text(encoding="utf-8"))["assert"]["tables"]
    assert sorted(f"{schema}.{table}" for schema in ("erp", "agent") for table in asserted[schema]) == sorted(TABLES)


def test_the_last_access_file_makes_postgrest_look_again() -> None:
    last: Any = statements(sorted((SQL / "access").glob("*.sql"))[-1])[-1]
    assert isinstance(last, ast.NotifyStmt)
    assert (last.conditionname, last.payload) == ("pgrst", "reload schema")


def test_roles_are_declared_without_dangerous_attributes() -> None:
    declared = yaml.safe_load((SQL / "access/roles.yml").read_text(encoding="utf-8"))
    assert set(declared) == {"roles", "database"}
    for name, role in declared["roles"].items():
        assert set(role) <= {"comment", "login", "inherit", "by_token", "connection_limit", "member_of", "settings"}, (
            name
        )
        assert role["comment"], name
    assert {name for name, role in declared["roles"].items() if role["login"]} == {
        "erp_admin",
        "portfolio_authenticator",
    }
