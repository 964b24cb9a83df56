# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger in schema `migration`: its tables, what stands in it, and what follows for this run. Pure."""

from __future__ import annotations

import difflib
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import files, lock
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.files import Migration

MODULE_VERSION = "0.1.0"
FORMAT = 1
_MARK = "bestviable.portfolio ledger"
_COMMENT = re.compile(rf"{_MARK} ([0-9]+)")
_EVENTS = "'apply', 'access', 'repair', 'accept', 'drift', 'failure', 'rollback', 'restore', 'baseline'"
_KINDS = f"CHECK (kind IN ({_EVENTS}))"

CREATE = f"""
CREATE SCHEMA migration;
COMMENT ON SCHEMA migration IS '{_MARK} {FORMAT}';
CREATE TABLE migration.applied (
    version text PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    checksum_algo text NOT NULL,
    sql text NOT NULL,
    statements integer NOT NULL,
    kind text NOT NULL CONSTRAINT applied_kind_check CHECK (kind IN ('apply', 'baseline', 'accept')),
    run_id text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_by text NOT NULL DEFAULT session_user,
    client_host text NOT NULL,
    duration_ms integer NOT NULL,
    server_version_num integer NOT NULL DEFAULT current_setting('server_version_num')::integer,
    module_version text NOT NULL
);
CREATE TABLE migration.expected (
    version text PRIMARY KEY CONSTRAINT expected_version_fkey REFERENCES migration.applied (version),
    catalog_algo text NOT NULL,
    fingerprint text NOT NULL,
    objects jsonb NOT NULL,
    access_checksum text NOT NULL,
    access_objects jsonb NOT NULL,
    run_id text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE migration.event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind text NOT NULL CONSTRAINT event_kind_check {_KINDS},
    object text,
    detail jsonb NOT NULL DEFAULT '{{}}'
);
COMMENT ON TABLE migration.applied IS 'One row for each migration file, written in the transaction that ran it';
COMMENT ON TABLE migration.expected IS 'The catalog as it stood after the last run that changed something';
COMMENT ON TABLE migration.event IS 'What runs did; append only, a run that changes nothing writes nothing';
REVOKE ALL ON SCHEMA migration FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA migration FROM PUBLIC;
"""

# What the server is, and whether a ledger stands in the database.
FACTS = """
SELECT current_setting('server_version_num')::integer, pg_is_in_recovery(), pg_backend_pid(), current_user::text,
    n.oid IS NOT NULL, obj_description(n.oid, 'pg_namespace'), pg_get_userbyid(n.nspowner)::text,
    ARRAY(
        SELECT DISTINCT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee) END::text
        FROM (SELECT nspacl AS acl FROM pg_namespace WHERE oid = n.oid
            UNION ALL SELECT relacl FROM pg_class WHERE relnamespace = n.oid) AS l, aclexplode(l.acl) AS x
        WHERE x.grantee <> n.nspowner),
    current_setting('server_encoding')
FROM (SELECT 1) AS one LEFT JOIN pg_namespace AS n ON n.nspname = 'migration'
"""
READ = """
SELECT a.version, a.name, a.checksum, a.checksum_algo, e.catalog_algo, e.fingerprint, e.access_checksum,
    e.access_objects, e.run_id
FROM migration.applied AS a LEFT JOIN migration.expected AS e USING (version) ORDER BY a.version
"""
READ_SQL = "SELECT sql FROM migration.applied WHERE version = %s"
READ_OBJECTS = "SELECT objects FROM migration.expected WHERE version = %s"
INSERT_APPLIED = """
INSERT INTO migration.applied (version, name, checksum, checksum_algo, sql, statements, kind, run_id, client_host,
    duration_ms, module_version)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING pg_current_xact_id()::text
"""
ACCEPT = """
UPDATE migration.applied SET checksum = %s, checksum_algo = %s, sql = %s, kind = 'accept', run_id = %s
WHERE version = %s
"""
RECORD = """
INSERT INTO migration.expected (version, catalog_algo, fingerprint, objects, access_checksum, access_objects, run_id)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (version) DO UPDATE SET catalog_algo = excluded.catalog_algo, fingerprint = excluded.fingerprint,
    objects = excluded.objects, access_checksum = excluded.access_checksum, access_objects = excluded.access_objects,
    run_id = excluded.run_id, recorded_at = excluded.recorded_at
"""
EVENT = "INSERT INTO migration.event (run_id, kind, object, detail) VALUES (%s, %s, %s, %s)"
# One statement for hundreds of repairs: a list of {object, detail}.
REPAIRED = """
INSERT INTO migration.event (run_id, kind, object, detail)
SELECT %s, 'repair', e.value ->> 'object', e.value -> 'detail' FROM jsonb_array_elements(%s::jsonb) AS e
"""
# A ledger of an earlier release does not know every kind of event yet.
ALLOW_KINDS = f"ALTER TABLE migration.event DROP CONSTRAINT event_kind_check, ADD CONSTRAINT event_kind_check {_KINDS}"
FORGET = "DELETE FROM migration.expected; DELETE FROM migration.applied"
# The schemas that the last rollback dropped; it left the others as they are.
ROLLED_BACK = "SELECT detail -> 'schemas' FROM migration.event WHERE kind = 'rollback' ORDER BY id DESC LIMIT 1"


@dataclass(frozen=True)
class Facts:
    server_version: int
    standby: bool
    backend_pid: int
    user: str
    ledger: bool
    ledger_comment: str | None
    ledger_owner: str | None
    ledger_grantees: list[str]
    encoding: str


@dataclass(frozen=True)
class Applied:
    version: str
    name: str
    checksum: str
    checksum_algo: str


@dataclass(frozen=True)
class Expected:
    version: str
    catalog_algo: str
    fingerprint: str
    access_checksum: str
    access_objects: list[str]
    run_id: str


@dataclass(frozen=True)
class Ledger:
    applied: list[Applied] = field(default_factory=list)
    expected: Expected | None = None

    @property
    def version(self) -> str | None:
        return self.applied[-1].version if self.applied else None


@dataclass(frozen=True)
class Plan:
    """What the files and the ledger together ask for."""

    pending: list[Migration]
    accepted: list[Migration]

    def up_to(self, version: str) -> Plan:
        """Without what is pending after this version."""
        return Plan([migration for migration in self.pending if migration.version <= version], self.accepted)


def check_facts(facts: Facts, server_major: int, backend_pid: int, user: str) -> None:
    """Refuse a server or a ledger that this module must not touch."""
    major = facts.server_version // 10000
    if major != server_major:
        raise MigrationError(
            f"the server is PostgreSQL {major}, the migrations are for {server_major}; "
            "nothing was changed; set server_major if that is meant"
        )
    if facts.standby:
        raise MigrationError(
            "the server is a standby and cannot be written; nothing was changed; connect to the primary"
        )
    if facts.encoding != "UTF8":
        raise MigrationError(
            f"the database has the encoding {facts.encoding}, which cannot hold every text; nothing was changed; "
            "create it anew with ENCODING 'UTF8'"
        )
    lock.refuse_pooler(facts.backend_pid, backend_pid)
    if not facts.ledger:
        return
    found = _COMMENT.fullmatch(facts.ledger_comment or "")
    if found is None:
        raise MigrationError(
            "schema migration exists and is not a ledger of this module; nothing was changed; "
            "rename that schema or choose another database"
        )
    if int(found[1]) > FORMAT:
        raise MigrationError(
            f"the ledger has format {found[1]}, this module knows {FORMAT}: a newer release wrote it; "
            "nothing was changed; update the collection"
        )
    if facts.ledger_owner != user:
        raise MigrationError(
            f"the ledger (schema migration) belongs to {facts.ledger_owner}, not to {user}; nothing was changed; "
            f"log in as {facts.ledger_owner} or give the schema back to {user}"
        )


def row(migration: Migration, kind: str, run_id: str, duration_ms: int) -> tuple[Any, ...]:
    """The values of INSERT_APPLIED."""
    return (
        migration.version,
        migration.name,
        migration.checksum,
        files.ALGORITHM,
        migration.text,
        len(migration.statements),
        kind,
        run_id,
        socket.gethostname(),
        duration_ms,
        MODULE_VERSION,
    )


def read(rows: Sequence[tuple[Any, ...]]) -> Ledger:
    recorded = [Expected(row[0], *row[4:9]) for row in rows if row[4] is not None]
    return Ledger([Applied(*row[:4]) for row in rows], recorded[-1] if recorded else None)


def plan(migrations: Sequence[Migration], ledger: Ledger, accept: Mapping[str, str]) -> tuple[Plan, list[Migration]]:
    """What to do, and the files that were edited without being accepted (the caller shows how they differ)."""
    shipped = {migration.version: migration for migration in migrations}
    unknown = sorted(set(accept) - set(shipped))
    if unknown:
        raise MigrationError(
            f"accept names version {unknown[0]}, and there is no such migration; nothing was changed; remove it"
        )
    accepted: list[Migration] = []
    edited: list[Migration] = []
    for row in ledger.applied:
        migration = _same_file(row, shipped.get(row.version), migrations)
        if migration.checksum == row.checksum:
            continue
        (accepted if accept.get(row.version) == migration.checksum else edited).append(migration)
    done = {row.version for row in ledger.applied}
    pending = [migration for migration in migrations if migration.version not in done]
    if pending and ledger.version is not None and pending[0].version < ledger.version:
        raise MigrationError(
            f"{pending[0].file} was never applied, but {ledger.version} after it was; nothing was changed; "
            "give the new migration the next free number"
        )
    return Plan(pending, accepted), edited


def _same_file(row: Applied, migration: Migration | None, migrations: Sequence[Migration]) -> Migration:
    """The file that this row was applied from, whatever stands in it now."""
    file = f"{row.version}_{row.name}.sql"
    if row.checksum_algo != files.ALGORITHM:
        raise MigrationError(
            f"the checksum of {file} was made by {row.checksum_algo}, this module knows {files.ALGORITHM}; "
            "nothing was changed; update the collection"
        )
    if migration is not None and migration.name == row.name:
        return migration
    twin = next((other.file for other in migrations if other.checksum == row.checksum), None)
    if twin:
        raise MigrationError(
            f"{file} was applied, and its text is now in {twin}; nothing was changed; rename the file back to {file}"
        )
    if migration is not None:
        raise MigrationError(
            f"version {row.version} was applied from {file}, and the file is now {migration.file}; "
            f"nothing was changed; restore {file} and give the new file the next free number"
        )
    raise MigrationError(f"{file} was applied and is missing now; nothing was changed; restore the file")


def edited(migration: Migration, stored: str) -> MigrationError:
    """The refusal of an edited file, with what was edited and the ways out."""
    differences = "".join(
        difflib.unified_diff(
            stored.splitlines(keepends=True),
            migration.text.splitlines(keepends=True),
            f"{migration.file} (as applied)",
            f"{migration.file} (as it is now)",
        )
    )
    return MigrationError(
        f"{migration.file} was edited after it was applied; nothing was changed; restore the file, put the change "
        "into the next migration, or, if only the file is to be recorded anew, set accept: "
        f'{{"{migration.version}": "{migration.checksum}"}}',
        difference=differences,
        error={"file": migration.file},
    )
