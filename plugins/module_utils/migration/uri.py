# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's address as its provider shows it: a URI of libpq. Pure; no message repeats it, for it holds a password."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError


@dataclass(frozen=True)
class Address:
    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)
    database: str | None
    # Certificates that the server's must be signed by.
    ca_cert: str | None


def _wrong(what: str) -> MigrationError:
    return MigrationError(
        f"login_uri {what}; nothing was changed; "
        "give one such as postgresql://USER:PASSWORD@HOST:5432/DATABASE, with special characters as %XX"
    )


def parse(text: str) -> Address:
    """What it says; how the connection is encrypted is not left to it."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        raise _wrong("has no port that is a number") from None
    if parts.scheme not in ("postgresql", "postgres") or not parts.hostname:
        raise _wrong("is not the URI of a PostgreSQL server")
    if "," in parts.netloc.rpartition("@")[2]:
        raise MigrationError(
            "login_uri names several hosts; nothing was changed; name the one that can be written, without a comma"
        )
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(set(asked) - {"sslmode", "sslrootcert"})
    if unknown:
        raise MigrationError(
            f"login_uri has the parameter {unknown[0]}, which is not used here; nothing was changed; take it out"
        )
    return Address(
        parts.hostname,
        port or 5432,
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
        unquote(parts.path.strip("/")) or None,
        asked.get("sslrootcert") or None,
    )
