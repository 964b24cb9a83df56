# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failure group 9: whatever the server objects to, the message names the file, the line and the column of it."""

from __future__ import annotations

import pytest

from tests.integration.migration_faults.faults import refused
from tests.integration.postgresql_migration.driver import Project, empty

FUNCTION = """CREATE FUNCTION app.half(n integer) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    -- Whoever asks for nothing
    RETURN 1 / n;
END $$;
"""
TRIGGER = """CREATE FUNCTION app.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE 'not now';
END $$;
CREATE TRIGGER thing_refuse BEFORE INSERT ON app.thing FOR EACH ROW EXECUTE FUNCTION app.refuse();
"""
ERRORS = {
    "a position in a statement of several lines": (
        "SELECT 1;\n\nCREATE TABLE app.x (\n    a intt\n);\n",
        '4:7: type "intt" does not exist (SQLSTATE 42704)',
    ),
    "after characters of more than one byte": (
        "-- äöü € 🐘\nSELECT 'ä🐘', 1; SELECT 'üü🐘', nope;",
        '2:31: column "nope" does not exist (SQLSTATE 42703)',
    ),
    "after tabs and Windows line ends": (
        "SELECT 1;\r\n\tSELECT\r\n\t\tnope;\r\n",
        '3:3: column "nope" does not exist (SQLSTATE 42703)',
    ),
    "no position": ("SELECT 1;\n  DROP TABLE app.nothing", '2:3: table "nothing" does not exist (SQLSTATE 42P01)'),
    "at the end of input": ("SELECT 1;\nCREATE", "2:7: syntax error at end of input (SQLSTATE 42601)"),
    "in one of two statements on a line": ("SELECT 1 FROM;\nCREATE", "1:14: syntax error at end of input"),
    "with a detail": (
        "INSERT INTO app.thing (id, name) VALUES (1, 'a');\nINSERT INTO app.thing (id, name) VALUES (1, 'b');",
        '2:1: duplicate key value violates unique constraint "thing_pkey" (SQLSTATE 23505) (Key (id)=(1) already',
    ),
    "raised in a DO block": (
        "\n  DO $$ BEGIN\n    PERFORM 1;\n    RAISE 'no' USING ERRCODE = 'P0001';\nEND $$;",
        "4:5: no (SQLSTATE P0001); nothing was changed",
    ),
    "in the first line of a DO block": ("DO $$ BEGIN RAISE 'no'; END $$;", "1:7: no (SQLSTATE P0001); nothing"),
    "in a DO block with another quote": (
        "DO /* it's $$ */ LANGUAGE plpgsql $do$\nBEGIN\n\n    RAISE 'no';\nEND $do$;",
        "4:5: no (SQLSTATE P0001)",
    ),
    "in a DO block in plain quotes": ("DO '\nBEGIN\n    RAISE ''no'';\nEND';", "3:5: no (SQLSTATE P0001)"),
    "in a statement within a DO block": (
        "DO $$\nBEGIN\n    PERFORM 'ü';\n    CREATE TABLE app.x (\n        a intt\n    );\nEND $$;",
        '5:11: type "intt" does not exist (SQLSTATE 42704)',
    ),
    "in a query that PL/pgSQL rewrites": (
        "DO $$\nDECLARE n integer;\nBEGIN\n    SELECT 1\n    INTO n\n    FROM app.nowhere;\nEND $$;",
        '4:5: relation "app.nowhere" does not exist (SQLSTATE 42P01)',
    ),
    "in an expression within a DO block": (
        "DO $$\nDECLARE n integer := 0;\nBEGIN\n    IF n = 0 THEN\n        n := 1\n          + m;\n    END IF;\nEND $$",
        '6:13: column "m" does not exist (SQLSTATE 42703)',
    ),
    "in the syntax of a DO block": ("DO $$\nBEGIN\n    RAIS 'x';\nEND $$;", '3:5: syntax error at or near "RAIS"'),
    "in the text of a PL/pgSQL function": (
        FUNCTION.replace("RETURN 1 / n;", "RETURN 1 / n"),
        "5:5: syntax error at end of input (SQLSTATE 42601)",
    ),
    "in the text of an SQL function": (
        "CREATE FUNCTION app.one() RETURNS integer LANGUAGE sql AS $$\n    SELECT 1;\n    SELECT nope;\n$$;",
        '3:12: column "nope" does not exist (SQLSTATE 42703)',
    ),
    "in a function that a statement calls": (
        f"{FUNCTION}SELECT 1,\n    app.half(0);",
        "6:1: division by zero (SQLSTATE 22012) in function app.half(integer) line 4; nothing was changed",
    ),
    "in a function that a DO block calls": (
        f"{FUNCTION}DO $$ BEGIN\n    PERFORM app.half(1);\n    PERFORM app.half(0);\nEND $$;",
        "8:5: division by zero (SQLSTATE 22012) in function app.half(integer) line 4; nothing was changed",
    ),
    "in a trigger": (
        f"{TRIGGER}\nINSERT INTO app.thing (name) VALUES ('x');",
        "6:1: not now (SQLSTATE P0001) in function app.refuse() line 2; nothing was changed",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_in_the_second_file(untouched: Project, name: str) -> None:
    sql, message = ERRORS[name]
    untouched.migration("002_more.sql", sql)
    failed = refused(untouched)
    assert failed.message.startswith(f"002_more.sql:{message}"), failed.message
    line, column, _rest = message.split(":", 2)
    error = failed.data["error"]
    assert (error["file"], error["line"], error["column"]) == ("002_more.sql", int(line), int(column))
    assert error["statement"] and error["sqlstate"] and empty(untouched)


REFERENCE = (
    "ALTER TABLE app.thing ADD COLUMN o bigint CONSTRAINT thing_o_fkey REFERENCES app.thing DEFERRABLE "
    "INITIALLY DEFERRED;"
)
VIOLATED = (
    'insert or update on table "thing" violates foreign key constraint "thing_o_fkey" (SQLSTATE 23503) '
    '(Key (o)=(99) is not present in table "thing".), seen at the end of the file; nothing was changed; correct the'
)


@pytest.mark.parametrize(
    ("sql", "line"),
    [
        ("INSERT INTO app.thing VALUES (1, 'x', 1), (2, 'y', NULL);\n{}\nSELECT 1;\n", ":3:1"),
        # Wrong for a while, right again, then wrong for good.
        ("INSERT INTO app.thing VALUES (1, 'x', 99);\nUPDATE app.thing SET o = 1;\n{}\nSELECT 1;\n", ":4:1"),
        # Run again to look closer, a sequence goes on: the first row has another number, and no line can be told.
        ("INSERT INTO app.thing (name, o) VALUES ('x', 1);\n{}\n", ""),
    ],
)
def test_a_constraint_that_waits_for_the_end(untouched: Project, sql: str, line: str) -> None:
    """It is told of the statement after which it never held again, not of COMMIT."""
    wrong = "INSERT INTO app.thing VALUES (3, 'z', 99);"
    untouched.migration("002_more.sql", f"{REFERENCE}\n{sql.format(wrong)}")
    failed = refused(untouched)
    assert failed.message.startswith(f"002_more.sql{line}: {VIOLATED}"), failed.message
    assert failed.data["error"]["constraint"] == "thing_o_fkey" and empty(untouched)


def test_a_constraint_that_holds_at_the_end(project: Project) -> None:
    """... and waits again in the next file."""
    project.migration(
        "002_more.sql",
        f"{REFERENCE} INSERT INTO app.thing (id, name, o) VALUES (1, 'x', 2), (2, 'y', 1);",
    )
    project.migration(
        "003_more.sql",
        "INSERT INTO app.thing (id, name, o) VALUES (3, 'z', 4); INSERT INTO app.thing (id, name) VALUES (4, 'a');",
    )
    result = project.run()
    assert result.changed and project.query("SELECT count(*) FROM app.thing") == [(4,)], result.text


def test_an_error_in_an_access_file(untouched: Project) -> None:
    untouched.access("10_bad.sql", "SELECT 1;\nGRANT SELECT ON app.thing TO nobody_here;\n")
    failed = refused(untouched)
    assert failed.message.startswith('access/10_bad.sql:2:1: role "nobody_here" does not exist (SQLSTATE 42704)')
    assert empty(untouched)


def test_a_long_statement_is_cut(untouched: Project) -> None:
    untouched.migration("002_more.sql", f"SELECT '{'x' * 5000}', nope;")
    error = refused(untouched).data["error"]
    assert len(error["statement"]) == 500 and (error["line"], error["column"]) == (1, 5012)
