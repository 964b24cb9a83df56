# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible as the verbs need it: its environment, the one server of an inventory, a playbook with its recap."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import re
import selectors
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.call import ROOT, SILENCE, Call, Refused, say
from cli.venv import VENV, ensure_venv

EXAMPLE_ADDRESSES = ipaddress.ip_network("203.0.113.0/24")  # RFC 5737: nobody's
VAULT_WAYS = ("ANSIBLE_VAULT_PASSWORD_FILE", "ANSIBLE_VAULT_IDENTITY_LIST")


@dataclass(frozen=True)
class Host:
    name: str
    variables: Mapping[str, Any]

    @property
    def local(self) -> bool:
        return self.variables.get("ansible_connection") == "local"

    @property
    def external(self) -> bool:
        """Whether its database is on a server of somebody else."""
        return self.variables.get("portfolio_topology") == "external"

    @property
    def address(self) -> str:
        return str(self.variables.get("ansible_host", self.name))

    def command(self, argv: list[str], terminal: bool) -> list[str]:
        """The command line that runs `argv` there, as a user who may use Docker."""
        if self.local:
            return argv if os.geteuid() == 0 or os.access("/var/run/docker.sock", os.W_OK) else ["sudo", *argv]
        return [*self.ssh("-t" if terminal else "-T"), shlex.join(self._as_root(argv, "sudo"))]

    def unattended(self, argv: list[str]) -> list[str]:
        """The command line that runs `argv` there as root, and fails where somebody would be asked for something."""
        if self.local:
            return argv if os.geteuid() == 0 else ["sudo", "-n", *argv]
        quiet = ("-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=3")
        return [*self.ssh(*quiet), shlex.join(self._as_root(argv, "sudo", "-n"))]

    def _as_root(self, argv: list[str], *sudo: str) -> list[str]:
        return argv if self.variables.get("ansible_user") in (None, "root") else [*sudo, *argv]

    def ssh(self, *options: str) -> list[str]:
        """ssh to the server as the inventory says it, up to the address; what is given here counts first."""
        ssh = ["ssh", *options]
        for option, name in (("-p", "ansible_port"), ("-i", "ansible_ssh_private_key_file"), ("-l", "ansible_user")):
            ssh += [option, str(self.variables[name])] if self.variables.get(name) else []
        for name in ("ansible_ssh_common_args", "ansible_ssh_extra_args"):
            ssh += shlex.split(str(self.variables.get(name, "")))
        return [*ssh, self.address]


def environment(call: Call) -> dict[str, str]:
    added = {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "PYTHONPATH": str(ROOT / ".collections"),
        "LC_ALL": "C.UTF-8",  # Ansible refuses to start in any other kind of locale
        "PATH": f"{VENV / 'bin'}:{os.environ.get('PATH', os.defpath)}",
    }
    if os.environ.get("NO_COLOR"):
        added["ANSIBLE_NOCOLOR"] = "1"
    elif sys.stdout.isatty():
        added["ANSIBLE_FORCE_COLOR"] = "1"
    password = call.inventory_directory / ".vault_password"
    if password.exists() and not any(os.environ.get(name) for name in VAULT_WAYS):
        added["ANSIBLE_VAULT_PASSWORD_FILE"] = str(password)
    return {**os.environ, **added}


def vault_options(call: Call) -> list[str]:
    return [word for word in call.extra if re.match(r"--(ask-)?vault-", word)]


def vault_file(call: Call) -> Path | None:
    """Where the inventory's vaulted secrets are or belong; None for an inventory that refers to none."""
    settings = call.inventory_directory / "group_vars" / "all"
    main = settings / "main.yml"
    return settings / "vault.yml" if main.exists() and "{{ vault_" in main.read_text() else None


def host_of(call: Call) -> Host:
    """The one server of the inventory."""
    ensure_venv()
    command = [str(VENV / "bin" / "ansible-inventory"), "-i", str(call.inventory), "--list", *vault_options(call)]
    result = subprocess.run(command, cwd=ROOT, env=environment(call), capture_output=True, text=True, check=False)
    if result.returncode:
        raise Refused(f"{call.inventory} cannot be read ({' '.join(result.stderr.split())}); correct it and try again")
    listing = json.loads(result.stdout)
    names = listing.get("portfolio", {}).get("hosts", [])
    if len(names) != 1:
        raise Refused(f"{call.inventory} has {len(names)} hosts in the group 'portfolio'; give it exactly one.")
    host = Host(names[0], listing["_meta"]["hostvars"].get(names[0], {}))
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host.address) in EXAMPLE_ADDRESSES:
            raise Refused(
                f"{host.address} is an example; write your server's address as ansible_host into {call.inventory}."
            )
    return host


def role_default(role: str, name: str) -> str:
    """A plain default from its home, the role; there is no parser for YAML before the venv is made."""
    text = (ROOT / "roles" / role / "defaults" / "main.yml").read_text()
    found = re.search(rf"^{name}: (\S+)$", text, re.MULTILINE)
    return found[1] if found else ""


def may_become_root() -> bool:
    return (
        bool(shutil.which("sudo"))
        and not subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode
    )


def may_change(call: Call, host: Host) -> None:
    if host.local and os.geteuid() and not may_become_root():
        raise Refused(f"{call.verb} changes this machine and needs root; run: sudo make {call.verb}{call.again}")
    secrets_are_there(call)


def secrets_are_there(call: Call) -> None:
    """Refuse an inventory whose vault was never made."""
    secret_file = vault_file(call)
    if secret_file and not secret_file.exists():
        raise Refused(
            f"{secret_file} is not there, and the inventory refers to its secrets; run: make vault{call.again}"
        )


def stream(command: list[str], call: Call) -> tuple[int, str]:
    """Run Ansible with its own output, never silent for long; its exit code and its text."""
    began, output = time.monotonic(), bytearray()
    with subprocess.Popen(command, cwd=ROOT, env=environment(call), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while True:
                if not selector.select(SILENCE):
                    if process.poll() is not None:  # a daemon that it started may hold the pipe open
                        break
                    say(f"  … still at work, {time.monotonic() - began:.0f} s")
                    continue
                chunk = os.read(process.stdout.fileno(), 65536)
                if not chunk:
                    break
                sys.stdout.buffer.write(chunk)
                sys.stdout.buffer.flush()
                output += chunk
    return process.returncode, output.decode(errors="replace")


def recap(output: str) -> dict[str, int]:
    """The sums of the last PLAY RECAP; empty when the run did not come that far."""
    sums: dict[str, int] = {}
    for line in re.sub(r"\x1b\[[0-9;]*m", "", output).rpartition("PLAY RECAP")[2].splitlines():
        for name, count in re.findall(r"(\w+)=(\d+)", line) if re.match(r"\S+\s+: ok=", line) else ():
            sums[name] = sums.get(name, 0) + int(count)
    return sums


def playbook(call: Call, path: str, *options: str) -> tuple[int, str]:
    command = [str(VENV / "bin" / "ansible-playbook"), "-i", str(call.inventory), path, *options, *call.extra]
    return stream(command, call)
