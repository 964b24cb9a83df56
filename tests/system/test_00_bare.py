"""A bare server: `--check` says what the run does, Docker is installed where there is none, an artefact does it too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from tests.server import BIN, IMAGES, ROOT, Droplet, lab

DISTRIBUTION = ("-e", "docker_host_engine=distribution")


def test_the_verbs_that_look_know_a_bare_server(droplet: Droplet) -> None:
    said = droplet.verb("status")
    assert (said.returncode, said.stdout) == (
        2,
        f"portfolio on droplet: nothing is deployed here; run: make plan INVENTORY={droplet.inventory}\n",
    )
    assert droplet.verb("doctor").returncode == 0


def test_check_on_a_server_without_docker_predicts_the_run(droplet: Droplet) -> None:
    # Removed, not purged, which would take the images with it.
    droplet.shell("apt-get remove -q -y docker.io >/dev/null 2>&1 && ! command -v docker")
    planned = droplet.verb("plan", "FORMAT=json", *DISTRIBUTION)
    assert planned.returncode == 2, planned.stderr
    assert droplet.shell("ls -d /home/david /etc/docker/daemon.json /run/portfolio 2>/dev/null", check=False) == ""
    done = droplet.verb("deploy", "FORMAT=json", *DISTRIBUTION)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["effects"] == json.loads(planned.stdout)["effects"]
    assert droplet.shell("systemctl is-enabled docker") == "enabled"
    again = droplet.run(*DISTRIBUTION)
    assert (again.returncode, again.recap["changed"]) == (0, 0), again.output


def test_the_artefact_finds_nothing_to_do_either(droplet: Droplet, tmp_path: Path) -> None:
    """Built, installed elsewhere and run by its name, without the clone's ansible.cfg."""
    there = tmp_path / "collections"
    shutil.copytree(droplet.inventory, tmp_path / "inventory")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}

    def command(*words: str, cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(BIN / words[0]), *words[1:]],
            env=environment
            | {"ANSIBLE_COLLECTIONS_PATH": str(there), "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3"},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    command("ansible-galaxy", "collection", "build", "--output-path", str(tmp_path), cwd=ROOT)
    archive = next(tmp_path.glob("*.tar.gz"))
    command("ansible-galaxy", "collection", "install", "--offline", "--no-deps", "-p", str(there), str(archive))
    run = command("ansible-playbook", "-i", "inventory", "bestviable.portfolio.site")
    assert run.returncode == 0, run.stdout + run.stderr
    assert " changed=0 " in run.stdout


def test_the_server_is_bare_again_for_the_tests_that_follow(droplet: Droplet) -> None:
    lab("reset", droplet.name, *IMAGES)
    assert droplet.containers() == {}
