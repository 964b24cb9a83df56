# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the snapshot that is empty as long as nobody does anything unusual to the managed schemas.

Objects of kinds that no migration makes, and what somebody hangs onto a table from outside. They are read so that an
extra one is seen; where only a superuser can make one, its name, owner and comment are enough.
"""

from __future__ import annotations

# The same columns, and the same CTEs before them, as in catalog_query.
BRANCHES = r"""
    -- A foreign key of a table that is not looked at: it can keep rows of ours from being deleted.
    SELECT 'constraint', n.nspname, c.relname, k.conname, jsonb_build_object(
        'definition', pg_get_constraintdef(k.oid),
        'type', 'foreign key',
        'not_valid', CASE WHEN NOT k.convalidated THEN true END,
        'references', r.nspname || '.' || r.relname,
        'comment', obj_description(k.oid, 'pg_constraint'))
    FROM relation AS r JOIN pg_constraint AS k ON k.confrelid = r.oid
    JOIN pg_class AS c ON c.oid = k.conrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.oid NOT IN (SELECT m.oid FROM managed AS m)
  UNION ALL
    SELECT 'publication', '', NULL, p.pubname, jsonb_build_object(
        'owner', pg_get_userbyid(p.pubowner),
        'publishes', to_jsonb(ARRAY(SELECT w FROM unnest(ARRAY['insert', 'update', 'delete', 'truncate'],
            ARRAY[p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate]) AS u (w, yes) WHERE yes)),
        'all_tables', CASE WHEN p.puballtables THEN true END,
        'via_root', CASE WHEN p.pubviaroot THEN true END,
        'tables', t.tables, 'schemas', s.schemas, 'comment', obj_description(p.oid, 'pg_publication'))
    FROM pg_publication AS p,
    LATERAL (SELECT jsonb_object_agg(r.nspname || '.' || r.relname, jsonb_strip_nulls(jsonb_build_object(
            'columns', (SELECT jsonb_agg(a.attname ORDER BY a.attnum) FROM pg_attribute AS a
                WHERE a.attrelid = r.oid AND a.attnum = ANY (x.prattrs)),
            'where', pg_get_expr(x.prqual, x.prrelid)))) AS tables
        FROM pg_publication_rel AS x JOIN relation AS r ON r.oid = x.prrelid WHERE x.prpubid = p.oid) AS t,
    LATERAL (SELECT jsonb_agg(m.nspname ORDER BY m.nspname) AS schemas
        FROM pg_publication_namespace AS x JOIN managed AS m ON m.oid = x.pnnspid WHERE x.pnpubid = p.oid) AS s
    WHERE p.puballtables OR t.tables IS NOT NULL OR s.schemas IS NOT NULL
  UNION ALL
    SELECT 'subscription', r.nspname, r.relname, s.subname, jsonb_build_object('owner', pg_get_userbyid(s.subowner),
        'enabled', s.subenabled, 'publications', s.subpublications)
    FROM relation AS r JOIN pg_subscription_rel AS x ON x.srrelid = r.oid JOIN pg_subscription AS s ON s.oid = x.srsubid
  UNION ALL
    -- DROP EXTENSION takes it along, and pg_dump leaves out what is a member.
    SELECT 'dependency', '', NULL, i.type || ' ' || i.identity || ' on ' || e.extname,
        jsonb_build_object('type', CASE d.deptype WHEN 'e' THEN 'member' ELSE 'automatic' END)
    FROM pg_extension AS e JOIN pg_depend AS d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid,
    LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) AS i
    WHERE d.deptype IN ('e', 'x') AND coalesce(i.schema, i.name,
        (pg_identify_object_as_address(d.classid, d.objid, d.objsubid)).object_names[1]) = ANY (%(schemas)s)
  UNION ALL
    SELECT 'cast', '', NULL, format_type(c.castsource, NULL) || ' as ' || format_type(c.casttarget, NULL),
        jsonb_build_object('method', c.castmethod, 'context', c.castcontext,
            'function', nullif(c.castfunc, 0)::regprocedure, 'comment', obj_description(c.oid, 'pg_cast'))
    FROM pg_cast AS c JOIN pg_type AS s ON s.oid = c.castsource JOIN pg_type AS t ON t.oid = c.casttarget
    -- Numbers below are PostgreSQL's own.
    WHERE c.oid >= 16384 AND EXISTS (SELECT FROM managed AS m WHERE m.oid IN (s.typnamespace, t.typnamespace))
  UNION ALL
    SELECT 'shell type', m.nspname, NULL, t.typname, jsonb_build_object('owner', pg_get_userbyid(t.typowner),
        'comment', obj_description(t.oid, 'pg_type'))
    FROM managed AS m JOIN pg_type AS t ON t.typnamespace = m.oid WHERE t.typtype = 'p'
  UNION ALL
    -- Its locale stands in colliculocale until 16, in colllocale since 17.
    SELECT 'collation', m.nspname, NULL, c.collname, jsonb_build_object('owner', pg_get_userbyid(c.collowner),
        'definition', concat_ws(' ', c.collprovider, c.collisdeterministic, c.collcollate, c.collctype,
            to_jsonb(c) ->> 'colliculocale', to_jsonb(c) ->> 'colllocale'),
        'comment', obj_description(c.oid, 'pg_collation'))
    FROM managed AS m JOIN pg_collation AS c ON c.collnamespace = m.oid
  UNION ALL
    SELECT 'conversion', m.nspname, NULL, c.conname, jsonb_build_object('owner', pg_get_userbyid(c.conowner),
        'definition', concat_ws(' ', pg_encoding_to_char(c.conforencoding), 'to', pg_encoding_to_char(c.contoencoding),
            c.conproc), 'default', CASE WHEN c.condefault THEN true END,
        'comment', obj_description(c.oid, 'pg_conversion'))
    FROM managed AS m JOIN pg_conversion AS c ON c.connamespace = m.oid
  UNION ALL
    SELECT 'operator', m.nspname, NULL,
        format('%%s(%%s, %%s)', o.oprname, coalesce(format_type(nullif(o.oprleft, 0), NULL), 'NONE'),
            format_type(o.oprright, NULL)),
        jsonb_build_object('owner', pg_get_userbyid(o.oprowner), 'function', o.oprcode,
        'commutator', nullif(o.oprcom, 0)::regoperator, 'negator', nullif(o.oprnegate, 0)::regoperator,
        'restrict', nullif(o.oprrest, 0)::regproc, 'join', nullif(o.oprjoin, 0)::regproc,
        'merges', CASE WHEN o.oprcanmerge THEN true END, 'hashes', CASE WHEN o.oprcanhash THEN true END,
        'comment', obj_description(o.oid, 'pg_operator'))
    FROM managed AS m JOIN pg_operator AS o ON o.oprnamespace = m.oid
  UNION ALL
    SELECT 'operator class', m.nspname, NULL, o.opcname || ' using ' || a.amname, jsonb_build_object(
        'owner', pg_get_userbyid(o.opcowner), 'comment', obj_description(o.oid, 'pg_opclass'))
    FROM managed AS m JOIN pg_opclass AS o ON o.opcnamespace = m.oid JOIN pg_am AS a ON a.oid = o.opcmethod
  UNION ALL
    SELECT 'operator family', m.nspname, NULL, o.opfname || ' using ' || a.amname, jsonb_build_object(
        'owner', pg_get_userbyid(o.opfowner), 'comment', obj_description(o.oid, 'pg_opfamily'))
    FROM managed AS m JOIN pg_opfamily AS o ON o.opfnamespace = m.oid JOIN pg_am AS a ON a.oid = o.opfmethod
  UNION ALL
    SELECT 'text search configuration', m.nspname, NULL, c.cfgname, jsonb_build_object(
        'owner', pg_get_userbyid(c.cfgowner),
        'parser', (SELECT p.prsname FROM pg_ts_parser AS p WHERE p.oid = c.cfgparser),
        'mapping', (SELECT jsonb_agg(concat_ws(' ', x.maptokentype, x.mapdict::regdictionary)
            ORDER BY x.maptokentype, x.mapseqno) FROM pg_ts_config_map AS x WHERE x.mapcfg = c.oid),
        'comment', obj_description(c.oid, 'pg_ts_config'))
    FROM managed AS m JOIN pg_ts_config AS c ON c.cfgnamespace = m.oid
  UNION ALL
    SELECT 'text search dictionary', m.nspname, NULL, d.dictname, jsonb_build_object(
        'owner', pg_get_userbyid(d.dictowner), 'template', (SELECT t.tmplname FROM pg_ts_template AS t
            WHERE t.oid = d.dicttemplate), 'options', d.dictinitoption, 'comment', obj_description(d.oid, 'pg_ts_dict'))
    FROM managed AS m JOIN pg_ts_dict AS d ON d.dictnamespace = m.oid
  UNION ALL
    SELECT 'text search parser', m.nspname, NULL, p.prsname, jsonb_build_object(
        'comment', obj_description(p.oid, 'pg_ts_parser'))
    FROM managed AS m JOIN pg_ts_parser AS p ON p.prsnamespace = m.oid
  UNION ALL
    SELECT 'text search template', m.nspname, NULL, t.tmplname, jsonb_build_object(
        'comment', obj_description(t.oid, 'pg_ts_template'))
    FROM managed AS m JOIN pg_ts_template AS t ON t.tmplnamespace = m.oid
"""
