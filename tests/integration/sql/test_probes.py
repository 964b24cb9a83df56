# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped assertions that are written in SQL, and the probes: they hold, and each can fail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import asserts_file, asserts_sql
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.asserts import Failure
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import Session, Target
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.settings import Settings

from tests.cluster import Cluster
from tests.integration.sql.conftest import DATABASE, SQL

DOCUMENT = yaml.safe_load((SQL / "assertions.yml").read_text(encoding="utf-8"))
ASSERTIONS = asserts_file.parse(DOCUMENT, list(DOCUMENT["assert"]["tables"]))
REPLACE = "ALTER TABLE {0} DROP CONSTRAINT {1}, ADD CONSTRAINT {1} FOREIGN KEY ({2}) REFERENCES {3} (id) ON DELETE {4}"
ONE_POLICY = "each right of an API role to rows has one permissive policy (0006, 0008)"
ALWAYS = "policies that are always true are for roles that have all rows (0024)"
SECRETS = "secrets are hidden from who looks and from clients"
OWNED = "what is no table belongs to erp_admin too"
AUTHENTICATOR = "the authenticator has no right of its own but to connect"
# What somebody may have done to the database, and what must say so.
BROKEN = {
    "ALTER TABLE erp.people DISABLE TRIGGER people_updated_at": {"updated_at is the time of the last change in erp"},
    "ALTER TABLE agent.goals DISABLE TRIGGER goals_updated_at": {"updated_at is the time of the last change in agent"},
    "CREATE OR REPLACE FUNCTION erp.set_updated_at() RETURNS TRIGGER LANGUAGE plpgsql SET search_path = '' "
    "AS 'BEGIN new.updated_at := now(); RETURN new; END'": {"updated_at stays as it is when nothing changes"},
    "ALTER TABLE erp.execution_runs DROP COLUMN variance_pct, ADD COLUMN variance_pct numeric "
    "GENERATED ALWAYS AS (coalesce((actual_hours - estimated_hours) / nullif(estimated_hours, 0) * 100, 0)) STORED": {
        "an estimate of zero or none gives no variance"
    },
    REPLACE.format("erp.projects", "projects_owner_person_id_fkey", "owner_person_id", "erp.people", "RESTRICT"): {
        "who leaves sets what was theirs free"
    },
    REPLACE.format("erp.execution_runs", "execution_runs_session_id_fkey", "session_id", "agent.sessions", "CASCADE"): {
        "a run outlives its session"
    },
    REPLACE.format("agent.events", "events_session_id_fkey", "session_id", "agent.sessions", "SET NULL"): {
        "a whole takes its parts with it"
    },
    REPLACE.format(
        "erp.engagements", "engagements_client_org_id_fkey", "client_org_id", "erp.organizations", "SET NULL"
    ): {"an organization with an engagement stays"},
    REPLACE.format("agent.profile_tools", "profile_tools_tool_id_fkey", "tool_id", "agent.tools", "CASCADE"): {
        "a tool that a profile uses stays"
    },
    "ALTER TABLE erp.tasks DROP CONSTRAINT tasks_status_check": {"a word that is not in the vocabulary is refused"},
    "DROP INDEX agent.block_actions_block_id_key": {"a block has one default action"},
    "CREATE VIEW erp.some AS SELECT 1; ALTER VIEW erp.some OWNER TO erp_admin": {
        "no views in erp and agent",
        "API roles read what is theirs and nothing else",
    },
    "ALTER FUNCTION erp.set_updated_at() SECURITY DEFINER": {
        "only private has functions that run with the owner's rights"
    },
    "ALTER ROLE erp_reader CREATEDB": {"no role of ours has a superuser's rights"},
    "ALTER ROLE erp_reader LOGIN": {"API roles cannot log in, the authenticator inherits nothing"},
    "GRANT DELETE ON erp.people TO erp_writer": {"API roles delete only where rows are meant to go", ONE_POLICY},
    "GRANT UPDATE (name) ON agent.profiles TO agent_service": {
        "agents do not write their own configuration",
        ONE_POLICY,
    },
    "GRANT SELECT (webhook_url) ON agent.events TO agent_viewer": {SECRETS},
    "GRANT SELECT (webhook_url) ON agent.events TO agent_client": {SECRETS},
    "GRANT SELECT (email) ON erp.people TO agent_viewer": {ONE_POLICY},
    "GRANT USAGE ON SCHEMA erp TO agent_viewer; GRANT SELECT (email) ON erp.people TO agent_viewer": {
        "API roles read what is theirs and nothing else",
        ONE_POLICY,
    },
    "GRANT SELECT ON agent.profiles TO agent_client": {
        "API roles read what is theirs and nothing else",
        SECRETS,
        ONE_POLICY,
    },
    # Policies
    "DROP POLICY goals_select ON agent.goals": {ONE_POLICY},
    "DROP POLICY goals_select ON agent.goals; DROP POLICY goals_insert ON agent.goals; "
    "DROP POLICY goals_update ON agent.goals": {ONE_POLICY, "every table of erp and agent has a policy (0008)"},
    "CREATE POLICY second ON agent.goals TO agent_viewer USING (id > 0)": {ONE_POLICY},
    "ALTER POLICY events_client_select ON agent.events USING (true)": {ALWAYS},
    "ALTER POLICY events_client_insert ON agent.events WITH CHECK (true)": {ALWAYS},
    "ALTER POLICY people_select ON erp.people TO erp_reader, erp_writer, agent_viewer": {ALWAYS},
    "ALTER POLICY events_client_select ON agent.events USING (client_id = private.claim('client_id'))": {
        "policies ask who it is once for a query, not for each row (0003)"
    },
    "ALTER POLICY events_client_select ON agent.events USING (message = (SELECT private.claim('client_id')))": {
        "what a policy asks a row for has an index"
    },
    "DROP INDEX agent.plans_client_id_idx": {"what a policy asks a row for has an index"},
    # The rest of the linter's
    "CREATE MATERIALIZED VIEW private.copy AS SELECT 1; ALTER MATERIALIZED VIEW private.copy OWNER TO erp_admin": {
        "no foreign table and no materialized view, which know no row security (0016, 0017)"
    },
    "CREATE FOREIGN DATA WRAPPER wrapper; CREATE SERVER there FOREIGN DATA WRAPPER wrapper; "
    "CREATE FOREIGN TABLE api_view.far (id int) SERVER there; ALTER FOREIGN TABLE api_view.far OWNER TO erp_admin": {
        "no foreign table and no materialized view, which know no row security (0016, 0017)"
    },
    "ALTER TABLE erp.people ADD COLUMN class regproc": {"no column has a type that pg_upgrade refuses (0018)"},
    "ALTER TABLE erp.people SET (autovacuum_enabled = off)": {"no table is left out of autovacuum (0030)"},
    # Owners and the authenticator
    "ALTER FUNCTION private.claim(TEXT) OWNER TO postgres": {OWNED},
    "ALTER VIEW api_view.events OWNER TO postgres": {OWNED},
    "ALTER SCHEMA private OWNER TO postgres": {OWNED},
    "ALTER ROLE erp_admin BYPASSRLS": {"no role of ours has a superuser's rights"},
    "ALTER ROLE portfolio_authenticator INHERIT": {
        "API roles cannot log in, the authenticator inherits nothing",
        "API roles read what is theirs and nothing else",
        "API roles delete only where rows are meant to go",
    },
    "CREATE TYPE private.word AS ENUM ('a')": {OWNED},
    "GRANT SELECT (handle) ON erp.people TO portfolio_authenticator": {AUTHENTICATOR},
    "GRANT TEMPORARY ON DATABASE portfolio TO portfolio_authenticator": {AUTHENTICATOR},
    "GRANT EXECUTE ON FUNCTION private.claim(TEXT) TO portfolio_authenticator": {AUTHENTICATOR},
    "REVOKE SELECT ON agent.facts FROM agent_service": {"API roles read what is theirs and nothing else"},
    "REVOKE USAGE ON SCHEMA erp FROM erp_reader": {"API roles read what is theirs and nothing else"},
}


def logged_in(cluster: Cluster, user: str) -> Session:
    return Session(Target(user, DATABASE, cluster.socket_directory, cluster.port), Settings(3000, 30000))


@pytest.fixture(scope="module")
def session(cluster: Cluster) -> Iterator[Session]:
    # As postgres: some of the changes are to roles.
    opened = logged_in(cluster, "postgres")
    yield opened
    opened.close()


def failures(session: Session, drift: str) -> list[Failure]:
    """What does not hold after the drift, which is rolled back."""
    session.execute("BEGIN")
    try:
        if drift:
            session.execute(drift)
        return [failure for failure in asserts_sql.results(session, ASSERTIONS) if failure is not None]
    finally:
        session.rollback()


def test_all_of_them_hold_for_who_asks_in_a_real_run(cluster: Cluster) -> None:
    session = logged_in(cluster, "erp_admin")
    assert failures(session, "") == []
    session.close()


@pytest.mark.parametrize("drift", BROKEN)
def test_what_is_broken_is_named(session: Session, drift: str) -> None:
    assert {failure.object for failure in failures(session, drift)} == BROKEN[drift]


def test_each_of_them_was_broken_here() -> None:
    names = {one.name for one in ASSERTIONS.sql} | {one.name for one in ASSERTIONS.probe}
    assert set().union(*BROKEN.values()) == names
