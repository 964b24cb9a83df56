-- What erp_admin cannot make: run by hand after the migrations.
CREATE TYPE sample.shell;
COMMENT ON TYPE sample.shell IS 'Empty';
CREATE TYPE sample.raw;
CREATE FUNCTION sample.raw_in(cstring) RETURNS sample.raw LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION sample.raw_out(sample.raw) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE sample.raw (INPUT = sample.raw_in, OUTPUT = sample.raw_out, LIKE = text);
CREATE OPERATOR FAMILY sample.family USING btree;
COMMENT ON OPERATOR FAMILY sample.family USING btree IS 'A family';
CREATE OPERATOR CLASS sample.class FOR TYPE integer USING btree FAMILY sample.family AS OPERATOR 1 <;
COMMENT ON OPERATOR CLASS sample.class USING btree IS 'A class';
CREATE TEXT SEARCH PARSER sample.parser (
    START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype
);
COMMENT ON TEXT SEARCH PARSER sample.parser IS 'A parser';
CREATE TEXT SEARCH TEMPLATE sample.template (LEXIZE = dsimple_lexize);
COMMENT ON TEXT SEARCH TEMPLATE sample.template IS 'A template';
ALTER FUNCTION sample.several(integer) SUPPORT generate_series_int4_support;
ALTER FUNCTION sample.twice(integer) DEPENDS ON EXTENSION plpgsql;
ALTER DEFAULT PRIVILEGES FOR ROLE mallory IN SCHEMA sample GRANT SELECT ON TABLES TO mallory;
CREATE TABLE public.outside (id bigint, CONSTRAINT outside_id_fkey FOREIGN KEY (id) REFERENCES sample.thing (id));
COMMENT ON CONSTRAINT outside_id_fkey ON public.outside IS 'From outside';
CREATE PUBLICATION schemas FOR TABLES IN SCHEMA api_view;
CREATE SUBSCRIPTION copies CONNECTION 'dbname=nowhere' PUBLICATION something WITH (connect = false);
INSERT INTO pg_subscription_rel
SELECT oid, 'sample.part'::regclass, 'i', NULL FROM pg_subscription WHERE subname = 'copies';
