# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing about our roles, the database and the server's settings can change without being told by the module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import arguments
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.manager import Manager
from ansible_collections.bestviable.portfolio.plugins.modules import postgresql_migration

from tests.integration.drift_coverage.columns import BY_ADMIN
from tests.integration.drift_coverage.server import shipped
from tests.integration.drift_coverage.server_changes import ServerChange, everything
from tests.integration.postgresql_migration.driver import ROOT, Project

CHANGES = everything(yaml.safe_load((ROOT / "sql/access/roles.yml").read_text(encoding="utf-8")))
KEPT = ("pg_authid", "pg_auth_members", "pg_db_role_setting", "pg_database", "pg_parameter_acl")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with shipped(tmp_path_factory.mktemp("server")) as project:
        project.options |= {"admin_has_password": False, "system_settings": "reset"}
        sql(project, "CREATE ROLE mallory")
        yield project


def sql(project: Project, *statements: str) -> list[tuple[Any, ...]]:
    connection = project.cluster.connect("postgres", autocommit=True, options="-c role=none")
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def told(project: Project) -> list[dict[str, str]]:
    """The effects of the real module in check mode, without a process of its own for each of the many runs."""
    given = project.arguments(True, False, {})
    checked = ArgumentSpecValidator(postgresql_migration.ARGUMENTS).validate(
        {name: value for name, value in given.items() if not name.startswith("_")}
    )
    assert not checked.error_messages
    given = arguments.complete(checked.validated_parameters)
    manager = Manager(given, True, lambda warning: None, lambda: None)
    manager.read()
    effects: list[dict[str, str]] = manager.run()["effects"]
    return effects


def test_nothing_is_told_of_a_server_as_it_should_be(server: Project) -> None:
    assert told(server) == []


# The others are as these two are, and as a role that cannot log in.
ALIKE = ("erp_writer: ", "agent_service: ", "agent_viewer: ", "erp_reader: ")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(change, id=change.name, marks=[pytest.mark.long] if change.name.startswith(ALIKE) else [])
        for change in CHANGES
    ],
)
def test_a_change_to_the_server_is_told(
    server: Project, written: set[str], done: list[str], change: ServerChange
) -> None:
    before = rows(server)
    sql(server, *change.do)
    try:
        after = rows(server)
        written |= {
            f"{name}.{column}"
            for (name, row), values in after.items()
            for column, value in values.items()
            if before.get((name, row), {}).get(column) != value
        } | {f"{name}.{column}" for name, row in before if (name, row) not in after for column in before[name, row]}
        found = [(effect["effect"], effect["object"]) for effect in told(server) if change.words in effect["detail"]]
        assert (change.effect, change.object) in found, told(server)
        done.append(change.name)
    finally:
        sql(server, *change.undo)


@pytest.fixture(scope="module")
def written() -> set[str]:
    """Columns of the catalogs that some change here wrote."""
    return set()


@pytest.fixture(scope="module")
def done() -> list[str]:
    return []


def rows(project: Project) -> dict[tuple[str, str], dict[str, Any]]:
    """What the server keeps for all databases; a row is known by its number, or by all that it says."""
    result = {}
    for name in KEPT:
        for (row,) in sql(project, f"SELECT to_jsonb(c) FROM {name} AS c"):
            result[name, str(row.get("oid", row))] = row
    return result


def test_afterwards_everything_is_as_it_was(server: Project) -> None:
    assert told(server) == []


def test_what_is_said_of_the_servers_columns_is_true(written: set[str]) -> None:
    # An encoding cannot be changed by hand.
    assert BY_ADMIN - written - {"pg_database.encoding"} == set()


def test_how_much_was_told(done: list[str], record_property: Callable[[str, object], None]) -> None:
    record_property("summary", f"drift told: {len(done)} changes to roles, the database and the server's settings")
