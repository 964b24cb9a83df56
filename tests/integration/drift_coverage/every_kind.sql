-- One object at least of every kind and shape that the shipped migrations do not make; applied after them by erp_admin.
CREATE SCHEMA sample;
COMMENT ON SCHEMA sample IS 'One of everything';

CREATE TYPE sample.mood AS ENUM ('calm', 'busy');
COMMENT ON TYPE sample.mood IS 'A mood';
CREATE DOMAIN sample.score AS integer DEFAULT 1 NOT NULL CONSTRAINT score_check CHECK (VALUE > 0);
COMMENT ON DOMAIN sample.score IS 'A score';
COMMENT ON CONSTRAINT score_check ON DOMAIN sample.score IS 'No zero';
CREATE DOMAIN sample.label AS text COLLATE "C";
CREATE TYPE sample.span AS RANGE (subtype = numeric, multirange_type_name = sample.spans);
CREATE TYPE sample.point AS (x integer, y text COLLATE "C");
COMMENT ON TYPE sample.point IS 'A point';
CREATE TYPE sample.pair AS (a integer, b integer);
CREATE COLLATION sample."POSIX" FROM "C";
COMMENT ON COLLATION sample."POSIX" IS 'As C';

CREATE FUNCTION sample.touch() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    RETURN new;
END
$$;
COMMENT ON FUNCTION sample.touch() IS 'Touches';
CREATE FUNCTION sample.twice(amount integer DEFAULT 1) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE BEGIN ATOMIC SELECT amount * 2; END;
CREATE FUNCTION sample.several(amount integer) RETURNS SETOF integer LANGUAGE sql STABLE STRICT COST 10 ROWS 5
SET work_mem = '4MB' AS 'SELECT generate_series(1, amount)';
CREATE FUNCTION sample.same(one integer, two integer) RETURNS boolean LANGUAGE sql AS 'SELECT one = two';
CREATE PROCEDURE sample.act(amount integer) LANGUAGE sql AS 'SELECT 1';
COMMENT ON PROCEDURE sample.act(integer) IS 'Acts';
CREATE AGGREGATE sample.total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0');
COMMENT ON AGGREGATE sample.total(integer) IS 'A sum';
CREATE OPERATOR sample.=== (LEFTARG = integer, RIGHTARG = integer, FUNCTION = sample.same);
COMMENT ON OPERATOR sample.=== (integer, integer) IS 'Same';
CREATE CAST (sample.point AS text) WITH INOUT;
COMMENT ON CAST (sample.point AS text) IS 'As text';
CREATE CONVERSION sample.latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
COMMENT ON CONVERSION sample.latin IS 'Latin';
CREATE TEXT SEARCH DICTIONARY sample.plain (TEMPLATE = simple, STOPWORDS = english);
COMMENT ON TEXT SEARCH DICTIONARY sample.plain IS 'Plain';
CREATE TEXT SEARCH CONFIGURATION sample.words (PARSER = default);
ALTER TEXT SEARCH CONFIGURATION sample.words ADD MAPPING FOR asciiword, word WITH sample.plain, simple;
COMMENT ON TEXT SEARCH CONFIGURATION sample.words IS 'Words';

CREATE TABLE sample.thing (
    id bigserial,
    number integer GENERATED ALWAYS AS IDENTITY,
    name text COLLATE "C" DEFAULT 'x' NOT NULL,
    note text,
    word text COLLATE "C",
    long_name text GENERATED ALWAYS AS (name || '!') STORED,
    mood sample.mood,
    score sample.score,
    place sample.point,
    span sample.span,
    period daterange,
    tags text[],
    amount numeric(12, 2) DEFAULT 0,
    at timestamptz DEFAULT now(),
    flag boolean,
    code varchar(20),
    document jsonb,
    CONSTRAINT thing_pkey PRIMARY KEY (id),
    CONSTRAINT thing_number_key UNIQUE (number) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT thing_name_key UNIQUE NULLS NOT DISTINCT (name, note) INCLUDE (flag) WITH (fillfactor = 80),
    CONSTRAINT thing_amount_check CHECK (amount >= 0) NO INHERIT,
    CONSTRAINT thing_period_excl EXCLUDE USING gist (period WITH &&) WHERE (flag)
);
ALTER TABLE sample.thing ALTER COLUMN note SET STORAGE external, ALTER COLUMN note SET COMPRESSION pglz,
ALTER COLUMN note SET STATISTICS 200, ALTER COLUMN note SET (n_distinct = -0.5);
ALTER TABLE sample.thing SET (fillfactor = 90, toast.autovacuum_enabled = off);
ALTER TABLE sample.thing ADD CONSTRAINT thing_code_check CHECK (code <> '') NOT VALID;
COMMENT ON TABLE sample.thing IS 'A thing';
COMMENT ON COLUMN sample.thing.note IS 'A note';
COMMENT ON CONSTRAINT thing_amount_check ON sample.thing IS 'Nothing below zero';
GRANT SELECT ON sample.thing TO erp_reader WITH GRANT OPTION;
GRANT UPDATE (note) ON sample.thing TO erp_writer WITH GRANT OPTION;
GRANT USAGE ON SEQUENCE sample.thing_id_seq TO erp_writer;
CREATE INDEX thing_note_idx ON sample.thing USING btree (note COLLATE "C" text_pattern_ops DESC NULLS LAST, flag)
INCLUDE (code) WITH (fillfactor = 70) WHERE flag;
COMMENT ON INDEX sample.thing_note_idx IS 'For notes';
CREATE INDEX thing_lower_idx ON sample.thing (lower(name));
ALTER INDEX sample.thing_lower_idx ALTER COLUMN 1 SET STATISTICS 300;
CREATE INDEX thing_tags_idx ON sample.thing USING gin (tags);
CREATE INDEX thing_at_idx ON sample.thing USING brin (at) WITH (pages_per_range = 32);
CREATE UNIQUE INDEX thing_code_key ON sample.thing (code);
ALTER TABLE sample.thing CLUSTER ON thing_lower_idx;
CREATE STATISTICS sample.thing_stats (dependencies, ndistinct) ON name, note FROM sample.thing;
ALTER STATISTICS sample.thing_stats SET STATISTICS 50;
COMMENT ON STATISTICS sample.thing_stats IS 'They go together';
CREATE TRIGGER thing_touch BEFORE UPDATE OF name ON sample.thing FOR EACH ROW WHEN (new.flag)
EXECUTE FUNCTION sample.touch('a');
COMMENT ON TRIGGER thing_touch ON sample.thing IS 'Touches';
CREATE TRIGGER thing_after AFTER INSERT ON sample.thing REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION sample.touch();
CREATE TRIGGER thing_off BEFORE DELETE ON sample.thing FOR EACH ROW EXECUTE FUNCTION sample.touch();
ALTER TABLE sample.thing DISABLE TRIGGER thing_off;
CREATE CONSTRAINT TRIGGER thing_late AFTER INSERT ON sample.thing DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION sample.touch();

CREATE UNLOGGED TABLE sample.part (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    thing_id bigint,
    number integer NOT NULL,
    CONSTRAINT part_number_key UNIQUE (number),
    CONSTRAINT part_thing_key UNIQUE (id, thing_id)
);
ALTER TABLE sample.part REPLICA IDENTITY USING INDEX part_number_key;
CREATE UNLOGGED TABLE sample.link (
    part_id bigint,
    thing_id bigint,
    CONSTRAINT link_part_fkey FOREIGN KEY (part_id, thing_id) REFERENCES sample.part (id, thing_id) MATCH FULL
    ON UPDATE CASCADE ON DELETE SET NULL (thing_id) DEFERRABLE,
    CONSTRAINT link_thing_fkey FOREIGN KEY (thing_id) REFERENCES sample.thing (id) NOT VALID
);
ALTER TABLE sample.link REPLICA IDENTITY FULL;

ALTER TABLE sample.thing ENABLE ROW LEVEL SECURITY;
ALTER TABLE sample.thing FORCE ROW LEVEL SECURITY;
CREATE POLICY thing_all ON sample.thing USING (flag) WITH CHECK (flag);
COMMENT ON POLICY thing_all ON sample.thing IS 'Flagged ones';
CREATE POLICY thing_read ON sample.thing AS RESTRICTIVE FOR SELECT TO erp_reader, erp_writer USING (true);
CREATE POLICY thing_add ON sample.thing FOR INSERT TO erp_writer WITH CHECK (true);

CREATE TABLE sample.measure (id bigint NOT NULL, at date NOT NULL, value integer CHECK (value > 0))
PARTITION BY RANGE (at);
CREATE INDEX measure_value_idx ON sample.measure (value);
CREATE TABLE sample.measure_2026 PARTITION OF sample.measure FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE sample.measure_2027 PARTITION OF sample.measure FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')
PARTITION BY LIST (value);
CREATE TABLE sample.measure_other PARTITION OF sample.measure DEFAULT;
CREATE TABLE sample.base (id integer, CONSTRAINT base_check CHECK (id > 0));
CREATE RULE thing_rule AS ON INSERT TO sample.thing WHERE new.flag DO ALSO INSERT INTO sample.base VALUES (1);
COMMENT ON RULE thing_rule ON sample.thing IS 'Tells';
CREATE TABLE sample.derived (extra text) INHERITS (sample.base);
CREATE TABLE sample.typed OF sample.point;

CREATE VIEW sample.names WITH (security_barrier = true, check_option = local) AS
SELECT id, name, flag FROM sample.thing WHERE flag;
ALTER VIEW sample.names ALTER COLUMN name SET DEFAULT 'y';
COMMENT ON VIEW sample.names IS 'Names';
COMMENT ON COLUMN sample.names.name IS 'A name';
GRANT SELECT ON sample.names TO erp_reader;
CREATE TRIGGER names_insert INSTEAD OF INSERT ON sample.names FOR EACH ROW EXECUTE FUNCTION sample.touch();
CREATE MATERIALIZED VIEW sample.counts AS SELECT mood, count(*) AS n FROM sample.thing GROUP BY mood WITH NO DATA;
CREATE MATERIALIZED VIEW sample.sums AS SELECT mood, sum(amount) AS total FROM sample.thing GROUP BY mood;
COMMENT ON MATERIALIZED VIEW sample.sums IS 'Sums';
CREATE UNIQUE INDEX sums_mood_key ON sample.sums (mood);
CREATE FOREIGN TABLE sample.remote (id integer OPTIONS (column_name 'n'), name text) SERVER nowhere
OPTIONS (table_name 't');
COMMENT ON FOREIGN TABLE sample.remote IS 'Elsewhere';

CREATE SEQUENCE sample.numbers AS integer START 5 INCREMENT 2 MINVALUE 3 MAXVALUE 999 CACHE 4 CYCLE;
COMMENT ON SEQUENCE sample.numbers IS 'Numbers';

ALTER DEFAULT PRIVILEGES IN SCHEMA sample GRANT SELECT ON TABLES TO erp_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA sample GRANT USAGE ON SEQUENCES TO erp_writer WITH GRANT OPTION;

CREATE PUBLICATION things FOR TABLE sample.thing (id, name) WHERE (flag)
WITH (publish = 'insert, update');
COMMENT ON PUBLICATION things IS 'Things';
