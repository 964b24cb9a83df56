-- Who may do what. First everything is taken from everybody but the owner, then the table of rights below is granted:
-- so a right that somebody gave by hand, or that a former release gave, is gone after a run. It happens in one
-- transaction: no request ever sees the moment in between.
--
--                          erp                            agent                                 api_view
--   erp_reader             read
--   erp_writer             read, insert, update;
--                          delete 3 tables
--   agent_service                                         read; insert, update all but
--                                                         configuration; delete 2 tables
--   agent_viewer                                          read, not working_state; events       events, profiles
--                                                         and profiles without secret columns
--   agent_client                                          of one client: read, insert, update   events
--                                                         9 tables; delete 2 tables
--   erp_monitor                                                                                 health()
--
-- Agents read their own configuration and never write it: an agent that can edit its prompts can keep what was
-- injected into it. Which rows these rights are about stands in 50_row_security.sql.

-- 1. Nothing for anybody.
-- The database's name is not this file's business, and REVOKE takes no expression.
DO $$
BEGIN
    EXECUTE format(
        'REVOKE ALL ON DATABASE %I FROM PUBLIC, portfolio_authenticator, erp_reader, erp_writer, agent_service, '
        'agent_viewer, agent_client, erp_monitor CASCADE',
        current_database()
    );
    -- Connecting is the authenticator's one right. The API roles have it for the logins of services that are made
    -- members of them; they cannot log in themselves.
    EXECUTE format(
        'GRANT CONNECT ON DATABASE %I TO portfolio_authenticator, erp_reader, erp_writer, agent_service, '
        'agent_viewer, agent_client, erp_monitor',
        current_database()
    );
END
$$;

-- CASCADE: what one of these handed on to somebody else goes with its own right.
REVOKE ALL ON SCHEMA public, erp, agent, private, api_view
FROM public, portfolio_authenticator, erp_reader, erp_writer, agent_service, agent_viewer, agent_client, erp_monitor
CASCADE;
-- Takes the rights to single columns as well.
REVOKE ALL ON ALL TABLES IN SCHEMA erp, agent, private, api_view
FROM public, portfolio_authenticator, erp_reader, erp_writer, agent_service, agent_viewer, agent_client, erp_monitor
CASCADE;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA erp, agent, private, api_view
FROM public, portfolio_authenticator, erp_reader, erp_writer, agent_service, agent_viewer, agent_client, erp_monitor
CASCADE;
REVOKE ALL ON ALL ROUTINES IN SCHEMA erp, agent, private, api_view
FROM public, portfolio_authenticator, erp_reader, erp_writer, agent_service, agent_viewer, agent_client, erp_monitor
CASCADE;

-- 2. Every API role: the guards.
GRANT USAGE ON SCHEMA private TO erp_reader, erp_writer, agent_service, agent_viewer, agent_client, erp_monitor;
GRANT EXECUTE ON FUNCTION private.check_request(), private.claim(TEXT)
TO erp_reader, erp_writer, agent_service, agent_viewer, agent_client, erp_monitor;
GRANT EXECUTE ON FUNCTION private.claimed_id(TEXT) TO agent_client;

-- 3. erp. Rows are kept and change their status; only what was planned wrongly may be deleted.
GRANT USAGE ON SCHEMA erp TO erp_reader, erp_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA erp TO erp_reader;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA erp TO erp_writer;
GRANT DELETE ON erp.tasks, erp.deliverables, erp.sprints TO erp_writer;

-- 4. agent. Tables are named one by one: a new one may carry secrets, and is closed until it stands here.
GRANT USAGE ON SCHEMA agent TO agent_service, agent_viewer, agent_client;
GRANT EXECUTE ON FUNCTION agent.get_graph_neighbors(TEXT) TO agent_service, agent_viewer;

-- Configuration: read by agents, written by erp_admin.
GRANT SELECT ON
agent.block_actions, agent.context_recipes, agent.profile_tools, agent.profiles, agent.prompt_templates, agent.tools
TO agent_service;
GRANT SELECT ON
agent.block_actions, agent.context_recipes, agent.profile_tools, agent.prompt_templates, agent.tools
TO agent_viewer;

-- What agents do and remember.
GRANT SELECT, INSERT, UPDATE ON
agent.artifacts, agent.blocks, agent.client_profiles, agent.events, agent.facts, agent.goals, agent.graph_edges,
agent.graph_nodes, agent.memory_entries, agent.plans, agent.reflections, agent.scheduler_runs, agent.sessions,
agent.step_evaluations, agent.working_state
TO agent_service;
-- What has an end of life is deleted by the agents themselves.
GRANT DELETE ON agent.memory_entries, agent.working_state TO agent_service;
GRANT SELECT ON
agent.artifacts, agent.blocks, agent.client_profiles, agent.facts, agent.goals, agent.graph_edges, agent.graph_nodes,
agent.memory_entries, agent.plans, agent.reflections, agent.scheduler_runs, agent.sessions, agent.step_evaluations
TO agent_viewer;

-- Without webhook_url, webhook_response and system_prompt_template, which carry credentials; through api_view a viewer
-- reads the two tables with select=* too.
GRANT SELECT (
    id, occurred_at, client_id, event_type, event_source, subject_type, subject_id, message, payload, metadata,
    memory_scope, salience_score, zep_session_id, session_id, promoted_fact_id, created_at, updated_at
) ON agent.events TO agent_viewer;
GRANT SELECT (
    id, global_id, name, description, harness_config, default_model, is_active, default_context_recipe_id, created_at,
    updated_at
) ON agent.profiles TO agent_viewer;

-- An agent that acts for one client: only what says whose it is. What belongs to everybody (configuration, goals,
-- artifacts, graph, blocks) and what belongs to a run of the business (step_evaluations) is closed to it.
GRANT SELECT ON
agent.client_profiles, agent.facts, agent.memory_entries, agent.plans, agent.reflections, agent.scheduler_runs,
agent.sessions, agent.working_state
TO agent_client;
GRANT SELECT (
    id, occurred_at, client_id, event_type, event_source, subject_type, subject_id, message, payload, metadata,
    memory_scope, salience_score, zep_session_id, session_id, promoted_fact_id, created_at, updated_at
) ON agent.events TO agent_client;
GRANT DELETE ON agent.memory_entries, agent.working_state TO agent_client;
-- Who the client is, is said by people: it neither makes its profile nor changes its person.
GRANT UPDATE (name, preferences) ON agent.client_profiles TO agent_client;
-- It does not choose ids: with those that are yet to come it could stop everybody else from writing. It does not say
-- where a webhook goes, nor hang a row on something else than before.
DO $$
DECLARE
    each record;
BEGIN
    FOR each IN
        SELECT
            a.attrelid::regclass AS name,
            string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS given,
            string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FILTER (WHERE NOT EXISTS (
                SELECT FROM pg_constraint AS k
                WHERE k.conrelid = a.attrelid AND k.contype = 'f' AND a.attnum = ANY (k.conkey)
            )) AS changed
        FROM pg_attribute AS a
        WHERE a.attrelid IN (
            'agent.events'::regclass, 'agent.facts'::regclass, 'agent.memory_entries'::regclass,
            'agent.plans'::regclass, 'agent.reflections'::regclass, 'agent.scheduler_runs'::regclass,
            'agent.sessions'::regclass, 'agent.working_state'::regclass
        ) AND a.attnum > 0 AND NOT a.attisdropped AND a.attname NOT IN ('id', 'webhook_url', 'webhook_response')
        GROUP BY a.attrelid
    LOOP
        EXECUTE format('GRANT INSERT (%s), UPDATE (%s) ON %s TO agent_client', each.given, each.changed, each.name);
    END LOOP;
END
$$;

-- 5. api_view.
GRANT USAGE ON SCHEMA api_view TO agent_viewer, agent_client, erp_monitor;
GRANT SELECT ON api_view.events TO agent_viewer, agent_client;
GRANT SELECT ON api_view.profiles TO agent_viewer;
GRANT EXECUTE ON FUNCTION api_view.health() TO erp_monitor;
