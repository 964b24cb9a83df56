# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Triggers, policies and rules: what runs or decides beside the statement."""

from __future__ import annotations

import re

from tests.integration.drift_coverage.model import Item, Statements, change


def _own(item: Item) -> bool:
    """Not one that stands behind a foreign key."""
    return "definition" in item.attributes


def _again(item: Item, definition: str) -> Statements:
    return None if definition == item.definition else [f"DROP TRIGGER {item.name} ON {item.table}", definition]


_STATES = (("disabled", "DISABLE"), ("replica", "ENABLE REPLICA"), ("always", "ENABLE ALWAYS"))


def _in_table(item: Item) -> bool:
    return _own(item) and item.of == "table"


change("trigger", "dropped", "DROP TRIGGER {name} ON {table}", where=_own)
change(
    "trigger",
    "renamed",
    "ALTER TRIGGER {name} ON {table} RENAME TO renamed",
    ["{key}", "trigger {place} renamed"],
    where=_own,
)
for _state, _word in _STATES:
    change(
        "trigger",
        _state,
        f"ALTER TABLE {{table}} {_word} TRIGGER {{name}}",
        where=lambda item, state=_state: _in_table(item) and item.get("state") != state,  # type: ignore[misc]
    )
change("trigger", "enabled", "ALTER TABLE {table} ENABLE TRIGGER {name}", having="state", where=_in_table)
change("trigger", "timing", lambda item: _again(item, item.definition.replace(" BEFORE ", " AFTER ")), where=_own)
change(
    "trigger",
    "event",
    lambda item: _again(item, re.sub(r" (BEFORE|AFTER) \w+", r" \1 INSERT OR DELETE", item.definition)),
    where=lambda item: (
        _own(item) and "WHEN" not in item.definition and "REFERENCING" not in item.definition and item.of == "table"
    ),
)
change(
    "trigger",
    "columns",
    lambda item: _again(
        item,
        item.definition.replace(" OF name", "")
        if " OF " in item.definition
        else item.definition.replace(" UPDATE ON ", f" UPDATE OF {item.columns[0]} ON "),
    ),
    where=_in_table,
)
change(
    "trigger",
    "level",
    lambda item: _again(item, item.definition.replace("FOR EACH ROW", "FOR EACH STATEMENT")),
    where=lambda item: _in_table(item) and "CONSTRAINT" not in item.definition and "WHEN" not in item.definition,
)
change(
    "trigger",
    "condition",
    lambda item: _again(
        item,
        re.sub(r" WHEN \(.*?\) EXECUTE", " EXECUTE", item.definition)
        if " WHEN " in item.definition
        else item.definition.replace(" EXECUTE ", " WHEN (true) EXECUTE "),
    ),
    where=_in_table,
)
change(
    "trigger",
    "function",
    lambda item: _again(
        item,
        re.sub(
            r"FUNCTION \S+\(",
            "FUNCTION " + ("erp.set_updated_at(" if "sample.touch" in item.definition else "sample.touch("),
            item.definition,
        ),
    ),
    where=_own,
)
change(
    "trigger", "arguments", lambda item: _again(item, re.sub(r"\((?:'a')?\)$", "('b')", item.definition)), where=_own
)
change(
    "trigger",
    "transition table",
    lambda item: _again(item, item.definition.replace("NEW TABLE AS added", "NEW TABLE AS more")),
    where=_own,
)
change(
    "trigger",
    "deferred no more",
    lambda item: _again(item, item.definition.replace(" DEFERRABLE INITIALLY DEFERRED", "")),
    where=_own,
)
change(
    "trigger",
    "depends on an extension",
    "ALTER TRIGGER {name} ON {table} DEPENDS ON EXTENSION plpgsql",
    "dependency trigger {bare} on {place} on plpgsql",
    where=_own,
)

change("policy", "dropped", "DROP POLICY {name} ON {table}")
change("policy", "renamed", "ALTER POLICY {name} ON {table} RENAME TO renamed", ["{key}", "policy {place} renamed"])
change("policy", "rows that are seen", "ALTER POLICY {name} ON {table} USING (1 = 1)", having="using")
change("policy", "rows that may be written", "ALTER POLICY {name} ON {table} WITH CHECK (1 = 1)", having="check")
change("policy", "roles", "ALTER POLICY {name} ON {table} TO mallory")
change(
    "policy",
    "roles: everybody",
    "ALTER POLICY {name} ON {table} TO PUBLIC",
    where=lambda item: item.get("roles") != ["PUBLIC"],
)
_AGAIN = "DROP POLICY {name} ON {table}"
change("policy", "command", [_AGAIN, "CREATE POLICY {name} ON {table} FOR DELETE USING (true)"])
change(
    "policy",
    "permissive",
    [_AGAIN, "CREATE POLICY {name} ON {table} FOR SELECT TO erp_reader, erp_writer USING (true)"],
    having="restrictive",
)
change(
    "policy",
    "restrictive",
    [_AGAIN, "CREATE POLICY {name} ON {table} AS RESTRICTIVE FOR ALL USING (flag) WITH CHECK (flag)"],
    where=lambda item: item.get("command") == "all",
)

change("rule", "dropped", "DROP RULE {name} ON {table}")
change("rule", "renamed", "ALTER RULE {name} ON {table} RENAME TO renamed", ["{key}", "rule {place} renamed"])
for _state, _word in _STATES:
    change("rule", _state, f"ALTER TABLE {{table}} {_word} RULE {{name}}")
change(
    "rule",
    "event",
    "CREATE OR REPLACE RULE {name} AS ON UPDATE TO {table} WHERE new.flag DO ALSO INSERT INTO sample.base VALUES (1)",
)
change(
    "rule",
    "instead",
    "CREATE OR REPLACE RULE {name} AS ON INSERT TO {table} WHERE new.flag "
    "DO INSTEAD INSERT INTO sample.base VALUES (1)",
)
change(
    "rule",
    "condition",
    "CREATE OR REPLACE RULE {name} AS ON INSERT TO {table} DO ALSO INSERT INTO sample.base VALUES (1)",
)
change(
    "rule",
    "action",
    "CREATE OR REPLACE RULE {name} AS ON INSERT TO {table} WHERE new.flag DO ALSO INSERT INTO sample.base VALUES (2)",
)
