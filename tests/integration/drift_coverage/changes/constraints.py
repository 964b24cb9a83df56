# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and checks: missing, and made again in every other way."""

from __future__ import annotations

import re

from tests.integration.drift_coverage.model import Item, Statements, change

_DROP = "ALTER TABLE {table} DROP CONSTRAINT {name} CASCADE"
_ACTION = r"NO ACTION|RESTRICT|CASCADE|SET NULL(?: \([^)]*\))?|SET DEFAULT"


def _own(item: Item) -> bool:
    """It can be dropped: no parent has it."""
    return "inherited" not in item.attributes and item.of in ("table", "foreign table", "")


def _again(item: Item, definition: str) -> Statements:
    if definition == item.definition:
        return None
    return [
        f"ALTER TABLE {item.table} DROP CONSTRAINT {item.name} CASCADE",
        f"ALTER TABLE {item.table} ADD CONSTRAINT {item.name} {definition}",
    ]


def _action(item: Item, event: str, action: str) -> Statements:
    """The foreign key with another ON DELETE or ON UPDATE; the default is not written."""
    bare = re.sub(rf" ON {event} ({_ACTION})", "", item.definition)
    match = re.search(r"^(.*?\)(?: MATCH FULL)?(?= ON | DEFERRABLE| NOT VALID|$))(.*)$", bare)
    assert match, bare
    return _again(item, bare if action == "NO ACTION" else f"{match[1]} ON {event} {action}{match[2]}")


def _register() -> None:
    keys = ("primary key", "unique")
    change("constraint", "dropped", _DROP, where=lambda item: _own(item) and item.type != "trigger")
    change(
        "constraint",
        "renamed",
        "ALTER TABLE {table} RENAME CONSTRAINT {name} TO renamed",
        ["{key}", "constraint {place} renamed"],
        where=lambda item: _own(item) and item.table != '"sample"."base"',
    )
    for event in ("DELETE", "UPDATE"):
        for action in ("NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"):
            change(
                "constraint",
                f"ON {event} {action}",
                lambda item, event=event, action=action: _action(item, event, action),  # type: ignore[misc]
                where=_foreign,
            )
    change(
        "constraint",
        "MATCH",
        lambda item: _again(
            item,
            item.definition.replace(" MATCH FULL", "")
            if " MATCH FULL" in item.definition
            else re.sub(r"(REFERENCES \S+\([^)]*\))", r"\1 MATCH FULL", item.definition),
        ),
        where=_foreign,
    )
    change(
        "constraint",
        "deferrable",
        "ALTER TABLE {table} ALTER CONSTRAINT {name} DEFERRABLE",
        where=lambda item: _foreign(item) and " DEFERRABLE" not in item.definition,
    )
    change(
        "constraint",
        "initially deferred",
        "ALTER TABLE {table} ALTER CONSTRAINT {name} INITIALLY DEFERRED",
        where=_foreign,
    )
    change(
        "constraint",
        "not deferrable",
        "ALTER TABLE {table} ALTER CONSTRAINT {name} NOT DEFERRABLE",
        where=lambda item: _foreign(item) and " DEFERRABLE" in item.definition,
    )
    change(
        "constraint",
        "points to another table",
        lambda item: _again(item, re.sub(r"REFERENCES \S+\([^)]*\)", "REFERENCES erp.okrs(id)", item.definition)),
        where=lambda item: _foreign(item) and len(item.get("columns")) == 1 and item.get("references") != "erp.okrs",
    )
    change(
        "constraint",
        "of another column",
        lambda item: _again(item, item.definition.replace("(thing_id)", "(part_id)", 1)),
        where=lambda item: item.bare == "link_thing_fkey",
    )
    change(
        "constraint",
        "SET NULL of other columns",
        lambda item: _again(item, item.definition.replace(" SET NULL (thing_id)", " SET NULL (part_id)")),
        where=lambda item: item.bare == "link_part_fkey",
    )
    change(
        "constraint",
        "not valid",
        lambda item: _again(item, f"{item.definition} NOT VALID"),
        lacking="not_valid",
        where=lambda item: item.type in ("foreign key", "check") and _own(item),
    )
    change("constraint", "validated", "ALTER TABLE {table} VALIDATE CONSTRAINT {name}", having="not_valid")
    change("constraint", "expression", lambda item: _again(item, "CHECK (true)"), where=_check)
    change(
        "constraint",
        "loosened",
        lambda item: _again(
            item, re.sub(r"^CHECK \((.*)\)( NO INHERIT)?( NOT VALID)?$", r"CHECK (\1 OR true)\2\3", item.definition)
        ),
        where=_check,
    )
    change(
        "constraint",
        "inherited otherwise",
        lambda item: _again(
            item,
            item.definition.replace(" NO INHERIT", "")
            if "NO INHERIT" in item.definition
            else f"{item.definition.replace(' NOT VALID', '')} NO INHERIT",
        ),
        where=lambda item: (
            (_check(item) and item.of == "table" and item.found.schema != "sample") or item.bare == "thing_amount_check"
        ),
    )
    change(
        "constraint",
        "deferrable key",
        lambda item: _again(
            item,
            f"{item.definition} DEFERRABLE"
            if "DEFERRABLE" not in item.definition
            else item.definition.split(" DEFERRABLE")[0],
        ),
        where=lambda item: item.type in keys and _own(item),
    )
    change(
        "constraint",
        "NULLS NOT DISTINCT",
        lambda item: _again(
            item,
            item.definition.replace(" NULLS NOT DISTINCT", "")
            if "DISTINCT" in item.definition
            else item.definition.replace("UNIQUE", "UNIQUE NULLS NOT DISTINCT"),
        ),
        where=lambda item: item.type == "unique" and _own(item),
    )
    change(
        "constraint",
        "unique instead of primary",
        lambda item: _again(item, item.definition.replace("PRIMARY KEY", "UNIQUE")),
        where=lambda item: item.type == "primary key" and _own(item),
    )
    change(
        "constraint",
        "another operator",
        lambda item: _again(item, item.definition.replace("WITH &&", "WITH =")),
        where=lambda item: item.type == "exclude",
    )
    change(
        "constraint",
        "another predicate",
        lambda item: _again(item, item.definition.split(" WHERE")[0]),
        where=lambda item: item.type == "exclude",
    )
    change(
        "constraint",
        "kept by a parent",
        ["CREATE TABLE public.up (LIKE {table} INCLUDING CONSTRAINTS)", "ALTER TABLE {table} INHERIT public.up"],
        where=lambda item: (
            _check(item)
            and "NO INHERIT" not in item.definition
            and "not_valid" not in item.attributes
            and item.found.schema == "erp"
        ),
    )
    change(
        "constraint",
        "local no more",
        [
            "ALTER TABLE sample.base DROP CONSTRAINT base_check",
            "ALTER TABLE sample.derived ADD CONSTRAINT base_check CHECK (id > 0)",
        ],
        where=lambda item: item.place == "sample.derived",
    )


def _foreign(item: Item) -> bool:
    return item.type == "foreign key" and _own(item) and item.of == "table"


def _check(item: Item) -> bool:
    return item.type == "check" and _own(item)


_register()
