# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schemas go from a managed server, and their rows come back, by their owner alone and by the server's address."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ansible_task import run_module
from tests.contract import COUNT as TABLES
from tests.integration.managed_server.conftest import its_own
from tests.integration.managed_server.test_encrypted import Encrypted, encrypted
from tests.integration.sql.conftest import SEED
from tests.integration.sql.conftest import SQL as SOURCES

# What a restore switches off for its time: triggers, and when foreign keys are looked at.
SWITCHES = """
SELECT (SELECT jsonb_agg(t::text ORDER BY t::text) FROM (SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger
        WHERE NOT tgisinternal) AS t),
    (SELECT jsonb_agg(k::text ORDER BY k::text) FROM (SELECT conrelid::regclass, conname, condeferrable, condeferred
        FROM pg_constraint WHERE contype = 'f') AS k)
"""


@pytest.fixture(scope="module", params=[pytest.param(15, marks=pytest.mark.long), 17])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    with encrypted(tmp_path_factory.mktemp("encrypted"), request.param) as found:
        assert found.run().rc == 0
        its_own(found.project)
        found.project.query(
            f"SET ROLE erp_admin; {(SOURCES / 'seed/apply.sql').read_text(encoding='utf-8')}"
            f"; SELECT pg_temp.seed($rows${json.dumps(SEED)}$rows$, 'present')"
        )
        yield found


def rolled(server: Encrypted, directory: Path, check: bool = False, **options: Any) -> dict[str, Any]:
    binaries = server.project.cluster.binaries
    arguments = {
        "login_uri": server.uri(),
        "ca_cert": str(server.ca_cert),
        "login_user": "erp_admin",
        "login_password": server.project.options["login_password"],
        "login_db": "portfolio",
        "server_major": server.project.cluster.major,
        "directory": str(directory),
        # What a command line shows is noted on the way.
        "client": ["sh", "-c", f'echo "$@" >>{directory}.shown; PATH={binaries}:$PATH exec "$@"', "client"],
    }
    return run_module("postgresql_rollback", {**arguments, **options}, check=check)


def content(server: Encrypted) -> dict[str, Any]:
    return {table: server.project.query(f"SELECT t::text FROM {table} AS t ORDER BY 1") for table in SEED}


def test_there_and_back_again(server: Encrypted, tmp_path: Path) -> None:
    directory = tmp_path / "backups"
    rows, switches = content(server), server.project.query(SWITCHES)
    assert rolled(server, directory, check=True)["effects"] != []
    gone = rolled(server, directory)
    assert gone.get("tables") == TABLES, gone
    assert server.project.query("SELECT to_regnamespace('erp'), to_regnamespace('agent')") == [(None, None)]
    assert server.run().rc == 0
    # A trigger stamps rows and a guard counts them, but not rows that were there before.
    back = rolled(server, directory, restore=gone["backup"])
    assert back.get("tables") == TABLES, back
    assert content(server) == rows and server.project.query(SWITCHES) == switches
    again = server.run()
    assert not again.changed and again.data["effects"] == [], again.text
    refused = rolled(server, directory, restore=gone["backup"])
    assert "holds rows, and those of" in refused["msg"]
    shown = Path(f"{directory}.shown").read_text(encoding="utf-8")
    assert "pg_dump" in shown and "verify-full" in shown
    assert server.project.options["login_password"] not in shown + str([gone, back, refused])


def test_rows_that_do_not_fit_together_are_refused(server: Encrypted, tmp_path: Path) -> None:
    """As a superuser restores them they would come in unseen."""
    project = server.project
    project.query(
        "SET session_replication_role = replica; DELETE FROM erp.people WHERE id = (SELECT min(id) FROM erp.people)"
    )
    gone = rolled(server, tmp_path / "backups")
    assert gone.get("tables") == TABLES and server.run().rc == 0
    refused = rolled(server, tmp_path / "backups", restore=gone["backup"])
    assert "violates foreign key constraint" in refused["msg"] and "nothing was changed" in refused["msg"], refused
    assert project.query("SELECT count(*) FROM erp.people") == [(0,)]
