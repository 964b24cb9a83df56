"""Every refusal of the roles: one sentence with place and remedy, from a recorded state with one thing wrong."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.plugin_utils import tokens

from tests.generate.messages import Message, messages
from tests.integration.preflight import backup_cases, external_cases, ingress_cases, monitoring_cases
from tests.integration.preflight.patients import cases_of
from tests.integration.preflight.recorded import DATA, MARKER, NO_DATABASE, OURS, STRANGER

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
HEALTHY: dict[str, Any] = json.loads((HERE / "healthy.json").read_text())
STAMP = {"/opt/portfolio/.portfolio": {"type": "directory"}}
DIRECTORY = {"/opt/portfolio/postgres-erp": {"type": "directory"}}

KEY = tokens.new_key()


def services(**logins: tuple[list[str], int]) -> dict[str, Any]:
    """Roles and connections of each, as the inventory says it."""
    return {
        "postgres_erp_services": [
            {"name": name, "roles": roles, "connection_limit": limit} for name, (roles, limit) in logins.items()
        ]
    }


# name: (changes to the state, inventory variables, what the sentence must hold); no words = must pass
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "healthy": ({}, {}, []),
    "deployed": ({"markers": {"data": MARKER}, "data_volume": DATA, "files": STAMP | DIRECTORY}, {}, []),
    "no_root": ({"uid": 1000}, {}, ["uid 1000", "ansible_become"]),
    "distribution": (
        {"distribution": {"id": "alpine", "version_id": "3.22", "name": "Alpine Linux v3.22"}},
        {},
        ["Alpine", "Debian 12"],
    ),
    "architecture": ({"architecture": "riscv64"}, {}, ["riscv64", "x86_64"]),
    "context": ({"docker": {"context": "ssh://other"}}, {}, ["ssh://other", "docker context use default"]),
    "rootless": ({"docker": {"rootless": True}}, {}, ["rootless"]),
    "desktop": ({"docker": {"desktop": True}}, {}, ["Docker Desktop"]),
    "swarm": ({"docker": {"swarm": True}}, {}, ["docker swarm leave"]),
    "memory": (
        {"memory": {"total_mb": 480}},
        {"docker_host_minimum_memory_mb": "900"},
        ["480 MB", "900 MB", "docker_host_minimum_memory_mb"],
    ),
    "free_memory": ({"memory": {"available_mb": 90}}, {}, ["90 MB", "docker_host_minimum_available_mb"]),
    "disk": ({"disk": {"free_mb": 100}}, {}, ["100 MB", "docker image prune"]),
    "subnet": (
        {"routes": [{"destination": "172.28.0.0/16", "interface": "eth1"}]},
        {},
        ["172.28.0.0/16 on eth1", "docker_host_subnets"],
    ),
    "stopped_engine": (
        {"docker": {"reachable": False}, "routes": [{"destination": "172.28.10.0/24", "interface": "br-e58797c2de1b"}]},
        {},
        [],
    ),
    "no_subnet": (
        {"networks": {"services": None}},
        {"portfolio_network": "services"},
        ["docker_host_subnets", "network services"],
    ),
    "container": ({"containers": {"postgres-erp": STRANGER}}, {}, ["postgres:16", "docker rename"]),
    "volume": ({"data_volume": DATA | {"labels": {}}}, {}, ["postgres-erp-data", "docker volume rm"]),
    "directory": ({"files": DIRECTORY}, {}, ["/opt/portfolio/postgres-erp", "portfolio_directory"]),
    "lost_volume": ({"markers": {"data": MARKER}}, {}, ["is missing", "system identifier 7", "restore"]),
    "empty_volume": (
        {"markers": {"data": MARKER}, "data_volume": DATA | NO_DATABASE | {"empty": True}},
        {},
        ["is empty", "restore"],
    ),
    "half_a_volume": (
        {"markers": {"data": MARKER}, "data_volume": DATA | NO_DATABASE},
        {},
        ["is without a database", "restore"],
    ),
    "full_disk": (
        {"markers": {"data": MARKER}, "data_volume": DATA | {"free_mb": 0}},
        {},
        ["/data", "is full", "0 MB free", "64 MB", "run: make recover"],
    ),
    "full_disk_without_ballast": (
        {"markers": {"data": MARKER}, "data_volume": DATA | {"free_mb": 31, "ballast_mb": 0}},
        {},
        ["/data", "31 MB free", "free some space there", "run: make deploy"],
    ),
    "little_disk_after_the_first_deploy": (
        {"disk": {"free_mb": 100}, "containers": {"postgres-erp": STRANGER | {"labels": OURS}}},
        {},
        [],
    ),
    "other_data": (
        {"markers": {"data": MARKER}, "data_volume": DATA | {"system_identifier": 8}},
        {},
        ["another database", "8", "7"],
    ),
    "other_major": (
        {"markers": {"data": MARKER}, "data_volume": DATA | {"pg_version": "14"}},
        {},
        ["PostgreSQL 14", "PostgreSQL 15"],
    ),
    "to_be_upgraded": (
        {"markers": {"data": MARKER}},
        {"portfolio_database_major": 17},
        ["are of PostgreSQL 15", "portfolio_database_major is 17", "docs/UPGRADE.md"],
    ),
    "upgraded": (
        {"markers": {"data": MARKER | {"major": "17"}}, "data_volume": DATA | {"pg_version": "17"}},
        {"portfolio_database_major": 17},
        [],
    ),
    "marker": ({"markers": {"data": {"error": "not JSON"}}, "data_volume": DATA}, {}, ["marker.json", "not JSON"]),
    "image_source": (
        {"markers": {"data": MARKER}, "data_volume": DATA},
        {"portfolio_image_source": "build"},
        ["build", "set it back"],
    ),
    "moved_tag": (
        {
            "markers": {"data": MARKER},
            "data_volume": DATA,
            "images": {"postgres:15.20-alpine": {"id": "sha256:new", "env": {}}},
        },
        {},
        ["sha256:new", "sha256:old", "docs/UPGRADE.md"],
    ),
    "wrong_major": (
        {"images": {"postgres:15.20-alpine": {"id": "sha256:a", "env": {"PG_MAJOR": "16"}}}},
        {},
        ["PostgreSQL 16", "postgres_erp_image"],
    ),
    "socket_path": ({}, {"portfolio_directory": "/" + "x" * 90}, ["107 characters", "portfolio_directory"]),
    "services": (
        {},
        services(planner=(["agent_service", "erp_reader"], 8), **{"memory-gateway": (["agent_service"], 4)}),
        [],
    ),
    "odd_service": ({}, services(Planner=(["erp_reader"], 1)), ["Planner", "lower-case", "rename"]),
    "service_of_postgresql": ({}, services(pg_planner=(["erp_reader"], 1)), ["pg_planner", "rename"]),
    "service_that_is_a_role": ({}, services(erp_admin=(["erp_reader"], 1)), ["erp_admin", "roles.yml", "rename"]),
    "service_that_is_everybody": ({}, services(all=(["erp_reader"], 1)), ["all", "rename"]),
    "service_twice": (
        {},
        {"postgres_erp_services": [{"name": "planner", "roles": ["erp_reader"], "connection_limit": 1}] * 2},
        ["planner", "twice"],
    ),
    "service_of_a_client": ({}, services(planner=(["agent_client"], 1)), ["planner agent_client", "agent_service"]),
    "service_as_owner": ({}, services(planner=(["erp_reader", "erp_admin"], 1)), ["planner erp_admin", "erp_writer"]),
    "service_without_a_role": ({}, services(planner=([], 1)), ["planner no role", "erp_reader"]),
    "service_without_connections": ({}, services(planner=(["erp_reader"], 0)), ["connection_limit", "below 1"]),
    "too_many_connections": (
        {},
        services(planner=(["erp_reader"], 8), memory=(["erp_reader"], 5)),
        ["38 connections", "has 37", "postgres_erp_services", "max_connections"],
    ),
    "more_connections": (
        {},
        services(planner=(["erp_reader"], 13)) | {"postgres_erp_extra_settings": {"max_connections": 41}},
        [],
    ),
    "service_without_a_limit": (
        {},
        {"postgres_erp_services": [{"name": "planner", "roles": ["erp_reader"]}]},
        ["Validation of arguments failed", "connection_limit"],
    ),
    "no_migrations": ({}, {"postgres_erp_sql": str(HERE)}, ["no migration", "postgres_erp_sql"]),
    "memory_format": ({}, {"traefik_memory": "lots"}, ["traefik_memory", "300m"]),
    "wrong_type": ({}, {"postgres_erp_pids": "many"}, ["Validation of arguments failed", "postgres_erp_pids"]),
    "unknown_option": ({}, {"postgres_erp_memroy": "1g"}, ["postgres_erp_memroy", "README"]),
    "port_taken": (
        {"ports": {"3000": {"address": "127.0.0.1", "process": "node", "pid": 7, "container": None}}},
        {},
        ["3000", "traefik_local_port"],
    ),
    "second_server": (
        {"data_users": ["by-hand", "postgres-erp"]},
        {},
        ["postgres-erp-data", "in use by by-hand", "docker stop by-hand"],
    ),
    "moved_api_tag": (
        {
            "containers": {"postgrest-erp": STRANGER | {"image": "postgrest/postgrest:v14.17", "labels": OURS}},
            "images": {"postgrest/postgrest:v14.17": {"id": "sha256:new", "env": {}}},
        },
        {"postgrest_erp_signing_key": KEY},
        ["sha256:new", "sha256:x", "postgrest_erp_accept_image"],
    ),
    "accepted_api_tag": (
        {
            "containers": {"postgrest-erp": STRANGER | {"image": "postgrest/postgrest:v14.17", "labels": OURS}},
            "images": {"postgrest/postgrest:v14.17": {"id": "sha256:new", "env": {}}},
        },
        {"postgrest_erp_signing_key": KEY, "postgrest_erp_accept_image": "sha256:new"},
        [],
    ),
    "moved_proxy_tag": (
        {
            "containers": {"traefik": STRANGER | {"image": "traefik:v3.7.15", "labels": OURS}},
            "images": {"traefik:v3.7.15": {"id": "sha256:new", "env": {}}},
        },
        {},
        ["sha256:new", "traefik_accept_image"],
    ),
    "port_of_a_container": (
        {"ports": {"3000": {"address": "127.0.0.1", "process": None, "pid": None, "container": "grafana"}}},
        {},
        ["container grafana", "traefik_local_port"],
    ),
    "port_of_nobody_known": (
        {"ports": {"3000": {"address": "127.0.0.1", "process": None, "pid": None, "container": None}}},
        {},
        ["another program", "traefik_local_port"],
    ),
    "unknown_options": (
        {},
        {"traefik_memroy": "1g", "traefik_prot": 1},
        ["traefik_memroy", "traefik_prot", "are no options"],
    ),
    "memory_of_the_database": ({}, {"postgres_erp_memory": "lots"}, ["postgres_erp_memory", "300m"]),
    "memory_of_the_api": ({}, {"postgrest_erp_memory": "lots"}, ["postgrest_erp_memory", "300m"]),
    "api_version": ({}, {"postgrest_erp_image": "postgrest/postgrest:v99"}, ["postgrest/postgrest:v99", "12 and 14"]),
    # A number from `-e NAME=VALUE` is a text.
    "pool": ({}, {"postgrest_erp_pool": "15"}, ["postgrest_erp_pool is 15", "1 to 14"]),
    "lost_key": (
        {"containers": {"postgrest-erp": STRANGER | {"labels": OURS}}},
        {"postgrest_erp_signing_key_file": "/nowhere/key.pem"},
        ["/nowhere/key.pem is missing", "openssl genpkey"],
    ),
    "unusable_register": (
        {},
        {"portfolio_token_register": "/etc/hostname"},
        ["/etc/hostname is not the register", "backup"],
    ),
    "unusable_key": ({}, {"postgrest_erp_signing_key": "no key"}, ["Ed25519", "openssl genpkey"]),
    # Only the doctor says something of these.
    "open_rotation": ({}, {"postgrest_erp_signing_key_file": "{{ inventory_dir }}/key.pem"}, []),
    "little_memory_left": (
        {
            "markers": {"data": MARKER},
            "data_volume": DATA,
            "files": STAMP | DIRECTORY,
            "containers": {"postgres-erp": STRANGER | {"labels": OURS}},
            "memory": {"available_mb": 90},
        },
        {},
        [],
    ),
    "clock_ahead": ({"time": 4e9}, {}, []),
    "foreign_proxy": ({"containers": {"traefik": STRANGER}}, {}, ["traefik", "traefik_install", "docker rename"]),
    "foreign_api": ({"containers": {"postgrest-erp": STRANGER}}, {}, ["postgrest-erp", "docker rename"]),
    **external_cases.CASES,
    **ingress_cases.CASES,
    **backup_cases.CASES,
    **monitoring_cases.CASES,
}
# What the doctor warns of beside the recorded clock, which stands still since 1970.
WARNED = {
    "little_memory_left": {"free memory of a running server"},
    "open_rotation": {"open rotation"},
    **ingress_cases.WARNED,
    **backup_cases.WARNED,
}
# Ansible's own sentences, and those of lookups, which it puts into its own; their places are others.
SAID_OTHERWISE = ("wrong_type", "service_without_a_limit", "unusable_key", "unusable_register")


def changed(state: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The state with *changes* merged one level deep."""
    result = copy.deepcopy(state)
    for key, value in changes.items():
        result[key] = result[key] | value if isinstance(value, dict) and isinstance(result[key], dict) else value
    return result


@dataclass
class Answer:
    """What the preflights refused with, and what the doctor had found before."""

    refusals: list[str] = field(default_factory=list)
    findings: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> dict[str, Answer]:
    """The answer to each case, all from one run."""
    hosts, patients = {}, cases_of(test_the_doctor_names_what_is_refused_and_nothing_else, request)
    for name, (changes, variables, _words) in CASES.items():
        state = changed(HEALTHY, changes)
        directory = variables.get("portfolio_directory", "/opt/portfolio")
        state["files"] = {path.replace("/opt/portfolio", directory): value for path, value in state["files"].items()}
        hosts[name] = {
            "_portfolio_server": state,
            "ansible_connection": "local",
            "patient": name in patients,
        } | variables
    inventory = tmp_path_factory.mktemp("preflight") / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    for name in ("key.pem", "key.old.pem"):
        inventory.with_name(name).touch(0o600)
        inventory.with_name(name).write_text(tokens.new_key())
    inventory.with_name("ca.crt").write_text("-----BEGIN CERTIFICATE-----\n")
    playbook = str(Path(sys.executable).with_name("ansible-playbook"))
    run = subprocess.run(
        [playbook, "-i", str(inventory), "--forks", "2", str(HERE / "refuse.yml")],
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    messages = {name: Answer() for name in CASES}
    assert "Traceback" not in run.stdout + run.stderr
    assert external_cases.SECRET not in run.stdout + run.stderr
    for play in json.loads(run.stdout[run.stdout.index("{") :])["plays"]:
        for task in play["tasks"]:
            for host, result in task["hosts"].items():
                if result.get("failed"):
                    parts = [item for item in result.get("results", [result]) if item.get("failed")]
                    messages[host].refusals += [
                        " ".join([str(part.get("msg", "")), *part.get("argument_errors", [])]) for part in parts
                    ]
                messages[host].findings += (
                    result.get("ansible_facts", {}).get("_portfolio_doctor", {}).get("findings", [])
                )
    return messages


@pytest.mark.parametrize("case", CASES)
def test_refusal(case: str, answers: dict[str, Answer]) -> None:
    words, refusals = CASES[case][2], answers[case].refusals
    if not words:
        assert refusals == []
        return
    assert len(refusals) == 1, refusals
    for word in words:
        assert word in refusals[0]
    if case not in SAID_OTHERWISE:
        assert refusals[0].endswith("Nothing was changed.")


# The lookups refuse each key and each register that would come so far.
UNREACHED = {
    ("roles/postgrest_erp/vars/main.yml", "check signing key"),
    ("roles/postgres_erp/vars/main.yml", "check register of tokens"),
    # Of a restore, not of a deploy: test_restore.py.
    *(("roles/backup/vars/main.yml", f"check {name}") for name in backup_cases.OF_A_RESTORE),
}
REFUSALS = [
    message
    for message in messages()
    if (message.file, message.name) not in UNREACHED
    and (message.name.startswith("check ") or message.file == "roles/portfolio/tasks/preflight.yml")
    and message.file.startswith("roles/")
]


@pytest.mark.parametrize("message", REFUSALS, ids=lambda message: f"{message.file.split('/')[1]} {message.name}")
def test_every_check_has_a_case(message: Message, answers: dict[str, Answer]) -> None:
    """A check that is added to a role's list needs a case above in which its sentence is said."""
    said = [answer for found in answers.values() for answer in found.refusals]
    # What does not refuse is the doctor's alone.
    said += [one["message"] for found in answers.values() for one in found.findings if one["level"] == "warn"]
    assert any(message.pattern.search(answer) for answer in said), message


@pytest.mark.parametrize(
    "case",
    [name if name in WARNED or not CASES[name][2] else pytest.param(name, marks=pytest.mark.long) for name in CASES],
)
def test_the_doctor_names_what_is_refused_and_nothing_else(case: str, answers: dict[str, Answer]) -> None:
    """Both read one list, so a refusal that the doctor does not know cannot be."""
    findings, refusals = answers[case].findings, answers[case].refusals
    assert {"connection", "options", "root", "migrations", "lost key", "port"} <= {one["check"] for one in findings}
    failed = [one["message"].rstrip(".") for one in findings if one["level"] == "fail"]
    assert bool(failed) == bool(refusals)
    said = " ".join(refusals[0].split()) if refusals else ""
    if case not in SAID_OTHERWISE:
        assert [message for message in failed if message not in said] == []
    warned = {one["check"] for one in findings if one["level"] == "warn"}
    # Of an external server, its provider makes the backups.
    external = CASES[case][1].get("portfolio_topology") == "external"
    always = {"clock"} | (set() if external else backup_cases.ALWAYS - backup_cases.CALM.get(case, set()))
    assert warned == always | WARNED.get(case, set())
