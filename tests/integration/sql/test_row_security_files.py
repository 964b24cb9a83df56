# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What sql/access leaves of row security: the same after a second run, put back where somebody changed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.sql.conftest import SQL

if TYPE_CHECKING:
    from tests.integration.sql.conftest import Session

POLICIES = """
    SELECT p.oid, p.polrelid::regclass::text, p.polname::text, pg_get_expr(p.polqual, p.polrelid),
        pg_get_expr(p.polwithcheck, p.polrelid), p.polroles::regrole[]::text
    FROM pg_policy AS p ORDER BY 2, 3"""


def test_only_the_authenticator_is_a_client(db: Session) -> None:
    assert db.rows("SELECT member::regrole::text FROM pg_auth_members WHERE roleid = 'agent_client'::regrole") == [
        ("portfolio_authenticator",)
    ]


def run(session: Session) -> None:
    for path in sorted((SQL / "access").glob("*.sql")):
        session.rows(path.read_text(encoding="utf-8"))


def locked(session: Session) -> list[Any]:
    return session.rows("""
        SELECT relation::regclass::text FROM pg_locks WHERE pid = pg_backend_pid() AND mode = 'AccessExclusiveLock'
        AND relation::regclass::text ~ '^(erp|agent|private)[.]'""")


def test_a_second_run_leaves_every_policy_and_locks_no_table(db: Session) -> None:
    before = db.rows(POLICIES)
    assert len(before) > 100
    run(db)
    assert db.rows(POLICIES) == before
    assert locked(db) == []


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE erp.people DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE private.revoked_tokens DISABLE ROW LEVEL SECURITY",
        "DROP POLICY people_select ON erp.people",
        "ALTER POLICY people_select ON erp.people TO PUBLIC",
        "ALTER POLICY people_select ON erp.people TO erp_reader",
        "ALTER POLICY people_select ON erp.people USING (id > 0)",
        "ALTER POLICY people_insert ON erp.people WITH CHECK (id > 0)",
        "ALTER POLICY events_client_select ON agent.events USING (client_id IS NOT NULL)",
        "ALTER POLICY plans_client_insert ON agent.plans WITH CHECK (client_id = (SELECT private.claim('client_id')))",
        "ALTER POLICY people_select ON erp.people RENAME TO other",
        "DROP POLICY people_select ON erp.people; "
        "CREATE POLICY people_select ON erp.people AS RESTRICTIVE FOR SELECT TO erp_reader, erp_writer USING (true)",
        "CREATE POLICY by_hand ON agent.events TO agent_client USING (true)",
        "CREATE POLICY by_hand ON agent.events USING (true)",
        "CREATE POLICY by_hand ON erp.people FOR DELETE TO erp_writer USING (true)",
        "COMMENT ON POLICY people_select ON erp.people IS NULL",
    ],
)
def test_what_was_changed_by_hand_is_put_back_on_that_table_alone(db: Session, change: str) -> None:
    def state() -> list[tuple[Any, ...]]:
        return (
            [row[1:] for row in db.rows(POLICIES)]
            + db.rows("SELECT oid::regclass::text FROM pg_class WHERE relrowsecurity ORDER BY 1")
            + db.rows("SELECT obj_description(oid, 'pg_policy') FROM pg_policy ORDER BY polrelid, polname")
        )

    before = state()
    with db.undone():
        db.rows(change)
        assert state() != before
        run(db)
        assert state() == before
        assert len({name for (name,) in locked(db)} - {"private.revoked_tokens_pkey"}) <= 1


@pytest.mark.parametrize(
    "change",
    [
        "CREATE POLICY by_hand ON erp.people AS RESTRICTIVE TO erp_reader USING (id > 0)",
        "CREATE POLICY by_hand ON erp.people TO stranger USING (true)",
    ],
)
def test_what_closes_or_is_about_somebody_else_is_left(admin: Session, change: str) -> None:
    admin.rows("CREATE ROLE stranger")
    admin.rows("SET LOCAL ROLE erp_admin")
    admin.rows(change)
    run(admin)
    assert admin.value("SELECT count(*) FROM pg_policy WHERE polname = 'by_hand'") == 1


def test_a_new_table_of_erp_has_its_policies_and_one_of_agent_is_closed(db: Session) -> None:
    db.rows("CREATE TABLE erp.later (id bigint); CREATE TABLE agent.later (id bigint)")
    run(db)
    assert db.rows("""
        SELECT c.oid::regclass::text, c.relrowsecurity, array_agg(p.polname::text ORDER BY p.polname)
            FILTER (WHERE p.oid IS NOT NULL)
        FROM pg_class AS c LEFT JOIN pg_policy AS p ON p.polrelid = c.oid WHERE c.relname = 'later'
        GROUP BY c.oid ORDER BY 1""") == [
        ("agent.later", True, None),
        ("erp.later", True, ["later_insert", "later_select", "later_update"]),
    ]
