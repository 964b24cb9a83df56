# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the owner of the schema cannot take back by itself: objects that were given to somebody else.

It is done only for objects that stand in `repair`, in a transaction of the admin session, before the owner's own.
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.findings import Finding
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.policy import Policy
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import lock
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import Objects
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.effects import Change
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import (
    DatabaseError,
    Session,
    Target,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.settings import Settings


def wanted(findings: Sequence[Finding], policy: Policy) -> list[Change]:
    """The changes that were asked for by name."""
    return [
        Change(finding.key, finding.detail, "as recorded", finding.step.statements, finding.detail)
        for finding in findings
        if policy.mode == "repair" and finding.step.by_admin and finding.step.statements and finding.key in policy.named
    ]


def handled(changes: Sequence[Change], live: Objects) -> frozenset[str]:
    """Their keys, and those of sequences that follow their tables."""
    keys = {change.key for change in changes}
    tables = {key.removeprefix("table ") for key in keys if key.startswith("table ")}
    return frozenset(
        keys | {key for key, found in live.items() if str(found.get("owned_by")).rpartition(".")[0] in tables}
    )


def run(admin: Target, settings: Settings, lock_wait: float, changes: Sequence[Change]) -> None:
    """All of them or none, under the lock that every run takes."""
    session = Session(admin, settings)
    statements = [statement for change in changes for statement in change.statements]
    try:
        lock.acquire(session, lock_wait)
        session.transaction(statements)
    except DatabaseError as error:
        raise MigrationError(
            f"{', '.join(change.key for change in changes)} cannot be given back as {admin.user}: {error}; "
            "no schema was changed; let its owner or a superuser do it"
        ) from None
    finally:
        session.close()
