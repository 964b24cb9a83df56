# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The splitter against PostgreSQL's own parser: on every shipped file, on hard cases, on generated scripts."""

from __future__ import annotations

import random
from pathlib import Path

import pglast
import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.splitter import line_column, split

ROOT = Path(__file__).parents[5]
SHIPPED = sorted((ROOT / "sql").glob("*/*.sql"))
FUNCTION = "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql "
HARD = {
    "strings": "SELECT 'a;b', 'it''s;', E'\\';', \"q;\"\"q\" FROM t; SELECT 2",
    "escape continues": "SELECT E'a' -- c ; '\n  'b\\';c'; SELECT 1",
    "plain does not continue as escape": "SELECT 'a\\'; SELECT 'b'",
    "prefixes": "SELECT U&'d\\0061t;' UESCAPE '!', N'x;', B'01', X'1F'; SELECT U&\"a;b\" FROM t",
    "name that ends in e": "SELECT 1 AS type, date '2024-01-01', true; SELECT name'x;\\' ; SELECT 3",
    "dollars": "SELECT $$a;b$$, $t$;$$;$t$, $_1$x;$_1$; SELECT 1",
    "dollar in a name": "SELECT a$b$c FROM t; SELECT d$$ FROM t",
    "parameters and numbers": "SELECT 1.5e3, 12; SELECT 0.1",
    "umlaut tag": "SELECT $ü$;$ü$, 'ü;' ; SELECT \"ä;\" FROM ö",
    "comments": "/* ; /* nested ; */ ' */ SELECT 1 -- ; '\n; -- end ;\nSELECT 2 /* $$ */",
    "operator before a comment": "SELECT 1 */*c;*/ 2; SELECT 3 --;\n- 1",
    "empty statements": ";;SELECT 1;;; SELECT 2;",
    "rule": "CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO a VALUES (1); INSERT INTO b VALUES (2)); SELECT 1",
    "atomic": FUNCTION + "BEGIN ATOMIC SELECT 1; SELECT CASE WHEN a > 1 THEN 2 ELSE 3 END; END; SELECT 5",
    "atomic with cases": FUNCTION
    + "BEGIN ATOMIC SELECT CASE a WHEN 1 THEN CASE WHEN true THEN 1 END END; END; SELECT 1",
    "atomic procedure": "CREATE OR REPLACE PROCEDURE p() LANGUAGE sql BEGIN ATOMIC DELETE FROM t; "
    "SELECT (CASE WHEN true "
    "THEN 1 END); END; SELECT 7",
    "case outside": "SELECT CASE WHEN true THEN 1 END; SELECT 2",
}


def parts(text: str) -> list[str]:
    return [statement.text for statement in split("x.sql", text)]


def oracle(text: str) -> list[str]:
    """Statements as PostgreSQL's parser cuts them, without the comments around them."""
    pieces = [text[piece] for piece in pglast.split(text, with_parser=True, only_slices=True)]
    result = []
    for piece in pieces:
        tokens = [token for token in pglast.parser.scan(piece) if token.name not in ("SQL_COMMENT", "C_COMMENT")]
        result.append(piece[tokens[0].start : tokens[-1].end + 1])
    return result


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_files(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert parts(text) == oracle(text)


def test_there_are_shipped_files() -> None:
    assert [path.name for path in SHIPPED if path.parent.name == "migrations"]


@pytest.mark.parametrize("name", HARD)
def test_hard_cases(name: str) -> None:
    assert parts(HARD[name]) == oracle(HARD[name])


@pytest.mark.parametrize("seed", range(200))
def test_generated_scripts(seed: int) -> None:
    """Statements joined in random order, with random comments and line ends between them."""
    chance = random.Random(seed)
    atoms = [
        "'a;b'",
        "E'\\';'",
        '"x;y"',
        "$$;$$",
        "$q$ ' ; $q$",
        "1",
        "(2 + 3)",
        "/* ; ' */ 4",
        "-- ; $$\n 5",
        "'x''y'",
        "U&'!;'",
    ]
    blanks = [" ", "\n", " -- ;'\n", "/* /* ; */ */", "\t", ";"]
    script = ""
    for _ in range(chance.randint(1, 12)):
        if chance.random() < 0.2:
            script += HARD[chance.choice(["atomic", "rule", "case outside"])]
        else:
            script += "SELECT " + ", ".join(chance.choices(atoms, k=chance.randint(1, 4)))
        script += chance.choice(blanks) + ";" + chance.choice(blanks)
    assert parts(script) == oracle(script)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT 1;\nSELECT 'open", "x.sql:2:8: the quote (') that opens here is never closed"),
        ('SELECT "open', 'x.sql:1:8: the quote (") that opens here is never closed'),
        ("SELECT E'open\\'", "x.sql:1:9: the quote (') that opens here is never closed"),
        ("\n\nSELECT $a$ $b$", "x.sql:3:8: the dollar quote $a$ that opens here is never closed"),
        ("SELECT 1; /* /* */", "x.sql:1:11: the comment that begins here is never closed"),
        ("SELECT 1;\n\\i other.sql", "x.sql:2:1: a psql command (backslash) is not SQL and cannot run here"),
    ],
)
def test_what_cannot_be_cut_is_named_with_its_place(text: str, message: str) -> None:
    with pytest.raises(MigrationError) as error:
        split("x.sql", text)
    assert error.value.sentence == f"{message}; nothing was changed; correct the file and run again"


def test_long_lines_are_cheap() -> None:
    """5 MB in one string, and 5 MB of small tokens."""
    assert len(parts("SELECT '" + "x''" * 1_700_000 + "'; SELECT 1")) == 2
    assert len(parts("INSERT INTO t VALUES " + ", ".join(["(1, 'a')"] * 100_000))) == 1


def test_offsets_and_columns() -> None:
    text = "-- ä\n  SELECT 1;\n\n\tSELECT 'ö', x"
    assert [line_column(text, item.offset) for item in split("x.sql", text)] == [(2, 3), (4, 2)]
