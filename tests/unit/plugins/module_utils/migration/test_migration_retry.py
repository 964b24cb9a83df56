# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is tried again, how often, and after how long."""

from __future__ import annotations

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.retry import again
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import (
    DatabaseError,
    Target,
    UnreachableError,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.settings import Settings

TARGET = Target("u", "d", "/run", 5432, password="hidden")


class RefusedError(Exception):
    """As psycopg2 raises it."""

    def __init__(self, pgcode: str | None) -> None:
        super().__init__("no")
        self.pgcode = pgcode


def tried(error: Exception, patient: bool = True, until: int = 99) -> tuple[int, list[int]]:
    """Attempts and pauses (whole seconds) of work that fails before attempt `until`."""
    attempts, pauses = [], []

    def work(number: int) -> None:
        attempts.append(number)
        if number < until:
            raise error

    try:
        again(work, patient, lambda seconds: pauses.append(int(seconds)))
    except (DatabaseError, UnreachableError):
        assert until == 99
    return len(attempts), pauses


@pytest.mark.parametrize("code", ["55P03", "40P01", "40001", "57P03"])
def test_retried(code: str) -> None:
    assert tried(DatabaseError(RefusedError(code), lost=False)) == (5, [1, 2, 4, 8])


@pytest.mark.parametrize("code", ["42601", "23505", "57014", "53100", None])
def test_not_retried(code: str | None) -> None:
    assert tried(DatabaseError(RefusedError(code), lost=False)) == (1, [])


def test_a_lost_connection_is_retried_until_it_works() -> None:
    assert tried(DatabaseError(RefusedError(None), lost=True), until=3) == (3, [1, 2])


def test_check_mode_never_waits() -> None:
    assert tried(DatabaseError(RefusedError("55P03"), lost=False), patient=False) == (1, [])


@pytest.mark.parametrize(
    ("message", "absent", "attempts"),
    [
        ("connection to server failed: FATAL:  the database system is starting up", True, 5),
        ("connection to server on socket failed: No such file or directory", True, 1),
        ('connection failed: FATAL:  database "d" does not exist', True, 1),
        ('connection failed: FATAL:  role "u" does not exist', True, 1),
        ('connection failed: FATAL:  password authentication failed for user "u"', False, 1),
        ('connection failed: FATAL:  Peer authentication failed for user "u"', False, 1),
    ],
)
def test_no_session(message: str, absent: bool, attempts: int) -> None:
    error = UnreachableError(TARGET, message)
    assert error.absent is absent and tried(error)[0] == attempts and "hidden" not in f"{error}{TARGET}"


def test_settings_survive_libpq() -> None:
    assert (
        "-c DateStyle=ISO,\\ YMD " in Settings(3000, 300000).options()
        and "-c lock_timeout=3000 " in Settings(3000, 1).options()
    )
