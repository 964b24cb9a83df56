# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Functions, procedures and aggregates."""

from __future__ import annotations

import re

from tests.integration.drift_coverage.model import Item, Statements, change

_ALTER = "ALTER {word} {sql} "
_CODE = ("function", "procedure")


def _written(item: Item) -> bool:
    """Its text can be replaced: it is in SQL or PL/pgSQL."""
    return "LANGUAGE internal" not in item.definition


def _body(item: Item) -> Statements:
    if "BEGIN ATOMIC" in item.definition:
        return item.definition.replace("BEGIN ATOMIC", "BEGIN ATOMIC\n SELECT 1;")
    return re.sub(r"AS \$(function|procedure)\$", lambda match: f"{match[0]} /* another */ ", item.definition, count=1)


def _default(item: Item) -> Statements:
    return item.definition.replace("amount integer", "amount integer DEFAULT 2", 1)


change(_CODE, "body", _body, where=_written)
change("function", "default of an argument", _default, where=lambda item: item.bare.startswith("several"))
change(
    "function",
    "default of an argument changed",
    lambda item: item.definition.replace("DEFAULT 1", "DEFAULT 3"),
    where=lambda item: "DEFAULT 1" in item.definition,
)
change(_CODE, "setting added", _ALTER + "SET work_mem TO '77MB'")
change(_CODE, "setting search_path", _ALTER + "SET search_path TO public")
change("function", "settings reset", _ALTER + "RESET ALL", having="settings")
change(_CODE, "security definer", _ALTER + "SECURITY DEFINER", lacking="security_definer")
change("function", "security invoker", _ALTER + "SECURITY INVOKER", having="security_definer")
for _word in ("IMMUTABLE", "STABLE", "VOLATILE"):
    change(
        "function",
        f"volatility {_word.lower()}",
        _ALTER + _word,
        where=lambda item, word=_word: _volatility(item) != word,  # type: ignore[misc]
    )
change(
    "function", "parallel safe", _ALTER + "PARALLEL SAFE", where=lambda item: " PARALLEL SAFE" not in item.definition
)
change("function", "parallel restricted", _ALTER + "PARALLEL RESTRICTED")
change("function", "leakproof", _ALTER + "LEAKPROOF")
change("function", "strict", _ALTER + "STRICT", where=lambda item: " STRICT" not in item.definition)
change("function", "not strict", _ALTER + "CALLED ON NULL INPUT", where=lambda item: " STRICT" in item.definition)
change("function", "cost", _ALTER + "COST 77")
change(
    "function",
    "rows",
    _ALTER + "ROWS 77",
    where=lambda item: "RETURNS SETOF" in item.definition or "RETURNS TABLE" in item.definition,
)
change(
    "function",
    "support",
    "UPDATE pg_proc SET prosupport = 0 WHERE oid = '{schema}.{function}({types})'::regprocedure",
    where=lambda item: " SUPPORT " in item.definition,
)
change(
    "function",
    "depends on an extension",
    _ALTER + "DEPENDS ON EXTENSION plpgsql",
    "dependency function {found.schema}.{function}({types}) on plpgsql",
    where=lambda item: (
        item.bare in ("erp.set_updated_at()", "set_updated_at()", "touch()", "same(one integer, two integer)")
    ),
)
_REPLACED = ["DROP FUNCTION {sql} CASCADE", "ALTER FUNCTION {sql} OWNER TO erp_admin"]
for _name, _made in (
    ("result", "RETURNS smallint LANGUAGE sql AS 'SELECT 1::smallint'"),
    ("language", "RETURNS void LANGUAGE plpgsql AS 'BEGIN END'"),
):
    change(
        "function",
        _name,
        [_REPLACED[0], f"CREATE FUNCTION {{sql}} {_made}", _REPLACED[1]],
        where=lambda item: "trigger" not in item.definition and _written(item),
    )
change(
    "function",
    "an extra one of the same name",
    "CREATE FUNCTION {schema}.{name}(point) RETURNS void LANGUAGE sql AS ''",
    "function {found.schema}.{function}(point)",
)


def _volatility(item: Item) -> str:
    match = re.search(r"^ (IMMUTABLE|STABLE)\b", item.definition, re.MULTILINE)
    return match[1] if match else "VOLATILE"


_SUM = "SFUNC = int4pl, STYPE = integer, INITCOND = '0'"
_MOVING = "MSFUNC = int4pl, MINVFUNC = int4mi, MSTYPE = integer"
for _name, _made in (
    ("start", "SFUNC = int4pl, STYPE = integer, INITCOND = '5'"),
    ("no start", "SFUNC = int4pl, STYPE = integer"),
    ("function", "SFUNC = int4mul, STYPE = integer, INITCOND = '0'"),
    ("state", "SFUNC = int84pl, STYPE = bigint, INITCOND = '0'"),
    ("last step", f"{_SUM}, FINALFUNC = int4abs"),
    ("last step with extra arguments", f"{_SUM}, FINALFUNC = sample.same, FINALFUNC_EXTRA"),
    ("last step that writes", f"{_SUM}, FINALFUNC = int4abs, FINALFUNC_MODIFY = READ_WRITE"),
    ("space", f"{_SUM}, SSPACE = 99"),
    ("combination", f"{_SUM}, COMBINEFUNC = int4pl"),
    ("sort operator", f"{_SUM}, SORTOP = <"),
    ("moving", f"{_SUM}, {_MOVING}, MINITCOND = '1', MSSPACE = 7"),
    ("last step of moving", f"{_SUM}, {_MOVING}, MFINALFUNC = int4abs, MFINALFUNC_MODIFY = SHAREABLE"),
    (
        "moving with extra arguments",
        f"{_SUM}, {_MOVING}, FINALFUNC = sample.same, FINALFUNC_EXTRA, MFINALFUNC = sample.same, MFINALFUNC_EXTRA",
    ),
    ("parallel", f"{_SUM}, PARALLEL = SAFE"),
):
    change("aggregate", _name, ["DROP AGGREGATE {sql}", f"CREATE AGGREGATE {{schema}}.{{name}}(integer) ({_made})"])
change(
    "aggregate",
    "hypothetical",
    [
        "DROP AGGREGATE {sql}",
        f"CREATE AGGREGATE {{schema}}.{{name}}(ORDER BY integer) ({_SUM})",
    ],
)
