# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Session settings that a role's, a database's or a server's own defaults must not decide. Pure."""

from __future__ import annotations

from dataclasses import dataclass

# What decides how SQL is read, what an object becomes and how it is shown.
_PLAIN = {
    "array_nulls": "on",
    "backslash_quote": "safe_encoding",
    "bytea_output": "hex",
    "check_function_bodies": "on",
    "client_min_messages": "warning",
    "DateStyle": "ISO, YMD",
    "default_table_access_method": "heap",
    "default_tablespace": "",
    "default_toast_compression": "pglz",
    "exit_on_error": "off",
    "extra_float_digits": "1",
    "IntervalStyle": "postgres",
    "jit": "off",
    "lc_monetary": "C",
    "lc_numeric": "C",
    "lc_time": "C",
    "plpgsql.extra_errors": "none",
    "quote_all_identifiers": "off",
    "row_security": "on",
    "standard_conforming_strings": "on",
    "TimeZone": "UTC",
    "transform_null_equals": "off",
    "xmloption": "content",
}


@dataclass(frozen=True)
class Settings:
    """They differ in how long a statement may wait and work."""

    lock_timeout_ms: int
    statement_timeout_ms: int

    def values(self) -> dict[str, str]:
        return {
            "role": "none",
            "search_path": "pg_catalog",
            "default_transaction_read_only": "off",
            "lock_timeout": str(self.lock_timeout_ms),
            "statement_timeout": str(self.statement_timeout_ms),
            "idle_in_transaction_session_timeout": "60000",
            "idle_session_timeout": "0",
            # A killed client's transaction, and its locks, are gone at once.
            "client_connection_check_interval": "500",
            **_PLAIN,
        }

    def options(self) -> str:
        """As libpq's start-up options: no round trip, and stronger than ALTER ROLE ... SET."""
        return " ".join(f"-c {name}={_escaped(value)}" for name, value in self.values().items())

    def again(self) -> str:
        """Set for the rest of a transaction what a script may have changed."""
        return (
            "; ".join(f"SET LOCAL {name} = '{value}'" for name, value in self.values().items() if name != "search_path")
            + "; SET LOCAL search_path = pg_catalog"
        )


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
