# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A schema whose ledger was lost: refused, or on request taken over as it is, if it is what the release makes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.findings import find
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.step import Context
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import files, ledger
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.effects import Effect
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.files import Migration
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.ledger import Applied, Ledger
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import Session
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.shipped import Shipped, named

if TYPE_CHECKING:
    from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import Snapshot
    from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.state import Work


def check(version: str | None, migrations: Sequence[Migration], shipped: Shipped | None) -> None:
    """Refuse an option that can never be followed; the rest is only judged where there is no ledger."""
    if version is None:
        return
    if version not in {migration.version for migration in migrations}:
        raise MigrationError(
            f"baseline names version {version}, and there is no such migration; nothing was changed; "
            "give the number of a file in quotes, or remove baseline"
        )
    if shipped is None:
        raise MigrationError(
            "baseline is judged by expected, and that is not there; nothing was changed; "
            "give the file of the release, or remove baseline"
        )


def take_over(work: Work, begun: Iterable[str], live: Snapshot) -> tuple[Ledger, list[Migration]]:
    """Without a ledger: an empty one, or for a schema that is taken over the one that is to be written.

    `begun`: the schemas that are empty before the first migration.
    """
    inside = list(begun)
    if live.is_empty(inside):
        return Ledger(), []
    covered = [migration for migration in work.migrations if work.baseline and migration.version <= work.baseline]
    shipped = work.shipped
    if not covered or shipped is None:
        raise _refusal(work, inside, live)
    if not shipped.describes(covered):
        raise MigrationError(
            f"baseline is {work.baseline}, and expected describes other files (up to {shipped.version}); "
            "nothing was changed; use the release whose last migration was applied to this database"
        )
    differing = _differing(shipped, live)
    if differing:
        raise MigrationError(
            f"the schemas are not what {work.baseline} makes: {named(differing)}; nothing was changed; "
            "put them right by hand and run again",
            error={"objects": differing},
        )
    rows = [Applied(migration.version, migration.name, migration.checksum, files.ALGORITHM) for migration in covered]
    return Ledger(rows, shipped.record()), covered


def _differing(shipped: Shipped, live: Snapshot) -> list[str]:
    """Each object with what differs; a part of a table that is missing or extra is not named beside it."""
    # Nothing is repaired here, so whose the statements would be does not matter.
    context = Context(shipped.comparable(shipped.objects), shipped.comparable(live.objects), database="", owner="")
    return [f"{finding.key} ({finding.detail})" for finding in find(context)]


def _refusal(work: Work, begun: list[str], live: Snapshot) -> MigrationError:
    owned = [item.key for item in live.everything if item.schema in begun and not item.parent]
    first = next(key for key in owned if not key.startswith(("schema ", "default privileges ")))
    schemas = ", ".join(work.schemas)
    found = f"the schemas {schemas} hold objects ({first}, ...) but there is no ledger in schema migration"
    restore = "nothing was changed; restore schema migration as well, or use an empty database"
    if work.shipped is None or not work.shipped.describes(work.migrations):
        return MigrationError(f"{found}; {restore}")
    version = work.shipped.version
    offer, differing = f'set baseline: "{version}"', _differing(work.shipped, live)
    if not differing:
        return MigrationError(f"{found}; {restore}, or, as they are exactly what {version} makes, {offer}")
    return MigrationError(
        f"{found}, and they are not what {version} makes: {named(differing)}; "
        f"{restore}, or put them right by hand and {offer}",
        error={"objects": differing},
    )


def record(session: Session, taken_over: Sequence[Migration], run_id: str, new_ledger: bool) -> None:
    """The rows that an apply would have written, and no DDL beside the ledger's own."""
    if taken_over and not new_ledger:
        session.execute(ledger.ALLOW_KINDS)
    for migration in taken_over:
        session.execute(ledger.INSERT_APPLIED, ledger.row(migration, "baseline", run_id, duration_ms=0))
        detail = json.dumps({"checksum": migration.checksum})
        session.execute(ledger.EVENT, (run_id, "baseline", migration.file, detail))


def effects(taken_over: Sequence[Migration]) -> list[Effect]:
    return [
        Effect("change", f"migration {migration.file}", "recorded as a baseline, not run") for migration in taken_over
    ]
