-- The example rows (erp.yml, agent.yml) come and go through this function, which lives in the calling session only:
--   SELECT pg_temp.seed('{"erp.people": [{"id": -11, ...}], ...}', 'present');   -- or 'absent'
-- It answers what it did or why it did nothing: {changed, missing, foreign_rows, referring}; a refusal raises no error.
--
-- Ids are fixed and negative. Identity sequences begin at 1 and count upwards, so they never meet them: there is no
-- setval, which would leave a gap behind when the rows are removed again, and could set back the sequence of a table
-- in use. A negative id also says by itself, in any log, that the row is an example.

CREATE FUNCTION pg_temp.seed(wanted JSONB, state TEXT) RETURNS JSONB
LANGUAGE plpgsql
-- Names of tables are then printed with their schema.
SET search_path = pg_catalog
-- A table that somebody holds locked is an error after a while, not a wait without end.
SET lock_timeout = '10s'
AS $$
DECLARE
    missing text[] := ARRAY(
        SELECT name FROM jsonb_object_keys(wanted) AS name WHERE to_regclass(name) IS NULL ORDER BY 1
    );
    foreign_rows text[] := '{}';
    referring text[] := '{}';
    changed bigint := 0;
    part record;
    seeded text;
    names text[];
BEGIN
    IF missing <> '{}' THEN
        RETURN jsonb_build_object(
            'changed', 0, 'missing', missing, 'foreign_rows', foreign_rows, 'referring', referring
        );
    END IF;

    -- What is found below stays true until the end of the transaction; readers are not held up.
    EXECUTE (
        SELECT format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', string_agg(name, ', ' ORDER BY name))
        FROM jsonb_object_keys(wanted) AS name
    );

    -- Every table with its primary key, the columns that are given, and its rows of the seed as a query.
    CREATE TEMPORARY TABLE seed_tables ON COMMIT DROP AS
    SELECT
        t.name,
        k.key,
        (SELECT string_agg(quote_ident(c), ', ') FROM jsonb_object_keys(wanted -> t.name -> 0) AS c) AS given,
        format('jsonb_populate_recordset(NULL::%s, $1 -> %L)', t.name, t.name) AS rows,
        format('(%s) IN (SELECT %1$s FROM jsonb_populate_recordset(NULL::%s, $1 -> %L))', k.key, t.name, t.name)
            AS is_seeded
    FROM jsonb_object_keys(wanted) AS t (name)
    CROSS JOIN LATERAL (
        SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS key
        FROM pg_index AS i
        INNER JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
        WHERE i.indrelid = t.name::regclass AND i.indisprimary
    ) AS k;

    IF state = 'present' THEN
        FOR part IN SELECT * FROM pg_temp.seed_tables ORDER BY name LOOP
            EXECUTE format('SELECT ARRAY(SELECT %L FROM %s WHERE NOT %s LIMIT 1)', part.name, part.name, part.is_seeded)
            INTO names USING wanted;
            foreign_rows := foreign_rows || names;
        END LOOP;
    ELSE
        -- By a foreign key, from any schema, or by a pair like subject_type and subject_id, which has none: its ids
        -- are compared with all of the seed's, whose ids are unique over all tables.
        FOR part IN
            SELECT
                c.conrelid::regclass::text AS child,
                string_agg(quote_ident(a.attname), ', ' ORDER BY u.n) AS columns,
                format('SELECT %s FROM %s', string_agg(quote_ident(f.attname), ', ' ORDER BY u.n), p.rows) AS targets
            FROM pg_constraint AS c
            INNER JOIN pg_temp.seed_tables AS p ON c.confrelid = p.name::regclass
            CROSS JOIN LATERAL unnest(c.conkey, c.confkey) WITH ORDINALITY AS u (own, other, n)
            INNER JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = u.own
            INNER JOIN pg_attribute AS f ON f.attrelid = c.confrelid AND f.attnum = u.other
            WHERE c.contype = 'f'
            GROUP BY c.oid, c.conrelid, p.rows
            UNION ALL
            SELECT
                t.name,
                quote_ident(a.attname),
                'SELECT (r.value ->> ''id'')::bigint FROM jsonb_each($1) AS e, jsonb_array_elements(e.value) AS r'
            FROM pg_temp.seed_tables AS t
            INNER JOIN pg_attribute AS a ON a.attrelid = t.name::regclass
            WHERE a.atttypid = 'bigint'::regtype AND a.attname LIKE '%\_id' AND NOT EXISTS (
                SELECT FROM pg_constraint AS c
                WHERE c.conrelid = a.attrelid AND c.contype = 'f' AND a.attnum = ANY (c.conkey)
            )
            ORDER BY 1, 2
        LOOP
            SELECT format(' AND NOT %s', t.is_seeded) INTO seeded FROM pg_temp.seed_tables AS t
            WHERE t.name = part.child;
            EXECUTE format(
                'SELECT ARRAY(SELECT concat(%L, to_jsonb(t) ->> ''id'', %L, concat_ws('', '', %s), '')'')'
                ' FROM %s AS t WHERE (%s) IN (%s)%s LIMIT 5)',
                part.child || ' ', format(' (%s ', part.columns), part.columns, part.child, part.columns, part.targets,
                coalesce(seeded, '')
            ) INTO names USING wanted;
            referring := referring || names;
        END LOOP;
    END IF;

    IF foreign_rows = '{}' AND referring = '{}' THEN
        -- One statement for all tables: keys are checked at its end, so no order is right or wrong, and events and
        -- facts may refer to each other. What is there already is left alone, also where it was edited.
        EXECUTE (
            SELECT format(
                'WITH %s SELECT %s',
                string_agg(format('%I AS (%s RETURNING 1)', t.name, CASE state
                    WHEN 'present' THEN format(
                        'INSERT INTO %s (%s) SELECT %2$s FROM %s WHERE (%s) NOT IN (SELECT %4$s FROM %1$s)',
                        t.name, t.given, t.rows, t.key
                    )
                    ELSE format('DELETE FROM %s WHERE %s', t.name, t.is_seeded)
                END), ', '),
                string_agg(format('(SELECT count(*) FROM %I)', t.name), ' + ')
            )
            FROM pg_temp.seed_tables AS t
        ) INTO changed USING wanted;
    END IF;
    DROP TABLE pg_temp.seed_tables;
    RETURN jsonb_build_object(
        'changed', changed, 'missing', missing, 'foreign_rows', foreign_rows, 'referring', referring
    );
END
$$;
