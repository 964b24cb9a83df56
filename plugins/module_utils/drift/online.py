# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception to "one transaction a run": indexes and constraints of large tables, while writers go on working.

It comes last and alone. What an interrupted attempt leaves is an invalid index or a constraint that is not validated;
the next run finds that as drift and goes on from there.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.findings import Finding
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import ledger
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.retry import again
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import DatabaseError, Session

# However large the table is; writers are let through all the while.
_PATIENT = "SET statement_timeout = 0"


def finish(session: Session, findings: Sequence[Finding], run_id: str, sleep: Callable[[float], None]) -> None:
    """Do what the transaction left open, under the run's lock; raise for the first that cannot be done."""
    if findings:
        session.execute(_PATIENT)
    for finding in findings:
        online = finding.step.online
        if online is None:
            continue

        def work(_attempt: int, statements: Sequence[str] = (*online.clean_up, *online.alone)) -> None:
            for statement in statements:
                session.execute(statement)

        try:
            again(work, True, sleep)
        except DatabaseError as error:
            with contextlib.suppress(DatabaseError):
                for statement in online.clean_up:
                    session.execute(statement)
            raise MigrationError(
                f"{finding.key} cannot be made again: {error}; everything before it was done; "
                "correct the rows that stand in the way and run again",
                left="partly",
                changed=True,
            ) from None
        session.execute(ledger.REPAIRED, (run_id, json.dumps([finding.as_event(online.alone)])))
