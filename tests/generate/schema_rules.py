# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of asserts.py as queries over PostgreSQL's catalog; each shows what violates its rule, by name.

{managed} stands for the list of managed schemas. A test breaks rule after rule and compares with what asserts.py says.
"""

from __future__ import annotations

_TABLE = "c.relkind IN ('r', 'p') AND c.relnamespace::regnamespace::text IN {managed}"

EVERY_TABLE = {
    "primary_key": f"""
SELECT c.oid::regclass FROM pg_class AS c
WHERE {_TABLE}
AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conrelid = c.oid AND k.contype = 'p')""",
    "comment": f"""
SELECT c.oid::regclass FROM pg_class AS c
WHERE {_TABLE}
AND obj_description(c.oid, 'pg_class') IS NULL""",
    # Served by a valid index over all rows that begins with the key's columns, in any order.
    "fk_indexed": """
SELECT format('%s %s', k.conrelid::regclass, k.conname) FROM pg_constraint AS k
WHERE k.contype = 'f' AND k.connamespace::regnamespace::text IN {managed}
AND NOT EXISTS (
    SELECT FROM pg_index AS i
    WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indisready AND i.indislive AND i.indpred IS NULL
    AND i.indnkeyatts >= cardinality(k.conkey)
    AND (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey
)""",
    "updated_at_trigger": f"""
SELECT c.oid::regclass FROM pg_class AS c
INNER JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'updated_at' AND NOT a.attisdropped
WHERE {_TABLE}
AND NOT EXISTS (
    SELECT FROM pg_trigger AS g
    INNER JOIN pg_proc AS p ON p.oid = g.tgfoid
    WHERE g.tgrelid = c.oid AND g.tgenabled = 'O' AND NOT g.tgisinternal
    AND strpos(p.proname, 'updated_at') > 0 AND strpos(pg_get_triggerdef(g.oid), ' BEFORE UPDATE ') > 0
)""",
    "row_security": f"""
SELECT c.oid::regclass FROM pg_class AS c
WHERE {_TABLE}
AND NOT c.relrowsecurity""",
    "policy": f"""
SELECT c.oid::regclass FROM pg_class AS c
WHERE {_TABLE}
AND NOT EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid)""",
}

OWNER = f"""
SELECT format('%s belongs to %s', c.oid::regclass, pg_get_userbyid(c.relowner)) FROM pg_class AS c
WHERE {_TABLE}
AND pg_get_userbyid(c.relowner) <> {{owner}}"""

NONE = {
    "invalid_index": """
SELECT i.indexrelid::regclass FROM pg_index AS i
INNER JOIN pg_class AS c ON c.oid = i.indrelid
WHERE c.relnamespace::regnamespace::text IN {managed}
AND NOT (i.indisvalid AND i.indisready AND i.indislive)""",
    "unvalidated_constraint": """
SELECT format('%s %s', k.conrelid::regclass, k.conname) FROM pg_constraint AS k
WHERE k.conrelid <> 0 AND k.connamespace::regnamespace::text IN {managed}
AND NOT k.convalidated""",
    # The triggers behind a foreign key are internal, and can be switched off too; their key has a name to go by.
    "disabled_trigger": """
SELECT DISTINCT format('%s %s', c.oid::regclass, coalesce('behind ' || k.conname, g.tgname)) FROM pg_trigger AS g
INNER JOIN pg_class AS c ON c.oid = g.tgrelid
LEFT JOIN pg_constraint AS k ON k.oid = g.tgconstraint
WHERE c.relnamespace::regnamespace::text IN {managed}
AND g.tgenabled IN ('D', 'R')""",
    "unnamed_constraint": """
SELECT format('%s %s', c.oid::regclass, k.conname) FROM pg_constraint AS k
INNER JOIN pg_class AS c ON c.oid = k.conrelid
WHERE c.relnamespace::regnamespace::text IN {managed} AND k.contype <> 'n'
AND (
    k.conname ~ '^.*_(check|fkey|key|excl)[0-9]+$' OR k.conname = c.relname || '_check'
    OR NOT starts_with(k.conname, left(c.relname, 40))
)""",
    "function_without_search_path": """
SELECT p.oid::regprocedure FROM pg_proc AS p
WHERE p.prokind <> 'a' AND p.pronamespace::regnamespace::text IN {managed}
AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS s (setting) WHERE starts_with(s.setting, 'search_path='))""",
    # A null access list is the built-in default, which gives PUBLIC every new function and database.
    "public_privilege": """
SELECT DISTINCT o.object FROM (
    SELECT 'schema ' || n.nspname AS object, coalesce(n.nspacl, acldefault('n', n.nspowner)) AS acl
    FROM pg_namespace AS n
    WHERE n.nspname IN {managed}
    UNION ALL
    SELECT 'relation ' || c.oid::regclass, c.relacl
    FROM pg_class AS c
    WHERE c.relnamespace::regnamespace::text IN {managed}
    UNION ALL
    SELECT format('column %s.%s', c.oid::regclass, a.attname), a.attacl
    FROM pg_attribute AS a
    INNER JOIN pg_class AS c ON c.oid = a.attrelid
    WHERE c.relnamespace::regnamespace::text IN {managed}
    UNION ALL
    SELECT 'function ' || p.oid::regprocedure, coalesce(p.proacl, acldefault('f', p.proowner))
    FROM pg_proc AS p
    WHERE p.pronamespace::regnamespace::text IN {managed}
    UNION ALL
    SELECT 'database ' || d.datname, coalesce(d.datacl, acldefault('d', d.datdba))
    FROM pg_database AS d
    WHERE d.datname = current_database()
) AS o
CROSS JOIN aclexplode(o.acl) AS x
WHERE x.grantee = 0""",
    "rls_policy_without_rls": """
SELECT format('%s %s', c.oid::regclass, p.polname) FROM pg_policy AS p
INNER JOIN pg_class AS c ON c.oid = p.polrelid
WHERE c.relnamespace::regnamespace::text IN {managed}
AND NOT c.relrowsecurity""",
    # Two of one shape, which is the definition without the name: the unique one is the one to keep.
    "duplicate_index": """
SELECT s.index FROM (
    SELECT
        i.indexrelid::regclass AS index,
        row_number() OVER (
            PARTITION BY regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX \\S+ ', '')
            ORDER BY i.indisunique DESC, i.indexrelid::regclass::text
        ) AS place
    FROM pg_index AS i
    INNER JOIN pg_class AS c ON c.oid = i.indrelid
    WHERE c.relnamespace::regnamespace::text IN {managed}
) AS s
WHERE s.place > 1""",
    "unlogged_table": f"""
SELECT c.oid::regclass FROM pg_class AS c
WHERE {_TABLE}
AND c.relpersistence = 'u'""",
    # plpgsql comes with every database.
    "extension": """
SELECT e.extname FROM pg_extension AS e
WHERE e.extname <> 'plpgsql'""",
    "public_policy": """
SELECT format('%s %s', c.oid::regclass, p.polname) FROM pg_policy AS p
INNER JOIN pg_class AS c ON c.oid = p.polrelid
WHERE c.relnamespace::regnamespace::text IN {managed}
AND 0 = ANY(p.polroles)""",
    # PostgreSQL's own NO ACTION is what stands there when nobody has chosen.
    "foreign_key_without_on_delete": """
SELECT format('%s %s', k.conrelid::regclass, k.conname) FROM pg_constraint AS k
WHERE k.contype = 'f' AND k.connamespace::regnamespace::text IN {managed}
AND k.confdeltype = 'a'""",
    "view_without_security_invoker": """
SELECT c.oid::regclass FROM pg_class AS c
WHERE c.relkind IN ('v', 'm') AND c.relnamespace::regnamespace::text IN {managed}
AND (
    c.relkind = 'm'
    OR NOT coalesce(lower(c.reloptions::text)::text[] && '{{security_invoker=true,security_invoker=on}}', FALSE)
)""",
}

# What asserts.py reads of a column, as text; an attribute that is not there reads as an empty text.
COLUMN = {
    "type": "format_type(a.atttypid, a.atttypmod)",
    "not_null": "CASE WHEN a.attnotnull THEN 'True' END",
    "default": "CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END",
    "generated": "CASE WHEN a.attgenerated = 's' THEN 'stored' END",
    "expression": "CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END",
    "identity": "CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END",
    "comment": "col_description(a.attrelid, a.attnum)",
}

# Services live on queries like these; each must run, whatever it finds.
SAMPLES = {
    "open tasks of a person, with project and sprint": """
SELECT t.title, t.due_date, j.name, s.name FROM erp.tasks AS t
INNER JOIN erp.people AS p ON p.id = t.assignee_id
LEFT JOIN erp.projects AS j ON j.id = t.project_id
LEFT JOIN erp.sprints AS s ON s.id = t.sprint_id
WHERE t.status NOT IN ('done', 'cancelled')
ORDER BY t.due_date LIMIT 20""",
    "engagements with client, offer and deliverables": """
SELECT e.name, o.name, f.name, count(d.id) FROM erp.engagements AS e
INNER JOIN erp.organizations AS o ON o.id = e.client_org_id
LEFT JOIN erp.offers AS f ON f.id = e.offer_id
LEFT JOIN erp.deliverables AS d ON d.engagement_id = e.id
GROUP BY e.id, o.id, f.id LIMIT 20""",
    "runs with the session that made them and their evaluations": """
SELECT r.run_identifier, r.variance_pct, s.session_type, count(v.id) FROM erp.execution_runs AS r
INNER JOIN agent.sessions AS s ON s.id = r.session_id
LEFT JOIN agent.step_evaluations AS v ON v.execution_run_id = r.id
GROUP BY r.id, s.id LIMIT 20""",
    "what is remembered of a person": """
SELECT p.full_name, c.client_id, f.fact_key, f.content FROM erp.people AS p
INNER JOIN agent.client_profiles AS c ON c.person_id = p.id
INNER JOIN agent.facts AS f ON f.client_id = c.client_id AND f.valid_to IS NULL
ORDER BY f.salience_score DESC LIMIT 20""",
    "sessions of a client with their events": """
SELECT s.global_id, p.full_name, e.event_type, e.occurred_at FROM agent.sessions AS s
INNER JOIN agent.events AS e ON e.session_id = s.id
LEFT JOIN erp.people AS p ON p.id = s.client_person_id
ORDER BY e.occurred_at DESC LIMIT 20""",
    "neighbours of a node of the graph": """
SELECT g.direction, g.edge_type, g.neighbor_node_id FROM agent.get_graph_neighbors('venture:1') AS g""",
}
