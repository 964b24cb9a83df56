# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot of the catalog as plain values: fingerprint, comparison, one line per object. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift import acl, names

ALGORITHM = "catalog-3"
# What belongs to the server, not to the schema: an assertion may ask for it, the fingerprint does not hold it.
_ENVIRONMENT = {"extension"}
# What sql/access decides about objects that the migrations made.
ACCESS_KINDS = {"policy", "default privileges"}
ACCESS_ATTRIBUTES = {"acl", "row_security", "force_row_security"}
_ORDER = "column_order"

Attributes = Mapping[str, Any]
Objects = Mapping[str, Attributes]


@dataclass(frozen=True)
class CatalogObject:
    kind: str
    schema: str
    # The table that a column, index, trigger ... belongs to.
    parent: str | None
    name: str
    attributes: Attributes

    @property
    def key(self) -> str:
        owner = f"{self.schema}.{self.parent} " if self.parent else f"{self.schema}." if self.schema else ""
        return f"{self.kind} {self.name if self.kind == 'schema' else owner + self.name}"


@dataclass(frozen=True)
class Snapshot:
    everything: tuple[CatalogObject, ...]

    @property
    def objects(self) -> dict[str, Attributes]:
        """What the fingerprint is taken of: key -> attributes."""
        return {item.key: item.attributes for item in self.everything if item.kind not in _ENVIRONMENT}

    def of_kind(self, *kinds: str) -> list[CatalogObject]:
        return [item for item in self.everything if item.kind in kinds]

    def is_empty(self, schemas: Iterable[str]) -> bool:
        """Nothing stands in these schemas but, perhaps, the schemas themselves."""
        inside = set(schemas)
        return not any(
            item.schema in inside and item.kind not in ("schema", "default privileges") for item in self.everything
        )


def promised(found: Snapshot, wanted: Objects) -> Snapshot:
    """The snapshot as it will be when these parts of tables are made."""
    items = {item.key: item for item in found.everything}
    for key, attributes in wanted.items():
        name = names.split(key)
        schema, table = name.parent.split(".", 1)
        items[key] = CatalogObject(name.kind, schema, table, name.name, attributes)
    return Snapshot(tuple(items[key] for key in sorted(items)))


def snapshot(rows: Iterable[tuple[Any, ...]]) -> Snapshot:
    items = []
    for kind, schema, parent, name, attributes in rows:
        if "acl" in attributes:
            # The order inside an access list follows history, not meaning.
            attributes = {**attributes, "acl": sorted(attributes["acl"])}
        items.append(CatalogObject(kind, schema, parent, name, attributes))
    return Snapshot(tuple(sorted(items, key=lambda item: item.key)))


def fingerprint(objects: Objects) -> str:
    digest = hashlib.sha256()
    for key in sorted(objects):
        digest.update(f"{key}: {json.dumps(objects[key], sort_keys=True, separators=(',', ':'))}\n".encode())
    return digest.hexdigest()


def line(key: str, attributes: Attributes) -> str:
    """`index erp.projects projects_status_idx: CREATE INDEX ... unique comment="..."`"""
    parts = []
    # The columns have lines of their own.
    shown = attributes.keys() - {_ORDER}
    for name in sorted(shown, key=lambda name: (name not in ("definition", "type"), name)):
        value = attributes[name]
        if name in ("definition", "type") and isinstance(value, str):
            parts.append(value.replace("\n", "\\n"))
        elif value is True:
            parts.append(name)
        else:
            parts.append(f"{name}={json.dumps(value, ensure_ascii=False, sort_keys=True)}")
    return f"{key}: {' '.join(parts)}"


def lines(objects: Objects) -> set[str]:
    return {line(key, attributes) for key, attributes in objects.items()}


def differing(old: Attributes, new: Attributes) -> frozenset[str]:
    """Names of attributes that differ. A column that is missing or extra is not another order of the rest."""
    names = frozenset(name for name in {*old, *new} if old.get(name) != new.get(name))
    return names - {_ORDER} if _in_order(old.get(_ORDER), new.get(_ORDER)) else names


def _in_order(old: list[str] | None, new: list[str] | None) -> bool:
    if old is None or new is None:
        return True
    return [name for name in old if name in new] == [name for name in new if name in old]


def _same(old: Attributes | None, new: Attributes | None) -> bool:
    return old is None and new is None if old is None or new is None else not differing(old, new)


def changed(before: Objects, after: Objects) -> list[str]:
    """Keys of objects that appeared, vanished or differ."""
    return sorted(key for key in {*before, *after} if not _same(before.get(key), after.get(key)))


def concerns_access(recorded: Objects, live: Objects, made_by_access: Iterable[str]) -> bool:
    """Does a difference touch what the access files are responsible for?"""
    ours = set(made_by_access)
    for key in changed(recorded, live):
        old, new = recorded.get(key), live.get(key)
        if key in ours or any(key.startswith(f"{kind} ") for kind in ACCESS_KINDS):
            return True
        # An object that is missing or extra altogether is not a matter of access.
        if old is not None and new is not None and any(old.get(name) != new.get(name) for name in ACCESS_ATTRIBUTES):
            return True
    return False


def by_access(key: str, wanted: Attributes, live: Attributes | None, made: Iterable[str]) -> Attributes | None:
    """One object after the access files have run, when they do what they did when it was recorded."""
    if key in set(made) or any(key.startswith(f"{kind} ") for kind in ACCESS_KINDS):
        return wanted
    if live is None:
        return None
    rest = {name: value for name, value in live.items() if name not in ACCESS_ATTRIBUTES}
    return {**rest, **{name: wanted[name] for name in ACCESS_ATTRIBUTES if name in wanted}}


def carry(recorded: Objects, before: Objects, after: Objects) -> dict[str, Attributes]:
    """What to record after a transaction: its own changes over the record, so that foreign ones stay visible."""
    result: dict[str, Attributes] = {}
    for key in {*recorded, *after}:
        if before.get(key) == after.get(key):
            kept = recorded.get(key)
            if kept is not None:
                result[key] = kept
        elif key in after:
            result[key] = _carry_attributes(recorded.get(key, {}), before.get(key, {}), after[key])
    return result


def _carry_attributes(recorded: Attributes, before: Attributes, after: Attributes) -> Attributes:
    names = {*recorded, *after}
    chosen = {name: recorded.get(name) if before.get(name) == after.get(name) else after.get(name) for name in names}
    if "acl" in names and before.get("acl") != after.get("acl"):
        rights = acl.carry(*(attributes.get("acl") or () for attributes in (recorded, before, after)))
        chosen["acl"] = rights if rights or after.get("acl") is not None else None
    if all(_ORDER in attributes for attributes in (recorded, before, after)):
        chosen[_ORDER] = _carry_order(recorded[_ORDER], before[_ORDER], after[_ORDER])
    return {name: value for name, value in chosen.items() if value is not None}


def _carry_order(recorded: list[str], before: list[str], after: list[str]) -> list[str]:
    """Without the columns that somebody else made, and with those that somebody else dropped."""
    result = [name for name in after if name in recorded or name not in before]
    for place, name in enumerate(recorded):
        if name not in before and name not in result:
            result.insert(result.index(recorded[place - 1]) + 1 if place and recorded[place - 1] in result else 0, name)
    return result
