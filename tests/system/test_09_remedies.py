# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command that a message tells people to run is run, where it can be as that message said it in a real run."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.checkout import copied
from tests.doors import tunnel
from tests.generate.messages import PLACEHOLDER, messages
from tests.server import IMAGES, ROOT, Droplet
from tests.system.commands import HOW

RAN: set[str] = set()


def catalogue() -> set[str]:
    return {message.command for message in messages() if message.kind != "part" and message.command}


def known(command: str) -> set[str]:
    """The commands of the catalogue that this one is."""

    def pattern(written: str) -> str:
        whole = "[^&|]+" if written == "<command>" else r"\S*(?: \S+)?"
        return whole.join(map(re.escape, PLACEHOLDER.split(written))).replace("NEW_NAME", r"\S+")

    return {written for written in catalogue() - {"<command>"} if re.fullmatch(pattern(written), command)}


def ran(command: str, as_written: str = "") -> str:
    """Note that a command was run; it must be one of the catalogue."""
    found = {as_written} if as_written else known(command)
    assert found and found <= catalogue(), f"no message says: {command}"
    RAN.update(found)
    return command


def said(output: str) -> list[str]:
    """The commands of messages, as a terminal shows them."""
    # Ansible tells a failure in an error and again in the result.
    lines = re.findall(r"\brun: (.+?)(?=\. Nothing was|\. [A-Z/][^;]*; |\"|\n|$)", output)
    return list(dict.fromkeys(line.rstrip(".") for line in lines))


def here(command: str, droplet: Droplet, given: str = "", directory: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """On the control node, for the server of these tests."""
    return subprocess.run(
        ["bash", "-c", command],
        cwd=directory,
        env=droplet.environment | {"INVENTORY": str(droplet.inventory), "MAKEFLAGS": ""},
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


def preflight(droplet: Droplet, *arguments: str) -> str:
    done = here(f"ansible-playbook -i {droplet.inventory} tests/system/preflight.yml {' '.join(arguments)}", droplet)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def clone_of_inventory(tmp_path: Path) -> Path:
    """inventories/droplet with an address in it, as somebody has it after step 3 of the README."""
    there = tmp_path / "droplet"
    shutil.copytree(ROOT / "inventories" / "droplet", there, ignore=shutil.ignore_patterns("vault.yml", ".*"))
    hosts = there / "hosts.yml"
    hosts.write_text(hosts.read_text().replace("203.0.113.10", "127.0.0.1"))
    return there


@pytest.fixture
def kept(converged: Droplet) -> Iterator[Droplet]:
    """Our containers run on under other names, so that others can have theirs."""
    names = ("postgres-erp", "postgres-erp-backup", "postgrest-erp", "traefik")
    for name in names:
        converged.shell(f"docker rename {name} kept-{name} && docker create --name {name} {IMAGES[0]} true")
    yield converged
    converged.shell("docker context use default 2>/dev/null; docker swarm leave --force 2>/dev/null; true")
    converged.shell(
        "docker rm -f by-hand; docker volume rm foreign-data foreign-backups; docker network rm docker_gwbridge; "
        "docker context rm elsewhere; true"
    )
    for name in names:
        converged.shell(f"docker rm -f {name} old-{name} 2>/dev/null; docker rename kept-{name} {name}")


def test_what_the_preflights_say_helps(kept: Droplet, tmp_path: Path) -> None:
    kept.shell("docker swarm init --advertise-addr 127.0.0.1 && docker volume create foreign-data")
    kept.shell("docker volume create foreign-backups")
    kept.shell(f"docker run --rm -d --name by-hand --network none -v foreign-data:/data {IMAGES[0]} sleep 600")
    kept.shell("docker context create elsewhere --docker host=ssh://nowhere && docker context use elsewhere")
    others = (
        "-e traefik_local_port=3999 -e _portfolio_volume=foreign-data -e _portfolio_marker=/nowhere",
        "-e _portfolio_backup_volume=foreign-backups",
        f"-e postgrest_erp_signing_key_file={tmp_path}/key.pem",
    )
    refused = preflight(kept, *others)
    commands = said(refused)
    assert len(commands) == 9, (commands, refused)
    foreign = {"foreign-data": "<volume>", "foreign-backups": "postgres-erp-backup"}
    # The right engine first; a volume goes when nobody has it.
    for command in sorted(commands, key=lambda found: ("context" not in found, "stop" not in found)):
        literal = re.sub(r"(\S+) NEW_NAME$", r"\1 old-\1", command)
        volume = command.removeprefix("docker volume rm ")
        written = f"docker volume rm {foreign[volume]}" if volume in foreign else ""
        ran(literal, written)
        kept.shell(literal, given="y\n")
    again = preflight(kept, *others)
    assert "ignored=0" in again, again


def test_a_container_where_a_connector_belongs_can_be_moved(converged: Droplet) -> None:
    present = "-e cloudflare_ingress_state=present"
    converged.shell(
        f"docker run --rm -d --name by-hand --network docker_proxy --ip 172.28.11.254 {IMAGES[0]} sleep 600"
    )
    try:
        [command] = [found for found in said(preflight(converged, present)) if "disconnect" in found]
        converged.shell(ran(command))
        assert "where a connector" not in preflight(converged, present)
    finally:
        converged.shell("docker rm -f by-hand")


def test_a_container_by_the_name_of_a_connector_can_be_renamed(converged: Droplet) -> None:
    token = base64.b64encode(b'{"a": "account", "t": "tunnel", "s": "secret"}').decode()
    present = f"-e cloudflare_ingress_state=present -e cloudflare_ingress_connector_token={token}"
    converged.shell(f"docker create --name cloudflared-1 {IMAGES[0]} true")
    try:
        converged.shell(ran("docker logs --tail 20 cloudflared-1"))
        [command] = [found for found in said(preflight(converged, present)) if "rename" in found]
        converged.shell(ran(command.replace("NEW_NAME", "not-ours")))
        assert "docker rename" not in preflight(converged, present)
    finally:
        converged.shell("docker rm -f cloudflared-1 not-ours")


def test_a_lost_key_can_be_made_anew(converged: Droplet, tmp_path: Path) -> None:
    option = f"-e postgrest_erp_signing_key_file={tmp_path}/key.pem"
    refused = preflight(converged, option)
    [command] = said(refused)
    assert here(ran(command), converged).returncode == 0
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    again = preflight(converged, option)
    assert "ignored=0" in again, again


def test_an_unusable_key_is_mended(converged: Droplet, tmp_path: Path) -> None:
    shutil.copytree(converged.inventory, tmp_path / "inventory")
    key = tmp_path / "inventory" / ".token_signing_key.pem"
    token = f"./portfolio token -i {tmp_path}/inventory ROLE=erp_reader"
    key.write_text("no key")
    [command] = said(here(token, converged).stderr)
    key.write_text(here(ran(command), converged).stdout)
    key.chmod(0o644)
    [command] = said(here(token, converged).stderr)
    here(ran(command), converged)
    assert here(token, converged).stdout.startswith("eyJ")


def test_a_missing_driver_is_installed(converged: Droplet) -> None:
    converged.shell("apt-get remove -q -y python3-psycopg2 >/dev/null")
    ask = (
        f"ansible droplet -i {converged.inventory} -m bestviable.portfolio.postgresql_migration_info "
        f"-a 'migrations={ROOT}/sql/migrations login_db=portfolio login_user=erp_admin "
        "login_unix_socket=/home/david/services/postgres-erp/run'"
    )
    refused = here(ask, converged)
    [command] = said(refused.stdout + refused.stderr)
    converged.shell(ran(command))
    again = here(ask, converged)
    assert again.returncode == 0, again.stdout + again.stderr


def test_a_removal_that_nobody_confirmed(converged: Droplet) -> None:
    refused = here(f"ansible-playbook -i {converged.inventory} playbooks/destroy.yml", converged)
    assert refused.returncode != 0
    [command] = said(refused.stdout + refused.stderr)
    asked = here(ran(command), converged)
    assert (asked.returncode, "add YES=1" in asked.stderr) == (1, True), asked.stderr
    assert "/postgres-erp" in converged.containers()


def test_verbs_that_were_not_told_enough(converged: Droplet, clone_of_inventory: Path) -> None:
    for verb in ("token", "logs"):
        [command] = said(here(f"./portfolio {verb}", converged).stderr)
        done = here(ran(command), converged)
        assert done.returncode == 0, done.stderr
    [command] = said(here("./portfolio psql -i", converged).stderr)
    done = here(ran(command).replace("inventories/droplet", str(converged.inventory)), converged, "SELECT 6 * 7;")
    assert "42" in done.stdout, done.stderr
    [command] = said(here("./portfolio vault", converged).stderr)
    ran(command)
    [again] = said(here(f"./portfolio plan -i {clone_of_inventory}", converged).stderr)
    assert here(ran(again), converged).returncode == 0
    assert "VAULT" in (clone_of_inventory / "group_vars/all/vault.yml").read_text()
    assert command.replace("inventories/droplet", str(clone_of_inventory)) == again


@pytest.fixture
def served(converged: Droplet, tmp_path: Path) -> Droplet:
    """The same server with one of its logins named as a service's, so that nothing has to be deployed."""
    other = replace(converged, work=tmp_path)
    shutil.copytree(converged.inventory, other.inventory)
    hosts = json.loads((other.inventory / "hosts.json").read_text())
    login = {"name": "erp_admin", "roles": [], "connection_limit": 10}
    hosts["portfolio"]["hosts"]["droplet"]["postgres_erp_services"] = [login]
    (other.inventory / "hosts.json").write_text(json.dumps(hosts))
    return other


def sentence(droplet: Droplet, verb: str) -> str:
    """The one that a verb refuses with; a slow machine makes it give signs of life too."""
    refused = here(verb, droplet)
    lines = [line for line in refused.stderr.splitlines() if not line.startswith(("  …", "make: "))]
    assert (refused.returncode != 0, len(lines)) == (True, 1), refused.stderr
    return lines[0]


def test_what_connect_and_tunnel_say_helps(served: Droplet, converged: Droplet) -> None:
    [command] = said(sentence(converged, "make connect SERVICE=planner-api"))
    ran(command)  # test_deploy_runs_as_it_is_written
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = sentence(served, f"make tunnel LOCAL_PORT={other.getsockname()[1]}")
    assert "of this machine cannot be used (Address already in use)" in taken
    [command] = said(taken)
    with tunnel(served, ["bash", "-c", f"exec {ran(command).replace('make', './portfolio', 1)}"]) as (process, _opened):
        listed = ["ps", "-o", "pid=,comm=", "--ppid", str(process.pid)]
        ssh = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()
        assert ssh[1:] == ["ssh"], ssh
        os.kill(int(ssh[0]), signal.SIGKILL)
        assert process.wait(timeout=60) == 1
        assert process.stderr is not None
        broken = process.stderr.read()
    assert "portfolio: the tunnel to droplet ended (" in broken
    assert said(broken) == [command]
    converged.shell("docker stop postgres-erp")
    try:
        stopped = sentence(served, "make tunnel")
        [command] = said(stopped)
        assert "postgres-erp does not run" in stopped and here(ran(command), served).returncode != 0
    finally:
        converged.shell("docker start postgres-erp")


def test_a_server_that_does_not_tell_its_state(served: Droplet) -> None:
    hosts = served.inventory / "hosts.json"
    hosts.write_text(hosts.read_text().replace('"ansible_port": ', '"ansible_port": 1, "was": '))
    silent = sentence(served, "make connect")
    [command] = said(silent)
    assert "Connection refused" in silent
    assert "FAIL  server: connection" in here(ran(command), served).stdout


def test_a_failed_step_names_the_command_that_failed(converged: Droplet) -> None:
    code = "from cli.venv import wait; wait(['sh', '-c', 'exit 3'], 'a step')"
    failed = here(f'python -c "{code}" 2>&1 | grep "failed (exit" | tail -n 1', converged)
    [command] = said(failed.stdout)
    assert here(ran(command, "<command>"), converged).returncode == 3


def test_deploy_runs_as_it_is_written(converged: Droplet) -> None:
    done = here(ran("make deploy"), converged)
    assert done.returncode == 0, done.stdout + done.stderr
    ran("sudo make deploy")


def test_what_is_said_of_a_database_that_does_not_run(converged: Droplet) -> None:
    done = here(ran("make recover"), converged)
    assert done.returncode == 0 and "recover: nothing to do" in done.stdout, done.stdout + done.stderr
    assert here(ran("make doctor"), converged).returncode == 0


def test_what_is_said_of_tokens(converged: Droplet) -> None:
    converged.sql("INSERT INTO private.revoked_tokens VALUES ('of-elsewhere', now() + interval '1 day')")
    named = converged.verb("plan", "FORMAT=json")
    [command] = [each.rstrip(".") for each in said(named.stdout) if "revoke" in each]
    assert here(command, converged).returncode == 0
    assert json.loads(converged.verb("plan", "FORMAT=json").stdout)["effects"] == []
    [command] = said(here("./portfolio revoke", converged).stderr)
    assert "refused, and not handed out from here: of-elsewhere" in here(ran(command), converged).stdout
    ran("make tokens")
    assert here("./portfolio token ROLE=erp_reader", converged).returncode == 0
    assert here(ran("make rotate"), converged).returncode == 0
    assert "make rotate STEP=finish" in " ".join(converged.verb("doctor").stdout.split())
    refused = here("./portfolio rotate STEP=finish", converged)
    assert refused.returncode == 1, refused.stderr
    command = "make rotate STEP=finish YES=1"
    assert command in " ".join(refused.stderr.split())
    assert here(ran(command), converged).returncode == 0
    assert "rotate: nothing to do" in here(ran("make rotate STEP=finish"), converged).stdout


def test_what_is_said_of_backups(converged: Droplet) -> None:
    assert here(ran("make backup"), converged).returncode == 0
    refused = here(f"ansible-playbook -i {converged.inventory} playbooks/rebuild.yml", converged)
    [command] = said(refused.stdout + refused.stderr)
    asked = here(ran(command), converged)
    assert (asked.returncode != 0, "add YES=1" in " ".join(asked.stderr.split())) == (True, True), asked.stderr
    assert here(ran("make restore STATE=compared"), converged).returncode == 0


@pytest.mark.parametrize(
    "command",
    [
        "docker logs --tail 20 postgres-erp",
        "docker logs --tail 20 postgres-erp-backup",
        "docker logs --tail 20 postgrest-erp",
        "docker logs --tail 20 traefik",
        "docker network inspect docker_proxy",
        "docker image prune",
        "docker stats --no-stream",
        "journalctl -u docker",
        "journalctl -u portfolio-monitoring",
        "tail /var/log/portfolio-dockerd.log",
    ],
)
def test_what_the_server_is_asked_for(converged: Droplet, command: str) -> None:
    if command.startswith("tail"):
        converged.shell("echo words > /var/log/portfolio-dockerd.log")
    said_there = converged.shell(f"{ran(command)} 2>&1", given="y\n")
    # The backup's container says nothing while all is well.
    assert said_there or command.endswith("backup")
    converged.shell("rm -f /var/log/portfolio-dockerd.log")


def test_who_has_no_systemd_looks_by_himself(converged: Droplet) -> None:
    assert here(ran("make status"), converged).stdout.count("portfolio on droplet")


@pytest.mark.parametrize("package", ["python3-venv", "mmdebstrap"])
def test_packages_are_there_under_their_names(converged: Droplet, package: str) -> None:
    command = ran(f"sudo apt-get install {package}")
    converged.shell(command.removeprefix("sudo ") + " --simulate")


def test_what_a_managed_server_asks_for(converged: Droplet) -> None:
    converged.shell(f"{ran('apt-get install postgresql-client')} --simulate")
    refused = here(ran("make destroy DATA=yes"), converged)
    assert "destroy would remove what is listed above and all data" in " ".join(refused.stderr.split())


def test_the_libraries_of_tokens_have_these_names(converged: Droplet) -> None:
    assert here(ran("pip install PyJWT cryptography PyYAML"), converged).returncode == 0


def test_what_is_written_into_the_project(converged: Droplet, tmp_path: Path) -> None:
    # What it writes is what stands there: tests/integration/sql compares both.
    assert here(ran("make expected"), converged).returncode == 0
    copy = copied(tmp_path / "copy")
    refused = here("make migration NAME=Add-Invoices", converged, directory=copy)
    [command] = said(refused.stdout + refused.stderr)
    assert here(ran(command), converged, directory=copy).returncode == 0
    assert [path.name for path in (copy / "sql/migrations").glob("*_add_invoices.sql")] == ["003_add_invoices.sql"]


def test_every_command_of_the_catalogue_was_run(converged: Droplet) -> None:
    """A message with a new command needs a line in the table above, and a test that runs it."""
    assert catalogue() == set(HOW)
    assert catalogue() - RAN == set()
