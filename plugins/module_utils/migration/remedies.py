# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator can do about an error of the server. Pure."""

from __future__ import annotations

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import DatabaseError


def remedy_sentence(error: DatabaseError, otherwise: str) -> str:
    """By SQLSTATE, and `otherwise` for the others."""
    if error.sqlstate == "53200" and "max_locks_per_transaction" in (error.fields["hint"] or ""):
        return "raise max_locks_per_transaction, restart the server and run again"
    if error.sqlstate == "57014" and "statement timeout" in error.message:
        return "raise statement_timeout or shorten the statement and run again"
    return {
        "25006": "see that the server is a primary that may be written, and run again",
        "40001": "run again when the other sessions are done",
        "40P01": "run again when the other sessions are done",
        "42501": "give the login the privilege it lacks and run again",
        "53100": "free disk space on the server and run again",
        "53200": "give the server more memory and run again",
        "53300": "end other connections or raise the limit, and run again",
        "55P03": "end that session and run again",
        "57014": "run again: somebody cancelled the statement",
        "58030": "see that the server's disk is whole, and run again",
    }.get(error.sqlstate or "", otherwise)
