# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that differs between what is recorded and what is there, with its class and what puts it right. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift import (
    attributes,
    columns,
    objects,
    rights,
    words,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.names import Name, split
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.renames import pairs
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.step import (
    WHOLE,
    Attributes,
    Context,
    Order,
    Step,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import catalog


@dataclass(frozen=True)
class Finding:
    """One step for one object, and what differs in words."""

    key: str
    step: Step
    detail: str
    # missing, extra, renamed or changed
    kind: str

    @property
    def first(self) -> bool:
        """Nothing else can be done before it, neither by the access files nor by another repair."""
        return self.step.order is Order.OWN

    @property
    def of_access(self) -> bool:
        """The access files decide about it, wherever they run."""
        kinds = any(self.key.startswith(f"{kind} ") for kind in catalog.ACCESS_KINDS)
        return kinds or (self.step.attributes != WHOLE and self.step.attributes <= catalog.ACCESS_ATTRIBUTES)

    def as_event(self, statements: Sequence[str] | None = None) -> dict[str, Any]:
        """For the ledger, once it is put right: what differed, and the statements that did it."""
        done = self.step.statements if statements is None else statements
        return {"object": self.key, "detail": {"was": self.detail, "statements": list(done)}}

    def repaired(self, live: Attributes | None, wanted: Attributes | None) -> Attributes | None:
        """The object as it is once the step was taken."""
        if self.step.attributes == WHOLE or live is None or wanted is None:
            return wanted
        rest = {name: value for name, value in live.items() if name not in self.step.attributes}
        return {**rest, **{name: wanted[name] for name in self.step.attributes if name in wanted}}


def _steps(key: str, name: Name, live: Attributes, wanted: Attributes, context: Context) -> Iterator[Step]:
    """The steps of one object that is there and differs."""
    differ = catalog.differing(live, wanted)
    again = differ & objects.DEFINED.get(name.kind, WHOLE)
    if again:
        yield objects.redefined(name, live, wanted, again, context)
    if name.kind == "column":
        yield from columns.steps(name, live, wanted, differ & columns.HANDLED, context)
        differ -= columns.HANDLED
    if "acl" in differ and "owner" not in differ:
        yield from rights.steps(key, name, live, wanted, context)
    if "type_acl" in differ and "owner" not in differ:
        yield from rights.of_type(name, live, wanted)
    # With the owner the access list changes: he stands in it.
    yield from attributes.steps(name, live, wanted, differ - again - {"acl", "type_acl"}, context)


def carrier(key: str, context: Context) -> str | None:
    """The object with which this one comes and goes, where that differs: it is not named beside it."""
    name = split(key)
    if name.kind == "index":
        constraint = f"constraint {name.parent} {name.name}"
        old, new = context.recorded.get(constraint, {}), context.live.get(constraint, {})
        return constraint if old.get("definition") != new.get("definition") else None
    if name.kind == "sequence" and (key in context.recorded) != (key in context.live):
        owned_by = str((context.recorded.get(key) or context.live.get(key) or {}).get("owned_by", ""))
        table, _dot, inside = owned_by.rpartition(".")
        column = f"column {table} {inside}"
        kinds = [(found.get(column) or {}).get("identity") for found in (context.recorded, context.live)]
        return column if kinds[0] != kinds[1] else None
    return None


def _inside(key: str, name: Name, whole: frozenset[str], context: Context) -> bool:
    """A part of a table that is missing or extra itself."""
    if name.parent:
        return f"table {name.parent}" in whole or f"view {name.parent}" in whole
    if name.kind != "sequence":
        return False
    owned_by = str((context.recorded.get(key) or context.live.get(key) or {}).get("owned_by", ""))
    return f"table {owned_by.rpartition('.')[0]}" in whole


def find(context: Context) -> list[Finding]:
    """All differences, sorted by object; parts of a table that is missing or extra are left out."""
    recorded, live = context.recorded, context.live
    keys = catalog.changed(recorded, live)
    whole = frozenset(key for key in keys if (key in recorded) != (key in live))
    renamed = pairs(recorded, live)
    result: list[Finding] = []
    for key in keys:
        name, old, wanted = split(key), live.get(key), recorded.get(key)
        if key in renamed.values() or _inside(key, name, whole, context) or carrier(key, context):
            continue
        if key in renamed:
            now = split(renamed[key])
            result.append(Finding(key, objects.renamed(name, now), f"renamed to {now.name}", "renamed"))
        elif old is None and wanted is not None:
            result.append(Finding(key, objects.missing(key, name, wanted, context), "missing", "missing"))
        elif wanted is None and old is not None:
            result.append(Finding(key, objects.surplus(key, name, old, context), "extra", "extra"))
        elif old is not None and wanted is not None:
            result += [
                Finding(key, step, words.of(old, wanted, step.attributes), "changed")
                for step in _steps(key, name, old, wanted, context)
            ]
    return result
