# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles, settings and passwords that somebody changes by hand: named in check mode, put right, gone in the next run."""

from __future__ import annotations

import pytest

from tests.integration.postgresql_migration.drift import Drifting, changes, converge, sql, told, undo


def test_roles_settings_and_passwords_are_put_right(kept: Drifting) -> None:
    done = converge(
        kept,
        "ALTER ROLE app_reader SUPERUSER BYPASSRLS LOGIN",
        "ALTER ROLE app_reader SET app.token = 'hunter2'",
        "GRANT app_writer, mallory, pg_read_all_data TO app_reader",
        "ALTER ROLE app_login CONNECTION LIMIT 1 VALID UNTIL '2001-01-01' PASSWORD 'other'",
        "ALTER ROLE app_login SET statement_timeout = '1h'",
        "ALTER ROLE app_login IN DATABASE app SET statement_timeout = '2h'",
        "GRANT app_reader TO app_login WITH ADMIN OPTION",
        "ALTER DATABASE app SET work_mem = '1GB'",
        "ALTER DATABASE app SET TimeZone = 'CET'",
        "ALTER DATABASE app IS_TEMPLATE true CONNECTION LIMIT 9",
        "ALTER ROLE ALL SET work_mem = '1GB'",
        "ALTER ROLE postgres PASSWORD 'known-to-mallory'",
    )
    assert told(done) == changes(
        (
            "role app_reader",
            "SUPERUSER, BYPASSRLS, LOGIN instead of NOLOGIN, extra setting app.token, "
            "extra member of app_writer, extra member of mallory, extra member of pg_read_all_data",
        ),
        (
            "role app_login",
            "connection limit 1 instead of 15, it expires, setting statement_timeout is 1h instead of 8s, "
            "extra setting statement_timeout in database app, may make others members of app_reader",
        ),
        (
            "database app",
            "setting TimeZone is CET instead of UTC, extra setting work_mem, connection limit 9, it is a template",
        ),
        ("database setting work_mem", "set for all roles"),
        ("password postgres", "it has one and needs none"),
        ("password app_login", "not the one in its file"),
    )
    assert sql(kept, "SELECT rolpassword FROM pg_authid WHERE rolname = 'postgres'") == [(None,)]
    assert "hunter2" not in done.text and "known-to-mallory" not in done.text and "SCRAM" not in done.text


def test_settings_that_break_a_session_do_not_break_ours(kept: Drifting) -> None:
    done = converge(
        kept,
        *(
            f"ALTER ROLE {role} SET {setting}"
            for role in ("app_owner", "postgres")
            for setting in ("role = 'mallory'", "default_transaction_read_only = on", "search_path = mallory")
        ),
    )
    detail = "extra setting default_transaction_read_only, extra setting role, extra setting search_path"
    assert told(done) == changes(("role app_owner", detail), ("role postgres", detail))


@pytest.mark.parametrize(
    ("statement", "effect"),
    [
        ("ALTER ROLE app_owner NOLOGIN", ("role app_owner", "NOLOGIN instead of LOGIN")),
        ("ALTER DATABASE app CONNECTION LIMIT 0", ("database app", "connection limit 0")),
        ("REVOKE CONNECT ON DATABASE app FROM app_owner", ("database app", "its owner may not connect")),
        ("ALTER DATABASE app OWNER TO mallory", ("database app", "owner mallory instead of app_owner")),
    ],
)
def test_an_owner_who_is_locked_out(kept: Drifting, statement: str, effect: tuple[str, str]) -> None:
    assert told(converge(kept, statement)) == changes(effect)


def test_a_role_that_was_dropped_comes_back_with_its_rights(kept: Drifting) -> None:
    done = converge(kept, "DROP OWNED BY app_reader; DROP ROLE app_reader")
    assert told(done) == changes(
        ("role app_reader", "missing"),
        ("role app_login", "no member of app_reader"),
        ("policy app.thing everything", "missing"),
        ("schema app", "missing right of app_reader: USAGE"),
        ("table app.thing", "missing right of app_reader: SELECT"),
    )


@pytest.mark.parametrize("in_force", [False, True])
def test_alter_system_is_reset(kept: Drifting, in_force: bool) -> None:
    settings = {
        "archive_command": ("hunter2", "set by ALTER SYSTEM"),
        "default_transaction_read_only": ("on", "on by ALTER SYSTEM"),
        "fsync": ("on", "on by ALTER SYSTEM"),
        "max_connections": ("60", "60 by ALTER SYSTEM"),
        "TimeZone": ("CET", "set by ALTER SYSTEM"),
        "wal_buffers": ("4MB", "4MB by ALTER SYSTEM"),
        "work_mem": ("64MB", "64MB by ALTER SYSTEM"),
    }
    statements = [f"ALTER SYSTEM SET {name} = '{value}'" for name, (value, _detail) in settings.items()]
    done = converge(kept, *statements, *(["SELECT pg_reload_conf(), pg_sleep(0.3)"] if in_force else []))
    assert sorted(told(done)) == sorted(
        ("reload", f"database setting {name}", detail) for name, (_value, detail) in settings.items()
    )
    # What waited for a restart has never been in force.
    assert done.data["pending_restart"] == [] and "hunter2" not in done.text
    assert sql(kept, "SELECT count(*) FROM pg_file_settings WHERE sourcefile LIKE '%auto.conf'") == [(0,)]
    assert sql(kept, "SELECT current_setting('work_mem')") == [("4MB",)]


def test_what_a_restart_brought_into_force_needs_another(kept: Drifting) -> None:
    settings = ("max_connections = 60", "wal_buffers = '4MB'", "shared_buffers = '16384kB'", "work_mem = '8MB'")
    sql(kept, *(f"ALTER SYSTEM SET {setting}" for setting in settings))
    kept.cluster.halt()
    kept.cluster.start()
    done = converge(kept)
    assert len(told(done)) == 4 and done.data["pending_restart"] == ["max_connections", "wal_buffers"]
    waiting = "SELECT array_agg(name::text ORDER BY name) FROM pg_settings WHERE pending_restart"
    assert sql(kept, waiting) == [(["max_connections", "wal_buffers"],)]
    assert kept.run().data["pending_restart"] == ["max_connections", "wal_buffers"]
    kept.cluster.halt()
    kept.cluster.start()
    assert kept.run().data["pending_restart"] == []


def test_settings_can_be_named_only_or_ignored(kept: Drifting) -> None:
    sql(kept, "ALTER SYSTEM SET work_mem = '64MB'", "ALTER ROLE ALL SET work_mem = '1GB'")
    quiet = kept.run(system_settings="ignore")
    assert quiet.data["effects"] == [] and not quiet.changed
    named = kept.run(system_settings="report")
    assert not named.changed and [found[0] for found in told(named)] == ["left", "left"] and len(named.warnings) == 2
    undo(kept, named)
    sql(kept, "ALTER ROLE postgres PASSWORD 'x'")
    assert kept.run(admin_has_password=True).data["effects"] == []
    assert "give one or the other" in kept.run(admin_password="x").message
    assert kept.run().changed
