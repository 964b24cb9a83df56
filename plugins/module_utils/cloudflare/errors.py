# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told to the operator when a call fails: one sentence, with the permission that an endpoint needs."""

from __future__ import annotations

import re

# The names of the dashboard. The API's own errors never say which permission lacks.
PERMISSIONS = (
    (r"/dns_records", "Zone › DNS › Edit"),
    (r"^/zones", "Zone › Zone › Read"),
    (r"/cfd_tunnel", "Account › Cloudflare Tunnel › Edit"),
    (r"/access/service_tokens", "Account › Access: Service Tokens › Edit"),
    (r"/access/", "Account › Access: Apps and Policies › Edit"),
)
UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT, TOO_MANY = 401, 403, 404, 409, 429
NAME_EXISTS = 1013


class CloudflareError(Exception):
    """One sentence: what, where, remedy. `ambiguous` says that the call may have taken effect all the same."""

    def __init__(self, sentence: str, status: int = 0, codes: tuple[int, ...] = (), ambiguous: bool = False) -> None:
        super().__init__(sentence)
        self.status = status
        self.ambiguous = ambiguous
        self.conflict = status == CONFLICT or NAME_EXISTS in codes


def permission(path: str) -> str:
    return next((name for pattern, name in PERMISSIONS if re.search(pattern, path)), "")


def failure_sentence(call: str, path: str, status: int, reason: str, tries: int) -> str:
    """Decided by the HTTP status alone; the API's codes and words stand between brackets."""
    if status == UNAUTHORIZED:
        return f"The API token is not accepted by {call} ({reason}); give another in api_token"
    if status == FORBIDDEN:
        return f"The API token may not {call} ({reason}); give it the permission {permission(path)}"
    if status == TOO_MANY:
        return (
            f"{call} is refused because of too many requests ({reason}, {tries} tries); wait five minutes and run again"
        )
    if status == NOT_FOUND:
        return f"{call} is not known to the API ({reason}); correct zone_id, account_id or api_url"
    if 0 < status < 400:
        return f"{call} was not answered as Cloudflare's API answers ({reason}); see what stands behind api_url"
    if status == 0 or status >= 500:
        return f"{call} got no usable answer ({reason}, {tries} tries); wait until the API answers and run again"
    return f"{call} is refused by the API ({reason}); correct what it names"
