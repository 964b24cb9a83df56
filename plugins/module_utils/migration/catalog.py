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

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift import names

ALGORITHM = "catalog-2"
# catalog-1 did not look at schema public, in which everybody may have rights.
_ADDED = {"catalog-1": "schema public"}
# What belongs to the server, not to the schema: an assertion may ask for it, the fingerprint does not hold it.
_ENVIRONMENT = {"extension"}
# What sql/access decides about objects that the migrations made.
ACCESS_KINDS = {"policy", "default privileges"}
ACCESS_ATTRIBUTES = {"acl", "row_security", "force_row_security"}

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
    for name in sorted(attributes, key=lambda name: (name not in ("definition", "type"), name)):
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


def changed(before: Objects, after: Objects) -> list[str]:
    """Keys of objects that appeared, vanished or differ."""
    return sorted(key for key in {*before, *after} if before.get(key) != after.get(key))


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


def seen_by(algorithm: str, objects: Objects, schemas: Iterable[str]) -> Objects | None:
    """The objects as an older algorithm knew them; None for one that this module does not know."""
    if algorithm == ALGORITHM:
        return objects
    added = _ADDED.get(algorithm)
    if added is None:
        return None
    managed = {f"schema {name}" for name in schemas}
    return {key: value for key, value in objects.items() if key != added or key in managed}


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
    return {name: value for name, value in chosen.items() if value is not None}
