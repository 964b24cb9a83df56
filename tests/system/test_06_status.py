# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs that look: healthy, with each link broken once, and without a server; they change nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.server import DIRECTORY, NOT_BY_ITSELF, Droplet

FILES = f"find {DIRECTORY} /run/portfolio /etc/docker {NOT_BY_ITSELF} -printf '%p %T@ %m\\n' 2>/dev/null | sort"

# Any option of Ansible's asks for a full look.
FULL = "--forks=1"


def test_a_healthy_server_fits_a_screen_and_is_only_looked_at(converged: Droplet) -> None:
    converged.until_well("status")  # a test before may just have started a container
    before = converged.containers(), converged.shell(FILES, check=False)
    said = converged.verb("status", FULL)
    asked = [execution["module"] for execution in converged.executions()]
    doctor = converged.verb("doctor")
    assert (said.returncode, doctor.returncode) == (0, 0), said.stdout + doctor.stdout
    for text in (said.stdout, doctor.stdout):
        assert len(text.splitlines()) <= 24
        assert max(map(len, text.splitlines())) <= 80
        assert "\x1b" not in text
    assert "portfolio on droplet: ok" in said.stdout
    assert "14 erp + 21 agent" in said.stdout
    # The one warning is that backups are on the same server.
    assert ": 0 FAIL, 1 WARN, " in doctor.stdout
    assert (len(asked), len(converged.executions())) == (4, 1), asked
    assert (converged.containers(), converged.shell(FILES, check=False)) == before


def test_what_a_full_look_found_well_is_only_asked_whether_it_still_is(converged: Droplet) -> None:
    converged.until_well("status")
    full = json.loads(converged.verb("status", "FORMAT=json", FULL).stdout)
    before = converged.shell(FILES, check=False)
    code, quick = converged.found("status")
    assert code == 0 and converged.executions() == []
    assert without_moments(quick) == without_moments(full)
    assert converged.shell(FILES, check=False) == before
    (converged.inventory / "group_vars").mkdir(exist_ok=True)
    (converged.inventory / "group_vars" / "all.yml").write_text("{}\n")
    try:
        assert converged.verb("deploy").returncode == 0
        assert converged.found("status")[0] == 0
        assert converged.executions() == [], "a deploy has just looked at everything"
    finally:
        shutil.rmtree(converged.inventory / "group_vars")
    assert converged.found("status")[0] == 0
    assert len(converged.executions()) == 4, "the inventory is another one"


def without_moments(report: dict[str, Any]) -> dict[str, Any]:
    """A report without its numbers, of which each look may find others."""
    return report | {"numbers": [each["name"] for each in report["numbers"]["numbers"]]}


MARKER = f"{DIRECTORY}/postgres-erp/marker.json"
# What does no harm at this moment, so that nothing that is asked answers otherwise.
CHANGES = {
    "second server": (
        "docker create --name rival -v postgres-erp-data:/data --entrypoint sleep portfolio.local/postgres:15 600"
        " && docker start rival",
        "docker rm -f rival",
        "is in use by rival",
    ),
    "marker": (f"cp {MARKER} {MARKER}.kept && echo '{{' > {MARKER}", f"mv {MARKER}.kept {MARKER}", "cannot be read"),
    "moved image": (
        "docker tag portfolio.local/postgres:15 kept:15 && docker tag portfolio.local/traefik:3.7"
        " portfolio.local/postgres:15",
        "docker tag kept:15 portfolio.local/postgres:15 && docker rmi kept:15",
        "is now the image",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_full_look_would_refuse_is_not_overlooked(converged: Droplet, change: str) -> None:
    damage, repair, words = CHANGES[change]
    converged.until_well("status")
    converged.shell(damage)
    try:
        code, report = converged.found("status")
    finally:
        converged.shell(repair)
    assert code == 2 and words in report["problems"][0]["what"], report["problems"]


@pytest.mark.parametrize(
    ("damage", "repair", "about", "links"),
    [
        ("docker stop postgres-erp", "docker start postgres-erp", "postgres-erp", ["not checked", "wrong", "wrong"]),
        pytest.param(
            *("docker stop postgrest-erp", "docker start postgrest-erp", "postgrest-erp"),
            ["ok", "not checked", "wrong"],
            marks=pytest.mark.long,
        ),
        pytest.param(
            "docker network disconnect portfolio-network postgrest-erp",
            "docker network connect portfolio-network postgrest-erp",
            "postgrest-erp",
            ["ok", "not checked", "wrong"],
            marks=pytest.mark.long,
        ),
    ],
    ids=["database_stopped", "api_stopped", "network_disconnected"],
)
def test_what_is_broken_is_named_with_its_remedy(
    converged: Droplet, damage: str, repair: str, about: str, links: list[str]
) -> None:
    converged.shell(damage)
    try:
        code, report = converged.found("status")
    finally:
        converged.shell(repair)
    assert code == 2
    [problem] = report["problems"]
    assert problem["object"] == about
    assert problem["remedy"] == f"run: make deploy INVENTORY={converged.inventory}"
    assert [link["state"] for link in report["chain"]] == [*links, "not checked"]
    converged.until_well("status")


def test_the_schema_is_only_looked_at_and_what_somebody_changed_is_named(converged: Droplet) -> None:
    converged.until_well("status")
    psql = "docker exec postgres-erp psql -U erp_admin -d portfolio -tAc"
    events = f"{psql} 'SELECT count(*), max(id) FROM migration.event'"
    before = converged.shell(events)
    said = converged.verb("schema")
    asked = [execution["module"] for execution in converged.executions()]
    assert said.returncode == 0, said.stdout
    assert said.stdout.startswith("schema of portfolio on droplet: ok\n")
    assert len(said.stdout.splitlines()) <= 24
    assert max(map(len, said.stdout.splitlines())) <= 80
    assert len(asked) == 2, asked
    converged.shell(f"{psql} 'ALTER TABLE erp.people DISABLE TRIGGER people_updated_at'")
    try:
        done = converged.verb("schema", "FORMAT=json")
        code, overall = converged.found("status")
    finally:
        converged.shell(f"{psql} 'ALTER TABLE erp.people ENABLE TRIGGER people_updated_at'")
    report = json.loads(done.stdout)
    assert (done.returncode, report["status"]) == (2, "wrong")
    assert [item["object"] for item in report["schema"]["drift"]] == ["trigger erp.people people_updated_at"]
    assert {failure["name"] for failure in report["schema"]["assertions"]["failed"]} == {
        "disabled_trigger",
        "updated_at_trigger",
    }
    assert code == 2
    [problem] = overall["problems"]
    assert problem["remedy"] == f"run: make schema INVENTORY={converged.inventory}"
    assert converged.verb("schema").returncode == 0
    assert converged.shell(events) == before


def test_a_server_that_does_not_answer_is_one_sentence(converged: Droplet, tmp_path: Path) -> None:
    shutil.copytree(converged.inventory, tmp_path / "inventory")
    hosts = (tmp_path / "inventory" / "hosts.json").read_text()
    (tmp_path / "inventory" / "hosts.json").write_text(hosts.replace('"ansible_port": ', '"ansible_port": 1, "was": '))
    gone = replace(converged, work=tmp_path)
    said: list[subprocess.CompletedProcess[str]] = [gone.verb("status"), gone.verb("doctor"), gone.verb("schema")]
    assert [one.returncode for one in said] == [1, 1, 1]
    assert "its status could not be found out" in said[0].stdout
    assert "it could not be found out" in said[2].stdout
    assert "FAIL  server: connection" in said[1].stdout
    assert all("Connection refused" in " ".join(one.stdout.split()) for one in said)
