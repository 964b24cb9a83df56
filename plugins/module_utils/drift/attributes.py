# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How one attribute of an object is put back by ALTER or COMMENT, and of which class that is. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.columns import alter_column, sequence_options
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.names import ROUTINES, Name, quoted
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.step import Attributes, Context, Order, Step
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import identifier, literal

_STATES = {None: "ENABLE", "disabled": "DISABLE", "replica": "ENABLE REPLICA", "always": "ENABLE ALWAYS"}
_RULE_STATES = {None: "ENABLE", "D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}
# Types whose values PostgreSQL compresses but keeps in the row while it can; other long ones are "extended".
_MAIN = ("numeric", "inet", "cidr")
_CLOSES = ("row_security", "force_row_security")
# Objects with an owner of their own; an index follows its table, a column's sequence as well.
_OWNED = (
    *(*ROUTINES, "table", "view", "materialized view", "foreign table", "sequence", "schema", "type", "statistics"),
    *("composite type", "collation", "conversion", "operator", "operator class", "operator family", "publication"),
    *("text search configuration", "text search dictionary"),
)
# What rows are stored by: a difference there is never put back without a person.
_DATA = ("table", "materialized view", "foreign table", "type", "composite type")


def _options(alter: str, live: Sequence[str] | None, wanted: Sequence[str] | None, prefix: str = "") -> list[str]:
    old = dict(option.split("=", 1) for option in live or ())
    new = dict(option.split("=", 1) for option in wanted or ())
    reset = [prefix + name for name in old if name not in new]
    put = [f"{prefix}{name} = {literal(value)}" for name, value in new.items() if old.get(name) != value]
    result = [f"{alter} RESET ({', '.join(reset)})"] if reset else []
    return result + ([f"{alter} SET ({', '.join(put)})"] if put else [])


def _replica_identity(name: Name, wanted: Any, context: Context) -> list[str]:
    if wanted == "i":
        chosen = [
            key
            for key, index in context.recorded.items()
            if key.startswith(f"index {name.name} ") and index.get("replica_identity")
        ]
        how = f"USING INDEX {identifier(chosen[0].split(' ', 2)[2])}" if chosen else "DEFAULT"
    else:
        how = {"f": "FULL", "n": "NOTHING"}.get(wanted, "DEFAULT")
    return [f"ALTER TABLE {name.quoted} REPLICA IDENTITY {how}"]


def _storage(name: Name, wanted: str | None, context: Context) -> list[str]:
    column = context.recorded.get(f"column {name.parent} {name.name}", {})
    usual = "main" if str(column.get("type", "")).startswith(_MAIN) else "extended"
    return alter_column(name, f"SET STORAGE {(wanted or usual).upper()}")


def _owned_by(name: Name, wanted: str | None) -> list[str]:
    if wanted is None:
        return [f"ALTER SEQUENCE {name.quoted} OWNED BY NONE"]
    table, column = wanted.rsplit(".", 1)
    return [f"ALTER SEQUENCE {name.quoted} OWNED BY {quoted(table)}.{identifier(column)}"]


def _sequence(name: Name, wanted: str | None) -> list[str]:
    options = sequence_options(wanted or "")
    return [f"ALTER SEQUENCE {name.quoted} {options}"] if options else []


def _clustered(name: Name, wanted: Any) -> list[str]:
    return [f"ALTER TABLE {name.table} " + (f"CLUSTER ON {identifier(name.name)}" if wanted else "SET WITHOUT CLUSTER")]


def _index_statistics(name: Name, live: Attributes | None, wanted: Attributes | None) -> list[str]:
    old, new = live or {}, wanted or {}
    return [
        f"ALTER INDEX {name.quoted} ALTER COLUMN {number} SET STATISTICS {new.get(number, -1)}"
        for number in sorted({*old, *new})
        if old.get(number) != new.get(number)
    ]


def _inherited_by(name: Name, live: Sequence[str] | None, wanted: Sequence[str] | None) -> list[str]:
    """A child that is gone had rows of its own."""
    extra = [child for child in live or () if child not in (wanted or ())]
    return [f"ALTER TABLE {child} NO INHERIT {name.quoted}" for child in extra]


def _constraint_comments(name: Name, live: Attributes | None, wanted: Attributes | None) -> list[str]:
    old, new = live or {}, wanted or {}
    return [
        f"COMMENT ON CONSTRAINT {identifier(constraint)} ON DOMAIN {name.quoted} IS "
        + (literal(new[constraint]) if constraint in new else "NULL")
        for constraint in sorted({*old, *new})
        if old.get(constraint) != new.get(constraint)
    ]


def _tablespace(name: Name, wanted: str | None) -> list[str]:
    return [f"ALTER {name.spelled} SET TABLESPACE {identifier(wanted or 'pg_default')}"]


_Make = Callable[[Name, Any, Any, Context], list[str]]


@dataclass(frozen=True)
class Rule:
    """Class and order of a change to one attribute, and what undoes it: name, live value, wanted value, context."""

    drift_class: str
    order: Order
    make: _Make


def _switch(on: str, off: str) -> _Make:
    return lambda name, live, wanted, context: [f"ALTER TABLE {name.quoted} {on if wanted else off}"]


RULES: dict[tuple[str, str], Rule] = {
    **{
        (kind, "type_comment"): Rule(
            "A",
            Order.LAST,
            lambda n, o, w, c: [f"COMMENT ON TYPE {n.quoted} IS {literal(w) if w else 'NULL'}"],
        )
        for kind in ("table", "view", "materialized view", "foreign table", "composite type")
    },
    **{
        # All of it is written again, and nobody can use it meanwhile.
        (kind, "tablespace"): Rule("B", Order.TABLE, lambda n, o, w, c: _tablespace(n, w))
        for kind in ("table", "index", "materialized view")
    },
    ("table", "inherited_by"): Rule("B", Order.TABLE, lambda n, o, w, c: _inherited_by(n, o, w)),
    ("index", "statistics"): Rule("A", Order.LAST, lambda n, o, w, c: _index_statistics(n, o, w)),
    ("type", "constraint_comments"): Rule("A", Order.LAST, lambda n, o, w, c: _constraint_comments(n, o, w)),
    ("materialized view", "unpopulated"): Rule(
        "B", Order.LAST, lambda n, o, w, c: [f"REFRESH {n.spelled}{' WITH NO DATA' if w else ''}"]
    ),
    ("table", "options"): Rule("A", Order.TABLE, lambda n, o, w, c: _options(f"ALTER TABLE {n.quoted}", o, w)),
    ("table", "toast_options"): Rule(
        "A", Order.TABLE, lambda n, o, w, c: _options(f"ALTER TABLE {n.quoted}", o, w, "toast.")
    ),
    ("view", "options"): Rule("A", Order.LAST, lambda n, o, w, c: _options(f"ALTER VIEW {n.quoted}", o, w)),
    ("table", "persistence"): Rule(
        "B", Order.TABLE, lambda n, o, w, c: [f"ALTER TABLE {n.quoted} SET {'UNLOGGED' if w else 'LOGGED'}"]
    ),
    ("table", "row_security"): Rule(
        "A", Order.LAST, _switch("ENABLE ROW LEVEL SECURITY", "DISABLE ROW LEVEL SECURITY")
    ),
    ("table", "force_row_security"): Rule(
        "A", Order.LAST, _switch("FORCE ROW LEVEL SECURITY", "NO FORCE ROW LEVEL SECURITY")
    ),
    ("table", "replica_identity"): Rule("A", Order.LAST, lambda n, o, w, c: _replica_identity(n, w, c)),
    ("column", "default"): Rule(
        "A", Order.COLUMN, lambda n, o, w, c: alter_column(n, "DROP DEFAULT" if w is None else f"SET DEFAULT {w}")
    ),
    ("column", "storage"): Rule("A", Order.COLUMN, lambda n, o, w, c: _storage(n, w, c)),
    ("column", "compression"): Rule(
        "A", Order.COLUMN, lambda n, o, w, c: alter_column(n, f"SET COMPRESSION {w or 'default'}")
    ),
    ("column", "statistics"): Rule(
        "A", Order.COLUMN, lambda n, o, w, c: alter_column(n, f"SET STATISTICS {-1 if w is None else w}")
    ),
    ("column", "options"): Rule("A", Order.COLUMN, lambda n, o, w, c: _options(alter_column(n, "")[0].rstrip(), o, w)),
    ("sequence", "sequence"): Rule("A", Order.TABLE, lambda n, o, w, c: _sequence(n, w)),
    ("sequence", "owned_by"): Rule("A", Order.TABLE, lambda n, o, w, c: _owned_by(n, w)),
    ("index", "clustered"): Rule("A", Order.LAST, lambda n, o, w, c: _clustered(n, w)),
    ("trigger", "state"): Rule(
        "A", Order.LAST, lambda n, o, w, c: [f"ALTER TABLE {n.table} {_STATES[w]} TRIGGER {n.quoted}"]
    ),
    ("rule", "state"): Rule(
        "A", Order.LAST, lambda n, o, w, c: [f"ALTER TABLE {n.table} {_RULE_STATES[w]} RULE {n.quoted}"]
    ),
    ("statistics", "target"): Rule(
        "A", Order.LAST, lambda n, o, w, c: [f"ALTER STATISTICS {n.quoted} SET STATISTICS {-1 if w is None else w}"]
    ),
}


def _rest(name: Name, attribute: str, wanted: Attributes) -> Step:
    """What every kind of object has, and what nobody can put back."""
    attributes = frozenset({attribute})
    if attribute == "comment":
        text = literal(wanted["comment"]) if "comment" in wanted else "NULL"
        return Step("A", Order.LAST, (f"COMMENT ON {name.spelled} IS {text}",), attributes)
    # A column's sequence follows its table.
    if attribute == "owner" and name.kind in _OWNED and "owned_by" not in wanted:
        statement = f"ALTER {name.spelled} OWNER TO {identifier(wanted['owner'])}"
        return Step("B", Order.LAST, (statement,), attributes, by_admin=True)
    return Step("C" if name.kind in _DATA else "B", Order.LAST, attributes=attributes)


def steps(name: Name, live: Attributes, wanted: Attributes, differ: frozenset[str], context: Context) -> list[Step]:
    """One step for each attribute."""
    result = []
    for attribute in sorted(differ):
        rule = RULES.get((name.kind, attribute))
        value = wanted.get(attribute)
        statements = tuple(rule.make(name, live.get(attribute), value, context)) if rule else ()
        if rule is None or not statements:
            result.append(_rest(name, attribute, wanted))
            continue
        # Whoever closed a table to everybody meant it.
        drift_class = "B" if attribute in _CLOSES and not value else rule.drift_class
        result.append(Step(drift_class, rule.order, statements, frozenset({attribute})))
    return result
