# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""postgresql_rollback on a real server: what goes, what stays, who waits; nothing goes without a whole backup."""

from __future__ import annotations

import threading

import psycopg2
import pytest

from tests.integration.postgresql_rollback.conftest import ALL, CIRCLE, Server, finish, wait_for

# Runs the program, then stands still until the test says so; the file it writes is whole by then.
PAUSE = '"$@" || exit; touch "$WORK/reached"; while [ ! -e "$WORK/go" ]; do sleep 0.05; done; exit 0'
KINDS = "SELECT kind FROM migration.event ORDER BY id"


def test_schemas_and_ledger_go_history_stays(server: Server) -> None:
    predicted = server.run(check=True)
    assert predicted["changed"] and predicted["backup"] is None
    assert server.tables() == 2 and not server.directory.exists()
    kinds = server.project.query(KINDS)
    done = server.run()
    assert done["effects"] == predicted["effects"] and len(done["effects"]) == 3
    assert (done["schemas"], done["tables"], done["versions"]) == (["app"], 2, ["001", "002", "003"])
    assert server.project.query("SELECT to_regnamespace('app')") == [(None,)]
    assert server.project.query(
        "SELECT count(*) FROM migration.applied UNION ALL SELECT count(*) FROM migration.expected"
    ) == [(0,), (0,)]
    assert server.project.query(KINDS) == [*kinds, ("rollback",)]
    [name] = server.files
    path = server.directory / name
    assert (str(path), path.stat().st_mode & 0o777) == (done["backup"], 0o600)
    assert server.directory.stat().st_mode & 0o777 == 0o700

    again = server.run()
    assert (again["changed"], again["backup"], again["effects"]) == (False, None, [])
    assert server.files == [name] and server.project.query(KINDS)[-1] == ("rollback",)


def test_the_migrations_make_them_again_and_the_rows_come_back(server: Server) -> None:
    before = server.project.query(ALL)
    backup = server.run()["backup"]
    assert server.project.run().changed
    assert server.run(check=True, restore=backup)["changed"]
    assert server.project.query(ALL) == [(None, None)]
    assert server.run(restore=backup.rpartition("/")[2])["tables"] == 2
    assert server.project.query(ALL) == before
    assert server.project.query("INSERT INTO app.part (thing_id) VALUES (1) RETURNING id") == [(3,)]
    # Two things have a number of their own, so the sequence is where it began.
    assert server.project.query("SELECT last_value, is_called FROM app.thing_id_seq") == [(1, False)]
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        server.project.query("INSERT INTO app.part (thing_id) VALUES (4711)")
    assert not server.project.run().changed
    assert server.project.query(KINDS)[-1] == ("restore",)


def test_an_acknowledged_row_is_in_the_backup(server: Server) -> None:
    """A writer goes on until it fails, through the backup and the time after it."""
    server.around("pg_dump", '"$@" || exit; touch "$WORK/reached"; sleep 1; exit 0')
    acknowledged: list[int] = []
    connection = server.project.cluster.connect("app_owner", server.project.database, autocommit=True)

    def write() -> None:
        with connection.cursor() as cursor:
            while True:
                try:
                    cursor.execute("INSERT INTO app.thing (name) VALUES ('w') ON CONFLICT DO NOTHING RETURNING id")
                except psycopg2.errors.UndefinedTable:
                    return
                acknowledged.extend(row[0] for row in cursor.fetchall())

    writer = threading.Thread(target=write)
    writer.start()
    # So busy a writer leaves the table free for moments only.
    backup = server.run(lock_timeout=20)["backup"]
    writer.join(30)
    connection.close()
    assert len(acknowledged) > 1
    assert server.project.run().changed and server.run(restore=backup)["changed"]
    kept = {row[0] for row in server.project.query("SELECT id FROM app.thing WHERE name = 'w'")}
    assert kept == set(acknowledged)


def test_a_writer_in_its_transaction_is_named_before_anything_is_written(server: Server) -> None:
    connection = server.project.cluster.connect("app_owner", server.project.database, application_name="long work")
    connection.cursor().execute("UPDATE app.thing SET name = 'x' WHERE id = 1")
    try:
        sentence = server.refused()
        assert (
            f"pid {connection.info.backend_pid}, user app_owner, application long work, is at work in app." in sentence
        )
    finally:
        connection.close()
    assert server.files == []


def test_a_reader_that_comes_during_the_backup_is_named_and_the_backup_stays(server: Server) -> None:
    server.around("pg_dump", PAUSE)
    process = server.start()
    wait_for(server.work / "reached")
    reader = server.project.cluster.connect("postgres", server.project.database, application_name="report")
    with reader.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM app.thing")
        assert cursor.fetchall() == [(2,)]
    (server.work / "go").touch()
    found = finish(process)
    assert found["failed"] and f"pid {reader.info.backend_pid}, user postgres, application report" in found["msg"]
    [name] = server.files
    assert f"nothing was changed; the backup {server.directory / name} is whole and stays" in found["msg"]
    reader.close()
    assert server.tables() == 2


def test_a_run_killed_before_the_drop_has_done_nothing(server: Server) -> None:
    server.around("pg_dump", PAUSE)
    process = server.start()
    wait_for(server.work / "reached")
    process.kill()
    process.communicate()
    (server.work / "go").touch()
    assert server.tables() == 2
    [leftover] = server.files
    assert leftover.startswith(".") and leftover.endswith(".partial")
    done = server.run()
    assert server.files == [done["backup"].rpartition("/")[2]]
    assert server.tables() == 0


@pytest.mark.parametrize(
    ("shell", "told"),
    [
        ("echo no space left on device >&2; exit 1", "could not be written (no space left on device)"),
        ('"$@" | head -c 3000; exit 0', "cannot be read to its end"),
        ('"$@" | head -c -1; exit 0', "cannot be read to its end"),
        ('"$@" --exclude-table-data=app.part; exit', "the backup lacks the rows of app.part"),
    ],
)
def test_without_a_whole_backup_nothing_goes(server: Server, shell: str, told: str) -> None:
    server.around("pg_dump", shell)
    assert told in server.refused()
    assert server.files == []


@pytest.mark.parametrize(
    ("made", "named"),
    [
        ("CREATE VIEW other.v AS SELECT * FROM app.part", "view other.v"),
        ("CREATE TABLE other.t (part bigint REFERENCES app.part)", "constraint t_part_fkey on table other.t"),
        ("CREATE DOMAIN app.word AS text; CREATE TABLE other.t (w app.word)", "column w of table other.t"),
        ("CREATE FUNCTION other.f(app.part) RETURNS int LANGUAGE sql AS 'SELECT 1'", "function other.f(app.part)"),
    ],
)
def test_what_others_built_on_it_is_named_and_stays(server: Server, made: str, named: str) -> None:
    server.project.query(f"CREATE SCHEMA other; {made}")
    sentence = server.refused()
    assert named in sentence and "leans on app and would go with" in sentence


def test_a_table_made_during_the_backup_stops_it(server: Server) -> None:
    server.around(
        "pg_dump", f'"$@" || exit; psql -qU app_owner {server.project.database} -c "CREATE TABLE app.new()"; exit'
    )
    assert "somebody made or removed a table while the server wrote the backup" in server.refused()
    assert server.tables() == 3


def test_a_table_of_somebody_else_cannot_be_locked(server: Server) -> None:
    server.project.query("CREATE TABLE app.foreign_table ()")
    assert "permission denied for table foreign_table" in server.refused()
    assert "give it to app_owner and run again" in server.refused()


def test_a_database_without_a_ledger_is_not_ours(server: Server) -> None:
    server.project.query("DROP SCHEMA migration CASCADE")
    assert "there is no ledger in schema migration" in server.refused()


def test_a_ledger_of_an_earlier_release_learns_the_new_kinds(server: Server) -> None:
    server.project.query(
        "ALTER TABLE migration.event DROP CONSTRAINT event_kind_check, "
        "ADD CONSTRAINT event_kind_check CHECK (kind IN ('apply', 'access', 'failure'))"
    )
    assert server.run()["changed"]


def test_what_is_left_stays_a_matter_of_the_access_files(server: Server) -> None:
    """A schema that no rollback drops (the guards of the API) is put right by later runs as before."""
    made = "CREATE OR REPLACE FUNCTION guard.f() RETURNS int LANGUAGE sql SET search_path = '' AS 'SELECT 1';"
    server.project.access("10_guard.sql", f"CREATE SCHEMA IF NOT EXISTS guard;\n{made}\n")
    server.project.options["schemas"] = ["app", "guard"]
    assert server.project.run().changed
    assert server.run()["changed"] and server.project.run().changed
    assert not server.project.run().changed
    server.project.query(made.replace("SELECT 1", "SELECT 2"), "app_owner")
    assert server.project.run().changed and server.project.query("SELECT guard.f()") == [(1,)]


def test_leftovers_in_a_dropped_schema_are_refused_by_the_next_run(server: Server) -> None:
    assert server.run()["changed"]
    server.project.query("CREATE SCHEMA app; CREATE TABLE app.mine ()", "app_owner")
    assert "hold objects (table app.mine" in server.project.run().message


class TestRestore:
    """What is refused, and that a restore is all or nothing."""

    @pytest.fixture
    def backup(self, server: Server) -> str:
        backup: str = server.run()["backup"]
        return backup

    def test_before_the_tables_are_there(self, server: Server, backup: str) -> None:
        told = server.run(restore=backup)["msg"]
        assert "says that no table is there yet; nothing was changed; run: make deploy" in told

    def test_among_other_rows(self, server: Server, backup: str) -> None:
        assert server.project.run().changed
        server.project.query("INSERT INTO app.thing (name) VALUES ('new')")
        for check in (True, False):
            assert "app.thing holds rows" in server.refused(restore=backup, check=check)

    def test_a_file_that_is_none(self, server: Server, backup: str) -> None:
        assert server.project.run().changed
        assert f"{server.directory}/nothing is not a file" in server.refused(restore="nothing")
        (server.directory / "text").write_text("no backup")
        assert "text is no backup that can be read" in server.refused(restore="text")

    def test_a_table_that_is_no_longer_there(self, server: Server, backup: str) -> None:
        (server.project.directory / "migrations" / "002_more.sql").write_text("SELECT 1;")
        (server.project.directory / "migrations" / "003_circle.sql").write_text(CIRCLE.splitlines()[0])
        assert server.project.run().changed
        assert "holds table app.part, which is not in the database" in server.run(restore=backup)["msg"]

    def test_half_a_file_is_nothing(self, server: Server, backup: str) -> None:
        assert server.project.run().changed
        # After the first table.
        server.around("pg_restore", r"""[ "$2" = --list ] || { "$@" | sed '/^\\\.$/q'; exit 1; }""")
        assert "do not go into the tables" in server.refused(restore=backup)

    def test_a_row_that_does_not_fit_takes_all_back(self, server: Server, backup: str) -> None:
        server.project.migration("004_strict.sql", "ALTER TABLE app.thing ADD CHECK (length(name) < 12);")
        assert server.project.run().changed
        assert 'violates check constraint "thing_name_check"' in server.refused(restore=backup)
