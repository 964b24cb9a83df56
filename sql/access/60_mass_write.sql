-- One request changes or deletes 200 rows at most: a filter that was forgotten must not be the end of a table. Neither
-- PostgREST nor its request check sees how many rows a request is about; a trigger does, once they are written, and
-- takes them back. It is about requests alone: who logs in with SQL knows what a statement without WHERE does, and has
-- a transaction to look before it commits.

CREATE OR REPLACE FUNCTION private.refuse_mass_write() RETURNS TRIGGER
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
    most CONSTANT bigint := 200;
BEGIN
    -- Only PostgREST logs in as the authenticator. What follows from a key counts as well (the tasks of a sprint).
    IF session_user = 'portfolio_authenticator' THEN
        IF (SELECT count(*) > most FROM (SELECT FROM touched LIMIT most + 1) AS t) THEN
            RAISE SQLSTATE 'PT400' USING
                MESSAGE = format('refused: more than %s rows in one request', most),
                HINT = 'Add a filter, or do it in parts.';
        END IF;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION private.refuse_mass_write() IS
'Trigger: refuses (400) a request that changes or deletes more than 200 rows.';

-- On every table that an API role may change. A trigger that is as it should be is not touched.
DO $$
DECLARE
    each record;
BEGIN
    FOR each IN
        WITH wanted AS (
            SELECT DISTINCT c.oid, format('%s_mass_%s', c.relname, lower(x.privilege_type)) AS name, format(
                'CREATE TRIGGER %I AFTER %s ON %s REFERENCING OLD TABLE AS touched FOR EACH STATEMENT '
                'EXECUTE FUNCTION private.refuse_mass_write()',
                format('%s_mass_%s', c.relname, lower(x.privilege_type)), x.privilege_type, c.oid::regclass
            ) AS definition
            FROM pg_class AS c
            INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
            CROSS JOIN LATERAL (
                SELECT t.grantee, t.privilege_type FROM aclexplode(c.relacl) AS t
                UNION
                SELECT k.grantee, k.privilege_type
                FROM pg_attribute AS a, aclexplode(a.attacl) AS k WHERE a.attrelid = c.oid
            ) AS x
            WHERE c.relkind IN ('r', 'p') AND n.nspname IN ('erp', 'agent')
                AND x.privilege_type IN ('UPDATE', 'DELETE') AND x.grantee <> c.relowner
        ), found AS (
            SELECT g.tgrelid AS oid, g.tgname::text AS name, pg_get_triggerdef(g.oid) AS definition, g.tgenabled
            FROM pg_trigger AS g WHERE g.tgfoid = 'private.refuse_mass_write()'::regprocedure
        )
        SELECT oid::regclass AS relation, name, w.definition, f.oid IS NOT NULL AS there
        FROM wanted AS w FULL JOIN found AS f USING (oid, name)
        WHERE (w.definition, 'O') IS DISTINCT FROM (f.definition, f.tgenabled::text)
        ORDER BY oid, name
    LOOP
        IF each.there THEN
            EXECUTE format('DROP TRIGGER %I ON %s', each.name, each.relation);
        END IF;
        IF each.definition IS NOT NULL THEN
            EXECUTE each.definition;
            EXECUTE format(
                'COMMENT ON TRIGGER %I ON %s IS ''Refuses a request about more than 200 rows.''', each.name, each.relation
            );
        END IF;
    END LOOP;
END
$$;
