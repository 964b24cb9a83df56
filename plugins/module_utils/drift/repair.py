# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the catalog back to what is recorded, inside the run's transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.findings import Finding, find
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.names import split
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.policy import Policy
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.step import Context
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import (
    Attributes,
    Objects,
    Snapshot,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import DatabaseError, Session

# The owner's rights, a new object, then its comment and its rights; one more for what needed another object.
_PASSES = 5
_SIZES = "SELECT name, coalesce(pg_table_size(to_regclass(name)), 0) FROM unnest(%s) AS name"
_POINT = "SAVEPOINT repair"
_BACK = "ROLLBACK TO SAVEPOINT repair"


@dataclass
class Repairs:
    """What one transaction has put right, and what it could not."""

    session: Session
    policy: Policy
    look: Callable[[], Snapshot]
    owner: str
    # In the order in which it happened.
    done: list[Finding] = field(default_factory=list)
    # Why not.
    failed: dict[Finding, str] = field(default_factory=dict)
    # Large tables: what remains to be done after the transaction.
    online: list[Finding] = field(default_factory=list)
    made: set[str] = field(default_factory=set)
    _large: set[str] = field(default_factory=set)

    def context(self, wanted: Objects, live: Objects) -> Context:
        """What a step may need to know."""
        return Context(wanted, live, self.session.database, self.owner, frozenset(self.made))

    def left(self, wanted: Objects, live: Objects) -> list[Finding]:
        """What still differs, apart from what is built online later."""
        later = {finding.key for finding in self.online}
        return [finding for finding in find(self.context(wanted, live)) if finding.key not in later]

    def run(self, wanted: Objects, live: Snapshot, skip: Callable[[Finding], bool] = lambda finding: False) -> Snapshot:
        """Repair until nothing more can be done, and return the catalog as it is then."""
        before: list[Finding] = []
        for _pass in range(_PASSES):
            todo = [
                finding
                for finding in self.left(wanted, live.objects)
                if self.policy.repairs(finding) and finding not in self.failed and not skip(finding)
            ]
            todo = [finding for finding in todo if finding.first] or todo
            if not todo or todo == before:
                break
            self._execute(sorted(todo, key=lambda finding: (finding.step.order, finding.key)))
            known, live, before = set(live.objects), self.look(), todo
            self.made |= set(live.objects) - known
        return live

    def _execute(self, todo: Sequence[Finding]) -> None:
        """All at once, which is a round trip; one by one where that fails."""
        self._weigh(todo)
        ready = [finding for finding in todo if not self._obstructed(finding)]
        statements = [statement for finding in ready for statement in self._statements(finding)]
        try:
            self.session.execute(f"{_POINT}; " + "; ".join(statements) if statements else _POINT)
        except DatabaseError as error:
            if error.worth_retrying:
                raise
            self.session.execute(_BACK)
            ready = [finding for finding in ready if self._one(finding)]
        self._note(ready)

    def _note(self, ready: Sequence[Finding]) -> None:
        for finding in ready:
            (self.online if self._is_online(finding) else self.done).append(finding)

    def _one(self, finding: Finding) -> bool:
        try:
            self.session.execute(f"{_POINT}; " + "; ".join(self._statements(finding)))
        except DatabaseError as error:
            if error.worth_retrying:
                raise
            self.session.execute(_BACK)
            self.failed[finding] = self._reason(finding, error)
            return False
        return True

    def _statements(self, finding: Finding) -> tuple[str, ...]:
        online = finding.step.online
        return online.inside if online and self._is_online(finding) else finding.step.statements

    def _weigh(self, todo: Sequence[Finding]) -> None:
        tables = {split(finding.key).table for finding in todo if finding.step.online}
        if tables:
            sizes = self.session.query(_SIZES, (sorted(tables),))
            self._large |= {name for name, size in sizes if self.policy.online(size)}

    def _is_online(self, finding: Finding) -> bool:
        return finding.step.online is not None and split(finding.key).table in self._large

    def _obstructed(self, finding: Finding) -> bool:
        """Ask before the statements that would change values without an error."""
        if not finding.step.ask_first or finding.step.obstacles is None:
            return False
        count = self._count(finding.step.obstacles)
        if count == 0:
            return False
        rows = "some rows hold values" if count is None else f"{count} rows hold values"
        self.failed[finding] = f"{rows} that would be lost"
        return True

    def _count(self, query: str) -> int | None:
        self.session.execute(_POINT)
        try:
            return int(self.session.query(query)[0][0])
        except DatabaseError as error:
            if error.worth_retrying:
                raise
            self.session.execute(_BACK)
            return None

    def _reason(self, finding: Finding, error: DatabaseError) -> str:
        count = self._count(finding.step.obstacles) if finding.step.obstacles else None
        return f"{count} rows stand in the way" if count else f"the repair fails: {error}"

    def promised(self, wanted: Objects) -> dict[str, Attributes]:
        """What will be there when the online part is done."""
        keys = {finding.key for finding in self.online}
        # The index behind a key comes with it.
        keys |= {f"index {key.removeprefix('constraint ')}" for key in keys if key.startswith("constraint ")}
        return {key: wanted[key] for key in sorted(keys) if key in wanted}

    def check(self, wanted: Objects, live: Objects) -> list[Finding]:
        """What is left to a person; MigrationError where something should have been put right and was not."""
        left = self.left(wanted, live)
        for finding in left:
            if self.policy.repairs(finding) and finding not in self.failed:
                raise MigrationError(
                    f"{finding.key} is not as recorded after its repair ({finding.detail}); nothing was changed; "
                    "put it back by hand, or set drift to report"
                )
        return left
