# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sql/validate_schema.sql from sql/assertions.yml: `make expected` writes it, a test compares."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.asserts_file import (
    Assertions,
    SqlAssertion,
    TableAssertion,
    parse,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError

from tests.generate import schema_rules as rules

ROOT = Path(__file__).resolve().parents[2]
ASSERTIONS = ROOT / "sql/assertions.yml"
TARGET = ROOT / "sql/validate_schema.sql"
WIDTH = 112


class UnsupportedError(ValueError):
    """An assertion that this file cannot ask; the message names it and what to do."""


@dataclass(frozen=True)
class Check:
    name: str
    query: str


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def listed(names: tuple[str, ...]) -> str:
    """Names as an array's text, broken so that no line gets too long."""
    lines = [""]
    for name in names:
        if len(lines[-1]) + len(name) > WIDTH - 30:
            lines.append("")
        lines[-1] += f"{name}, "
    return "'{" + "\n".join(line.rstrip() for line in lines).removesuffix(",") + "}'"


def tables(schema: str, wanted: int | tuple[str, ...]) -> Check:
    present = (
        f"SELECT c.relname::text FROM pg_class AS c\n"
        f"WHERE c.relkind IN ('r', 'p') AND c.relnamespace = to_regnamespace({literal(schema)})"
    )
    if isinstance(wanted, int):
        count = f"SELECT 'there are ' || count(*) FROM ({present}) AS t (name)\nHAVING count(*) <> {wanted}"
        return Check(f"tables in {schema}: {wanted}", count)
    indented = present.replace("\n", "\n    ")
    query = f"""SELECT coalesce('there is also ' || t.name, 'there is no ' || w.name)
FROM unnest({listed(wanted)}::text[]) AS w (name)
FULL JOIN (
    {indented}
) AS t (name) ON t.name = w.name
WHERE t.name IS NULL OR w.name IS NULL"""
    return Check(f"tables in {schema}: {len(wanted) or 'none'}", query)


def column(table: str, name: str, attribute: str, value: object) -> Check:
    if attribute not in rules.COLUMN:
        raise UnsupportedError(
            f"sql/assertions.yml: objects.{table}.columns.{name} asserts {attribute!r}, for which "
            "tests/generate/schema_rules.py has no query; add one to COLUMN there."
        )
    query = f"""SELECT coalesce('found ' || max({rules.COLUMN[attribute]}), 'found none')
FROM pg_attribute AS a
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = to_regclass({literal(table)}) AND a.attname = {literal(name)} AND NOT a.attisdropped
HAVING count(*) = 0 OR coalesce(max({rules.COLUMN[attribute]}), '') <> {literal(str(value or ""))}"""
    return Check(f"column {table}.{name}: {attribute} {value}", query)


def reference(table: str, name: str, target: str) -> Check:
    query = f"""SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass({literal(table)}) AND a.attname = {literal(name)}
HAVING bool_or(k.confrelid = to_regclass({literal(target)})) IS NOT TRUE"""
    return Check(f"foreign key {table}.{name} -> {target}", query)


PART = {
    "index": "pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid WHERE x.indrelid = {} AND n.relname = {}",
    "trigger": "pg_trigger AS x WHERE x.tgrelid = {} AND x.tgname = {}",
    "constraint": "pg_constraint AS x WHERE x.conrelid = {} AND x.conname = {}",
}


def part(kind: str, table: str, name: str) -> Check:
    inside = PART[kind].format(f"to_regclass({literal(table)})", literal(name)).replace(" WHERE ", "\n    WHERE ")
    return Check(f"{kind} {table} {name}", f"SELECT 'there is none'\nWHERE NOT EXISTS (\n    SELECT FROM {inside}\n)")


def of_table(name: str, wanted: TableAssertion) -> Iterator[Check]:
    for each, attributes in wanted.columns.items():
        for attribute, value in attributes.items():
            yield column(name, each, attribute, value)
    for each, target in wanted.references.items():
        yield reference(name, each, target)
    for kind, names in (("index", wanted.indexes), ("trigger", wanted.triggers), ("constraint", wanted.constraints)):
        for each in names:
            yield part(kind, name, each)


def of_query(assertion: SqlAssertion) -> Check:
    if assertion.expect:
        raise UnsupportedError(
            f"sql/assertions.yml: the query {assertion.name!r} expects rows; "
            "write it so that it shows what should not be there, and expect []."
        )
    return Check(assertion.name, assertion.query.strip())


def every(rule: str) -> str:
    return f"every table: {rule}"


def none(rule: str) -> str:
    return f"none: {rule}"


def checks(assertions: Assertions, schemas: tuple[str, ...]) -> Iterator[Check]:
    """In the order of the assertions file: from the coarse to the fine."""
    managed = f"({', '.join(literal(schema) for schema in schemas)})"
    for schema, wanted in assertions.tables.items():
        yield tables(schema, wanted)
    for rule in assertions.every_table:
        yield Check(every(rule), rules.EVERY_TABLE[rule].strip().format(managed=managed))
    if assertions.owner is not None:
        query = rules.OWNER.strip().format(managed=managed, owner=literal(assertions.owner))
        yield Check(every(f"owner {assertions.owner}"), query)
    for rule in assertions.none:
        yield Check(none(rule), rules.NONE[rule].strip().format(managed=managed))
    for name, table in assertions.objects.items():
        yield from of_table(name, table)
    for assertion in assertions.sql:
        yield of_query(assertion)


def samples() -> Iterator[Check]:
    """A query that runs shows nothing here: only the error of one that does not is a finding."""
    for name, query in rules.SAMPLES.items():
        inside = query.strip().replace("\n", "\n    ")
        yield Check(f"query: {name}", f"SELECT NULL FROM (\n    {inside}\n) AS q HAVING count(*) < 0")


def row(check: Check) -> str:
    return f"        ({literal(check.name)}, $q$\n{check.query}\n$q$)"


HEAD = """\
-- Is this database what the collection made? One line for each check, and an error at the end when one fails:
--
--     docker exec -i postgres-erp psql -v ON_ERROR_STOP=1 -U erp_admin -d portfolio < sql/validate_schema.sql
--
-- Made from sql/assertions.yml by `make expected`: change it there. It reads only and leaves nothing behind, so probes
-- are not among it; what it found goes from one statement to the next in a setting of this session. Every query shows
-- what should not be there.

DO $validate$
DECLARE
    item record;
    found text;
    told jsonb := '[]';
    -- All rows of a check in one line, a row as its columns' values.
    shown text := $s$
SELECT string_agg(r.line, ', ' ORDER BY r.line) FROM (%s) AS q
CROSS JOIN LATERAL (
    SELECT coalesce(string_agg(coalesce(v.value, 'null'), ' '), '') FROM json_each_text(row_to_json(q)) AS v
) AS r (line)
$s$;
BEGIN
    PERFORM set_config('transaction_read_only', 'on', TRUE), set_config('search_path', 'pg_catalog', TRUE);
    FOR item IN SELECT c.name, c.query FROM (VALUES
"""

TAIL = r"""
    ) AS c (name, query) LOOP
        BEGIN
            EXECUTE format(shown, item.query) INTO found;
        EXCEPTION
            -- The others are asked all the same.
            WHEN OTHERS THEN found := sqlerrm;
        END;
        told := told || jsonb_build_object('name', item.name, 'found', found);
    END LOOP;
    PERFORM set_config('portfolio.validate_schema', told::text, FALSE);
END
$validate$;

SELECT
    CASE
        WHEN t.found IS NULL THEN 'ok    ' || t.name
        ELSE 'FAIL  ' || t.name || ': ' || translate(t.found, e'\n', ' ')
    END AS "check"
FROM jsonb_to_recordset(current_setting('portfolio.validate_schema')::JSONB) AS t (name TEXT, found TEXT);

DO $validate$
DECLARE
    told jsonb := current_setting('portfolio.validate_schema');
    failed integer := jsonb_array_length(jsonb_path_query_array(told, '$[*] ? (@.found != null)'));
BEGIN
    IF failed > 0 THEN
        RAISE EXCEPTION '% of % checks failed: the lines that begin with FAIL say which',
            failed, jsonb_array_length(told)
        USING HINT = 'Run "make plan" to see what a run of the playbook would put right; it changes nothing.';
    END IF;
END
$validate$;
"""


def generate(document: object) -> str:
    """The whole file, from the content of the assertions file."""
    schemas = tuple(document["assert"]["tables"]) if isinstance(document, dict) else ()
    assertions = parse(document, schemas)
    rows = [row(check) for check in (*checks(assertions, schemas), *samples())]
    return HEAD + ",\n".join(rows) + TAIL


def current() -> str:
    return generate(yaml.safe_load(ASSERTIONS.read_text(encoding="utf-8")))


if __name__ == "__main__":
    try:
        TARGET.write_text(current(), encoding="utf-8")
    except (MigrationError, UnsupportedError) as error:
        sys.exit(f"make expected: {error}")
