# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's URI: what is taken from it, what counts more, and that no refusal repeats its password."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import arguments, uri
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from psycopg2 import extensions

NOTHING: dict[str, Any] = {
    **dict.fromkeys(arguments.CONNECTION),
    **dict.fromkeys(("admin_user", "admin_password", "maintenance_db")),
    "login_user": "erp_admin",
    "login_db": "portfolio",
}
WHOLE = (
    "postgresql://do%40admin:s3c%2Fr%3Aet@db-1.example.com:25060/default%20db?sslmode=require&sslrootcert=/etc/ca.crt"
)


def test_it_says_what_libpq_reads_in_it() -> None:
    found, theirs = uri.parse(WHOLE), extensions.parse_dsn(WHOLE)
    assert vars(found) == {
        "host": theirs["host"],
        "port": int(theirs["port"]),
        "user": theirs["user"],
        "password": theirs["password"],
        "database": theirs["dbname"],
        "ca_cert": theirs["sslrootcert"],
    }
    assert "s3c" not in repr(found)


@pytest.mark.parametrize("text", ["postgres://db.example", "postgresql://db.example/", " postgresql://db.example?\n"])
def test_what_it_does_not_say(text: str) -> None:
    assert vars(uri.parse(text)) == {**vars(uri.Address("db.example", 5432, None, None, None, None))}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "is not the URI of a PostgreSQL server"),
        ("db.example:5432/s3cret", "is not the URI of a PostgreSQL server"),
        ("mysql://root:s3cret@db.example", "is not the URI of a PostgreSQL server"),
        ("postgresql://admin:s3cret@/d", "is not the URI of a PostgreSQL server"),
        ("postgresql://admin:s3cret/x@db.example:5432/d", "special characters as %XX"),
        ("postgresql://admin:s3cret@db.example:port/d", "has no port that is a number"),
        ("postgresql://admin:s3cret@one.example,two.example/d", "names several hosts"),
        ("postgresql://admin:s3cret@db.example/d?options=-cs3cret", "has the parameter options, which"),
    ],
)
def test_what_is_refused(text: str, part: str) -> None:
    with pytest.raises(MigrationError) as refused:
        uri.parse(text)
    assert part in str(refused.value) and "nothing was changed" in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_its_user_is_the_administrator_and_its_certificate_is_looked_at() -> None:
    found = arguments.complete({**NOTHING, "login_uri": WHOLE})
    asked = ("login_host", "login_port", "admin_user", "admin_password", "maintenance_db", "ssl_mode", "ca_cert")
    assert [found[name] for name in asked] == [
        "db-1.example.com",
        25060,
        "do@admin",
        "s3c/r:et",
        "default db",
        "verify-full",
        "/etc/ca.crt",
    ]
    assert (found["login_user"], found["login_db"], found["login_password"]) == ("erp_admin", "portfolio", None)


def test_what_is_given_beside_it_counts_more() -> None:
    beside = {"admin_user": "other", "maintenance_db": "m", "ssl_mode": "require", "ca_cert": "/x", "login_port": 1}
    found = arguments.complete({**NOTHING, "login_uri": WHOLE, **beside})
    assert {name: found[name] for name in beside} == beside
    assert found["admin_password"] is None, "it is the password of the user in the URI"


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        ({"login_unix_socket": "/run"}, "prefer"),
        ({"login_host": "db.example"}, "prefer"),
        ({"login_host": "db.example", "ca_cert": "/ca.crt"}, "verify-full"),
        ({"login_host": "db.example", "ca_cert": "/ca.crt", "ssl_mode": "verify-ca"}, "verify-ca"),
        ({"login_uri": "postgresql://db.example?sslmode=disable"}, "verify-full"),
        ({"login_uri": "postgresql://db.example", "ssl_mode": "require"}, "require"),
    ],
)
def test_how_the_connection_is_encrypted(given: dict[str, Any], mode: str) -> None:
    found = arguments.complete({**NOTHING, **given})
    assert (found["ssl_mode"], found["login_port"], found["maintenance_db"]) == (mode, 5432, "postgres")
