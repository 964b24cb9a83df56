"""What role docker_host installs on each distribution, from recorded states."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
HEALTHY: dict[str, Any] = json.loads((HERE.parent / "preflight" / "healthy.json").read_text())
NONE: dict[str, Any] = {"reachable": False, "cli": None, "compose": None}
THERE: dict[str, Any] = {"reachable": True, "cli": "/usr/bin/docker", "compose": "2.26.1-4"}
OURS = ["docker-ce", "docker-ce-cli", "containerd.io", "docker-compose-plugin"]

# name: (distribution, what the server says of Docker, variables, the packages)
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any], list[str]]] = {
    "debian_12": ("debian 12", NONE, {"docker_host_engine": "distribution"}, ["docker.io", "iptables"]),
    "debian_13": (
        "debian 13",
        NONE,
        {"docker_host_engine": "distribution"},
        ["docker.io", "iptables", "docker-cli", "docker-compose"],
    ),
    "debian_13_pypi": (
        "debian 13",
        NONE,
        {"docker_host_engine": "distribution", "docker_host_compose": "pypi"},
        ["docker.io", "iptables", "docker-cli"],
    ),
    "debian_13_no_compose": (
        "debian 13",
        THERE | {"compose": None},
        {"docker_host_engine": "distribution"},
        ["docker-compose"],
    ),
    "debian_13_all": ("debian 13", THERE, {"docker_host_engine": "distribution"}, []),
    "debian_13_docker": ("debian 13", NONE, {}, OURS),
    "ubuntu": (
        "ubuntu 24.04",
        NONE,
        {"docker_host_engine": "distribution"},
        ["docker.io", "iptables", "docker-compose-v2"],
    ),
    "another": (
        "devuan 6",
        NONE,
        {"docker_host_engine": "distribution", "docker_host_distributions": {"devuan": ["6"]}},
        ["docker.io", "iptables", "docker-cli", "docker-compose"],
    ),
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    hosts = {}
    for name, (distribution, docker, variables, _packages) in CASES.items():
        identity, version = distribution.split()
        engine = {"type": "file"} if docker["reachable"] else None
        state = HEALTHY | {
            "docker": HEALTHY["docker"] | docker,
            "distribution": {"id": identity, "version_id": version, "name": distribution},
            "files": HEALTHY["files"] | {"/usr/sbin/dockerd": engine},
        }
        hosts[name] = {"_portfolio_server": state, "ansible_connection": "local"} | variables
    inventory = tmp_path_factory.mktemp("packages") / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    run = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), str(HERE / "packages.yml")],
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    said: dict[str, list[str]] = {}
    for play in json.loads(run.stdout[run.stdout.index("{") :])["plays"]:
        for task in play["tasks"]:
            for host, result in task["hosts"].items():
                if "_docker_host_packages" in result:
                    said[host] = result["_docker_host_packages"]
    return said


@pytest.mark.parametrize("case", CASES)
def test_packages(case: str, answers: dict[str, list[str]]) -> None:
    assert answers[case] == CASES[case][3]
