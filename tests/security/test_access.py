# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who reaches which rows over HTTP: a slice of what tests/integration/sql tries on every table."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.security.chain import Chain

CLIENT = {"client_id": "nordhafen", "person_id": -13}
OTHER = {"client_id": "other"}
MOST = 200
# Two tables of each schema whose rows are there.
READ = {
    "/erp/people": {"erp_reader", "erp_writer"},
    "/erp/tasks": {"erp_reader", "erp_writer"},
    "/agent/goals": {"agent_service", "agent_viewer"},
    "/agent/memory_entries": {"agent_service", "agent_viewer", "agent_client"},
    "/agent/working_state": {"agent_service", "agent_client"},
    "/view/events": {"agent_viewer", "agent_client"},
}
ROLES = ("erp_reader", "erp_writer", "agent_service", "agent_viewer", "agent_client", "erp_monitor")


def token(chain: Chain, role: str) -> str:
    return chain.token(role, **(CLIENT if role == "agent_client" else {}))


@pytest.mark.parametrize("path", READ)
def test_rows_are_for_whom_they_are(chain: Chain, path: str) -> None:
    """T17: who may not read a table gets a 4xx, and never an empty list that would look like one without rows."""
    seen = {}
    for role in ROLES:
        answer = chain.ask("GET", f"{path}?select=id", token(chain, role))
        seen[role] = answer.status in (200, 206) and len(answer.json()) > 0
        assert answer.status in (200, 206) or 400 <= answer.status < 500
    assert {role for role, some in seen.items() if some} == READ[path]


@pytest.mark.parametrize(
    ("role", "method", "path", "body"),
    [
        ("erp_reader", "POST", "/erp/people", {"full_name": "x"}),
        ("erp_reader", "PATCH", "/erp/people?id=eq.-11", {"notes": "x"}),
        ("erp_reader", "DELETE", "/erp/tasks?id=eq.-91", None),
        ("erp_writer", "DELETE", "/erp/people?id=eq.-11", None),
        ("erp_writer", "DELETE", "/erp/organizations?id=lt.0", None),
        ("agent_service", "PATCH", "/agent/profiles?id=eq.-251", {"name": "x"}),
        ("agent_service", "POST", "/agent/tools", {"name": "x", "description": "x"}),
        ("agent_service", "DELETE", "/agent/prompt_templates?id=lt.0", None),
        ("agent_viewer", "PATCH", "/agent/goals?id=eq.-211", {"title": "x"}),
        ("agent_client", "PATCH", "/agent/profiles?id=eq.-251", {"name": "x"}),
        ("agent_client", "PATCH", "/agent/client_profiles?id=eq.-151", {"person_id": -12}),
    ],
)
def test_writes_that_are_not_for_the_role(chain: Chain, role: str, method: str, path: str, body: Any) -> None:
    """T16, T19, T20: refused, and nothing is written."""
    answer = chain.ask(method, path, token(chain, role), body=body)
    assert answer.status == 403, answer.text


# T18


def test_a_client_sees_its_own_rows_only(chain: Chain) -> None:
    """The control is the same question of a role that has all rows."""
    chain.sql("INSERT INTO agent.memory_entries (id, client_id, content) VALUES (-7001, 'other', 'not for nordhafen')")
    try:
        path = "/agent/memory_entries?select=id,client_id"
        everybody = chain.ask("GET", path, chain.token("agent_service")).json()
        assert {row["client_id"] for row in everybody} == {"nordhafen", "other"}
        for claims, clients in ((CLIENT, {"nordhafen"}), (OTHER, {"other"}), ({}, set()), ({"client_id": ""}, set())):
            answer = chain.ask("GET", path, chain.token("agent_client", **claims))
            assert {row["client_id"] for row in answer.json()} == clients, claims
        for method, body in (("PATCH", {"content": "mine"}), ("DELETE", None)):
            prefer = {"Prefer": "return=representation"}
            answer = chain.ask(
                method, f"{path}&id=eq.-7001", chain.token("agent_client", **CLIENT), headers=prefer, body=body
            )
            assert (answer.status, answer.json()) == (200, []), method
        assert chain.sql("SELECT content FROM agent.memory_entries WHERE id = -7001") == "not for nordhafen"
    finally:
        chain.sql("DELETE FROM agent.memory_entries WHERE id = -7001")


def test_a_client_writes_its_own_rows_only(chain: Chain) -> None:
    mine = chain.token("agent_client", **CLIENT)
    path = "/agent/working_state"
    assert chain.ask("POST", path, mine, body={"client_id": "nordhafen", "state_key": "suite"}).status == 201
    try:
        assert chain.ask("POST", path, mine, body={"client_id": "other", "state_key": "suite"}).status == 403
        moved = chain.ask("PATCH", f"{path}?state_key=eq.suite", mine, body={"client_id": "other"})
        assert moved.status == 403, moved.text
        numbered = {"id": 10**6, "client_id": "nordhafen", "state_key": "numbered"}
        assert chain.ask("POST", path, mine, body=numbered).status == 403
    finally:
        assert chain.ask("DELETE", f"{path}?state_key=eq.suite", mine).status == 204
    assert chain.sql("SELECT count(*) FROM agent.working_state WHERE id > 0") == "0"


# Tables to come


@contextmanager
def table(chain: Chain, name: str) -> Iterator[None]:
    """As somebody makes one by hand."""
    chain.droplet.sql(f"CREATE TABLE {name} AS SELECT 1 AS id", user="erp_admin")
    try:
        yield
    finally:
        chain.droplet.sql(f"DROP TABLE {name}", user="erp_admin")


def asked_for(chain: Chain, path: str, role: str, seconds: float = 2) -> Any:
    """The answer once PostgREST knows the table; it reads the schema again after the notification."""
    deadline = time.monotonic() + seconds
    while True:
        answer = chain.ask("GET", path, chain.token(role))
        if answer.status == 200 or time.monotonic() > deadline:
            return answer
        time.sleep(0.1)


def test_a_new_table_is_known_and_closed(chain: Chain) -> None:
    """T29: in the API within two seconds, without a row, until a policy shows them; the control is that policy."""
    with table(chain, "erp.later"):
        answer = asked_for(chain, "/erp/later", "erp_reader", 20)
        assert (answer.status, answer.json()) == (200, [])
        chain.droplet.sql("CREATE POLICY later ON erp.later FOR SELECT TO erp_reader USING (true)", user="erp_admin")
        assert asked_for(chain, "/erp/later", "erp_reader").json() == [{"id": 1}]
    with table(chain, "agent.later"):
        assert asked_for(chain, "/agent/later", "agent_service").status in (403, 404)


# Mass writes


def test_a_forgotten_filter_is_refused(chain: Chain) -> None:
    """And the same write with its filter is not."""
    chain.sql(f"INSERT INTO erp.tasks (id, title) SELECT -8000 - n, 'many' FROM generate_series(1, {MOST}) AS n")
    try:
        writer = chain.token("erp_writer")
        for method, body in (("PATCH", {"status": "done"}), ("DELETE", None)):
            answer = chain.ask(method, "/erp/tasks", writer, body=body)
            assert answer.status == 400, answer.text
            assert "200 rows" in answer.text
        assert chain.sql("SELECT count(*) FROM erp.tasks WHERE title = 'many' AND status = 'todo'") == str(MOST)
        assert chain.ask("DELETE", "/erp/tasks?title=eq.many", writer).status == 204
    finally:
        chain.sql("DELETE FROM erp.tasks WHERE title = 'many'")
