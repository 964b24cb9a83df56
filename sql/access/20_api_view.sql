-- Schema api_view: what tools read that is no table. It is the third of PostgREST's db-schemas (prefix /view), so that
-- erp and agent hold their 35 tables and no view.

CREATE SCHEMA IF NOT EXISTS api_view;
COMMENT ON SCHEMA api_view IS 'Views and functions for tools and checks: what the API offers beside the tables.';

-- The whole chain is proven by this one call. It reads the catalog, not the tables: erp_monitor may read none.
CREATE OR REPLACE FUNCTION api_view.health() RETURNS JSONB
LANGUAGE sql
STABLE PARALLEL SAFE
SET search_path = ''
AS $$
    SELECT jsonb_build_object(
        'server_time', now(),
        'tables', jsonb_build_object(
            'erp', count(*) FILTER (WHERE n.nspname = 'erp'),
            'agent', count(*) FILTER (WHERE n.nspname = 'agent')
        )
    )
    FROM pg_catalog.pg_class AS c
    INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname IN ('erp', 'agent')
$$;
COMMENT ON FUNCTION api_view.health() IS
'GET /view/rpc/health: the server''s time and the number of tables per schema.';

-- agent_viewer may not read every column of the two tables below, and PostgREST's select=* names them all: a viewer
-- reads them here. security_invoker: the view adds no right, column grants and row rules stay those of the caller.
-- A new column goes to the end of the list, which is all that CREATE OR REPLACE VIEW can do.
CREATE OR REPLACE VIEW api_view.events WITH (security_invoker = TRUE) AS
SELECT
    id,
    occurred_at,
    client_id,
    event_type,
    event_source,
    subject_type,
    subject_id,
    message,
    payload,
    metadata,
    memory_scope,
    salience_score,
    zep_session_id,
    session_id,
    promoted_fact_id,
    created_at,
    updated_at
FROM agent.events;
COMMENT ON VIEW api_view.events IS 'agent.events without webhook_url and webhook_response.';

CREATE OR REPLACE VIEW api_view.profiles WITH (security_invoker = TRUE) AS
SELECT
    id,
    global_id,
    name,
    description,
    harness_config,
    default_model,
    is_active,
    default_context_recipe_id,
    created_at,
    updated_at
FROM agent.profiles;
COMMENT ON VIEW api_view.profiles IS 'agent.profiles without system_prompt_template.';
