# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter database_address."""

from __future__ import annotations

import pytest
from ansible_collections.bestviable.portfolio.plugins.filter.database_address import database_address

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("uri", "host", "port"),
    [
        (f"postgresql://doadmin:{SECRET}@db.example.com:25060/defaultdb?sslmode=require", "db.example.com", 25060),
        (f"postgres://doadmin:{SECRET}%2F@203.0.113.7/defaultdb", "203.0.113.7", 5432),
        ("", "", 0),
    ],
)
def test_where_the_server_is(uri: str, host: str, port: int) -> None:
    assert database_address(uri, "the_option") == {"host": host, "port": port, "problem": ""}


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("db.example.com:25060", "the_option is not the URI of a PostgreSQL server; give one such as postgresql://"),
        (f"postgresql://doadmin:{SECRET}@db:x/defaultdb", "the_option has no port that is a number; give one such as"),
        (f"postgresql://doadmin:{SECRET}@a,b/defaultdb", "the_option names several hosts; name the one that can be"),
        ("postgresql://doadmin@db/defaultdb", "the_option holds no password; give it as the provider shows it"),
        ("postgresql://db/defaultdb", "the_option holds no user; give it as the provider shows it"),
        (f"postgresql://doadmin:{SECRET}@db/defaultdb?target_session_attrs=any", "parameter target_session_attrs"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_without_the_secret(uri: str, said: str) -> None:
    found = database_address(uri, "the_option")
    assert said in found["problem"] and found["host"] == ""
    assert SECRET not in found["problem"] and "nothing was changed" not in found["problem"]
