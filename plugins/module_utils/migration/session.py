# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One connection: how it is opened, what is set in it, and what becomes of its errors."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import tls
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.settings import Settings

try:
    import psycopg2

    PSYCOPG2_ERROR = None
except ImportError as missing:
    PSYCOPG2_ERROR = str(missing)

# Retrying helps with these: lock not available, deadlock, serialization failure, server is starting.
RETRIED = {"55P03", "40P01", "40001", "57P03"}
# ... and these mean that the server ended the session.
_ENDED = {"57P01", "57P02", "25P03"}
# At login there is no SQLSTATE; the server's words are all there is.
_FULL = ("too many clients", "too many connections", "connection slots are reserved")


@dataclass(frozen=True)
class Target:
    """Where to log in."""

    user: str
    database: str
    host: str
    port: int
    password: str | None = field(default=None, repr=False)
    ssl_mode: str = "prefer"
    ca_cert: str | None = None
    # Where libpq finds the password that is not given.
    passfile: str | None = None

    def at(self, **changes: Any) -> Target:
        return replace(self, **changes)


class UnreachableError(MigrationError):
    """No session. `absent`: nothing answered, or the database or role is not there (yet)."""

    def __init__(self, target: Target, message: str, insecure: str | None = None) -> None:
        """`insecure`: why it did not become an encrypted connection, and what to do."""
        self.message = message
        self.insecure = insecure is not None
        self.starting = "the database system is" in message
        # Nobody answered, which is an answer where a server is yet to be made.
        self.silent = not self.insecure and "FATAL:" not in message
        self.absent = (
            self.starting
            or self.silent
            or ("does not exist" in message and ("database " in message or "role " in message))
        )
        end = insecure or f"{message}; nothing was changed; {_way_in(message)}"
        super().__init__(
            f"cannot log in to database {target.database} at {target.host}:{target.port} as {target.user}: {end}"
        )

    @property
    def full(self) -> bool:
        """There is no connection left, for this login or for all."""
        return any(words in self.message for words in _FULL)

    @property
    def after_password(self) -> bool:
        """PostgreSQL counts these connections after it has checked the password."""
        return self.full and "too many clients" not in self.message


def _way_in(message: str) -> str:
    if any(words in message for words in _FULL):
        return "end other connections or raise the limit, and run again"
    if "startup parameter" in message:
        return "connect to PostgreSQL itself, not to a connection pooler"
    return "see that the server runs there and lets this login in"


class DatabaseError(MigrationError):
    """An error that the server reported for one statement, or the loss of the connection (`lost`)."""

    def __init__(self, error: Exception, lost: bool) -> None:
        diagnostics = getattr(error, "diag", None)
        self.lost = lost
        self.sqlstate: str | None = getattr(error, "pgcode", None)
        primary = getattr(diagnostics, "message_primary", None) or one_line(str(error)) or "the connection was lost"
        self.message: str = primary.replace("\n", " ")
        self.position = _number(diagnostics, "statement_position")
        # ... of a statement within a function's body
        self.internal_position = _number(diagnostics, "internal_position")
        self.internal_query: str | None = getattr(diagnostics, "internal_query", None)
        self.fields = {
            name: getattr(diagnostics, source, None)
            for name, source in (
                ("detail", "message_detail"),
                ("hint", "message_hint"),
                ("context", "context"),
                ("constraint", "constraint_name"),
                ("table", "table_name"),
                ("schema", "schema_name"),
            )
        }
        # file:line:column of the statement, once somebody knows it
        self.where = ""
        super().__init__(f"{self.message}{f' (SQLSTATE {self.sqlstate})' if self.sqlstate else ''}")

    def details_of(self) -> dict[str, Any]:
        """For the result's `error`."""
        return {"sqlstate": self.sqlstate, **{name: value for name, value in self.fields.items() if value}}

    @property
    def worth_retrying(self) -> bool:
        return self.lost or self.sqlstate in RETRIED


def _number(diagnostics: object, name: str) -> int | None:
    value = getattr(diagnostics, name, None)
    return int(value) if value else None


def no_driver_sentence() -> str:
    return f"psycopg2 is not there for {sys.executable} on this server; run: apt-get install python3-psycopg2"


def one_line(message: str) -> str:
    """libpq's first line says what happened, the others guess why."""
    return message.strip().split("\n", 1)[0].strip()


class Session:
    """A psycopg2 connection in autocommit: every BEGIN and COMMIT is written where it happens."""

    def __init__(self, target: Target, settings: Settings) -> None:
        arguments: dict[str, Any] = {
            "host": target.host,
            "port": target.port,
            "user": target.user,
            "dbname": target.database,
            "password": target.password,
            "sslmode": target.ssl_mode,
            "sslrootcert": target.ca_cert,
            "passfile": target.passfile,
            "options": settings.options(),
            "client_encoding": "UTF8",
            "connect_timeout": 10,
            "application_name": "bestviable.portfolio migration",
            "keepalives": 1,
            "keepalives_idle": 10,
            "keepalives_interval": 10,
            "keepalives_count": 3,
        }
        try:
            self._connection = psycopg2.connect(
                **{name: value for name, value in arguments.items() if value is not None}
            )
        except psycopg2.Error as error:
            raise UnreachableError(
                target,
                one_line(str(error)),
                tls.refused_sentence(target.host, target.port, target.ca_cert, str(error)),
            ) from None
        self._connection.autocommit = True
        self._cursor = self._connection.cursor()
        self.settings = settings

    @property
    def database(self) -> str:
        name: str = self._connection.info.dbname
        return name

    @property
    def backend_pid(self) -> int:
        pid: int = self._connection.info.backend_pid
        return pid

    @property
    def superuser(self) -> bool:
        """The server tells it at login, without being asked."""
        return bool(self._connection.info.parameter_status("is_superuser") == "on")

    @property
    def used_password(self) -> bool:
        return bool(self._connection.info.used_password)

    def execute(self, sql: str, parameters: tuple[Any, ...] | Mapping[str, Any] | None = None) -> None:
        try:
            self._cursor.execute(sql, parameters)
        except (psycopg2.Error, UnicodeError, ValueError) as error:
            lost = self._connection.closed != 0 or getattr(error, "pgcode", None) in _ENDED
            raise DatabaseError(error, lost) from None

    def transaction(self, statements: Sequence[str]) -> None:
        """All of them or none, in one round trip."""
        self.execute("; ".join(["BEGIN", *statements, "COMMIT"]))

    def query(self, sql: str, parameters: tuple[Any, ...] | Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        self.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = self._cursor.fetchall()
        return rows

    def rows_of(self, sql: str, limit: int) -> list[tuple[Any, ...]]:
        """At most `limit` rows of somebody's own query."""
        self.execute(sql)
        rows: list[tuple[Any, ...]] = self._cursor.fetchmany(limit) if self._cursor.description else []
        return rows

    def rollback(self) -> None:
        """Best effort: a lost connection has rolled back already."""
        with contextlib.suppress(DatabaseError):
            self.execute("ROLLBACK")

    def close(self) -> None:
        self._connection.close()
