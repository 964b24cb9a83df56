# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between two states of one object of the catalog, in words. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift import acl
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.names import split
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.step import WHOLE, Attributes
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import catalog

# What may hold rows, or stand for some.
_DATA = ("schema", "table", "column", "materialized view", "foreign table", "sequence", "type", "composite type")
_SHORT = 40


def _texts(*values: Any) -> list[str]:
    """A mark that is not there is off."""
    if any(value is True for value in values):
        return ["on" if value is True else "off" for value in values]
    return ["none" if value is None else str(value) for value in values]


def of(live: Attributes | None, wanted: Attributes | None, only: frozenset[str] = WHOLE) -> str:
    """`missing`, `extra`, or each attribute that differs: `not_null`, `extra right of PUBLIC: SELECT`."""
    if live is None or wanted is None:
        return "missing" if live is None else "extra"
    result = []
    for name in sorted(catalog.differing(live, wanted) & only if only else catalog.differing(live, wanted)):
        old, new = live.get(name), wanted.get(name)
        if name == "acl":
            # The same rights may be written down as given by somebody else.
            result += acl.differences(old or (), new or ()) or ["who gave the rights"]
            continue
        have, want = _texts(old, new)
        label = name.replace("_", " ")
        short = max(len(have), len(want)) <= _SHORT and "\n" not in have + want
        result.append(f"{label} {have} instead of {want}" if short else f"another {label}")
    return ", ".join(result)


def advice(key: str, live: Attributes | None, wanted: Attributes | None) -> str:
    """What to do where no statement can be named."""
    kind = split(key).kind
    if live and wanted and "owned_by" in wanted and live.get("owner") != wanted.get("owner"):
        return "give its table back, and it follows"
    if kind in _DATA and live is None:
        return "what stood in it is gone with it; restore it from a backup"
    if kind in _DATA and wanted is None:
        return "move it to a schema of its own, or drop it if nobody needs what is in it"
    return "put it back by hand as the migrations and access files make it"
