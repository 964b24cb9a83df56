# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb schema on a real database with the shipped SQL; only the state of the host is a recorded one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.findings import plays_in
from cli.schema import lines
from tests.integration.postgresql_migration.driver import ROOT, Project, interpreter
from tests.integration.postgresql_migration.shipped import shipped_project

PLAY = Path(__file__).parent / "schema.yml"
HEALTHY = json.loads((Path(__file__).parents[1] / "preflight" / "healthy.json").read_text())
EVENTS = "SELECT count(*), max(xmin::text::bigint) FROM migration.event"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with shipped_project(ROOT / "sql", tmp_path_factory.mktemp("schema")) as found:
        yield found


def ask(project: Project, work: Path, **variables: Any) -> dict[str, Any]:
    """The report of the play."""
    containers = {**HEALTHY["containers"], "postgres-erp": {"state": "running"}}
    inventory = work / "hosts.json"
    host = {
        "ansible_connection": "local",
        "ansible_python_interpreter": interpreter(),
        "_portfolio_server": {**HEALTHY, "containers": containers},
    }
    inventory.write_text(json.dumps({"portfolio": {"hosts": {"erp-db": host}}}))
    variables["_portfolio_socket"] = project.cluster.socket_directory
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "-i",
            str(inventory),
            str(PLAY),
            "-e",
            json.dumps(variables),
        ],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results = [task["hosts"]["erp-db"] for play in plays_in(done.stdout) for task in play["tasks"]]
    report: dict[str, Any] = next(result for result in results if "_portfolio_schema_report" in result)[
        "_portfolio_schema_report"
    ]
    return report


def test_from_nothing_to_a_schema_that_somebody_changed(project: Project, tmp_path: Path) -> None:
    nothing = ask(project, tmp_path)
    assert (nothing["status"], nothing["exit"]) == ("unknown", 1)
    assert 'role "erp_admin" does not exist' in nothing["problems"][0]["what"]

    applied = project.run().data
    before = project.query(EVENTS, user="erp_admin")
    well = ask(project, tmp_path)
    assert (well["status"], well["exit"], well["problems"]) == ("ok", 0, [])
    assert well["schema"]["assertions"] == applied["assertions"]
    text = list(lines(well))
    assert text[0] == "schema of portfolio on erp-db: ok" and "  tables       14 erp + 21 agent" in text
    assert len(text) <= 24 and max(map(len, text)) <= 80

    for drift in (
        "DROP INDEX erp.projects_status_idx",
        "CREATE INDEX x ON erp.people (notes)",
        "GRANT DELETE ON erp.people TO erp_writer",
    ):
        project.query(drift, user="erp_admin")
    wrong = ask(project, tmp_path)
    assert (wrong["status"], wrong["exit"]) == ("wrong", 2)
    assert [(item["object"], item["effect"]) for item in wrong["schema"]["drift"]] == [
        ("index erp.people x", "left"),
        ("index erp.projects projects_status_idx", "change"),
        ("table erp.people", "change"),
    ]
    assert {failure["object"] for failure in wrong["schema"]["assertions"]["failed"]} == {
        "index erp.projects projects_status_idx",
        "API roles delete only where rows are meant to go",
        # Row security asks for a rule behind each right, and this one has none.
        "each right of an API role to rows has one permissive policy (0006, 0008)",
    }
    remedies = {problem["object"]: problem["remedy"] for problem in wrong["problems"]}
    assert remedies["table erp.people"] == "run: make deploy"
    psql = "docker exec postgres-erp psql -U erp_admin -d portfolio"
    assert remedies["index erp.people x"] == f'run: {psql} -c \'DROP INDEX "erp"."x"\''
    assert project.query(EVENTS, user="erp_admin") == before
    assert project.query("SELECT to_regclass('erp.projects_status_idx')", user="erp_admin") == [(None,)]
