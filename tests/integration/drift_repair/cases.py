# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody may have done to the schema by hand: object, what the run says, the statements; by class."""

from __future__ import annotations

# Class A, each alone and all at once: object, what differs, statements.
HARMLESS = {
    "index dropped": ("index app.part part_thing_id_idx", "missing", "DROP INDEX app.part_thing_id_idx"),
    "index changed": (
        "index app.thing thing_name_idx",
        "another definition, predicate none instead of (size > 1)",
        "DROP INDEX app.thing_name_idx; CREATE INDEX thing_name_idx ON app.thing (name)",
    ),
    "index invalid": (
        "index app.part part_thing_id_idx",
        "invalid on instead of off",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'app.part_thing_id_idx'::regclass",
    ),
    "index of a key invalid": (
        "index app.part part_pkey",
        "invalid on instead of off",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'app.part_pkey'::regclass",
    ),
    "index renamed": (
        "index app.part part_thing_id_idx",
        "renamed to elsewhere",
        "ALTER INDEX app.part_thing_id_idx RENAME TO elsewhere",
    ),
    "index clustered": (
        "index app.part part_pkey",
        "clustered on instead of off",
        "ALTER TABLE app.part CLUSTER ON part_pkey",
    ),
    "trigger dropped": ("trigger app.thing thing_touch", "missing", "DROP TRIGGER thing_touch ON app.thing"),
    "trigger changed": (
        "trigger app.thing thing_touch",
        "another definition",
        "CREATE OR REPLACE TRIGGER thing_touch AFTER UPDATE ON app.thing FOR EACH ROW EXECUTE FUNCTION app.touch()",
    ),
    "trigger on replicas only": (
        "trigger app.thing thing_touch",
        "state replica instead of none",
        "ALTER TABLE app.thing ENABLE REPLICA TRIGGER thing_touch",
    ),
    "triggers of a foreign key": (
        'trigger app.part behind part_thing_id_fkey "RI_FKey_check_ins"',
        "extra",
        "ALTER TABLE app.part DISABLE TRIGGER ALL",
    ),
    "function body": (
        "function app.one()",
        "another definition",
        "CREATE OR REPLACE FUNCTION app.one() RETURNS integer LANGUAGE sql SET search_path = '' AS 'SELECT 2'",
    ),
    "function settings": (
        "function app.one()",
        "another definition, security definer",
        "ALTER FUNCTION app.one() RESET ALL; ALTER FUNCTION app.one() SECURITY DEFINER VOLATILE",
    ),
    "function dropped with its trigger": ("function app.touch()", "missing", "DROP FUNCTION app.touch() CASCADE"),
    "default": (
        "column app.thing name",
        "default none instead of 'x'::text",
        "ALTER TABLE app.thing ALTER COLUMN name DROP DEFAULT",
    ),
    "storage": (
        "column app.thing name",
        "statistics 7 instead of none",
        "ALTER TABLE app.thing ALTER COLUMN name SET STORAGE EXTERNAL, ALTER COLUMN name SET STATISTICS 7",
    ),
    "comment": ("table app.thing", "comment other instead of A thing", "COMMENT ON TABLE app.thing IS 'other'"),
    "comment of a column": (
        "column app.thing name",
        "comment none instead of Its name",
        "COMMENT ON COLUMN app.thing.name IS NULL",
    ),
    "storage parameters": (
        "table app.thing",
        "another options",
        "ALTER TABLE app.thing SET (fillfactor = 10, autovacuum_enabled = off, toast.autovacuum_enabled = off)",
    ),
    "check dropped": (
        "constraint app.thing thing_size_check",
        "missing",
        "ALTER TABLE app.thing DROP CONSTRAINT thing_size_check",
    ),
    "check not validated": (
        "constraint app.thing thing_size_check",
        "",
        "UPDATE pg_constraint SET convalidated = false WHERE conname = 'thing_size_check'",
    ),
    "foreign key dropped": (
        "constraint app.part part_thing_id_fkey",
        "missing",
        "ALTER TABLE app.part DROP CONSTRAINT part_thing_id_fkey",
    ),
    "constraint renamed": (
        "constraint app.part part_thing_id_fkey",
        "renamed to other",
        "ALTER TABLE app.part RENAME CONSTRAINT part_thing_id_fkey TO other",
    ),
    "key renamed": (
        "constraint app.thing thing_code_key",
        "renamed to other",
        "ALTER TABLE app.thing RENAME CONSTRAINT thing_code_key TO other",
    ),
    "view dropped": ("view app.small", "missing", "DROP VIEW app.small"),
    "view changed": (
        "view app.small",
        "another definition",
        "CREATE OR REPLACE VIEW app.small WITH (security_invoker = false) AS SELECT id FROM app.thing",
    ),
    "sequence": (
        "sequence app.thing_id_seq",
        "another sequence",
        "ALTER SEQUENCE app.thing_id_seq INCREMENT BY 5 CACHE 3",
    ),
    "right revoked": (
        "schema app",
        "missing right of app_reader: USAGE",
        "REVOKE USAGE ON SCHEMA app FROM app_reader",
    ),
    "replica identity": (
        "table app.part",
        "replica identity f instead of none",
        "ALTER TABLE app.part REPLICA IDENTITY FULL",
    ),
}
# Class B: object, what differs, statements.
DECIDED = {
    "index added": ("index app.part extra_idx", "extra", "CREATE INDEX extra_idx ON app.part (id)"),
    "constraint added": (
        "constraint app.part extra_check",
        "extra",
        "ALTER TABLE app.part ADD CONSTRAINT extra_check CHECK (thing_id > 0)",
    ),
    "key added": (
        "constraint app.thing extra_key",
        "extra",
        "ALTER TABLE app.thing ADD CONSTRAINT extra_key UNIQUE (name)",
    ),
    "trigger added": (
        "trigger app.part extra",
        "extra",
        "CREATE TRIGGER extra BEFORE UPDATE ON app.part FOR EACH ROW EXECUTE FUNCTION app.touch()",
    ),
    "NOT NULL dropped": (
        "column app.thing name",
        "not null off instead of on",
        "ALTER TABLE app.thing ALTER COLUMN name DROP NOT NULL",
    ),
    "NOT NULL added": (
        "column app.thing code",
        "not null on instead of off",
        "ALTER TABLE app.thing ALTER COLUMN code SET NOT NULL",
    ),
    "unique index dropped": ("index app.thing thing_name_key", "missing", "DROP INDEX app.thing_name_key"),
    "unique dropped": (
        "constraint app.thing thing_code_key",
        "missing",
        "ALTER TABLE app.thing DROP CONSTRAINT thing_code_key",
    ),
    "primary key dropped": (
        "constraint app.part part_pkey",
        "missing",
        "ALTER TABLE app.part DROP CONSTRAINT part_pkey",
    ),
    "text wider": (
        "column app.thing code",
        "type character varying(20) instead of character varying(10)",
        "ALTER TABLE app.thing ALTER COLUMN code TYPE varchar(20)",
    ),
    "number wider": (
        "column app.thing big",
        "type numeric instead of numeric(12,2)",
        "ALTER TABLE app.thing ALTER COLUMN big TYPE numeric",
    ),
    "identity kind": (
        "column app.part id",
        "identity by default instead of always",
        "ALTER TABLE app.part ALTER COLUMN id SET GENERATED BY DEFAULT",
    ),
    "identity dropped": (
        "column app.part id",
        "identity none instead of always",
        "ALTER TABLE app.part ALTER COLUMN id DROP IDENTITY",
    ),
    "unlogged": ("table app.part", "persistence unlogged instead of none", "ALTER TABLE app.part SET UNLOGGED"),
    "check loosened": (
        "constraint app.thing thing_size_check",
        "definition CHECK ((size > '-5'::integer)) instead of CHECK ((size > 0))",
        "ALTER TABLE app.thing DROP CONSTRAINT thing_size_check, ADD CONSTRAINT thing_size_check CHECK (size > -5)",
    ),
}
# Class C: object, what differs, statements, how the test puts it back.
REFUSED = {
    "extra table": ("table app.extra", "extra", "CREATE TABLE app.extra (id int)", "DROP TABLE app.extra"),
    "extra column": (
        "column app.part extra",
        "extra",
        "ALTER TABLE app.part ADD COLUMN extra text",
        "ALTER TABLE app.part DROP COLUMN extra",
    ),
    "extra function": (
        "function app.extra()",
        "extra",
        "CREATE FUNCTION app.extra() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP FUNCTION app.extra()",
    ),
    "column renamed": (
        "column app.thing name",
        "renamed to title",
        "ALTER TABLE app.thing RENAME COLUMN name TO title",
        "ALTER TABLE app.thing RENAME COLUMN title TO name",
    ),
    "table renamed": (
        "table app.part",
        "renamed to app.piece",
        "ALTER TABLE app.part RENAME TO piece",
        "ALTER TABLE app.piece RENAME TO part",
    ),
    "narrower type": (
        "column app.thing code",
        "type character varying(5) instead of character varying(10)",
        "ALTER TABLE app.thing ALTER COLUMN code TYPE varchar(5)",
        "ALTER TABLE app.thing ALTER COLUMN code TYPE varchar(10)",
    ),
}
# Rows that stand in the way: object, statements, what corrects the rows, how they are counted.
OBSTACLES = {
    "foreign key": (
        "constraint app.part part_thing_id_fkey",
        "ALTER TABLE app.part DROP CONSTRAINT part_thing_id_fkey; INSERT INTO app.part (thing_id) VALUES (777), (778)",
        "DELETE FROM app.part WHERE thing_id > 700",
        "2 rows stand in the way",
    ),
    "check": (
        "constraint app.thing thing_size_check",
        "ALTER TABLE app.thing DROP CONSTRAINT thing_size_check; UPDATE app.thing SET size = -size WHERE id < 4",
        "UPDATE app.thing SET size = -size WHERE id < 4",
        "3 rows stand in the way",
    ),
    "unique": (
        "constraint app.thing thing_code_key",
        "ALTER TABLE app.thing DROP CONSTRAINT thing_code_key; UPDATE app.thing SET code = 'same' WHERE id < 3",
        "UPDATE app.thing SET code = 'c' || id WHERE id < 3",
        "2 rows stand in the way",
    ),
    "unique expression": (
        "index app.thing thing_name_key",
        "DROP INDEX app.thing_name_key; UPDATE app.thing SET name = 'SAME' WHERE id < 3",
        "UPDATE app.thing SET name = 'n' || id WHERE id < 3",
        "2 rows stand in the way",
    ),
    "NOT NULL": (
        "column app.thing name",
        "ALTER TABLE app.thing ALTER COLUMN name DROP NOT NULL; UPDATE app.thing SET name = NULL WHERE id = 1",
        "UPDATE app.thing SET name = 'n1' WHERE id = 1",
        "1 rows stand in the way",
    ),
    "text that a cast would cut": (
        "column app.thing code",
        "ALTER TABLE app.thing ALTER COLUMN code TYPE text; UPDATE app.thing SET code = 'far too long' WHERE id = 1",
        "UPDATE app.thing SET code = 'c1' WHERE id = 1",
        "1 rows hold values that would be lost",
    ),
    "number that a cast would round": (
        "column app.thing big",
        "ALTER TABLE app.thing ALTER COLUMN big TYPE numeric; UPDATE app.thing SET big = 1.234 WHERE id = 1",
        "UPDATE app.thing SET big = 1 WHERE id = 1",
        "1 rows hold values that would be lost",
    ),
}
