# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a script statement by statement in the transaction that is open, and says where it fails."""

from __future__ import annotations

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import aftermath
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.files import Script
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.position import place_of
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.remedies import remedy_sentence
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import DatabaseError, Session
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.splitter import (
    Statement,
    line_column,
    place,
)

_SHOWN = 500
_CORRECT = "correct the file and run again"
_BEGIN = "SAVEPOINT script"
_END = "RELEASE SAVEPOINT script"
_AGAIN = "ROLLBACK TO SAVEPOINT script"
# Constraints that wait for the end of the transaction are looked at and wait again.
_LOOK = "SAVEPOINT deferred; SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK TO SAVEPOINT deferred"
_AFTER_LOOK = "ROLLBACK TO SAVEPOINT deferred"


def _detail(error: DatabaseError) -> str:
    return f" ({error.fields['detail']})" if error.fields["detail"] else ""


def statement_error(script: Script, statement: Statement, error: DatabaseError, cause: str = "") -> MigrationError:
    """`002_agent_schema.sql:118:31: type "intt" does not exist (SQLSTATE 42704); ...`"""
    found = place_of(statement, error)
    line, column = line_column(script.text, found.offset)
    details = {
        "file": script.file,
        "line": line,
        "column": column,
        "statement": statement.text[:_SHOWN],
        **error.details_of(),
    }
    function = f" in {found.function}" if found.function else ""
    return MigrationError(
        f"{script.file}:{line}:{column}: {error}{function}{_detail(error)}{cause}; nothing was changed; "
        f"{remedy_sentence(error, _CORRECT)}",
        error=details,
    )


def run(session: Session, script: Script) -> None:
    """Each statement, then what waits for the end; the session is left as it was found."""
    session.execute(_BEGIN)
    for statement in script.statements:
        try:
            session.execute(statement.text)
        except DatabaseError as error:
            if error.worth_retrying:
                error.where = place(script.file, script.text, statement.offset)
                raise
            session.rollback()
            raise statement_error(script, statement, error, aftermath.cause(session, error, statement.words)) from None
    _check_deferred(session, script)
    try:
        # What the script left in the session must not reach the next one.
        session.execute(f"{_END}; {session.settings.again()}")
    except DatabaseError as error:
        if error.worth_retrying:
            raise
        raise MigrationError(
            f"{script.file} leaves a session that cannot be used: {error}; nothing was changed; "
            "correct the file and run again"
        ) from None


def _check_deferred(session: Session, script: Script) -> None:
    """A script has to leave whole what it touches, as if it were alone."""
    try:
        session.execute(_LOOK)
    except DatabaseError as error:
        if error.worth_retrying:
            raise
        statement = _culprit(session, script, error)
        if statement is None:
            raise MigrationError(
                f"{script.file}: {error}{_detail(error)}, seen at the end of the file; nothing was changed; "
                f"{remedy_sentence(error, _CORRECT)}",
                error={"file": script.file, **error.details_of()},
            ) from None
        raise statement_error(script, statement, error, ", seen at the end of the file") from None


def _culprit(session: Session, script: Script, error: DatabaseError) -> Statement | None:
    """Run the script again with a look after each statement: from which on is it that the constraint does not hold?

    None: the second run is not like the first, because sequences do not go back.
    """
    session.execute(_AGAIN)
    culprit = None
    for statement in script.statements:
        session.execute(statement.text)
        culprit = (culprit or statement) if _violation(session) == _told(error) else None
    return culprit


def _told(error: DatabaseError) -> tuple[str, str | None]:
    return error.message, error.fields["detail"]


def _violation(session: Session) -> tuple[str, str | None] | None:
    try:
        session.execute(_LOOK)
    except DatabaseError as error:
        if error.lost:
            raise
        session.execute(_AFTER_LOOK)
        return _told(error)
    return None
