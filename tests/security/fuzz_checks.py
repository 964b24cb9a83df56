# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fuzzer asks of each answer beside its own checks; Schemathesis loads it (SCHEMATHESIS_HOOKS)."""

from __future__ import annotations

from typing import Any

import schemathesis

# Names of what no role may know of, and marks of a program that fell over.
INSIDE = (
    "revoked_tokens",
    "check_request",
    "portfolio_authenticator",
    "pg_authid",
    "scram-sha-256",
    "CallStack",
    "libpq",
)


@schemathesis.check
def nothing_of_the_inside(_context: Any, response: Any, _case: Any) -> None:
    text = response.text
    assert not any(word in text for word in INSIDE), text[:500]
    assert "server" not in {name.lower() for name in response.headers}
