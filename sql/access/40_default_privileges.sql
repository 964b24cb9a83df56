-- The rights to what erp_admin makes later, by a migration or by hand. Default privileges belong to the role that
-- makes the object: whatever anybody else makes is closed to all API roles.

-- A right that is built in for PUBLIC can only be taken for all schemas at once.
ALTER DEFAULT PRIVILEGES FOR ROLE erp_admin REVOKE ALL ON ROUTINES FROM public;

ALTER DEFAULT PRIVILEGES FOR ROLE erp_admin IN SCHEMA erp, agent, private, api_view
REVOKE ALL ON TABLES
FROM public, portfolio_authenticator, erp_reader, erp_writer, agent_service, agent_viewer, agent_client,
erp_monitor;
ALTER DEFAULT PRIVILEGES FOR ROLE erp_admin IN SCHEMA erp, agent, private, api_view
REVOKE ALL ON SEQUENCES
FROM public, portfolio_authenticator, erp_reader, erp_writer, agent_service, agent_viewer, agent_client,
erp_monitor;
ALTER DEFAULT PRIVILEGES FOR ROLE erp_admin IN SCHEMA erp, agent, private, api_view
REVOKE ALL ON ROUTINES
FROM public, portfolio_authenticator, erp_reader, erp_writer, agent_service, agent_viewer, agent_client,
erp_monitor;

-- As in 30_grants.sql: all tables of erp are alike, a new table of agent is closed until it is named there.
ALTER DEFAULT PRIVILEGES FOR ROLE erp_admin IN SCHEMA erp GRANT SELECT ON TABLES TO erp_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE erp_admin IN SCHEMA erp GRANT SELECT, INSERT, UPDATE ON TABLES TO erp_writer;
