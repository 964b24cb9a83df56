# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalog as older algorithms knew it, so that a record of theirs is made anew once and not called drift. Pure."""

from __future__ import annotations

from collections.abc import Collection

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.names import split
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.catalog import (
    ALGORITHM,
    Attributes,
    Objects,
)

_OLDER = ("catalog-1", "catalog-2")
# catalog-2 did not look at these kinds, ...
_KINDS_SINCE_2 = {
    "cast",
    "collation",
    "conversion",
    "dependency",
    "operator",
    "operator class",
    "operator family",
    "publication",
    "shell type",
    "subscription",
    "text search configuration",
    "text search dictionary",
    "text search parser",
    "text search template",
}
_RELATION = {
    "bound",
    "column_order",
    "detach_pending",
    "foreign_options",
    "inherited_by",
    "of_type",
    "server",
    "type_acl",
    "type_comment",
    "unpopulated",
}
# ... nor at these attributes of the others.
_ATTRIBUTES_SINCE_2 = {
    **dict.fromkeys(
        ("table", "view", "materialized view", "foreign table", "composite type", "sequence"), frozenset(_RELATION)
    ),
    "column": {"collation_schema", "foreign_options", "inherited"},
    "constraint": {"inherited"},
    "index": {"tablespace", "inherits", "statistics"},
    "rule": {"comment"},
    "statistics": {"comment"},
    **dict.fromkeys(("function", "procedure", "aggregate"), frozenset({"aggregate"})),
    "type": {"collation", "constraint_comments", "range"},
}


def _known(algorithm: str, key: str, attributes: Attributes, schemas: Collection[str]) -> Attributes | None:
    """One object as the algorithm knew it, or None."""
    # catalog-1 did not look at schema public, in which everybody may have rights.
    if algorithm == "catalog-1" and key == "schema public" and "public" not in schemas:
        return None
    kind = split(key).kind
    outside = kind == "constraint" and not any(key.startswith(f"constraint {schema}.") for schema in schemas)
    if kind in _KINDS_SINCE_2 or outside:
        return None
    since = _ATTRIBUTES_SINCE_2.get(kind, ())
    return {name: value for name, value in attributes.items() if name not in since}


def seen_by(algorithm: str, objects: Objects, schemas: Collection[str]) -> Objects | None:
    """The objects as an older algorithm knew them; None for one that this module does not know."""
    if algorithm == ALGORITHM:
        return objects
    if algorithm not in _OLDER:
        return None
    known = {key: _known(algorithm, key, attributes, schemas) for key, attributes in objects.items()}
    return {key: attributes for key, attributes in known.items() if attributes is not None}


def completed(recorded: Objects, objects: Objects, seen: Objects) -> dict[str, Attributes]:
    """An older record with what its algorithm did not know: that counts as recorded as it is now."""
    result = dict(recorded)
    for key, attributes in objects.items():
        if key not in seen:
            result[key] = attributes
        elif key in recorded:
            unknown = {name: value for name, value in attributes.items() if name not in seen[key]}
            result[key] = {**recorded[key], **unknown}
    return result
