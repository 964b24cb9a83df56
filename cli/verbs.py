# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs: each takes a call and gives an exit code."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import textwrap
import time

from cli.ansible import VAULT_WAYS, Host, environment, host_of, may_change, playbook, recap, vault_file, vault_options
from cli.call import ROOT, Call, Refused, say
from cli.venv import PYTHON, VENV, ensure_venv

TOKENS = "ansible_collections.bestviable.portfolio.plugins.plugin_utils.tokens"
DOCKER = ("docker", "--host", "unix:///var/run/docker.sock")  # never another engine that a context points to
DATABASE = "postgres-erp"


def deploy(call: Call) -> int:
    host = host_of(call)
    may_change(call, host)
    say(f"deploy: {call.inventory} → {'this machine' if host.local else host.address}")
    began = time.monotonic()
    code, output = playbook(call, "site.yml")
    seconds = time.monotonic() - began
    if code:
        say(
            f"deploy: {host.name} is not finished (exit {code}, {seconds:.0f} s); do what the failed task above says, "
            f"and to go on from there run: make deploy{call.again}"
        )
        return code
    print(f"\nportfolio is up on {host.name}: {recap(output).get('changed', 0)} changed, {seconds:.0f} s")
    print(how_to_go_on(call, host))
    return 0


def how_to_go_on(call: Call, host: Host) -> str:
    """URLs and commands that work when pasted."""
    public = "" if host.local else host.variables.get("portfolio_hostname")
    api = f"https://{public}" if public else f"http://localhost:{local_port(host)}"
    bearer = f'"Authorization: Bearer $(make -s token ROLE=erp_reader{call.again})"'
    where = "" if host.local or public else f"   (on {host.name} itself)"
    return (
        f"  API      {api}/erp/people   {api}/agent/sessions{where}\n"
        f"  try it   curl -H {bearer} '{api}/erp/people?limit=1'\n"
        f"  next     make psql{call.again}    make logs S={DATABASE}{call.again}    make plan{call.again}"
    )


def local_port(host: Host) -> int:
    # The default has its home in the role; this script has no parser for YAML before the venv is made.
    text = (ROOT / "roles" / "traefik" / "defaults" / "main.yml").read_text()
    default = re.search(r"^traefik_local_port: (\d+)$", text, re.MULTILINE)
    return int(host.variables.get("traefik_local_port", default[1] if default else 0))


def plan(call: Call) -> int:
    host = host_of(call)
    may_change(call, host)
    code, output = playbook(call, "site.yml", "--check", "--diff")
    if code:
        say(f"plan: {host.name} could not be read to the end (exit {code}); do what the failed task above says.")
        return 1
    changed = recap(output).get("changed", 0)
    if not changed:
        print(f"\nplan: nothing to do on {host.name}")
        return 0
    print(f"\nplan: {changed} tasks would change {host.name}; run: make deploy{call.again}")
    return 2


def psql(call: Call) -> int:
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    query = ["-c", call.settings["SQL"]] if "SQL" in call.settings else []
    client = ["psql", "-U", "erp_admin", "-d", "portfolio", *query, *call.extra]
    argv = [*DOCKER, "exec", "-it" if terminal else "-i", DATABASE, *client]
    return subprocess.run(host_of(call).command(argv, terminal), check=False).returncode


def logs(call: Call) -> int:
    options = ["--tail", call.settings.get("LINES", "200"), *call.extra]
    argv = [*DOCKER, "logs", *options, call.settings["S"]]
    return subprocess.run(host_of(call).command(argv, terminal=False), check=False).returncode


def token(call: Call) -> int:
    ensure_venv()
    options = [f"--{name.lower()}={call.settings[name]}" for name in ("ROLE", "SUB", "DAYS") if name in call.settings]
    command = [str(PYTHON), "-m", TOKENS, "--inventory", str(call.inventory), *options, *call.extra]
    return subprocess.run(command, cwd=ROOT, env=environment(call), check=False).returncode


def seed(call: Call) -> int:
    state = call.settings.get("STATE", "present")
    if state not in ("present", "absent"):
        raise Refused(f"there is no state {state!r} of the example rows; set STATE to present or absent.")
    host = host_of(call)
    may_change(call, host)
    code, output = playbook(call, "playbooks/seed.yml", "-e", f"seed_state={state}")
    if code:
        say(f"seed: {host.name} was left as it was; do what the failed task above says.")
        return 1
    place = "in" if state == "present" else "not in"
    if not recap(output).get("changed", 0):
        print(f"\nseed: nothing to do, the example rows are {place} the database on {host.name}")
    elif {"--check", "-C"} & set(call.extra):
        print(f"\nseed: the example rows would then be {place} the database on {host.name}; nothing was changed")
    else:
        undo = f"; away again: make seed STATE=absent{call.again}" if state == "present" else ""
        print(f"\nseed: the example rows are now {place} the database on {host.name}{undo}")
    return 0


def destroy(call: Call) -> int:
    host = host_of(call)
    may_change(call, host)
    data = call.settings.get("DATA") == "yes"
    options = ("-e", json.dumps({"portfolio_destroy_data": data}))
    listed = f"what is listed above{' and all data' if data else ''}"
    code, _ = playbook(call, "playbooks/destroy.yml", "--check", *options)
    if code:
        return code
    if call.settings.get("YES") != "1":
        if not sys.stdin.isatty():
            raise Refused(f"destroy would remove {listed}, and nobody can be asked here; add YES=1 if that is wanted.")
        if input(f"Type {host.name} to remove {listed}: ") != host.name:
            raise Refused(f"destroy was not confirmed, nothing was removed; type {host.name} if you want it.")
    return playbook(call, "playbooks/destroy.yml", "-e", '{"portfolio_destroy_confirmed": true}', *options)[0]


def vault(call: Call) -> int:
    """Make the vaulted secrets that group_vars/all/main.yml refers to; what is there is kept."""
    ensure_venv()
    secret_file = vault_file(call)
    if secret_file is None:
        raise Refused(
            f"{call.inventory} refers to no vaulted secret in group_vars/all/main.yml; use one that does, "
            "for example run: make vault INVENTORY=inventories/droplet"
        )
    if secret_file.exists():
        say(f"vault: {secret_file} is there and is kept; read it with: ansible-vault view {secret_file}")
        return 0
    password = call.inventory_directory / ".vault_password"
    if not any(os.environ.get(name) for name in VAULT_WAYS) and not password.exists():
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(32) + "\n")
        say(f"vault: made {password} (ignored by git); keep a copy elsewhere, without it the secrets cannot be read")
    key = call.inventory_directory / ".token_signing_key.pem"  # made by an earlier deploy: its tokens stay valid
    pem = key.read_text() if key.exists() else new_key(call)
    text = "---\nvault_postgrest_erp_signing_key: |\n" + textwrap.indent(pem, "  ")
    encrypt = [str(VENV / "bin" / "ansible-vault"), "encrypt", *vault_options(call), "--output", str(secret_file), "-"]
    code = subprocess.run(encrypt, cwd=ROOT, env=environment(call), input=text, text=True, check=False).returncode
    if code:
        say(
            f"vault: {secret_file} could not be encrypted; correct what is said above, then run: make vault{call.again}"
        )
        return code
    say(f"vault: {secret_file} holds the secrets, encrypted")
    return 0


def new_key(call: Call) -> str:
    command = [str(PYTHON), "-c", f"import {TOKENS} as tokens; print(tokens.new_key(), end='')"]
    return subprocess.run(command, env=environment(call), stdout=subprocess.PIPE, text=True, check=True).stdout


def images(call: Call) -> int:
    return subprocess.run([str(ROOT / "images" / "build"), *call.extra], check=False).returncode


def setup(call: Call) -> int:
    group = call.settings.get("LOCK", "run")
    if group not in ("run", "test"):
        raise Refused(f"there is no lock {group!r}; set LOCK to run or test.")
    ensure_venv(group)
    return 0
