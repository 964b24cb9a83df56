# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enumerations, domains, ranges, composite types."""

from __future__ import annotations

from tests.integration.drift_coverage.model import Item, change


def _enum(item: Item) -> bool:
    return item.definition.startswith("enum")


def _domain(item: Item) -> bool:
    return item.definition.startswith("domain")


def _score(item: Item) -> bool:
    return item.bare == "score"


change("type", "value added", "ALTER TYPE {sql} ADD VALUE 'extra'", where=_enum)
change("type", "value added in between", "ALTER TYPE {sql} ADD VALUE 'extra' BEFORE 'busy'", where=_enum)
change("type", "value renamed", "ALTER TYPE {sql} RENAME VALUE 'calm' TO 'quiet'", where=_enum)
change("type", "default of a domain", "ALTER DOMAIN {sql} SET DEFAULT 7", where=_score)
change("type", "default of a domain dropped", "ALTER DOMAIN {sql} DROP DEFAULT", where=_score)
change("type", "NOT NULL of a domain dropped", "ALTER DOMAIN {sql} DROP NOT NULL", where=_score)
change(
    "type",
    "NOT NULL of a domain set",
    "ALTER DOMAIN {sql} SET NOT NULL",
    where=lambda item: _domain(item) and not _score(item),
)
change("type", "check of a domain dropped", "ALTER DOMAIN {sql} DROP CONSTRAINT score_check", where=_score)
change(
    "type",
    "check of a domain added",
    "ALTER DOMAIN {sql} ADD CONSTRAINT extra CHECK (VALUE IS NOT NULL)",
    where=_domain,
)
change(
    "type",
    "check of a domain not valid",
    "ALTER DOMAIN {sql} ADD CONSTRAINT extra CHECK (VALUE IS NOT NULL) NOT VALID",
    where=_domain,
)
change("type", "check of a domain renamed", "ALTER DOMAIN {sql} RENAME CONSTRAINT score_check TO renamed", where=_score)
change(
    "type",
    "comment on a check of a domain",
    "COMMENT ON CONSTRAINT score_check ON DOMAIN {sql} IS 'another'",
    where=_score,
)
change(
    "type",
    "comment on a check of a domain dropped",
    "COMMENT ON CONSTRAINT score_check ON DOMAIN {sql} IS NULL",
    where=_score,
)
_AGAIN = ["DROP TYPE {sql} CASCADE"]
change(
    "type",
    "base of a domain",
    [*_AGAIN, 'CREATE DOMAIN {sql} AS varchar(9) COLLATE "C"'],
    where=lambda item: item.bare == "label",
)
change(
    "type",
    "collation of a domain",
    [*_AGAIN, 'CREATE DOMAIN {sql} AS text COLLATE "POSIX"'],
    where=lambda item: item.bare == "label",
)
change(
    "type",
    "subtype of a range",
    [*_AGAIN, "CREATE TYPE {sql} AS RANGE (subtype = bigint, multirange_type_name = sample.spans)"],
    where=lambda item: item.bare == "span",
)
change(
    "type",
    "difference of a range",
    [
        *_AGAIN,
        "CREATE TYPE {sql} AS RANGE (subtype = numeric, subtype_diff = numrange_subdiff, "
        "multirange_type_name = sample.spans)",
    ],
    where=lambda item: item.bare == "span",
)
change(
    "type", "multirange of a range", "ALTER TYPE sample.spans RENAME TO renamed", where=lambda item: item.bare == "span"
)
change(
    "type",
    "collation of a range",
    [*_AGAIN, 'CREATE TYPE {sql} AS RANGE (subtype = text, collation = "C")'],
    where=lambda item: item.bare == "span",
)
change(
    "type",
    "operator class of a range",
    [*_AGAIN, "CREATE TYPE {sql} AS RANGE (subtype = text, subtype_opclass = text_pattern_ops)"],
    where=lambda item: item.bare == "span",
)
change(
    "composite type", "attribute added", "ALTER TYPE {sql} ADD ATTRIBUTE extra integer CASCADE", "column {place} extra"
)
