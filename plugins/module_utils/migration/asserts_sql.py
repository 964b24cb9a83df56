# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Assertions that are written in SQL: all queries in one round trip, one by one where that fails; then probes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.asserts import Failure
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.asserts_file import (
    Assertions,
    Probe,
    SqlAssertion,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import DatabaseError, Session

_SHOWN = 5
# The rows as one JSON value, each a list of texts: so that queries of any shape fit into one statement.
_ROWS = """
(SELECT coalesce(json_agg(shown.line), '[]') FROM (SELECT * FROM (
{}
) AS asked LIMIT 100) AS found CROSS JOIN LATERAL (
    SELECT json_agg(coalesce(pair.value, 'null')) FROM json_each_text(row_to_json(found.*)) AS pair
) AS shown (line))"""
_BEGIN = "SAVEPOINT asserted"
_BACK = "ROLLBACK TO SAVEPOINT asserted"
# Nothing that a query calls may write, whatever transaction this is.
_READ_ONLY = "SET LOCAL transaction_read_only = on"
# What waits for the end of a transaction would never come to pass in one that is rolled back.
_BEGIN_PROBE = "SAVEPOINT probe; SET CONSTRAINTS ALL IMMEDIATE"
_UNDO_PROBE = "ROLLBACK TO SAVEPOINT probe; RELEASE SAVEPOINT probe"

Rows = Sequence[Sequence[Any]]


def _text(value: Any) -> str:
    """As PostgreSQL writes it in JSON: a YAML file cannot tell numeric from integer."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), default=str)


def _texts(rows: Rows) -> list[list[str]]:
    return [[_text(value) for value in row] for row in rows]


def _shown(rows: list[list[str]]) -> str:
    more = ", ..." if len(rows) > _SHOWN else ""
    return ", ".join(f"({', '.join(row)})" for row in rows[:_SHOWN]) + more if rows else "no rows"


def judge(kind: str, name: str, expect: Rows, rows: Rows) -> Failure | None:
    """Compare the rows of a query with what is expected. Pure."""
    expected, actual = _texts(expect), _texts(rows)
    return None if actual == expected else Failure(kind, name, _shown(expected), _shown(actual))


def _told(error: DatabaseError) -> str:
    """An error as what was found; one that a second attempt may not meet is not an answer."""
    if error.worth_retrying:
        raise error
    return f"an error: {error}"


def results(session: Session, assertions: Assertions) -> list[Failure | None]:
    """Ask every query and try every probe in the open transaction; None for each that holds.

    Probes need a transaction that may write, and leave nothing in it; without any it is read-only afterwards.
    """
    found = _ask(session, assertions.sql) if assertions.sql else []
    if assertions.probe:
        if assertions.sql:
            session.execute(_BACK)
        found += [_probe(session, one) for one in assertions.probe]
    return found


def _ask(session: Session, assertions: Sequence[SqlAssertion]) -> list[Failure | None]:
    queries = [_ROWS.format(assertion.query) for assertion in assertions]
    try:
        found = session.query(f"{_BEGIN}; {_READ_ONLY}; SELECT {', '.join(queries)}")[0]
    except DatabaseError as error:
        _told(error)
        return [_ask_one(session, *pair) for pair in zip(assertions, queries, strict=True)]
    return [judge("sql", one.name, one.expect, rows) for one, rows in zip(assertions, found, strict=True)]


def _ask_one(session: Session, assertion: SqlAssertion, query: str) -> Failure | None:
    """By itself, so that an error has a name."""
    try:
        rows = session.query(f"{_BACK}; {_READ_ONLY}; SELECT {query}")[0][0]
    except DatabaseError as error:
        return Failure("sql", assertion.name, _shown(_texts(assertion.expect)), _told(error))
    return judge("sql", assertion.name, assertion.expect, rows)


def _probe(session: Session, probe: Probe) -> Failure | None:
    session.execute(_BEGIN_PROBE)
    try:
        return _try(session, probe)
    finally:
        session.execute(_UNDO_PROBE)


def _try(session: Session, probe: Probe) -> Failure | None:
    expected = f"SQLSTATE {probe.error}" if probe.error else _shown(_texts(probe.expect))
    number = 0
    try:
        for number, statement in enumerate(probe.statements, start=1):  # noqa: B007 - it says which one failed
            session.execute(statement)
        if probe.error:
            return Failure("probe", probe.name, expected, "no error")
        number += 1
        return judge("probe", probe.name, probe.expect, session.query(f"SELECT {_ROWS.format(probe.query)}")[0][0])
    except DatabaseError as error:
        if probe.error and error.sqlstate == probe.error and number == len(probe.statements):
            return None
        where = f"statement {number}" if number <= len(probe.statements) else "the query"
        return Failure("probe", probe.name, expected, f"{_told(error)} in {where}")
