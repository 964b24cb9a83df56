# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs: each takes a call and gives an exit code."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import subprocess
import sys
import textwrap
from dataclasses import replace

from cli import screen
from cli.ansible import VAULT_WAYS, environment, host_of, may_change, vault_file, vault_options
from cli.call import ROOT, Call, Refused, say
from cli.connect import asked
from cli.run import exit_code, watch
from cli.venv import PYTHON, VENV, ensure_venv

TOKENS = "ansible_collections.bestviable.portfolio.plugins.plugin_utils.tokens"
DOCKER = ("docker", "--host", "unix:///var/run/docker.sock")  # never another engine that a context points to
DATABASE = "postgres-erp"
NOT_FOUND = 127  # what env ends with where there is no such program


def psql(call: Call) -> int:
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    query = ["-c", call.settings["SQL"]] if "SQL" in call.settings else []
    session = ["-U", "erp_admin", "-d", "portfolio", *query]
    host = host_of(call)
    if not host.external:
        argv = [*DOCKER, "exec", "-it" if terminal else "-i", DATABASE, "psql", *session, *call.extra]
        return subprocess.run(host.command(argv, terminal), check=False).returncode
    argv = [*shlex.split(asked(replace(call, extra=()))["psql"]), *session, *call.extra]
    code = subprocess.run(host.command(argv, terminal), check=False).returncode
    if code == NOT_FOUND:
        raise Refused(
            f"psql is not on {host.name}, where it would run; install it there, run: apt-get install postgresql-client"
        )
    return code


def logs(call: Call) -> int:
    host = host_of(call)
    if host.external and call.settings["S"] == DATABASE:
        raise Refused(
            f"the database of {host.name} is a server of somebody else, and no container {DATABASE} runs; "
            "look into its log in the panel of its provider."
        )
    options = ["--tail", call.settings.get("LINES", "200"), *call.extra]
    argv = [*DOCKER, "logs", *options, call.settings["S"]]
    return subprocess.run(host.command(argv, terminal=False), check=False).returncode


def seed(call: Call) -> int:
    state = call.settings.get("STATE", "present")
    if state not in ("present", "absent"):
        raise Refused(f"there is no state {state!r} of the example rows; set STATE to present or absent.")
    host = host_of(call)
    may_change(call, host)
    report = watch(call, host, "playbooks/seed.yml", "-e", f"seed_state={state}").report
    if report.failure:
        say("\n".join(screen.failed(report)))
        return 1
    place = "in" if state == "present" else "not in"
    if not report.effects:
        print(f"seed: nothing to do, the example rows are {place} the database on {host.name}")
    elif report.check:
        print(f"seed: the example rows would then be {place} the database on {host.name}; nothing was changed")
    else:
        undo = f"; away again: make seed STATE=absent{call.again}" if state == "present" else ""
        print(f"seed: the example rows are now {place} the database on {host.name}{undo}")
    return 0


def recover(call: Call) -> int:
    """Start a database that stands still on a full disk; what fills it is left to a person."""
    host = host_of(call)
    may_change(call, host)
    report = watch(call, host, "playbooks/recover.yml").report
    if report.failure:
        say("\n".join(screen.failed(report)))
        return exit_code(report)
    if not report.effects:
        print(f"recover: nothing to do, the database on {host.name} runs")
    elif report.check:
        print(f"recover: the database on {host.name} would be started; nothing was changed")
    else:
        print(f"recover: the database on {host.name} runs again, on the last of its disk; free some space now")
        print("  what is big   df -h, docker system df")
        print(f"  then          make deploy{call.again}, which keeps space for the next time")
    return 0


def acknowledge(call: Call) -> int:
    host = host_of(call)
    may_change(call, host)
    report = watch(call, host, "playbooks/acknowledge.yml").report
    if report.failure:
        say("\n".join(screen.failed(report)))
        return exit_code(report)
    print(f"acknowledge: {host.name} counts on from here; for what it says now, run: make status{call.again}")
    return 0


def destroy(call: Call) -> int:
    host = host_of(call)
    may_change(call, host)
    data = call.settings.get("DATA") == "yes"
    options = ("-e", json.dumps({"portfolio_destroy_data": data}))
    listed = f"what is listed above{' and all data' if data else ''}"
    report = watch(call, host, "playbooks/destroy.yml", "--check", *options).report
    if not report.failure:
        if call.settings.get("YES") != "1":
            if not sys.stdin.isatty():
                raise Refused(
                    f"destroy would remove {listed}, and nobody can be asked here; add YES=1 if that is wanted."
                )
            if input(f"Type {host.name} to remove {listed}: ") != host.name:
                raise Refused(f"destroy was not confirmed, nothing was removed; type {host.name} if you want it.")
        confirmed = ("-e", '{"portfolio_destroy_confirmed": true}')
        report = watch(call, host, "playbooks/destroy.yml", *confirmed, *options).report
    if report.failure:
        say("\n".join(screen.failed(report)))
        return exit_code(report)
    print(f"destroy: {host.name} holds nothing of ours any more" + ("" if data else ", except the data"))
    return 0


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
