# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rename shows as an object that is missing and one that is extra; equal definitions tell that they are one. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.names import BEHIND, Name, split
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import Attributes, Objects

# In a definition the name stands after these words.
_NAMED = re.compile(r"^(CREATE (?:UNIQUE )?(?:INDEX|TRIGGER|CONSTRAINT TRIGGER|RULE|STATISTICS)) \S+")


def _columns(objects: Objects, table: str) -> list[tuple[str, Attributes]]:
    start = f"column {table} "
    return [(key.removeprefix(start), objects[key]) for key in sorted(objects) if key.startswith(start)]


def _shape(name: Name, objects: Objects, attributes: Attributes) -> str:
    """What two objects of different names have in common when they are one; comments may have been lost or made."""
    kept = {key: value for key, value in attributes.items() if key != "comment"}
    if name.kind == "table":
        return json.dumps([name.kind, _columns(objects, name.name)], sort_keys=True)
    if "definition" in kept:
        # The names of routines stand in their text.
        kept["definition"] = _NAMED.sub(r"\1", str(kept["definition"]))
        if name.kind in ("function", "procedure"):
            kept["definition"] = kept["definition"].replace(name.name.split("(", 1)[0], "", 1)
    return json.dumps([name.kind, name.parent, kept], sort_keys=True)


def _place(name: Name, objects: Objects) -> int | None:
    """Where a column stands in its table: what tells columns apart that are alike."""
    order = objects.get(f"table {name.parent}", {}).get("column_order") or [] if name.kind == "column" else []
    return order.index(name.name) if name.name in order else None


def pairs(recorded: Objects, live: Objects) -> Mapping[str, str]:
    """Key that is missing -> key that is extra, where each has exactly one such partner."""
    gone: dict[str, list[str]] = {}
    new: dict[str, list[str]] = {}
    for here, there, found in ((recorded, live, gone), (live, recorded, new)):
        for key in here:
            name = split(key)
            if key not in there and not name.name.startswith(BEHIND):
                found.setdefault(_shape(name, here, here[key]), []).append(key)
    result = {}
    for shape, keys in gone.items():
        others = new.get(shape, [])
        if len(keys) == len(others) == 1:
            result[keys[0]] = others[0]
            continue
        by_place = {_place(split(key), live): key for key in others}
        places = {key: _place(split(key), recorded) for key in keys}
        result |= {key: by_place[place] for key, place in places.items() if place is not None and place in by_place}
    return result
