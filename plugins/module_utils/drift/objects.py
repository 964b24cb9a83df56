# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that are missing, that nobody asked for, or whose definition is another one. Pure."""

from __future__ import annotations

import re

from ansible_collections.bestviable.portfolio.plugins.module_utils.drift import obstacles, rights
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.names import BEHIND, Name, split
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.step import (
    WHOLE,
    Attributes,
    Context,
    Online,
    Order,
    Step,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import identifier

# What holds no rows: it can be made again from its definition.
MADE_AGAIN = ("index", "constraint", "trigger", "policy", "rule", "statistics", "function", "procedure", "view")
# Parts of our objects that somebody added; anything else that is extra may be somebody's data or program.
_TAKEN_AWAY = ("index", "constraint", "trigger", "policy", "rule", "statistics")
# What somebody hung onto our objects from outside.
_HUNG_ON = ("publication", "subscription", "cast", "dependency")
_KEYS = ("primary key", "unique", "exclude")
_ORDER = {
    "function": Order.ROUTINE,
    "procedure": Order.ROUTINE,
    "index": Order.INDEX,
    "constraint": Order.CONSTRAINT,
}
_RESULT = re.compile(r"^ RETURNS .*$", re.MULTILINE)
# What a definition says, so that making the object again puts it right.
DEFINED: dict[str, frozenset[str]] = {
    "index": frozenset({"definition", "columns", "predicate", "unique", "invalid"}),
    "constraint": frozenset({"definition", "type", "columns", "references", "not_valid"}),
    "trigger": frozenset({"definition", "function"}),
    "policy": frozenset({"command", "restrictive", "roles", "using", "check"}),
    "rule": frozenset({"definition"}),
    "statistics": frozenset({"definition"}),
    "function": frozenset({"definition", "settings", "security_definer"}),
    "procedure": frozenset({"definition", "settings", "security_definer"}),
    "view": frozenset({"definition"}),
}


def constraint_of(name: Name, context: Context) -> Attributes | None:
    """The constraint that an index stands behind: it comes and goes with it."""
    key = f"constraint {name.parent} {name.name}"
    found = context.recorded.get(key) or context.live.get(key)
    return found if found and found.get("type") in _KEYS else None


def drop(name: Name) -> str:
    """The statement that takes it away."""
    if name.kind == "constraint":
        return f"ALTER TABLE {name.table} DROP CONSTRAINT {name.quoted}"
    return f"DROP {name.spelled}"


def _policy(name: Name, wanted: Attributes) -> str:
    roles = ", ".join(role if role == "PUBLIC" else identifier(role) for role in wanted["roles"])
    parts = [f"CREATE POLICY {name.quoted} ON {name.table}"]
    parts += ["AS RESTRICTIVE"] if wanted.get("restrictive") else []
    parts.append(f"FOR {wanted['command'].upper()} TO {roles}")
    parts += [f"USING ({wanted['using']})"] if "using" in wanted else []
    parts += [f"WITH CHECK ({wanted['check']})"] if "check" in wanted else []
    return " ".join(parts)


def make(name: Name, wanted: Attributes) -> str:
    """The statement that makes it."""
    if name.kind == "constraint":
        return f"ALTER TABLE {name.table} ADD CONSTRAINT {name.quoted} {wanted['definition']}"
    if name.kind == "policy":
        return _policy(name, wanted)
    if name.kind == "view":
        options = f" WITH ({', '.join(wanted['options'])})" if wanted.get("options") else ""
        return f"CREATE OR REPLACE VIEW {name.quoted}{options} AS {wanted['definition'].rstrip(';')}"
    return str(wanted["definition"])


def _online(name: Name, wanted: Attributes, old: bool, context: Context) -> Online | None:
    """An index is built, and a constraint checked, without shutting writers out."""
    before = (drop(name),) if old else ()
    if name.kind == "index":
        build = str(wanted["definition"]).replace("INDEX ", "INDEX CONCURRENTLY ", 1)
        return Online(before, (build,), (f"DROP INDEX CONCURRENTLY IF EXISTS {name.quoted}",))
    if name.kind != "constraint":
        return None
    if wanted["type"] in ("check", "foreign key") and "not_valid" not in wanted:
        add = f"{make(name, wanted)} NOT VALID"
        return Online((*before, add), (f"ALTER TABLE {name.table} VALIDATE CONSTRAINT {name.quoted}",))
    index = context.recorded.get(f"index {name.parent} {name.name}")
    deferred = " DEFERRABLE" in str(wanted["definition"])
    if wanted["type"] in ("primary key", "unique") and index and not old and not deferred:
        built = split(f"index {name.parent} {name.name}")
        build = str(index["definition"]).replace("INDEX ", "INDEX CONCURRENTLY ", 1)
        use = f"ADD CONSTRAINT {name.quoted} {wanted['type'].upper()} USING INDEX {identifier(name.name)}"
        return Online(
            (), (build, f"ALTER TABLE {name.table} {use}"), (f"DROP INDEX CONCURRENTLY IF EXISTS {built.quoted}",)
        )
    return None


def _other_signature(live: Attributes | None, wanted: Attributes) -> bool:
    """A routine that CREATE OR REPLACE refuses to turn into the wanted one: another result, or a default too many."""
    old, new = (str((found or wanted)["definition"]) for found in (live, wanted))
    header, result = old.split("\n", 1)[0], _RESULT.search(new)
    return (" DEFAULT " in header and header != new.split("\n", 1)[0]) or (result is not None and result[0] not in old)


def _class_of(name: Name, live: Attributes | None, wanted: Attributes, differ: frozenset[str]) -> str:
    if name.kind == "constraint":
        return "A" if live is None and wanted.get("type") in ("check", "foreign key") else "B"
    if name.kind in ("function", "procedure"):
        # What calls it may have been made for the other one.
        return "B" if _other_signature(live, wanted) else "A"
    if name.kind == "index" and differ != {"invalid"}:
        return "B" if wanted.get("unique") or (live or {}).get("unique") else "A"
    return "A"


def _again(name: Name, live: Attributes | None, wanted: Attributes, differ: frozenset[str], context: Context) -> Step:
    """Make it, in place of what stands there."""
    replaced = name.kind == "view" or (name.kind in ("function", "procedure") and not _other_signature(live, wanted))
    old = live is not None and not replaced
    order = _ORDER.get(name.kind, Order.ATTACHED)
    if name.kind == "constraint" and wanted.get("type") in _KEYS:
        order = Order.KEY
    statements = (*([drop(name)] if old else []), make(name, wanted))
    return Step(
        _class_of(name, live, wanted, differ),
        order,
        statements,
        differ,
        online=_online(name, wanted, old, context),
        obstacles=obstacles.of(name, wanted, context),
    )


def _behind(name: Name, context: Context) -> Step:
    """A trigger behind a foreign key is not ours to switch: the key is made again, and it with it."""
    constraint = name.name.removeprefix(BEHIND).rsplit(" ", 1)[0]
    for key, wanted in context.recorded.items():
        other = split(key)
        if (
            other.kind == "constraint"
            and other.name == constraint
            and name.parent in (other.parent, wanted.get("references"))
        ):
            again = _again(other, wanted, wanted, WHOLE, context)
            return Step("A", again.order, again.statements, online=again.online, obstacles=again.obstacles)
    return Step("B", Order.ATTACHED)


def missing(key: str, name: Name, wanted: Attributes, context: Context) -> Step:
    """It is recorded and is not there."""
    if name.kind == "default privileges":
        live = rights.built_in(name, wanted)
        found = rights.steps(key, name, live, wanted, context)
        statements = tuple(statement for step in found for statement in step.statements)
        return Step("A", Order.LAST, statements, by_admin=found[0].by_admin)
    if name.kind not in MADE_AGAIN:
        return Step("C", Order.TABLE)
    return _again(name, None, wanted, WHOLE, context)


def _taken_off(name: Name, live: Attributes) -> tuple[str, ...]:
    if name.kind == "subscription":
        # It goes on elsewhere: its own server has to be told as well.
        return ()
    if name.kind != "dependency":
        return (drop(name),)
    what, extension = name.name.rsplit(" on ", 1)
    kind, identity = what.split(" ", 1)
    if live["type"] == "member":
        return (f"ALTER EXTENSION {identifier(extension)} DROP {kind.upper()} {identity}",)
    return (f"ALTER {kind.upper()} {identity} NO DEPENDS ON EXTENSION {identifier(extension)}",)


def surplus(key: str, name: Name, live: Attributes, context: Context) -> Step:
    """It is there and nobody asked for it."""
    if name.kind == "trigger" and name.name.startswith(BEHIND):
        return _behind(name, context)
    if name.kind == "default privileges":
        found = rights.steps(key, name, live, rights.built_in(name, live), context)
        statements = tuple(statement for step in found for statement in step.statements)
        return Step("B", Order.LAST, statements, by_admin=found[0].by_admin, takes_access=True)
    if name.kind in _HUNG_ON:
        by_admin = live.get("owner", context.owner) != context.owner or name.kind == "dependency"
        return Step("B", Order.DROP, _taken_off(name, live), by_admin=by_admin)
    if name.kind not in _TAKEN_AWAY:
        return Step("C", Order.DROP)
    return Step("B", Order.DROP, (drop(name),), takes_access=name.kind == "policy")


def redefined(name: Name, live: Attributes, wanted: Attributes, differ: frozenset[str], context: Context) -> Step:
    """Its definition is another one."""
    if name.kind == "index" and constraint_of(name, context):
        # REINDEX keeps the constraint; anything else about the index is the constraint's.
        fixable = differ == {"invalid"}
        return Step("A" if fixable else "B", Order.INDEX, (f"REINDEX INDEX {name.quoted}",) if fixable else (), differ)
    if name.kind == "constraint" and live["definition"] == f"{wanted['definition']} NOT VALID":
        validate = (f"ALTER TABLE {name.table} VALIDATE CONSTRAINT {name.quoted}",)
        obstacle = obstacles.of(name, wanted, context)
        return Step("A", Order.CONSTRAINT, validate, differ, Online((), validate), obstacle)
    return _again(name, live, wanted, differ, context)


def renamed(name: Name, now: Name) -> Step:
    """A part gets its name back; what clients call by its name is left to a person."""
    if name.kind == "index":
        statement = f"ALTER INDEX {now.quoted} RENAME TO {identifier(name.name)}"
    elif name.kind == "constraint":
        statement = f"ALTER TABLE {now.table} RENAME CONSTRAINT {now.quoted} TO {name.quoted}"
    elif name.kind in ("trigger", "policy", "rule"):
        statement = f"ALTER {now.spelled} RENAME TO {name.quoted}"
    else:
        return Step("C", Order.DROP)
    return Step("A", Order.DROP, (statement,))
