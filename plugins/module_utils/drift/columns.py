# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a column cannot be put back without looking at its values: type, NOT NULL, identity, generation. Pure."""

from __future__ import annotations

import re

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.column_types import holds
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.names import Name, quoted
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.step import Attributes, Context, Order, Step
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import literal

_SEQUENCE = re.compile(
    r"(?P<type>.+) start (?P<start>\S+) increment (?P<increment>\S+) min (?P<min>\S+) max (?P<max>\S+) "
    r"cache (?P<cache>\S+)(?P<cycle> cycle)?"
)


def alter_column(name: Name, action: str) -> list[str]:
    """ALTER TABLE ... ALTER COLUMN with this action."""
    return [f"ALTER TABLE {name.table} ALTER COLUMN {name.quoted} {action}"]


def sequence_options(text: str) -> str | None:
    """`bigint start 1 increment 1 ...` as the words after ALTER SEQUENCE; None where it says something else."""
    found = _SEQUENCE.fullmatch(text)
    if found is None:
        return None
    return (
        f"AS {found['type']} INCREMENT BY {found['increment']} MINVALUE {found['min']} MAXVALUE {found['max']} "
        f"START WITH {found['start']} CACHE {found['cache']} {'CYCLE' if found['cycle'] else 'NO CYCLE'}"
    )


def _type(name: Name, live: Attributes, wanted: Attributes) -> Step:
    """A type that became wider may become narrow again where that loses no value; any other may have lost some."""
    old, new, attributes = str(live["type"]), str(wanted["type"]), frozenset({"type"})
    if not holds(old, new):
        return Step("C", Order.COLUMN, attributes=attributes)
    kept = f"({name.quoted}::{new})::{old}"
    return Step(
        "B",
        Order.COLUMN,
        tuple(alter_column(name, f"TYPE {new} USING {name.quoted}::{new}")),
        attributes,
        obstacles=f"SELECT count(*) FROM {name.table} WHERE {name.quoted} IS DISTINCT FROM {kept}",
        # A cast to a shorter text cuts without a word.
        ask_first=True,
    )


def _not_null(name: Name, wanted: Attributes) -> Step:
    attributes = frozenset({"not_null"})
    if not wanted.get("not_null"):
        return Step("B", Order.COLUMN, tuple(alter_column(name, "DROP NOT NULL")), attributes)
    return Step(
        "B",
        Order.COLUMN,
        tuple(alter_column(name, "SET NOT NULL")),
        attributes,
        obstacles=f"SELECT count(*) FROM {name.table} WHERE {name.quoted} IS NULL",
    )


def identity_sequence(name: Name, context: Context) -> str | None:
    """The key of the sequence behind an identity column."""
    owned_by = f"{name.parent}.{name.name}"
    return next(
        (
            key
            for key, sequence in context.recorded.items()
            if key.startswith("sequence ") and sequence.get("owned_by") == owned_by
        ),
        None,
    )


def _identity(name: Name, live: Attributes, wanted: Attributes, context: Context) -> Step:
    attributes, kind = frozenset({"identity"}), str(wanted.get("identity")).upper()
    if "identity" not in wanted:
        return Step("B", Order.COLUMN, tuple(alter_column(name, "DROP IDENTITY")), attributes)
    if "identity" in live:
        return Step("B", Order.COLUMN, tuple(alter_column(name, f"SET GENERATED {kind}")), attributes)
    key = identity_sequence(name, context)
    options = sequence_options(str(context.recorded[key].get("sequence"))) if key else None
    if key is None or options is None:
        return Step("B", Order.COLUMN, attributes=attributes)
    sequence = quoted(key.removeprefix("sequence "))
    # The type of an identity's sequence is the column's.
    inside = options.split(" ", 2)[2]
    drop_default = alter_column(name, "DROP DEFAULT") if "default" in live else []
    return Step(
        "B",
        Order.COLUMN,
        (
            *drop_default,
            *alter_column(name, f"ADD GENERATED {kind} AS IDENTITY (SEQUENCE NAME {sequence} {inside})"),
            # The next value comes after those that are there.
            f"SELECT setval({literal(sequence)}, coalesce(max({name.quoted}), 0) + 1, false) FROM {name.table}",
        ),
        attributes,
    )


def steps(name: Name, live: Attributes, wanted: Attributes, differ: frozenset[str], context: Context) -> list[Step]:
    """A step for each of these that differs."""
    result = []
    if "type" in differ:
        result.append(_type(name, live, wanted))
    if "not_null" in differ:
        result.append(_not_null(name, wanted))
    if "identity" in differ:
        result.append(_identity(name, live, wanted, context))
    computed = differ & {"generated", "expression", "collation", "collation_schema"}
    if computed:
        # Its values would have to be computed or sorted anew: the column is another one.
        result.append(Step("C", Order.COLUMN, attributes=computed))
    return result


HANDLED = frozenset({"type", "not_null", "identity", "generated", "expression", "collation", "collation_schema"})
