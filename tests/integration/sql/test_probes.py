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
    "CREATE VIEW erp.some AS SELECT 1": {
        "no views in erp and agent",
        "API roles read what is theirs and nothing else",
    },
    "ALTER FUNCTION erp.set_updated_at() SECURITY DEFINER": {
        "only private has functions that run with the owner's rights"
    },
    "ALTER ROLE erp_reader CREATEDB": {"no role of ours has a superuser's rights"},
    "ALTER ROLE erp_reader LOGIN": {"API roles cannot log in, the authenticator inherits nothing"},
    "GRANT DELETE ON erp.people TO erp_writer": {"API roles delete only where rows are meant to go"},
    "GRANT UPDATE (name) ON agent.profiles TO agent_service": {"agents do not write their own configuration"},
    "GRANT SELECT (webhook_url) ON agent.events TO agent_viewer": {"secrets are hidden from agent_viewer"},
    "GRANT SELECT (email) ON erp.people TO agent_viewer": set(),
    "GRANT USAGE ON SCHEMA erp TO agent_viewer; GRANT SELECT (email) ON erp.people TO agent_viewer": {
        "API roles read what is theirs and nothing else"
    },
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
