# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a backup come back into the empty tables that site.yml made, all of them or none.

pg_restore writes the rows as SQL, and one session of psql runs it between a lock with a check that nothing is there,
and a COMMIT that is sent only when pg_restore has come to its end. A pipe that breaks is a transaction that never was.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, NoReturn, cast

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import backup, ledger, rollback
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.backup import Client
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.rollback import Found, Order
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import Session

_FULL = "tables with rows: "
# Triggers are off: two tables refer to each other, so no order of tables satisfies every foreign key; the rows kept
# them all when they were saved. That needs the superuser, which also passes by row security.
_OPTIONS = ("--data-only", "--exit-on-error")
_BEGIN = """
SET search_path = pg_catalog;
BEGIN;
SET LOCAL lock_timeout = '10s';
LOCK TABLE {tables} IN {mode} MODE;
DO $check$
DECLARE
    one text;
    full_ones text[] := '{{}}';
    there bool;
BEGIN
    FOREACH one IN ARRAY ARRAY[{names}] LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', one) INTO there;
        IF there THEN full_ones := full_ones || one; END IF;
    END LOOP;
    IF full_ones <> '{{}}' THEN RAISE EXCEPTION '{full}%', array_to_string(full_ones, ', '); END IF;
END
$check$;
"""
# pg_restore switches off all triggers, those behind foreign keys too, which only a superuser may. The owner of the
# tables may switch off the others, and have foreign keys looked at when all rows are there.
_DEFER = """
DO $defer$
DECLARE
    one record;
BEGIN
    PERFORM set_config('portfolio.restored', '', true);
    FOR one IN SELECT k.conrelid::regclass AS name, k.conname FROM pg_constraint AS k
        WHERE k.contype = 'f' AND NOT k.condeferrable AND k.conrelid = ANY (ARRAY[{names}]::regclass[])
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER CONSTRAINT %I DEFERRABLE INITIALLY DEFERRED', one.name, one.conname);
        PERFORM set_config('portfolio.restored', current_setting('portfolio.restored')
            || format('ALTER TABLE %s ALTER CONSTRAINT %I NOT DEFERRABLE;', one.name, one.conname), true);
    END LOOP;
    FOR one IN SELECT t.tgrelid::regclass AS name, t.tgname FROM pg_trigger AS t
        WHERE NOT t.tgisinternal AND t.tgenabled = 'O' AND t.tgrelid = ANY (ARRAY[{names}]::regclass[])
    LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', one.name, one.tgname);
        PERFORM set_config('portfolio.restored', current_setting('portfolio.restored')
            || format('ALTER TABLE %s ENABLE TRIGGER %I;', one.name, one.tgname), true);
    END LOOP;
END
$defer$;
"""
_CHECK = """
SET CONSTRAINTS ALL IMMEDIATE;
DO $check$ BEGIN EXECUTE current_setting('portfolio.restored'); END $check$;
"""
_END = """
{kinds};
INSERT INTO migration.event (run_id, kind, object, detail) VALUES ({run_id}, 'restore', {path}, {detail});
COMMIT;
"""


def literal(text: str) -> str:
    """A string of SQL, with standard_conforming_strings."""
    return "'" + text.replace("'", "''") + "'"


def run(order: Order, path: Path, check_mode: bool) -> dict[str, Any]:
    """The module's result."""
    if not path.is_file():
        raise MigrationError(f"{path} is not a file on the server; nothing was changed; give one of {path.parent}")
    saved = {table for table in backup.read_listing(order.client, path) if table[0] in order.schemas}
    session = Session(order.target, order.settings)
    try:
        found = rollback.look(session, order)
    finally:
        session.close()
    _refuse(path, saved, found)
    if not check_mode:
        order.changing()
    _feed(order, path, found, sorted({schema for schema, _name in saved}), check_mode)
    detail = f"the rows of {path}, {len(saved)} tables"
    return {
        "changed": True,
        "schemas": found.schemas,
        "tables": len(saved),
        "versions": found.versions,
        "backup": str(path),
        "effects": [{"effect": "change", "object": f"database {order.target.database}", "detail": detail}],
    }


def _refuse(path: Path, saved: set[tuple[str, str]], found: Found) -> None:
    if not saved:
        raise MigrationError(f"{path} holds no rows of these schemas; nothing was changed; give another file")
    if not found.versions:
        raise MigrationError("schema migration says that no table is there yet; nothing was changed; run: make deploy")
    missing = sorted(saved - set(found.tables))
    if missing:
        name = ".".join(missing[0])
        raise MigrationError(
            f"{path} holds table {name}, which is not in the database; nothing was changed; "
            "create it as the file defines it and run again"
        )


def _feed(order: Order, path: Path, found: Found, schemas: Sequence[str], check_mode: bool) -> None:
    names = ", ".join(literal(name) for name in found.locked)
    mode = "ACCESS SHARE" if check_mode else "ACCESS EXCLUSIVE"
    begin = _BEGIN.format(tables=", ".join(found.locked), mode=mode, names=names, full=_FULL)
    by_owner = order.client.address is not None and not check_mode
    begin += _DEFER.format(names=names) if by_owner else ""
    end = _END.format(
        kinds=ledger.ALLOW_KINDS,
        run_id=literal(order.run_id),
        path=literal(str(path)),
        detail=literal(json.dumps({"tables": len(found.tables)})),
    )
    end = _CHECK + end if by_owner else end
    client = order.client
    words = client.words("psql", "-Xq", "-v", "ON_ERROR_STOP=1", *client.login())
    with tempfile.TemporaryFile() as said:
        psql = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)
        complaint = ""
        # psql that is gone says why at its end.
        with contextlib.suppress(BrokenPipeError), cast(IO[bytes], psql.stdin) as pipe:
            pipe.write(begin.encode())
            pipe.flush()
            if not check_mode:
                complaint = _rows(client, path, schemas, pipe)
                if not complaint:
                    pipe.write(end.encode())
        client.wait(psql)
        if psql.returncode or complaint:
            _refuse_rows(path, backup.told(said) or complaint)


def _rows(client: Client, path: Path, schemas: Sequence[str], pipe: Any) -> str:
    """All that pg_restore makes of the file goes into the pipe; its complaint, if it did not end well."""
    chosen = [f"--schema={schema}" for schema in schemas]
    chosen += [] if client.address else ["--disable-triggers"]
    with path.open("rb") as file:
        code, said = client.run(client.words("pg_restore", *_OPTIONS, *chosen, "--file=-"), file, pipe)
    return (said or f"exit {code}") if code else ""


def _refuse_rows(path: Path, said: str) -> NoReturn:
    if _FULL in said:
        tables = said.partition(_FULL)[2].partition(" CONTEXT:")[0].split(", ")
        more = f" (and {len(tables) - 1} more)" if tables[1:] else ""
        raise MigrationError(
            f"{tables[0]}{more} holds rows, and those of {path} do not go among them; nothing was changed; "
            "restore into tables without rows"
        )
    raise MigrationError(
        f"the rows of {path} do not go into the tables: {said}; nothing was changed; correct that and run again"
    )
