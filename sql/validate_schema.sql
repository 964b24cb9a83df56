-- Is this database what the collection made? One line for each check, and an error at the end when one fails:
--
--     docker exec -i postgres-erp psql -v ON_ERROR_STOP=1 -U erp_admin -d portfolio < sql/validate_schema.sql
--
-- Made from sql/assertions.yml by `make expected`: change it there. It reads only and leaves nothing behind, so probes
-- are not among it; what it found goes from one statement to the next in a setting of this session. Every query shows
-- what should not be there.

DO $validate$
DECLARE
    item record;
    found text;
    told jsonb := '[]';
    -- All rows of a check in one line, a row as its columns' values.
    shown text := $s$
SELECT string_agg(r.line, ', ' ORDER BY r.line) FROM (%s) AS q
CROSS JOIN LATERAL (
    SELECT coalesce(string_agg(coalesce(v.value, 'null'), ' '), '') FROM json_each_text(row_to_json(q)) AS v
) AS r (line)
$s$;
BEGIN
    PERFORM set_config('transaction_read_only', 'on', TRUE), set_config('search_path', 'pg_catalog', TRUE);
    FOR item IN SELECT c.name, c.query FROM (VALUES
        ('tables in erp: 14', $q$
SELECT coalesce('there is also ' || t.name, 'there is no ' || w.name)
FROM unnest('{deliverables, engagements, execution_runs, offers, okrs, organizations, people,
process_templates, projects, service_blueprints, sprints, tasks, ventures,
workflows}'::text[]) AS w (name)
FULL JOIN (
    SELECT c.relname::text FROM pg_class AS c
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = to_regnamespace('erp')
) AS t (name) ON t.name = w.name
WHERE t.name IS NULL OR w.name IS NULL
$q$),
        ('tables in agent: 21', $q$
SELECT coalesce('there is also ' || t.name, 'there is no ' || w.name)
FROM unnest('{artifacts, block_actions, blocks, client_profiles, context_recipes, events, facts,
goals, graph_edges, graph_nodes, memory_entries, plans, profile_tools, profiles,
prompt_templates, reflections, scheduler_runs, sessions, step_evaluations, tools,
working_state}'::text[]) AS w (name)
FULL JOIN (
    SELECT c.relname::text FROM pg_class AS c
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = to_regnamespace('agent')
) AS t (name) ON t.name = w.name
WHERE t.name IS NULL OR w.name IS NULL
$q$),
        ('tables in private: 1', $q$
SELECT coalesce('there is also ' || t.name, 'there is no ' || w.name)
FROM unnest('{revoked_tokens}'::text[]) AS w (name)
FULL JOIN (
    SELECT c.relname::text FROM pg_class AS c
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = to_regnamespace('private')
) AS t (name) ON t.name = w.name
WHERE t.name IS NULL OR w.name IS NULL
$q$),
        ('tables in api_view: none', $q$
SELECT coalesce('there is also ' || t.name, 'there is no ' || w.name)
FROM unnest('{}'::text[]) AS w (name)
FULL JOIN (
    SELECT c.relname::text FROM pg_class AS c
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = to_regnamespace('api_view')
) AS t (name) ON t.name = w.name
WHERE t.name IS NULL OR w.name IS NULL
$q$),
        ('every table: primary_key', $q$
SELECT c.oid::regclass FROM pg_class AS c
WHERE c.relkind IN ('r', 'p') AND c.relnamespace::regnamespace::text IN ('erp', 'agent', 'private', 'api_view')
AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conrelid = c.oid AND k.contype = 'p')
$q$),
        ('every table: comment', $q$
SELECT c.oid::regclass FROM pg_class AS c
WHERE c.relkind IN ('r', 'p') AND c.relnamespace::regnamespace::text IN ('erp', 'agent', 'private', 'api_view')
AND obj_description(c.oid, 'pg_class') IS NULL
$q$),
        ('every table: fk_indexed', $q$
SELECT format('%s %s', k.conrelid::regclass, k.conname) FROM pg_constraint AS k
WHERE k.contype = 'f' AND k.connamespace::regnamespace::text IN ('erp', 'agent', 'private', 'api_view')
AND NOT EXISTS (
    SELECT FROM pg_index AS i
    WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indisready AND i.indislive AND i.indpred IS NULL
    AND i.indnkeyatts >= cardinality(k.conkey)
    AND (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey
)
$q$),
        ('every table: updated_at_trigger', $q$
SELECT c.oid::regclass FROM pg_class AS c
INNER JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'updated_at' AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND c.relnamespace::regnamespace::text IN ('erp', 'agent', 'private', 'api_view')
AND NOT EXISTS (
    SELECT FROM pg_trigger AS g
    INNER JOIN pg_proc AS p ON p.oid = g.tgfoid
    WHERE g.tgrelid = c.oid AND g.tgenabled = 'O' AND NOT g.tgisinternal
    AND strpos(p.proname, 'updated_at') > 0 AND strpos(pg_get_triggerdef(g.oid), ' BEFORE UPDATE ') > 0
)
$q$),
        ('every table: row_security', $q$
SELECT c.oid::regclass FROM pg_class AS c
WHERE c.relkind IN ('r', 'p') AND c.relnamespace::regnamespace::text IN ('erp', 'agent', 'private', 'api_view')
AND NOT c.relrowsecurity
$q$),
        ('every table: owner erp_admin', $q$
SELECT format('%s belongs to %s', c.oid::regclass, pg_get_userbyid(c.relowner)) FROM pg_class AS c
WHERE c.relkind IN ('r', 'p') AND c.relnamespace::regnamespace::text IN ('erp', 'agent', 'private', 'api_view')
AND pg_get_userbyid(c.relowner) <> 'erp_admin'
$q$),
        ('none: invalid_index', $q$
SELECT i.indexrelid::regclass FROM pg_index AS i
INNER JOIN pg_class AS c ON c.oid = i.indrelid
WHERE c.relnamespace::regnamespace::text IN ('erp', 'agent', 'private', 'api_view')
AND NOT (i.indisvalid AND i.indisready AND i.indislive)
$q$),
        ('none: unvalidated_constraint', $q$
SELECT format('%s %s', k.conrelid::regclass, k.conname) FROM pg_constraint AS k
WHERE k.conrelid <> 0 AND k.connamespace::regnamespace::text IN ('erp', 'agent', 'private', 'api_view')
AND NOT k.convalidated
$q$),
        ('none: disabled_trigger', $q$
SELECT DISTINCT format('%s %s', c.oid::regclass, coalesce('behind ' || k.conname, g.tgname)) FROM pg_trigger AS g
INNER JOIN pg_class AS c ON c.oid = g.tgrelid
LEFT JOIN pg_constraint AS k ON k.oid = g.tgconstraint
WHERE c.relnamespace::regnamespace::text IN ('erp', 'agent', 'private', 'api_view')
AND g.tgenabled IN ('D', 'R')
$q$),
        ('none: unnamed_constraint', $q$
SELECT format('%s %s', c.oid::regclass, k.conname) FROM pg_constraint AS k
INNER JOIN pg_class AS c ON c.oid = k.conrelid
WHERE c.relnamespace::regnamespace::text IN ('erp', 'agent', 'private', 'api_view') AND k.contype <> 'n'
AND (
    k.conname ~ '^.*_(check|fkey|key|excl)[0-9]+$' OR k.conname = c.relname || '_check'
    OR NOT starts_with(k.conname, left(c.relname, 40))
)
$q$),
        ('none: function_without_search_path', $q$
SELECT p.oid::regprocedure FROM pg_proc AS p
WHERE p.prokind <> 'a' AND p.pronamespace::regnamespace::text IN ('erp', 'agent', 'private', 'api_view')
AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS s (setting) WHERE starts_with(s.setting, 'search_path='))
$q$),
        ('none: public_privilege', $q$
SELECT DISTINCT o.object FROM (
    SELECT 'schema ' || n.nspname AS object, coalesce(n.nspacl, acldefault('n', n.nspowner)) AS acl
    FROM pg_namespace AS n
    WHERE n.nspname IN ('erp', 'agent', 'private', 'api_view')
    UNION ALL
    SELECT 'relation ' || c.oid::regclass, c.relacl
    FROM pg_class AS c
    WHERE c.relnamespace::regnamespace::text IN ('erp', 'agent', 'private', 'api_view')
    UNION ALL
    SELECT format('column %s.%s', c.oid::regclass, a.attname), a.attacl
    FROM pg_attribute AS a
    INNER JOIN pg_class AS c ON c.oid = a.attrelid
    WHERE c.relnamespace::regnamespace::text IN ('erp', 'agent', 'private', 'api_view')
    UNION ALL
    SELECT 'function ' || p.oid::regprocedure, coalesce(p.proacl, acldefault('f', p.proowner))
    FROM pg_proc AS p
    WHERE p.pronamespace::regnamespace::text IN ('erp', 'agent', 'private', 'api_view')
    UNION ALL
    SELECT 'database ' || d.datname, coalesce(d.datacl, acldefault('d', d.datdba))
    FROM pg_database AS d
    WHERE d.datname = current_database()
) AS o
CROSS JOIN aclexplode(o.acl) AS x
WHERE x.grantee = 0
$q$),
        ('none: rls_policy_without_rls', $q$
SELECT format('%s %s', c.oid::regclass, p.polname) FROM pg_policy AS p
INNER JOIN pg_class AS c ON c.oid = p.polrelid
WHERE c.relnamespace::regnamespace::text IN ('erp', 'agent', 'private', 'api_view')
AND NOT c.relrowsecurity
$q$),
        ('none: duplicate_index', $q$
SELECT s.index FROM (
    SELECT
        i.indexrelid::regclass AS index,
        row_number() OVER (
            PARTITION BY regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX \S+ ', '')
            ORDER BY i.indisunique DESC, i.indexrelid::regclass::text
        ) AS place
    FROM pg_index AS i
    INNER JOIN pg_class AS c ON c.oid = i.indrelid
    WHERE c.relnamespace::regnamespace::text IN ('erp', 'agent', 'private', 'api_view')
) AS s
WHERE s.place > 1
$q$),
        ('none: unlogged_table', $q$
SELECT c.oid::regclass FROM pg_class AS c
WHERE c.relkind IN ('r', 'p') AND c.relnamespace::regnamespace::text IN ('erp', 'agent', 'private', 'api_view')
AND c.relpersistence = 'u'
$q$),
        ('none: extension', $q$
SELECT e.extname FROM pg_extension AS e
WHERE e.extname <> 'plpgsql'
$q$),
        ('none: public_policy', $q$
SELECT format('%s %s', c.oid::regclass, p.polname) FROM pg_policy AS p
INNER JOIN pg_class AS c ON c.oid = p.polrelid
WHERE c.relnamespace::regnamespace::text IN ('erp', 'agent', 'private', 'api_view')
AND 0 = ANY(p.polroles)
$q$),
        ('none: view_without_security_invoker', $q$
SELECT c.oid::regclass FROM pg_class AS c
WHERE c.relkind IN ('v', 'm') AND c.relnamespace::regnamespace::text IN ('erp', 'agent', 'private', 'api_view')
AND (
    c.relkind = 'm'
    OR NOT coalesce(lower(c.reloptions::text)::text[] && '{security_invoker=true,security_invoker=on}', FALSE)
)
$q$),
        ('none: foreign_key_without_on_delete', $q$
SELECT format('%s %s', k.conrelid::regclass, k.conname) FROM pg_constraint AS k
WHERE k.contype = 'f' AND k.connamespace::regnamespace::text IN ('erp', 'agent', 'private', 'api_view')
AND k.confdeltype = 'a'
$q$),
        ('index erp.people people_email_key', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('erp.people') AND n.relname = 'people_email_key'
)
$q$),
        ('foreign key erp.projects.owner_person_id -> erp.people', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('erp.projects') AND a.attname = 'owner_person_id'
HAVING bool_or(k.confrelid = to_regclass('erp.people')) IS NOT TRUE
$q$),
        ('foreign key erp.projects.organization_id -> erp.organizations', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('erp.projects') AND a.attname = 'organization_id'
HAVING bool_or(k.confrelid = to_regclass('erp.organizations')) IS NOT TRUE
$q$),
        ('foreign key erp.projects.venture_id -> erp.ventures', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('erp.projects') AND a.attname = 'venture_id'
HAVING bool_or(k.confrelid = to_regclass('erp.ventures')) IS NOT TRUE
$q$),
        ('index erp.projects projects_status_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('erp.projects') AND n.relname = 'projects_status_idx'
)
$q$),
        ('column erp.engagements.value_estimate: type numeric(12,2)', $q$
SELECT coalesce('found ' || max(format_type(a.atttypid, a.atttypmod)), 'found none')
FROM pg_attribute AS a
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = to_regclass('erp.engagements') AND a.attname = 'value_estimate' AND NOT a.attisdropped
HAVING count(*) = 0 OR coalesce(max(format_type(a.atttypid, a.atttypmod)), '') <> 'numeric(12,2)'
$q$),
        ('foreign key erp.engagements.client_org_id -> erp.organizations', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('erp.engagements') AND a.attname = 'client_org_id'
HAVING bool_or(k.confrelid = to_regclass('erp.organizations')) IS NOT TRUE
$q$),
        ('foreign key erp.engagements.primary_contact_id -> erp.people', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('erp.engagements') AND a.attname = 'primary_contact_id'
HAVING bool_or(k.confrelid = to_regclass('erp.people')) IS NOT TRUE
$q$),
        ('foreign key erp.engagements.project_id -> erp.projects', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('erp.engagements') AND a.attname = 'project_id'
HAVING bool_or(k.confrelid = to_regclass('erp.projects')) IS NOT TRUE
$q$),
        ('foreign key erp.engagements.offer_id -> erp.offers', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('erp.engagements') AND a.attname = 'offer_id'
HAVING bool_or(k.confrelid = to_regclass('erp.offers')) IS NOT TRUE
$q$),
        ('index erp.engagements engagements_client_org_id_start_date_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('erp.engagements') AND n.relname = 'engagements_client_org_id_start_date_idx'
)
$q$),
        ('foreign key erp.tasks.project_id -> erp.projects', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('erp.tasks') AND a.attname = 'project_id'
HAVING bool_or(k.confrelid = to_regclass('erp.projects')) IS NOT TRUE
$q$),
        ('foreign key erp.tasks.engagement_id -> erp.engagements', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('erp.tasks') AND a.attname = 'engagement_id'
HAVING bool_or(k.confrelid = to_regclass('erp.engagements')) IS NOT TRUE
$q$),
        ('foreign key erp.tasks.assignee_id -> erp.people', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('erp.tasks') AND a.attname = 'assignee_id'
HAVING bool_or(k.confrelid = to_regclass('erp.people')) IS NOT TRUE
$q$),
        ('foreign key erp.tasks.sprint_id -> erp.sprints', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('erp.tasks') AND a.attname = 'sprint_id'
HAVING bool_or(k.confrelid = to_regclass('erp.sprints')) IS NOT TRUE
$q$),
        ('index erp.tasks tasks_assignee_id_due_date_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('erp.tasks') AND n.relname = 'tasks_assignee_id_due_date_idx'
)
$q$),
        ('index erp.tasks tasks_project_id_due_date_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('erp.tasks') AND n.relname = 'tasks_project_id_due_date_idx'
)
$q$),
        ('foreign key erp.okrs.owner_person_id -> erp.people', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('erp.okrs') AND a.attname = 'owner_person_id'
HAVING bool_or(k.confrelid = to_regclass('erp.people')) IS NOT TRUE
$q$),
        ('foreign key erp.okrs.venture_id -> erp.ventures', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('erp.okrs') AND a.attname = 'venture_id'
HAVING bool_or(k.confrelid = to_regclass('erp.ventures')) IS NOT TRUE
$q$),
        ('index erp.okrs okrs_venture_id_time_horizon_end_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('erp.okrs') AND n.relname = 'okrs_venture_id_time_horizon_end_idx'
)
$q$),
        ('foreign key erp.ventures.owner_person_id -> erp.people', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('erp.ventures') AND a.attname = 'owner_person_id'
HAVING bool_or(k.confrelid = to_regclass('erp.people')) IS NOT TRUE
$q$),
        ('foreign key erp.workflows.service_blueprint_id -> erp.service_blueprints', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('erp.workflows') AND a.attname = 'service_blueprint_id'
HAVING bool_or(k.confrelid = to_regclass('erp.service_blueprints')) IS NOT TRUE
$q$),
        ('foreign key erp.process_templates.workflow_id -> erp.workflows', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('erp.process_templates') AND a.attname = 'workflow_id'
HAVING bool_or(k.confrelid = to_regclass('erp.workflows')) IS NOT TRUE
$q$),
        ('foreign key erp.offers.service_blueprint_id -> erp.service_blueprints', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('erp.offers') AND a.attname = 'service_blueprint_id'
HAVING bool_or(k.confrelid = to_regclass('erp.service_blueprints')) IS NOT TRUE
$q$),
        ('foreign key erp.deliverables.engagement_id -> erp.engagements', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('erp.deliverables') AND a.attname = 'engagement_id'
HAVING bool_or(k.confrelid = to_regclass('erp.engagements')) IS NOT TRUE
$q$),
        ('foreign key erp.deliverables.offer_id -> erp.offers', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('erp.deliverables') AND a.attname = 'offer_id'
HAVING bool_or(k.confrelid = to_regclass('erp.offers')) IS NOT TRUE
$q$),
        ('column erp.execution_runs.variance_pct: type numeric', $q$
SELECT coalesce('found ' || max(format_type(a.atttypid, a.atttypmod)), 'found none')
FROM pg_attribute AS a
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = to_regclass('erp.execution_runs') AND a.attname = 'variance_pct' AND NOT a.attisdropped
HAVING count(*) = 0 OR coalesce(max(format_type(a.atttypid, a.atttypmod)), '') <> 'numeric'
$q$),
        ('column erp.execution_runs.variance_pct: generated stored', $q$
SELECT coalesce('found ' || max(CASE WHEN a.attgenerated = 's' THEN 'stored' END), 'found none')
FROM pg_attribute AS a
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = to_regclass('erp.execution_runs') AND a.attname = 'variance_pct' AND NOT a.attisdropped
HAVING count(*) = 0 OR coalesce(max(CASE WHEN a.attgenerated = 's' THEN 'stored' END), '') <> 'stored'
$q$),
        ('column erp.execution_runs.llm_cost: type numeric(10,4)', $q$
SELECT coalesce('found ' || max(format_type(a.atttypid, a.atttypmod)), 'found none')
FROM pg_attribute AS a
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = to_regclass('erp.execution_runs') AND a.attname = 'llm_cost' AND NOT a.attisdropped
HAVING count(*) = 0 OR coalesce(max(format_type(a.atttypid, a.atttypmod)), '') <> 'numeric(10,4)'
$q$),
        ('foreign key erp.execution_runs.process_template_id -> erp.process_templates', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('erp.execution_runs') AND a.attname = 'process_template_id'
HAVING bool_or(k.confrelid = to_regclass('erp.process_templates')) IS NOT TRUE
$q$),
        ('foreign key erp.execution_runs.session_id -> agent.sessions', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('erp.execution_runs') AND a.attname = 'session_id'
HAVING bool_or(k.confrelid = to_regclass('agent.sessions')) IS NOT TRUE
$q$),
        ('index erp.execution_runs execution_runs_process_template_id_started_at_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('erp.execution_runs') AND n.relname = 'execution_runs_process_template_id_started_at_idx'
)
$q$),
        ('index erp.execution_runs execution_runs_subject_type_subject_id_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('erp.execution_runs') AND n.relname = 'execution_runs_subject_type_subject_id_idx'
)
$q$),
        ('foreign key agent.client_profiles.person_id -> erp.people', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('agent.client_profiles') AND a.attname = 'person_id'
HAVING bool_or(k.confrelid = to_regclass('erp.people')) IS NOT TRUE
$q$),
        ('foreign key agent.memory_entries.session_id -> agent.sessions', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('agent.memory_entries') AND a.attname = 'session_id'
HAVING bool_or(k.confrelid = to_regclass('agent.sessions')) IS NOT TRUE
$q$),
        ('index agent.memory_entries memory_entries_client_id_expires_at_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('agent.memory_entries') AND n.relname = 'memory_entries_client_id_expires_at_idx'
)
$q$),
        ('index agent.memory_entries memory_entries_created_at_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('agent.memory_entries') AND n.relname = 'memory_entries_created_at_idx'
)
$q$),
        ('foreign key agent.sessions.profile_id -> agent.profiles', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('agent.sessions') AND a.attname = 'profile_id'
HAVING bool_or(k.confrelid = to_regclass('agent.profiles')) IS NOT TRUE
$q$),
        ('foreign key agent.sessions.client_person_id -> erp.people', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('agent.sessions') AND a.attname = 'client_person_id'
HAVING bool_or(k.confrelid = to_regclass('erp.people')) IS NOT TRUE
$q$),
        ('foreign key agent.sessions.context_recipe_id -> agent.context_recipes', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('agent.sessions') AND a.attname = 'context_recipe_id'
HAVING bool_or(k.confrelid = to_regclass('agent.context_recipes')) IS NOT TRUE
$q$),
        ('index agent.sessions sessions_started_at_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('agent.sessions') AND n.relname = 'sessions_started_at_idx'
)
$q$),
        ('index agent.sessions sessions_subject_type_subject_id_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('agent.sessions') AND n.relname = 'sessions_subject_type_subject_id_idx'
)
$q$),
        ('foreign key agent.events.session_id -> agent.sessions', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('agent.events') AND a.attname = 'session_id'
HAVING bool_or(k.confrelid = to_regclass('agent.sessions')) IS NOT TRUE
$q$),
        ('foreign key agent.events.promoted_fact_id -> agent.facts', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('agent.events') AND a.attname = 'promoted_fact_id'
HAVING bool_or(k.confrelid = to_regclass('agent.facts')) IS NOT TRUE
$q$),
        ('index agent.events events_client_id_occurred_at_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('agent.events') AND n.relname = 'events_client_id_occurred_at_idx'
)
$q$),
        ('index agent.events events_memory_scope_salience_score_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('agent.events') AND n.relname = 'events_memory_scope_salience_score_idx'
)
$q$),
        ('index agent.events events_occurred_at_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('agent.events') AND n.relname = 'events_occurred_at_idx'
)
$q$),
        ('index agent.events events_session_id_occurred_at_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('agent.events') AND n.relname = 'events_session_id_occurred_at_idx'
)
$q$),
        ('index agent.events events_subject_type_subject_id_occurred_at_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('agent.events') AND n.relname = 'events_subject_type_subject_id_occurred_at_idx'
)
$q$),
        ('foreign key agent.facts.source_event_id -> agent.events', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('agent.facts') AND a.attname = 'source_event_id'
HAVING bool_or(k.confrelid = to_regclass('agent.events')) IS NOT TRUE
$q$),
        ('index agent.facts facts_client_id_salience_score_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('agent.facts') AND n.relname = 'facts_client_id_salience_score_idx'
)
$q$),
        ('index agent.facts facts_fact_key_key', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('agent.facts') AND n.relname = 'facts_fact_key_key'
)
$q$),
        ('index agent.facts facts_subject_type_subject_id_salience_score_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('agent.facts') AND n.relname = 'facts_subject_type_subject_id_salience_score_idx'
)
$q$),
        ('foreign key agent.goals.parent_goal_id -> agent.goals', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('agent.goals') AND a.attname = 'parent_goal_id'
HAVING bool_or(k.confrelid = to_regclass('agent.goals')) IS NOT TRUE
$q$),
        ('index agent.goals goals_subject_type_subject_id_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('agent.goals') AND n.relname = 'goals_subject_type_subject_id_idx'
)
$q$),
        ('foreign key agent.reflections.session_id -> agent.sessions', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('agent.reflections') AND a.attname = 'session_id'
HAVING bool_or(k.confrelid = to_regclass('agent.sessions')) IS NOT TRUE
$q$),
        ('foreign key agent.reflections.client_person_id -> erp.people', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('agent.reflections') AND a.attname = 'client_person_id'
HAVING bool_or(k.confrelid = to_regclass('erp.people')) IS NOT TRUE
$q$),
        ('index agent.reflections reflections_focal_entity_type_focal_entity_id_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('agent.reflections') AND n.relname = 'reflections_focal_entity_type_focal_entity_id_idx'
)
$q$),
        ('foreign key agent.step_evaluations.execution_run_id -> erp.execution_runs', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('agent.step_evaluations') AND a.attname = 'execution_run_id'
HAVING bool_or(k.confrelid = to_regclass('erp.execution_runs')) IS NOT TRUE
$q$),
        ('foreign key agent.profiles.default_context_recipe_id -> agent.context_recipes', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('agent.profiles') AND a.attname = 'default_context_recipe_id'
HAVING bool_or(k.confrelid = to_regclass('agent.context_recipes')) IS NOT TRUE
$q$),
        ('foreign key agent.profile_tools.profile_id -> agent.profiles', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('agent.profile_tools') AND a.attname = 'profile_id'
HAVING bool_or(k.confrelid = to_regclass('agent.profiles')) IS NOT TRUE
$q$),
        ('foreign key agent.profile_tools.tool_id -> agent.tools', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('agent.profile_tools') AND a.attname = 'tool_id'
HAVING bool_or(k.confrelid = to_regclass('agent.tools')) IS NOT TRUE
$q$),
        ('foreign key agent.graph_edges.from_node_id -> agent.graph_nodes', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('agent.graph_edges') AND a.attname = 'from_node_id'
HAVING bool_or(k.confrelid = to_regclass('agent.graph_nodes')) IS NOT TRUE
$q$),
        ('foreign key agent.graph_edges.to_node_id -> agent.graph_nodes', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('agent.graph_edges') AND a.attname = 'to_node_id'
HAVING bool_or(k.confrelid = to_regclass('agent.graph_nodes')) IS NOT TRUE
$q$),
        ('index agent.graph_edges graph_edges_to_node_id_from_node_id_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('agent.graph_edges') AND n.relname = 'graph_edges_to_node_id_from_node_id_idx'
)
$q$),
        ('foreign key agent.blocks.artifact_id -> agent.artifacts', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('agent.blocks') AND a.attname = 'artifact_id'
HAVING bool_or(k.confrelid = to_regclass('agent.artifacts')) IS NOT TRUE
$q$),
        ('index agent.blocks blocks_source_table_source_id_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('agent.blocks') AND n.relname = 'blocks_source_table_source_id_idx'
)
$q$),
        ('foreign key agent.block_actions.block_id -> agent.blocks', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('agent.block_actions') AND a.attname = 'block_id'
HAVING bool_or(k.confrelid = to_regclass('agent.blocks')) IS NOT TRUE
$q$),
        ('index agent.block_actions block_actions_block_id_key', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('agent.block_actions') AND n.relname = 'block_actions_block_id_key'
)
$q$),
        ('foreign key agent.plans.session_id -> agent.sessions', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('agent.plans') AND a.attname = 'session_id'
HAVING bool_or(k.confrelid = to_regclass('agent.sessions')) IS NOT TRUE
$q$),
        ('index agent.plans plans_client_id_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('agent.plans') AND n.relname = 'plans_client_id_idx'
)
$q$),
        ('foreign key agent.scheduler_runs.plan_id -> agent.plans', $q$
SELECT coalesce(string_agg('it references ' || k.confrelid::regclass, ', '), 'there is no foreign key')
FROM pg_constraint AS k
INNER JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype = 'f' AND k.conrelid = to_regclass('agent.scheduler_runs') AND a.attname = 'plan_id'
HAVING bool_or(k.confrelid = to_regclass('agent.plans')) IS NOT TRUE
$q$),
        ('index agent.scheduler_runs scheduler_runs_client_id_idx', $q$
SELECT 'there is none'
WHERE NOT EXISTS (
    SELECT FROM pg_index AS x INNER JOIN pg_class AS n ON n.oid = x.indexrelid
    WHERE x.indrelid = to_regclass('agent.scheduler_runs') AND n.relname = 'scheduler_runs_client_id_idx'
)
$q$),
        ('no views in erp and agent', $q$
SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema IN ('erp', 'agent') AND table_type <> 'BASE TABLE'
$q$),
        ('only private has functions that run with the owner''s rights', $q$
SELECT p.oid::regprocedure::text FROM pg_proc AS p WHERE p.prosecdef AND p.pronamespace IN (to_regnamespace('erp'), to_regnamespace('agent'), to_regnamespace('api_view'))
$q$),
        ('no role of ours has a superuser''s rights', $q$
SELECT rolname FROM pg_roles WHERE rolname IN ('erp_admin', 'portfolio_authenticator', 'erp_reader', 'erp_writer', 'agent_service', 'agent_viewer', 'agent_client', 'erp_monitor') AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)
$q$),
        ('API roles cannot log in, the authenticator inherits nothing', $q$
SELECT rolname, rolcanlogin, rolinherit FROM pg_roles WHERE rolname IN ('erp_reader', 'erp_writer', 'agent_service', 'agent_viewer', 'agent_client', 'erp_monitor') AND rolcanlogin OR rolname = 'portfolio_authenticator' AND rolinherit
$q$),
        ('API roles read what is theirs and nothing else', $q$
SELECT rights.role, rights.relation, CASE WHEN rights.may THEN 'may read it' ELSE 'may not read it' END FROM ( SELECT r.rolname AS role, c.oid::regclass::text AS relation, has_schema_privilege(r.oid, n.oid, 'USAGE') AND has_any_column_privilege(r.oid, c.oid, 'SELECT') AS may, (r.rolname, n.nspname) IN (('erp_reader', 'erp'), ('erp_writer', 'erp'), ('agent_service', 'agent'), ('agent_viewer', 'agent'), ('agent_viewer', 'api_view')) AND (r.rolname, c.oid::regclass::text) <> ('agent_viewer', 'agent.working_state') OR r.rolname = 'agent_client' AND c.oid::regclass::text IN ('agent.client_profiles', 'agent.events', 'agent.facts', 'agent.memory_entries', 'agent.plans', 'agent.reflections', 'agent.scheduler_runs', 'agent.sessions', 'agent.working_state', 'api_view.events') AS should FROM pg_roles AS r, pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE r.rolname IN ('portfolio_authenticator', 'erp_reader', 'erp_writer', 'agent_service', 'agent_viewer', 'agent_client', 'erp_monitor') AND c.relkind IN ('r', 'p', 'v') AND n.nspname IN ('erp', 'agent', 'private', 'api_view', 'migration') ) AS rights WHERE rights.may <> rights.should
$q$),
        ('API roles delete only where rows are meant to go', $q$
SELECT r.rolname, c.oid::regclass::text FROM pg_roles AS r, pg_class AS c WHERE r.rolname IN ('portfolio_authenticator', 'erp_reader', 'erp_writer', 'agent_service', 'agent_viewer', 'agent_client', 'erp_monitor') AND c.relkind IN ('r', 'p', 'v') AND c.relnamespace IN (to_regnamespace('erp'), to_regnamespace('agent'), to_regnamespace('private'), to_regnamespace('api_view')) AND has_table_privilege(r.oid, c.oid, 'DELETE, TRUNCATE') AND (r.rolname, c.oid::regclass::text) NOT IN (('erp_writer', 'erp.tasks'), ('erp_writer', 'erp.deliverables'), ('erp_writer', 'erp.sprints'), ('agent_service', 'agent.memory_entries'), ('agent_service', 'agent.working_state'), ('agent_client', 'agent.memory_entries'), ('agent_client', 'agent.working_state'))
$q$),
        ('agents do not write their own configuration', $q$
SELECT r.rolname, c.relname FROM pg_roles AS r, pg_class AS c WHERE r.rolname IN ('agent_service', 'agent_viewer', 'agent_client') AND c.relnamespace = to_regnamespace('agent') AND c.relname IN ('block_actions', 'context_recipes', 'profile_tools', 'profiles', 'prompt_templates', 'tools') AND (has_any_column_privilege(r.oid, c.oid, 'INSERT, UPDATE') OR has_table_privilege(r.oid, c.oid, 'DELETE, TRUNCATE'))
$q$),
        ('secrets are hidden from who looks and from clients', $q$
SELECT r.rolname, a.attrelid::regclass::text, a.attname FROM pg_roles AS r, pg_attribute AS a WHERE r.rolname IN ('agent_viewer', 'agent_client') AND (a.attrelid, a.attname) IN ((to_regclass('agent.events'), 'webhook_url'), (to_regclass('agent.events'), 'webhook_response'), (to_regclass('agent.profiles'), 'system_prompt_template'), (to_regclass('agent.working_state'), 'state_value')) AND (r.rolname, a.attname) <> ('agent_client', 'state_value') AND has_column_privilege(r.oid, a.attrelid, a.attnum, 'SELECT')
$q$),
        ('every table of erp and agent has a policy (0008)', $q$
SELECT c.oid::regclass::text FROM pg_class AS c WHERE c.relkind IN ('r', 'p') AND c.relnamespace IN (to_regnamespace('erp'), to_regnamespace('agent')) AND NOT EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid)
$q$),
        ('each right of an API role to rows has one permissive policy (0006, 0008)', $q$
SELECT r.rolname, c.oid::regclass::text, w.command, count(p.oid) FROM pg_class AS c CROSS JOIN (VALUES ('SELECT', 'r'), ('INSERT', 'a'), ('UPDATE', 'w'), ('DELETE', 'd')) AS w (command, letter) JOIN pg_roles AS r ON r.rolname IN ('erp_reader', 'erp_writer', 'agent_service', 'agent_viewer', 'agent_client', 'erp_monitor') AND CASE w.command WHEN 'DELETE' THEN has_table_privilege(r.oid, c.oid, w.command) ELSE has_any_column_privilege(r.oid, c.oid, w.command) END LEFT JOIN pg_policy AS p ON p.polrelid = c.oid AND p.polpermissive AND r.oid = ANY (p.polroles) AND p.polcmd IN ('*', w.letter) WHERE c.relkind IN ('r', 'p') AND c.relnamespace IN (to_regnamespace('erp'), to_regnamespace('agent')) GROUP BY 1, 2, 3 HAVING count(p.oid) <> 1 ORDER BY 1, 2, 3
$q$),
        ('policies that are always true are for roles that have all rows (0024)', $q$
SELECT p.polrelid::regclass::text, p.polname, pg_get_userbyid(o) FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace CROSS JOIN unnest(p.polroles) AS o WHERE p.polpermissive AND (pg_get_expr(p.polqual, p.polrelid) = 'true' OR pg_get_expr(p.polwithcheck, p.polrelid) = 'true') AND pg_get_userbyid(o) IN ('portfolio_authenticator', 'erp_reader', 'erp_writer', 'agent_service', 'agent_viewer', 'agent_client', 'erp_monitor') AND (n.nspname, pg_get_userbyid(o)) NOT IN (('erp', 'erp_reader'), ('erp', 'erp_writer'), ('agent', 'agent_service'), ('agent', 'agent_viewer'))
$q$),
        ('policies ask who it is once for a query, not for each row (0003)', $q$
SELECT p.polrelid::regclass::text, p.polname FROM pg_policy AS p WHERE regexp_replace(concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)), 'SELECT (private[.]|current_setting)', '', 'g') ~ '(private[.]|current_setting|current_user|session_user)'
$q$),
        ('what a policy asks a row for has an index', $q$
SELECT DISTINCT a.attrelid::regclass::text, a.attname FROM pg_policy AS p JOIN pg_depend AS d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = p.polrelid AND d.refobjsubid > 0 JOIN pg_attribute AS a ON a.attrelid = p.polrelid AND a.attnum = d.refobjsubid WHERE NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = p.polrelid AND i.indkey[0] = a.attnum AND i.indpred IS NULL AND i.indisvalid)
$q$),
        ('no foreign table and no materialized view, which know no row security (0016, 0017)', $q$
SELECT c.oid::regclass::text FROM pg_class AS c WHERE c.relkind IN ('f', 'm') AND c.relnamespace IN (to_regnamespace('erp'), to_regnamespace('agent'), to_regnamespace('private'), to_regnamespace('api_view'))
$q$),
        ('no column has a type that pg_upgrade refuses (0018)', $q$
SELECT a.attrelid::regclass::text, a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid WHERE c.relkind IN ('r', 'p') AND c.relnamespace IN (to_regnamespace('erp'), to_regnamespace('agent'), to_regnamespace('private')) AND a.atttypid IN ('regcollation'::regtype, 'regconfig'::regtype, 'regdictionary'::regtype, 'regnamespace'::regtype, 'regoper'::regtype, 'regoperator'::regtype, 'regproc'::regtype, 'regprocedure'::regtype)
$q$),
        ('no table is left out of autovacuum (0030)', $q$
SELECT c.oid::regclass::text FROM pg_class AS c WHERE c.relnamespace IN (to_regnamespace('erp'), to_regnamespace('agent'), to_regnamespace('private')) AND lower(c.reloptions::text)::text[] && ARRAY['autovacuum_enabled=false', 'autovacuum_enabled=off']
$q$),
        ('what is no table belongs to erp_admin too', $q$
SELECT found.object, pg_get_userbyid(found.owner) FROM ( SELECT 'schema ' || n.nspname, n.nspowner, n.oid FROM pg_namespace AS n UNION ALL SELECT 'relation ' || c.oid::regclass, c.relowner, c.relnamespace FROM pg_class AS c WHERE c.relkind IN ('v', 'm', 'f', 'c') UNION ALL SELECT 'function ' || p.oid::regprocedure, p.proowner, p.pronamespace FROM pg_proc AS p UNION ALL SELECT 'type ' || t.oid::regtype, t.typowner, t.typnamespace FROM pg_type AS t WHERE t.typrelid = 0 AND t.typelem = 0 ) AS found (object, owner, space) WHERE found.space IN (to_regnamespace('erp'), to_regnamespace('agent'), to_regnamespace('private'), to_regnamespace('api_view')) AND pg_get_userbyid(found.owner) <> 'erp_admin'
$q$),
        ('the authenticator has no right of its own but to connect', $q$
SELECT found.object, x.privilege_type FROM ( SELECT 'database', d.datacl, 0::oid FROM pg_database AS d WHERE d.datname = current_database() UNION ALL SELECT 'schema ' || n.nspname, n.nspacl, n.oid FROM pg_namespace AS n UNION ALL SELECT 'relation ' || c.oid::regclass, c.relacl, c.relnamespace FROM pg_class AS c UNION ALL SELECT 'column of ' || c.oid::regclass, a.attacl, c.relnamespace FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid UNION ALL SELECT 'function ' || p.oid::regprocedure, p.proacl, p.pronamespace FROM pg_proc AS p ) AS found (object, acl, space) CROSS JOIN aclexplode(found.acl) AS x WHERE found.space IN (0, to_regnamespace('erp'), to_regnamespace('agent'), to_regnamespace('private'), to_regnamespace('api_view')) AND pg_get_userbyid(x.grantee) = 'portfolio_authenticator' AND (found.object, x.privilege_type) <> ('database', 'CONNECT')
$q$),
        ('query: open tasks of a person, with project and sprint', $q$
SELECT NULL FROM (
    SELECT t.title, t.due_date, j.name, s.name FROM erp.tasks AS t
    INNER JOIN erp.people AS p ON p.id = t.assignee_id
    LEFT JOIN erp.projects AS j ON j.id = t.project_id
    LEFT JOIN erp.sprints AS s ON s.id = t.sprint_id
    WHERE t.status NOT IN ('done', 'cancelled')
    ORDER BY t.due_date LIMIT 20
) AS q HAVING count(*) < 0
$q$),
        ('query: engagements with client, offer and deliverables', $q$
SELECT NULL FROM (
    SELECT e.name, o.name, f.name, count(d.id) FROM erp.engagements AS e
    INNER JOIN erp.organizations AS o ON o.id = e.client_org_id
    LEFT JOIN erp.offers AS f ON f.id = e.offer_id
    LEFT JOIN erp.deliverables AS d ON d.engagement_id = e.id
    GROUP BY e.id, o.id, f.id LIMIT 20
) AS q HAVING count(*) < 0
$q$),
        ('query: runs with the session that made them and their evaluations', $q$
SELECT NULL FROM (
    SELECT r.run_identifier, r.variance_pct, s.session_type, count(v.id) FROM erp.execution_runs AS r
    INNER JOIN agent.sessions AS s ON s.id = r.session_id
    LEFT JOIN agent.step_evaluations AS v ON v.execution_run_id = r.id
    GROUP BY r.id, s.id LIMIT 20
) AS q HAVING count(*) < 0
$q$),
        ('query: what is remembered of a person', $q$
SELECT NULL FROM (
    SELECT p.full_name, c.client_id, f.fact_key, f.content FROM erp.people AS p
    INNER JOIN agent.client_profiles AS c ON c.person_id = p.id
    INNER JOIN agent.facts AS f ON f.client_id = c.client_id AND f.valid_to IS NULL
    ORDER BY f.salience_score DESC LIMIT 20
) AS q HAVING count(*) < 0
$q$),
        ('query: sessions of a client with their events', $q$
SELECT NULL FROM (
    SELECT s.global_id, p.full_name, e.event_type, e.occurred_at FROM agent.sessions AS s
    INNER JOIN agent.events AS e ON e.session_id = s.id
    LEFT JOIN erp.people AS p ON p.id = s.client_person_id
    ORDER BY e.occurred_at DESC LIMIT 20
) AS q HAVING count(*) < 0
$q$),
        ('query: neighbours of a node of the graph', $q$
SELECT NULL FROM (
    SELECT g.direction, g.edge_type, g.neighbor_node_id FROM agent.get_graph_neighbors('venture:1') AS g
) AS q HAVING count(*) < 0
$q$)
    ) AS c (name, query) LOOP
        BEGIN
            EXECUTE format(shown, item.query) INTO found;
        EXCEPTION
            -- The others are asked all the same.
            WHEN OTHERS THEN found := sqlerrm;
        END;
        told := told || jsonb_build_object('name', item.name, 'found', found);
    END LOOP;
    PERFORM set_config('portfolio.validate_schema', told::text, FALSE);
END
$validate$;

SELECT
    CASE
        WHEN t.found IS NULL THEN 'ok    ' || t.name
        ELSE 'FAIL  ' || t.name || ': ' || translate(t.found, e'\n', ' ')
    END AS "check"
FROM jsonb_to_recordset(current_setting('portfolio.validate_schema')::JSONB) AS t (name TEXT, found TEXT);

DO $validate$
DECLARE
    told jsonb := current_setting('portfolio.validate_schema');
    failed integer := jsonb_array_length(jsonb_path_query_array(told, '$[*] ? (@.found != null)'));
BEGIN
    IF failed > 0 THEN
        RAISE EXCEPTION '% of % checks failed: the lines that begin with FAIL say which',
            failed, jsonb_array_length(told)
        USING HINT = 'Run "make plan" to see what a run of the playbook would put right; it changes nothing.';
    END IF;
END
$validate$;
