-- Which rows the rights of 30_grants.sql are about. Who has a right to a table has it to all its rows, but for
-- agent_client, who has it to the rows of one client: the one that its token names. erp_admin owns the tables and is
-- not bound by this.
--
-- There is one policy for each table and command, and one more for agent_client; each names its roles. They follow from
-- the rights, so a table that gets its rights there gets its policies here, and one without rights stays closed. A
-- policy that is as it should be is not touched: making one locks its table against everybody.

-- 1. On everywhere, also where nobody has a right.
DO $$
DECLARE
    each record;
BEGIN
    FOR each IN
        SELECT c.oid::regclass AS name FROM pg_class AS c
        INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND n.nspname IN ('erp', 'agent', 'private') AND NOT c.relrowsecurity
        ORDER BY c.oid
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', each.name);
    END LOOP;
END
$$;

-- 2. The policies.
DO $$
DECLARE
    everything CONSTANT text[] := ARRAY['erp_reader', 'erp_writer', 'agent_service', 'agent_viewer'];
    ours CONSTANT text[] := everything || ARRAY['portfolio_authenticator', 'agent_client', 'erp_monitor', 'PUBLIC'];
    each record;
BEGIN
    FOR each IN
        WITH granted AS (
            -- A right to some columns is one too.
            SELECT c.oid, c.relname, r.rolname::text, x.privilege_type AS command FROM pg_class AS c
            INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
            CROSS JOIN LATERAL (
                SELECT t.grantee, t.privilege_type FROM aclexplode(c.relacl) AS t
                UNION
                SELECT k.grantee, k.privilege_type
                FROM pg_attribute AS a, aclexplode(a.attacl) AS k WHERE a.attrelid = c.oid
            ) AS x
            INNER JOIN pg_roles AS r ON r.oid = x.grantee
            WHERE c.relkind IN ('r', 'p') AND n.nspname IN ('erp', 'agent')
                AND x.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
        ), scoped AS (
            -- Whose a row is. As PostgreSQL writes it down, because it is compared with that; a subquery is asked once
            -- for a query and not once for a row.
            SELECT s.oid, s.claim_column, CASE WHEN s.claim_column = 'client_id'
                THEN '(client_id = ( SELECT private.claim(''client_id''::text) AS claim))'
                ELSE '(client_person_id = ( SELECT private.claimed_id(''person_id''::text) AS claimed_id))' END AS mine
            FROM (VALUES
                ('agent.client_profiles'::regclass::oid, 'client_id'),
                ('agent.events'::regclass, 'client_id'),
                ('agent.facts'::regclass, 'client_id'),
                ('agent.memory_entries'::regclass, 'client_id'),
                ('agent.plans'::regclass, 'client_id'),
                ('agent.reflections'::regclass, 'client_person_id'),
                ('agent.scheduler_runs'::regclass, 'client_id'),
                ('agent.sessions'::regclass, 'client_person_id'),
                ('agent.working_state'::regclass, 'client_id')
            ) AS s (oid, claim_column)
        ), hung AS (
            -- A key is checked without row security: what a new row of a client hangs on must be the client's as well.
            -- Later it cannot be changed.
            SELECT s.oid, string_agg(format(
                '((%1$I IS NULL) OR (EXISTS ( SELECT FROM %2$s parent WHERE (parent.id = %3$I.%1$I))))',
                a.attname, k.confrelid::regclass, c.relname
            ), ' AND ' ORDER BY k.conname) AS parents
            FROM scoped AS s
            INNER JOIN pg_class AS c ON c.oid = s.oid
            INNER JOIN pg_constraint AS k ON k.conrelid = s.oid AND k.contype = 'f'
            INNER JOIN scoped AS p ON p.oid = k.confrelid
            INNER JOIN pg_attribute AS a ON a.attrelid = s.oid AND k.conkey = ARRAY[a.attnum]
            GROUP BY s.oid
        ), ruled AS (
            SELECT g.oid, format('%s_%s', g.relname, lower(g.command)) AS name, g.command,
                array_agg(g.rolname ORDER BY g.rolname) AS roles, 'true' AS seen, 'true' AS written,
                'All rows.' AS comment
            FROM granted AS g WHERE g.rolname = ANY (everything)
            GROUP BY g.oid, g.relname, g.command
            UNION ALL
            SELECT g.oid, format('%s_client_%s', g.relname, lower(g.command)), g.command, ARRAY[g.rolname],
                s.mine, CASE WHEN h.oid IS NULL THEN s.mine ELSE format('(%s AND %s)', s.mine, h.parents) END,
                'Rows of the client that the token names.'
            FROM granted AS g
            INNER JOIN scoped AS s ON s.oid = g.oid
            LEFT JOIN hung AS h ON h.oid = g.oid AND g.command = 'INSERT'
            WHERE g.rolname = 'agent_client'
        ), wanted AS (
            SELECT r.oid, r.name, r.command, r.roles, r.comment,
                CASE WHEN r.command <> 'INSERT' THEN r.seen END AS seen,
                CASE WHEN r.command IN ('INSERT', 'UPDATE') THEN r.written END AS written
            FROM ruled AS r
        ), found AS (
            SELECT p.polrelid AS oid, p.polname::text AS name, p.polpermissive AS permissive,
                CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                    ELSE 'ALL' END AS command,
                ARRAY(SELECT CASE o WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(o)::text END
                    FROM unnest(p.polroles) AS o ORDER BY 1) AS roles,
                regexp_replace(pg_get_expr(p.polqual, p.polrelid), '\s+', ' ', 'g') AS seen,
                regexp_replace(pg_get_expr(p.polwithcheck, p.polrelid), '\s+', ' ', 'g') AS written,
                obj_description(p.oid, 'pg_policy') AS comment
            FROM pg_policy AS p
            INNER JOIN pg_class AS c ON c.oid = p.polrelid
            INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname IN ('erp', 'agent')
        )
        SELECT oid::regclass AS relation, name, w.command, w.roles, w.seen, w.written, w.comment,
            f.oid IS NOT NULL AS there, w.oid IS NOT NULL AS wanted
        FROM wanted AS w FULL JOIN found AS f USING (oid, name)
        -- What shows rows to one of our roles and does not stand here goes. What hides some, and what is about somebody
        -- else's role, is left: a run names it.
        WHERE w.oid IS NULL AND f.permissive AND f.roles && ours
            OR w.oid IS NOT NULL
            AND (w.command, w.roles, w.seen, w.written, w.comment, TRUE)
            IS DISTINCT FROM (f.command, f.roles, f.seen, f.written, f.comment, f.permissive)
        ORDER BY oid, name
    LOOP
        IF each.there THEN
            EXECUTE format('DROP POLICY %I ON %s', each.name, each.relation);
        END IF;
        IF each.wanted THEN
            EXECUTE format('CREATE POLICY %I ON %s FOR %s TO %s', each.name, each.relation, each.command,
                (SELECT string_agg(quote_ident(r), ', ') FROM unnest(each.roles) AS r))
            || coalesce(' USING (' || each.seen || ')', '') || coalesce(' WITH CHECK (' || each.written || ')', '');
            EXECUTE format('COMMENT ON POLICY %I ON %s IS %L', each.name, each.relation, each.comment);
        END IF;
    END LOOP;
END
$$;
