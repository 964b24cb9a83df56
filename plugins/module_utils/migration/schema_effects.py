# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened to the schema, or would: effects out of three states of the catalog: recorded, live, after. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import catalog, differences
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import Attributes, Objects
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.effects import Effect, Psql
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.files import Migration
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.state import State, Work


def migrations(pending: Iterable[Migration], accepted: Iterable[Migration] = ()) -> list[Effect]:
    """One for each file, not for each of the hundreds of objects in it."""
    return [
        *(Effect("change", f"migration {item.file}", f"{len(item.statements)} statements") for item in pending),
        *(Effect("change", f"migration {item.file}", "recorded anew, not run") for item in accepted),
    ]


def first(work: Work) -> list[Effect]:
    """On a server that has nothing yet."""
    return migrations(work.migrations) + ([_access("never run")] if work.access else [])


def _access(detail: str) -> Effect:
    return Effect("change", "access files", detail)


def files(state: State, work: Work) -> list[Effect]:
    """Files that are not recorded as they are."""
    result = migrations(state.plan.pending, state.plan.accepted)
    expected = state.ledger.expected
    if expected is None:
        return result + ([_access("never run")] if work.access else [])
    if expected.catalog_algo != catalog.ALGORITHM:
        result.append(Effect("change", "migration ledger", f"{expected.catalog_algo} instead of {catalog.ALGORITHM}"))
    return result + ([_access("edited")] if state.access and expected.access_checksum != work.access_checksum else [])


@dataclass(frozen=True)
class Drift:
    """Three states: as recorded, as found, and as it is when the run ends."""

    recorded: Objects
    live: Objects
    after: Objects
    # Objects of which the admin session has put right what differs, or would.
    handled: frozenset[str] = frozenset()

    @property
    def foreign(self) -> list[str]:
        """What somebody changed beside the migrations."""
        return [key for key in catalog.changed(self.recorded, self.live) if key not in self.handled]

    def changes(self, everything: bool) -> list[tuple[str, str]]:
        """Objects that the run changes: those that somebody else had changed, or all of them."""
        foreign = set(self.foreign)
        return [
            (key, differences.words(self.live.get(key), self.after.get(key)))
            for key in catalog.changed(self.live, self.after)
            if everything or key in foreign
        ]

    def left(self) -> list[str]:
        """What differs from the record now and did before; a part is not named beside its table."""
        found = [key for key in self.foreign if self.after.get(key) != self.recorded.get(key)]
        whole = {key for key in found if key not in self.after or key not in self.recorded}
        tables = tuple(key.removeprefix("table ") for key in whole if key.startswith("table "))
        return [key for key in found if not (key in whole and self._part_of(key, tables))]

    def _part_of(self, key: str, tables: tuple[str, ...]) -> bool:
        _kind, parent, _name = differences.split(key)
        owned_by = str((self.after.get(key) or self.recorded.get(key) or {}).get("owned_by", ""))
        return parent in tables or any(owned_by.startswith(f"{table}.") for table in tables)


def predicted(state: State, handled: frozenset[str]) -> Drift:
    """Before the access files can be tried: they bring their own part back to what is recorded."""
    live = state.snapshot.objects
    after: dict[str, Attributes | None] = {**live}
    if state.access:
        for key in catalog.changed(state.recorded, live):
            wanted = state.recorded.get(key)
            if wanted is not None and key not in handled:
                after[key] = catalog.by_access(key, wanted, live.get(key), state.access_objects)
    return Drift(state.recorded, live, {key: value for key, value in after.items() if value is not None}, handled)


def of_schema(drift: Drift, everything: bool, psql: Psql) -> list[Effect]:
    """Changes first, then what is left to a person."""
    result = [
        Effect("change", differences.shown(key, psql.database), detail) for key, detail in drift.changes(everything)
    ]
    return result + left(drift, psql)


def left(drift: Drift, psql: Psql) -> list[Effect]:
    """What is named and not touched, each with the way to undo it."""
    result = []
    for key in drift.left():
        live, wanted = drift.after.get(key), drift.recorded.get(key)
        statements = differences.sql(key, live, wanted, psql.database)
        foreign = key.startswith("default privileges ") and not key.endswith(f" for {psql.owner}")
        given_away = live is not None and wanted is not None and live.get("owner") != wanted.get("owner")
        run = psql.as_admin if foreign or given_away else psql.as_owner
        remedy = run(*statements) if statements else differences.advice(key, live, wanted)
        result.append(Effect("left", differences.shown(key, psql.database), differences.words(live, wanted), remedy))
    return result
