# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings made beside the server's files, and which of them a restart would change."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import admin_query, system_settings
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.effects import Psql

ROW: dict[str, Any] = {
    "name": "shared_buffers",
    "altered": True,
    "value": "32MB",
    "file": None,
    "context": "postmaster",
    "type": "integer",
    "setting": "4096",
    "unit": "8kB",
    "source": "configuration file",
    "default": "16384",
    "pending": False,
}
SIZE = {"type": "integer", "unit": "8kB", "setting": "2048"}
TIME = {"type": "integer", "unit": "s", "setting": "60"}


@pytest.mark.parametrize(
    ("row", "file", "waits"),
    [
        (SIZE, "16MB", False),
        (SIZE, "16384kB", False),
        (SIZE, "2048", False),
        # A size is rounded to whole pages.
        (SIZE, "16383kB", False),
        (SIZE, "32MB", True),
        (SIZE, "many", True),
        (SIZE, "16XB", True),
        (TIME, "1min", False),
        (TIME, "60000ms", False),
        (TIME, "1h", True),
        ({"type": "integer", "unit": None, "setting": "40"}, "40", False),
        ({"type": "integer", "unit": None, "setting": "40"}, "41", True),
        ({"type": "real", "unit": None, "setting": "0.5"}, "0.50", False),
        ({"type": "bool", "unit": None, "setting": "on"}, "TRUE", False),
        ({"type": "bool", "unit": None, "setting": "on"}, "no", True),
        ({"type": "enum", "unit": None, "setting": "replica"}, "Replica", False),
        ({"type": "string", "unit": None, "setting": "a, b"}, "a,b", True),
    ],
)
def test_a_value_of_the_file_against_the_one_in_force(row: dict[str, Any], file: str, waits: bool) -> None:
    state = {"system": [{**ROW, **row, "file": file}]}
    assert system_settings.waiting(state, reset=True) == (["shared_buffers"] if waits else [])


@pytest.mark.parametrize(
    ("row", "waits"),
    [
        ({"context": "sighup"}, False),
        ({}, True),
        ({"setting": "16384"}, False),
        # Written, and never in force.
        ({"source": "default"}, False),
        ({"source": "default", "pending": True}, False),
        # Taken away before: PostgreSQL goes on saying that it waits.
        ({"altered": False, "source": "default", "pending": True}, False),
        ({"altered": False, "pending": True}, True),
        ({"altered": False}, False),
    ],
)
def test_a_value_that_no_file_holds(row: dict[str, Any], waits: bool) -> None:
    assert bool(system_settings.waiting({"system": [{**ROW, **row}]}, reset=True)) is waits


def test_without_a_reset_the_server_is_believed() -> None:
    assert system_settings.waiting({"system": [{**ROW, "pending": True}]}, reset=False) == ["shared_buffers"]
    assert system_settings.waiting({"system": [ROW]}, reset=False) == []
    assert system_settings.waiting({"system": None}, reset=True) == []
    assert system_settings.waiting({"waiting": ["x"]}, reset=True) == ["x"]


def test_changes() -> None:
    secret = {**ROW, "name": "primary_conninfo", "type": "string", "value": "password=s3cret"}
    unknown = {**ROW, "name": "app.token", "type": None, "value": "s3cret"}
    state = {
        "user": "postgres",
        "system": [ROW, secret, unknown, {**ROW, "altered": False, "pending": True}],
        "common_settings": ["work_mem=1GB"],
        "own_settings": {"": ["app.token=s3cret"], "d": ["jit=off"]},
    }
    found = system_settings.changes(state)
    assert [(change.effect, change.key, change.detail) for change in found] == [
        ("reload", "database setting shared_buffers", "32MB by ALTER SYSTEM"),
        ("reload", "database setting primary_conninfo", "set by ALTER SYSTEM"),
        ("reload", "database setting app.token", "set by ALTER SYSTEM"),
        ("change", "database setting work_mem", "set for all roles"),
        ("change", "role postgres", "extra setting app.token, extra setting jit in database d"),
    ]
    assert [statement for change in found for statement in change.statements] == [
        'ALTER SYSTEM RESET "shared_buffers"',
        'ALTER SYSTEM RESET "primary_conninfo"',
        'ALTER SYSTEM RESET "app"."token"',
        'ALTER ROLE ALL RESET "work_mem"',
        'ALTER ROLE "postgres" RESET "app"."token"',
        'ALTER ROLE "postgres" IN DATABASE "d" RESET "jit"',
    ]
    left = system_settings.left(state, Psql("psql", "d", "o", "postgres"))
    assert "s3cret" not in f"{found}{left}" and left[0].remedy == (
        """run: psql -U postgres -d d -c 'ALTER SYSTEM RESET "shared_buffers"' -c 'SELECT pg_reload_conf()'"""
    )


def test_nothing_to_see() -> None:
    assert system_settings.changes({"user": "provider"}) == []


def test_who_may_ask_what() -> None:
    """A relation that a session may not read must not stand in its query, wherever in it."""
    for own_password in (False, True):
        ordinary = admin_query.query(superuser=False, own_password=own_password)
        assert "FROM pg_authid" not in ordinary and "pg_file_settings" not in ordinary
    assert "FROM pg_authid" not in admin_query.query(superuser=True)
    asked = admin_query.query(superuser=True, own_password=True)
    assert asked.count("FROM pg_authid") == asked.count("rolpassword IS NOT NULL") == asked.count("rolpassword") == 1
