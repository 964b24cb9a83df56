# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one query that reads everything in the managed schemas; it needs no superuser and never reads pg_authid.

Every branch returns kind, schema, parent, name, attributes. A null attribute means "as usual" and is left out, so that
a line of a report shows only what matters. Access lists are read with their built-in default in place of null.
"""

from __future__ import annotations

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import catalog_query_rare

# Those that are managed, unless a task names others.
SCHEMAS = ("erp", "agent", "private", "api_view")
_COMMON = r"""
WITH managed AS MATERIALIZED (
    SELECT n.oid, n.nspname, n.nspowner, n.nspacl FROM pg_namespace AS n WHERE n.nspname = ANY (%(schemas)s)
), relation AS MATERIALIZED (
    SELECT c.*, m.nspname FROM pg_class AS c JOIN managed AS m ON m.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c', 'i', 'I')
), routine AS MATERIALIZED (
    SELECT p.*, m.nspname, p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS signature
    FROM pg_proc AS p JOIN managed AS m ON m.oid = p.pronamespace
), found (kind, schema, parent, name, attributes) AS (
    -- Of public only who may do what in it: everybody may look into it, so a right given there concerns everybody.
    -- As text here, and so in all branches: what is of type name ends after 63 characters, and signatures are longer.
    SELECT 'schema', m.nspname, NULL::text, m.nspname::text, jsonb_build_object(
        'owner', pg_get_userbyid(m.nspowner),
        'acl', coalesce(m.nspacl, acldefault('n', m.nspowner))::text[],
        'comment', CASE WHEN m.nspname = ANY (%(schemas)s) THEN obj_description(m.oid, 'pg_namespace') END)
    FROM pg_namespace AS m WHERE m.nspname = ANY (%(schemas)s) OR m.nspname = 'public'
  UNION ALL
    SELECT CASE r.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view'
            WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
            WHEN 'c' THEN 'composite type' ELSE 'sequence' END,
        r.nspname, NULL, r.relname, jsonb_build_object(
        'owner', pg_get_userbyid(r.relowner),
        'acl', coalesce(r.relacl,
            acldefault(CASE WHEN r.relkind = 'S' THEN 's' ELSE 'r' END::"char", r.relowner))::text[],
        'comment', (SELECT c.description FROM pg_description AS c
            WHERE c.objoid = r.oid AND c.classoid = 'pg_class'::regclass AND c.objsubid = 0),
        'definition', CASE WHEN r.relkind IN ('v', 'm') THEN pg_get_viewdef(r.oid) END,
        -- What INSERT without a list of columns goes by; a column that was dropped and made again stands last.
        'column_order', CASE WHEN r.relkind NOT IN ('v', 'm', 'S') THEN (SELECT jsonb_agg(a.attname ORDER BY a.attnum)
            FROM pg_attribute AS a WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped) END,
        'partition', CASE WHEN r.relkind = 'p' THEN pg_get_partkeydef(r.oid)
            WHEN r.relispartition THEN pg_get_expr(r.relpartbound, r.oid) END,
        'bound', CASE WHEN r.relkind = 'p' AND r.relispartition THEN pg_get_expr(r.relpartbound, r.oid) END,
        'of_type', CASE WHEN r.reloftype <> 0 THEN format_type(r.reloftype, NULL) END,
        'unpopulated', CASE WHEN NOT r.relispopulated THEN true END,
        'persistence', CASE r.relpersistence WHEN 'u' THEN 'unlogged' WHEN 't' THEN 'temporary' END,
        'row_security', CASE WHEN r.relrowsecurity THEN true END,
        'force_row_security', CASE WHEN r.relforcerowsecurity THEN true END,
        'replica_identity', CASE WHEN r.relkind IN ('r', 'p') THEN nullif(r.relreplident, 'd') END,
        'options', r.reloptions,
        'toast_options', (SELECT t.reloptions FROM pg_class AS t WHERE t.oid = r.reltoastrelid),
        'method', (SELECT a.amname FROM pg_am AS a WHERE a.oid = r.relam AND a.amname <> 'heap'),
        'tablespace', (SELECT t.spcname FROM pg_tablespace AS t WHERE t.oid = r.reltablespace),
        'inherits', (SELECT jsonb_agg(i.inhparent::regclass::text ORDER BY i.inhseqno)
            FROM pg_inherits AS i WHERE i.inhrelid = r.oid),
        'detach_pending', (SELECT true FROM pg_inherits AS i WHERE i.inhrelid = r.oid AND i.inhdetachpending),
        -- Children in a schema that is not looked at: a query of the table returns their rows.
        'inherited_by', CASE WHEN r.relhassubclass THEN (SELECT jsonb_agg(i.inhrelid::regclass::text
            ORDER BY i.inhrelid::regclass::text) FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
            WHERE i.inhparent = r.oid AND c.relnamespace NOT IN (SELECT m.oid FROM managed AS m)) END,
        'server', (SELECT s.srvname FROM pg_foreign_table AS f JOIN pg_foreign_server AS s ON s.oid = f.ftserver
            WHERE f.ftrelid = r.oid),
        'foreign_options', (SELECT f.ftoptions FROM pg_foreign_table AS f WHERE f.ftrelid = r.oid),
        -- A table is a type as well, with rights and a comment of its own.
        'type_acl', CASE WHEN t.typacl IS NOT NULL THEN nullif(
            ARRAY(SELECT u::text FROM unnest(t.typacl) AS u ORDER BY u::text),
            ARRAY(SELECT u::text FROM unnest(acldefault('T', t.typowner)) AS u ORDER BY u::text)) END,
        'type_comment', CASE WHEN r.reltype <> 0 THEN obj_description(r.reltype, 'pg_type') END,
        'sequence', (SELECT format('%%s start %%s increment %%s min %%s max %%s cache %%s%%s',
            format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
            CASE WHEN s.seqcycle THEN ' cycle' ELSE '' END)
            FROM pg_sequence AS s WHERE s.seqrelid = r.oid),
        'owned_by', (SELECT d.refobjid::regclass || '.' || a.attname FROM pg_depend AS d
            JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
            WHERE r.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.deptype IN ('a', 'i')
            AND d.refclassid = 'pg_class'::regclass))
    FROM relation AS r LEFT JOIN pg_type AS t ON t.oid = r.reltype WHERE r.relkind NOT IN ('i', 'I')
  UNION ALL
    SELECT 'column', r.nspname, r.relname, a.attname, jsonb_build_object(
        'type', format_type(a.atttypid, a.atttypmod),
        'not_null', CASE WHEN a.attnotnull THEN true END,
        'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
        'generated', CASE WHEN a.attgenerated = 's' THEN 'stored' END,
        'expression', CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END,
        'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END,
        'storage', CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage WHEN 'p' THEN 'plain'
            WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END END,
        'compression', CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,
        'collation', CASE WHEN a.attcollation <> t.typcollation
            THEN (SELECT l.collname FROM pg_collation AS l WHERE l.oid = a.attcollation) END,
        'collation_schema', CASE WHEN a.attcollation <> t.typcollation
            THEN (SELECT nullif(l.collnamespace::regnamespace::text, 'pg_catalog')
            FROM pg_collation AS l WHERE l.oid = a.attcollation) END,
        -- A null since 17, -1 before; other options (Debian's pg_attver) differ between minor versions.
        'statistics', nullif(a.attstattarget, -1),
        'options', CASE WHEN a.attoptions IS NOT NULL THEN (SELECT jsonb_agg(o ORDER BY o)
            FROM unnest(a.attoptions) AS o WHERE o LIKE 'n_distinct%%') END,
        'foreign_options', a.attfdwoptions,
        'inherited', CASE WHEN a.attinhcount > 0 THEN CASE WHEN a.attislocal THEN 'and local' ELSE 'only' END END,
        'acl', a.attacl::text[],
        'comment', (SELECT c.description FROM pg_description AS c
            WHERE c.objoid = r.oid AND c.classoid = 'pg_class'::regclass AND c.objsubid = a.attnum))
    FROM relation AS r JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type AS t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef AS d ON d.adrelid = r.oid AND d.adnum = a.attnum
    WHERE r.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
  UNION ALL
    SELECT 'constraint', r.nspname, r.relname, k.conname, jsonb_build_object(
        'definition', pg_get_constraintdef(k.oid),
        'type', CASE k.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' WHEN 'f' THEN 'foreign key'
            WHEN 'c' THEN 'check' WHEN 'x' THEN 'exclude' WHEN 't' THEN 'trigger' ELSE k.contype::text END,
        'not_valid', CASE WHEN NOT k.convalidated THEN true END,
        'columns', (SELECT jsonb_agg(a.attname ORDER BY u.place)
            FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place)
            JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.number),
        'references', CASE WHEN k.contype = 'f' THEN (SELECT g.nspname || '.' || f.relname FROM pg_class AS f
            JOIN pg_namespace AS g ON g.oid = f.relnamespace WHERE f.oid = k.confrelid) END,
        'inherited', CASE WHEN k.coninhcount > 0 THEN CASE WHEN k.conislocal THEN 'and local' ELSE 'only' END END,
        'comment', (SELECT c.description FROM pg_description AS c
            WHERE c.objoid = k.oid AND c.classoid = 'pg_constraint'::regclass AND c.objsubid = 0))
    FROM relation AS r JOIN pg_constraint AS k ON k.conrelid = r.oid WHERE k.contype <> 'n'
  UNION ALL
    SELECT 'index', r.nspname, r.relname, x.relname, jsonb_build_object(
        'definition', pg_get_indexdef(i.indexrelid),
        'unique', CASE WHEN i.indisunique THEN true END,
        'primary', CASE WHEN i.indisprimary THEN true END,
        'invalid', CASE WHEN NOT (i.indisvalid AND i.indisready AND i.indislive) THEN true END,
        'clustered', CASE WHEN i.indisclustered THEN true END,
        'replica_identity', CASE WHEN i.indisreplident THEN true END,
        'columns', (SELECT jsonb_agg(a.attname ORDER BY u.place)
            FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS u (number, place)
            LEFT JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum = u.number AND u.number <> 0
            WHERE u.place <= i.indnkeyatts),
        'predicate', pg_get_expr(i.indpred, i.indrelid),
        'owner', CASE WHEN x.relowner <> r.relowner THEN pg_get_userbyid(x.relowner) END,
        'tablespace', CASE WHEN x.reltablespace <> 0
            THEN (SELECT t.spcname FROM pg_tablespace AS t WHERE t.oid = x.reltablespace) END,
        'inherits', CASE WHEN x.relispartition
            THEN (SELECT p.inhparent::regclass::text FROM pg_inherits AS p WHERE p.inhrelid = x.oid) END,
        -- Only an expression has a target of its own.
        'statistics', CASE WHEN i.indexprs IS NOT NULL THEN (SELECT jsonb_object_agg(a.attnum, a.attstattarget)
            FROM pg_attribute AS a WHERE a.attrelid = x.oid AND a.attstattarget <> -1) END,
        'comment', (SELECT c.description FROM pg_description AS c
            WHERE c.objoid = x.oid AND c.classoid = 'pg_class'::regclass AND c.objsubid = 0))
    FROM relation AS r JOIN pg_index AS i ON i.indrelid = r.oid JOIN pg_class AS x ON x.oid = i.indexrelid
  UNION ALL
    -- The triggers behind a foreign key are only named when somebody switched them off.
    SELECT 'trigger', r.nspname, r.relname,
        CASE WHEN g.tgisinternal THEN 'behind ' || CASE WHEN k.conrelid = r.oid THEN '' ELSE k.conrelid::regclass || '.'
            END || k.conname || ' ' || g.tgfoid::regproc ELSE g.tgname END,
        jsonb_build_object(
        'definition', CASE WHEN NOT g.tgisinternal THEN pg_get_triggerdef(g.oid) END,
        'function', CASE WHEN NOT g.tgisinternal THEN (SELECT n.nspname || '.' || p.proname FROM pg_proc AS p
            JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE p.oid = g.tgfoid) END,
        'state', CASE g.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END,
        'comment', obj_description(g.oid, 'pg_trigger'))
    FROM relation AS r JOIN pg_trigger AS g ON g.tgrelid = r.oid LEFT JOIN pg_constraint AS k ON k.oid = g.tgconstraint
    WHERE NOT g.tgisinternal OR g.tgenabled <> 'O'
  UNION ALL
    SELECT 'policy', r.nspname, r.relname, p.polname, jsonb_build_object(
        'command', CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update'
            WHEN 'd' THEN 'delete' ELSE 'all' END,
        'restrictive', CASE WHEN NOT p.polpermissive THEN true END,
        'roles', (SELECT jsonb_agg(named.role ORDER BY named.role) FROM (
            SELECT CASE u WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(u) END AS role
            FROM unnest(p.polroles) AS u) AS named),
        'using', pg_get_expr(p.polqual, p.polrelid),
        'check', pg_get_expr(p.polwithcheck, p.polrelid),
        'comment', obj_description(p.oid, 'pg_policy'))
    FROM relation AS r JOIN pg_policy AS p ON p.polrelid = r.oid
  UNION ALL
    SELECT 'rule', r.nspname, r.relname, w.rulename, jsonb_build_object(
        'definition', pg_get_ruledef(w.oid), 'state', nullif(w.ev_enabled, 'O'),
        'comment', obj_description(w.oid, 'pg_rewrite'))
    FROM relation AS r JOIN pg_rewrite AS w ON w.ev_class = r.oid WHERE w.rulename <> '_RETURN'
  UNION ALL
    SELECT 'statistics', m.nspname, NULL, e.stxname, jsonb_build_object(
        'definition', pg_get_statisticsobjdef(e.oid), 'owner', pg_get_userbyid(e.stxowner),
        'target', nullif(e.stxstattarget, -1), 'comment', obj_description(e.oid, 'pg_statistic_ext'))
    FROM managed AS m JOIN pg_statistic_ext AS e ON e.stxnamespace = m.oid
  UNION ALL
    SELECT CASE WHEN p.prokind = 'p' THEN 'procedure' WHEN p.prokind = 'a' THEN 'aggregate' ELSE 'function' END,
        p.nspname, NULL, p.signature, jsonb_build_object(
        'definition', CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) ELSE pg_get_function_result(p.oid) END,
        'aggregate', CASE WHEN p.prokind = 'a' THEN (
            SELECT to_jsonb(g) - '{aggfnoid,aggsortop,aggtranstype,aggmtranstype}'::text[] || jsonb_build_object(
                'sort', nullif(g.aggsortop, 0)::regoperator, 'state', format_type(g.aggtranstype, NULL),
                'moving_state', format_type(nullif(g.aggmtranstype, 0), NULL))
            FROM pg_aggregate AS g WHERE g.aggfnoid = p.oid) END,
        'settings', p.proconfig,
        'security_definer', CASE WHEN p.prosecdef THEN true END,
        'owner', pg_get_userbyid(p.proowner),
        'acl', coalesce(p.proacl, acldefault('f', p.proowner))::text[],
        'comment', obj_description(p.oid, 'pg_proc'))
    FROM routine AS p
  UNION ALL
    SELECT 'type', m.nspname, NULL, t.typname, jsonb_build_object(
        'definition', CASE t.typtype
            WHEN 'e' THEN (SELECT 'enum (' || string_agg(quote_literal(e.enumlabel), ', '
                ORDER BY e.enumsortorder) || ')' FROM pg_enum AS e WHERE e.enumtypid = t.oid)
            WHEN 'd' THEN 'domain ' || format_type(t.typbasetype, t.typtypmod)
                || CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END
                || coalesce(' DEFAULT ' || t.typdefault, '')
                -- NOT NULL is a constraint as well since 17.
                || coalesce((SELECT string_agg(' ' || k.conname || ' ' || pg_get_constraintdef(k.oid), ''
                    ORDER BY k.conname) FROM pg_constraint AS k WHERE k.contypid = t.oid AND k.contype <> 'n'), '')
            WHEN 'r' THEN 'range of '
                || (SELECT format_type(g.rngsubtype, NULL) FROM pg_range AS g WHERE g.rngtypid = t.oid)
            ELSE 'base' END,
        'collation', CASE WHEN t.typtype = 'd' AND t.typcollation <> (SELECT b.typcollation FROM pg_type AS b
            WHERE b.oid = t.typbasetype) THEN t.typcollation::regcollation END,
        'constraint_comments', (SELECT jsonb_object_agg(k.conname, k.comment) FROM (
            SELECT c.conname, obj_description(c.oid, 'pg_constraint') AS comment FROM pg_constraint AS c
            WHERE c.contypid = t.oid) AS k WHERE k.comment IS NOT NULL),
        'range', (SELECT concat_ws(' ', c.opcname, g.rngmultitypid::regtype, nullif(g.rngcollation, 0)::regcollation,
                nullif(g.rngcanonical, 0)::regproc, nullif(g.rngsubdiff, 0)::regproc)
            FROM pg_range AS g JOIN pg_opclass AS c ON c.oid = g.rngsubopc WHERE g.rngtypid = t.oid),
        'owner', pg_get_userbyid(t.typowner),
        'acl', coalesce(t.typacl, acldefault('T', t.typowner))::text[],
        'comment', obj_description(t.oid, 'pg_type'))
    FROM managed AS m JOIN pg_type AS t ON t.typnamespace = m.oid
    WHERE t.typtype IN ('e', 'd', 'r', 'b') AND t.typcategory <> 'A'
  UNION ALL
    SELECT 'default privileges', coalesce(m.nspname, ''), NULL,
        format('%%s for %%s', CASE a.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences'
            WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' ELSE 'schemas' END, pg_get_userbyid(a.defaclrole)),
        jsonb_build_object('acl', a.defaclacl::text[])
    FROM pg_default_acl AS a LEFT JOIN managed AS m ON m.oid = a.defaclnamespace
    WHERE m.oid IS NOT NULL OR (a.defaclnamespace = 0 AND pg_get_userbyid(a.defaclrole) = current_user)
  UNION ALL
    -- Not by its name, so that a restored copy under another name has the same fingerprint.
    SELECT 'database', '', NULL, 'this', jsonb_build_object(
        'owner', pg_get_userbyid(d.datdba), 'acl', coalesce(d.datacl, acldefault('d', d.datdba))::text[])
    FROM pg_database AS d WHERE d.datname = current_database()
  UNION ALL
    SELECT 'extension', '', NULL, e.extname, jsonb_build_object(
        'version', e.extversion, 'schema', e.extnamespace::regnamespace::text)
    FROM pg_extension AS e
"""
_END = """)
SELECT kind, schema, parent, name, jsonb_strip_nulls(attributes) FROM found
"""
SNAPSHOT = _COMMON + "  UNION ALL" + catalog_query_rare.BRANCHES + _END
# How many tables each schema has, of the catalog alone: who asks may read no table.
TABLES = """
SELECT n.nspname, count(*)
FROM pg_catalog.pg_class AS c INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' GROUP BY n.nspname
"""
