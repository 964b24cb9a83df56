# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of refused tokens comes into the database with the schema, stays as it is given, and comes alone too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.ansible_task import run_module
from tests.integration.postgresql_migration.driver import ROOT, Project
from tests.integration.postgresql_migration.shipped import shipped_project

NOW = int(time.time())
LIST = [
    {"jti": "lost", "revoked_at": NOW - 60, "expires_at": NOW + 86400, "reason": "by its id"},
    {"jti": "long over", "revoked_at": NOW - 6000, "expires_at": NOW - 3000, "reason": "by its id"},
]
MISSING = [{"effect": "change", "object": "revoked token lost", "detail": "missing in the database"}]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with shipped_project(ROOT / "sql", tmp_path_factory.mktemp("shipped")) as project:
        yield project


def there(project: Project) -> dict[str, tuple[int, str]]:
    rows = project.query("SELECT jti, extract(epoch FROM expires_at)::bigint, reason FROM private.revoked_tokens")
    return {jti: (end, reason) for jti, end, reason in rows}


def told(result: Any) -> list[dict[str, str]]:
    return [effect for effect in result.data["effects"] if "revoked" in effect["object"]]


def alone(project: Project, check: bool = False, **more: Any) -> dict[str, Any]:
    login = {
        "login_unix_socket": project.cluster.socket_directory,
        "login_port": project.cluster.port,
        "login_db": project.database,
        "login_user": "erp_admin",
    }
    return run_module("revoked_tokens", {**login, "tokens": LIST, **more}, check=check)


def test_it_comes_with_the_first_run(shipped: Project) -> None:
    foreseen = shipped.run(check=True, revoked_tokens=LIST)
    assert told(foreseen) == MISSING
    first = shipped.run(revoked_tokens=LIST)
    assert told(first) == MISSING
    assert there(shipped) == {"lost": (NOW + 86400, "by its id")}


def test_what_somebody_took_away_is_put_back(shipped: Project) -> None:
    shipped.run(revoked_tokens=LIST)
    shipped.query("DELETE FROM private.revoked_tokens")
    foreseen = shipped.run(check=True, revoked_tokens=LIST)
    assert (foreseen.changed, foreseen.data["effects"], there(shipped)) == (True, MISSING, {})
    assert shipped.run(revoked_tokens=LIST).data["effects"] == MISSING
    assert set(there(shipped)) == {"lost"}
    again = shipped.run(revoked_tokens=LIST)
    assert (again.changed, again.data["effects"]) == (False, [])


@pytest.mark.parametrize(
    ("by_hand", "detail"),
    [
        ("DELETE FROM private.revoked_tokens", "missing in the database"),
        ("UPDATE private.revoked_tokens SET expires_at = now() + interval '1 h'", "its end or reason differs"),
        ("UPDATE private.revoked_tokens SET expires_at = NULL", "its end or reason differs"),
    ],
)
def test_it_is_put_right_alone(shipped: Project, by_hand: str, detail: str) -> None:
    alone(shipped)
    before = there(shipped)
    shipped.query(by_hand)
    changed = there(shipped)
    wanted = [{"effect": "change", "object": "revoked token lost", "detail": detail}]
    assert (alone(shipped, check=True)["effects"], there(shipped)) == (wanted, changed)
    assert (alone(shipped)["effects"], there(shipped)) == (wanted, before)
    assert alone(shipped)["changed"] is False


def test_what_has_expired_goes(shipped: Project) -> None:
    alone(shipped)
    shipped.query(
        "INSERT INTO private.revoked_tokens VALUES ('long over', now() - interval '50 min'), "
        "('of somebody', now() - interval '1 h')"
    )
    result = shipped.run(revoked_tokens=LIST)
    assert [effect["object"] for effect in told(result)] == ["revoked token long over", "revoked token of somebody"]
    assert set(there(shipped)) == {"lost"}


def test_what_only_the_database_refuses_stays(shipped: Project) -> None:
    alone(shipped)
    shipped.query("INSERT INTO private.revoked_tokens VALUES ('by-hand', NULL), ('too', now() + interval '1 h')")
    result = shipped.run(revoked_tokens=LIST)
    assert not result.changed
    [left] = result.data["effects"]
    assert (left["effect"], left["remedy"].rpartition("run: ")[2]) == ("left", "make revoke JTI=by-hand,too")
    assert [warning for warning in result.warnings if "by-hand, too" in warning]
    assert set(there(shipped)) == {"lost", "by-hand", "too"}
    shipped.query("DELETE FROM private.revoked_tokens WHERE jti <> 'lost'")


def test_a_run_that_is_not_given_the_list_leaves_the_copy(shipped: Project) -> None:
    shipped.run(revoked_tokens=LIST)
    result = shipped.run()
    assert (result.changed, set(there(shipped))) == (False, {"lost"})


def test_a_copy_that_cannot_be_written_fails_the_run(shipped: Project) -> None:
    alone(shipped)
    shipped.query("DELETE FROM private.revoked_tokens")
    holder = shipped.cluster.connect("postgres", shipped.database)
    with holder.cursor() as cursor:
        cursor.execute("LOCK TABLE private.revoked_tokens IN SHARE MODE")
        refused = alone(shipped)
    holder.close()
    assert refused["failed"] and "did not take the list of refused tokens" in refused["msg"]
    assert "nothing was changed" in refused["msg"]
    assert alone(shipped)["changed"]


def test_without_the_table_the_module_alone_says_so(shipped: Project) -> None:
    with_none: dict[str, Any] = {"login_db": "template1", "login_user": "postgres"}
    refused = alone(shipped, **with_none)
    assert refused["failed"] and refused["msg"].endswith("nothing was changed; run: make deploy")
    assert alone(shipped, check=True, **with_none)["effects"] == MISSING
