# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins of services: what is refused before a server is asked."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import services
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import Role, Wanted

WANTED = Wanted({"owner": Role(login=True), "reader": Role(), "writer": Role(), "client": Role(by_token=True)}, {})
SERVICE = {"name": "planner-api", "roles": ["reader", "writer"], "connection_limit": 2}


def test_a_service_is_a_login_with_its_roles() -> None:
    found = services.added(WANTED, [SERVICE]).roles["planner-api"]
    assert (found.login, found.inherit, found.connection_limit) == (True, True, 2)
    assert found.member_of == ("reader", "writer")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([{**SERVICE, "name": "Planner"}], "'Planner' is not the name of a login"),
        ([{**SERVICE, "name": "pg_planner"}], "'pg_planner' is not the name of a login"),
        ([{**SERVICE, "name": "all"}], "'all' is not the name of a login"),
        ([{**SERVICE, "name": "a" * 64}], "is not the name of a login"),
        ([{**SERVICE, "name": 'a"b'}], "is not the name of a login"),
        ([{**SERVICE, "name": "owner"}], "owner stands there twice or is a role of roles.yml"),
        ([SERVICE, SERVICE], "planner-api stands there twice or is a role of roles.yml"),
        ([{**SERVICE, "roles": ["client"]}], "has the role client; give it some of: reader, writer"),
        ([{**SERVICE, "roles": ["owner"]}], "has the role owner; give it some of: reader, writer"),
        ([{**SERVICE, "roles": ["nobody"]}], "has the role nobody; give it some of: reader, writer"),
        ([{**SERVICE, "roles": ["planner-api"]}], "has the role planner-api; give it some of: reader, writer"),
        ([{**SERVICE, "roles": []}], "has no role; give it some of: reader, writer"),
        ([{**SERVICE, "connection_limit": 0}], "connection_limit below 1"),
    ],
)
def test_what_is_refused(given: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(MigrationError) as error:
        services.added(WANTED, given)
    assert words in str(error.value)
