# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request changes 200 rows at most; who logs in with SQL as many as it likes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster import Cluster
from tests.integration.sql.conftest import SQL, Session, session_of

MOST = 200


@pytest.fixture
def request_of(cluster: Cluster) -> Iterator[Session]:
    """As PostgREST comes: its own login, and then a role; with as many tasks in one sprint as are allowed, and one."""
    with session_of(cluster, "portfolio_authenticator") as session:
        session.rows("SET LOCAL ROLE erp_writer")
        session.rows("INSERT INTO erp.sprints (id, name) VALUES (-1, 's')")
        session.rows(
            "INSERT INTO erp.tasks (id, title, sprint_id) SELECT -n, 't', -1 FROM generate_series(1, %s) AS n", MOST + 1
        )
        yield session


@pytest.mark.parametrize("statement", ["UPDATE erp.tasks SET status = 'done'", "DELETE FROM erp.tasks"])
def test_a_request_without_its_filter_is_refused_and_changes_nothing(request_of: Session, statement: str) -> None:
    assert request_of.error(lambda: request_of.rows(statement)) == ("PT400", None)
    assert request_of.value("SELECT count(*) FROM erp.tasks WHERE status = 'todo'") == MOST + 1
    request_of.rows(f"{statement} WHERE id > -{MOST + 1}")
    assert request_of.cursor.rowcount == MOST


def test_many_rows_come_in_at_once_but_do_not_replace_as_many(request_of: Session) -> None:
    upsert = """INSERT INTO erp.tasks (id, title) SELECT id, 'again' FROM erp.tasks
        ON CONFLICT (id) DO UPDATE SET title = excluded.title"""
    assert request_of.error(lambda: request_of.rows(upsert)) == ("PT400", None)


def test_what_follows_from_a_key_is_counted_too(request_of: Session) -> None:
    """The sprint's tasks lose it: PostgreSQL fires the trigger for them as for any other change."""
    delete = "DELETE FROM erp.sprints WHERE id = -1"
    assert request_of.error(lambda: request_of.rows(delete)) == ("PT400", None)
    request_of.rows("DELETE FROM erp.tasks WHERE id = -1")
    request_of.rows(delete)
    assert request_of.value("SELECT count(*) FROM erp.tasks WHERE sprint_id IS NULL") == MOST


@pytest.mark.parametrize("role", ["erp_admin", "erp_writer"])
def test_who_logs_in_with_sql_is_not_held_back(admin: Session, role: str) -> None:
    """The control as well: the same statement by the same role, and another login."""
    admin.rows("INSERT INTO erp.tasks (id, title) SELECT -n, 't' FROM generate_series(1, %s) AS n", MOST + 1)
    admin.rows(f"SET LOCAL ROLE {role}")
    admin.rows("UPDATE erp.tasks SET status = 'done'")
    assert admin.cursor.rowcount == MOST + 1


def test_every_table_that_a_role_may_change_has_it(db: Session) -> None:
    writable = db.rows("""
        SELECT DISTINCT c.oid::regclass || ' ' || w.command FROM pg_class AS c
        CROSS JOIN (VALUES ('update'), ('delete')) AS w (command)
        CROSS JOIN unnest(ARRAY['erp_writer', 'agent_service', 'agent_client']) AS r (name)
        WHERE c.relkind = 'r' AND c.relnamespace::regnamespace::text IN ('erp', 'agent')
        AND CASE w.command WHEN 'delete' THEN has_table_privilege(r.name, c.oid, w.command)
            ELSE has_any_column_privilege(r.name, c.oid, w.command) END ORDER BY 1""")
    guarded = db.rows("""
        SELECT g.tgrelid::regclass || ' ' || split_part(g.tgname, '_mass_', 2) FROM pg_trigger AS g
        WHERE g.tgfoid = 'private.refuse_mass_write()'::regprocedure AND g.tgenabled = 'O' ORDER BY 1""")
    assert len(writable) > 30
    assert guarded == writable


@pytest.mark.parametrize(
    "change",
    [
        "DROP TRIGGER tasks_mass_update ON erp.tasks",
        "ALTER TABLE erp.tasks DISABLE TRIGGER tasks_mass_update",
        "CREATE TRIGGER people_mass_delete AFTER DELETE ON erp.people REFERENCING OLD TABLE AS touched "
        "FOR EACH STATEMENT EXECUTE FUNCTION private.refuse_mass_write()",
        "DROP TRIGGER tasks_mass_update ON erp.tasks; CREATE TRIGGER tasks_mass_update AFTER DELETE ON erp.tasks "
        "REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION private.refuse_mass_write()",
    ],
)
def test_the_file_puts_back_what_somebody_changed_and_nothing_else(db: Session, change: str) -> None:
    def triggers() -> list[tuple[str, ...]]:
        return db.rows("""
            SELECT pg_get_triggerdef(oid), tgenabled::text, obj_description(oid, 'pg_trigger') FROM pg_trigger
            WHERE tgfoid = 'private.refuse_mass_write()'::regprocedure ORDER BY 1""")

    def numbers() -> set[int]:
        return {number for (number,) in db.rows("SELECT oid FROM pg_trigger WHERE NOT tgisinternal")}

    file = (SQL / "access/60_mass_write.sql").read_text(encoding="utf-8")
    before, unchanged = triggers(), numbers()
    db.rows(file)
    assert numbers() == unchanged
    db.rows(change)
    assert triggers() != before
    db.rows(file)
    assert triggers() == before
    assert len(numbers() - unchanged) <= 1
