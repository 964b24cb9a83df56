# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked once a run has failed and everything is rolled back: the cause, as far as the server still knows it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import others, privileges
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import DatabaseError, Session


def cause(session: Session, error: DatabaseError, words: Sequence[str] = ()) -> str:
    """To be put behind the error's own words; empty where they say it all. `words` are those of its statement."""
    found = ""
    with contextlib.suppress(DatabaseError):
        if error.sqlstate == "42501":
            found = privileges.missing(session, error, words)
        elif error.sqlstate == "55P03":
            found = others.holders_of_tables(session)
    return f": {found}" if found else ""
