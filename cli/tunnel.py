# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb tunnel: the database of a server at a port of this machine, over SSH, with a service's login."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType

from cli.ansible import Host, host_of
from cli.call import SILENCE, Call, Refused, say
from cli.connect import Login, asked, chosen, jdbc, login_of, password_of, pgpass, service, uri
from cli.screen import commands, labelled

LOCAL = "127.0.0.1"
PORT = 15432
PATIENCE = 20.0  # seconds in which the database has to answer once SSH listens
# A connection of its own, or one that is shared would keep the port open after the end.
SSH = "-N -T -o ControlMaster=no -o ControlPath=none -o ExitOnForwardFailure=yes -o ConnectTimeout=10"
ALIVE = "-o ServerAliveInterval=15 -o ServerAliveCountMax=3"
# The first words of PostgreSQL's protocol: may this be encrypted? Every server answers with one letter.
QUESTION = struct.pack("!ii", 8, 80877103)


def tunnel(call: Call) -> int:
    """Forward until Ctrl-C, which is its regular end."""
    port = local_port(call)
    host = host_of(call)
    found = asked(call)
    one = chosen(found, call)
    if found["ca_cert"]:
        raise Refused(
            f"{found['database']} is at {found['server']}:{found['port']}, which is not on {host.name}; use what the "
            "verb connect prints, from where its provider lets in."
        )
    if not found["address"]:
        raise Refused(f"{found['server']} does not run on {host.name}; see why, for that run: make status{call.again}")
    login = replace(login_of(found, one), application=f"{one['name']}-tunnel")
    if host.local:
        print("\n".join(beside(replace(login, host=found["address"]))))
        return 0
    refuse_taken(port, one["name"], call)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    try:
        with private_directory() as directory:
            reach = replace(login, host=LOCAL, port=port, passfile=str(directory / "pgpass"))
            write(directory / "pgpass", pgpass(replace(reach, password=password_of(host, one))))
            write(directory / "pg_service.conf", service(reach))
            target = f"{LOCAL}:{port}:{found['address']}:{found['port']}"
            with forwarding(host, target, directory / "ssh.log") as ssh:
                wait_for_answer(ssh, reach, host, call.again)
                print("\n".join(opened(reach, host, directory, call.again)), flush=True)
                ssh.wait()
                raise Refused(
                    f"the tunnel to {host.name} ended ({reason(ssh)}); run: "
                    f"make tunnel SERVICE={login.service} LOCAL_PORT={port}{call.again}"
                )
    except KeyboardInterrupt:
        say("tunnel: closed")
        return 0


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def local_port(call: Call) -> int:
    """The port of this machine that is wanted."""
    text = call.settings.get("LOCAL_PORT", str(PORT))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise Refused(f"LOCAL_PORT is {text!r}; set it to the number of a free port of this machine, such as {PORT}.")
    return int(text)


def refuse_taken(port: int, name: str, call: Call) -> None:
    """Somebody else may listen there; SSH would say so only after the login."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOCAL, port))
        except OSError as error:
            other = port + 1 if port < 65535 else PORT
            raise Refused(
                f"LOCAL_PORT {port} of this machine cannot be used ({os.strerror(error.errno or 0)}); take another, "
                f"for example run: make tunnel SERVICE={name} LOCAL_PORT={other}{call.again}"
            ) from error


@contextlib.contextmanager
def private_directory() -> Iterator[Path]:
    """For what nobody else may read, gone at the end; in memory where the system has a place there."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    place = runtime if os.access(runtime, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="portfolio-", dir=place) as directory:  # mode 0700
        yield Path(directory)


def write(path: Path, text: str) -> None:
    """libpq ignores a password file that others can read."""
    path.touch(mode=0o600)
    path.write_text(f"{text}\n", encoding="utf-8")


class Forwarding(subprocess.Popen[bytes]):
    """SSH, and the file in which it says what went wrong."""

    def __init__(self, command: list[str], log: Path) -> None:
        self.log = log
        with log.open("wb") as errors:
            super().__init__(command, stdin=subprocess.DEVNULL, stderr=errors)


@contextlib.contextmanager
def forwarding(host: Host, target: str, log: Path) -> Iterator[Forwarding]:
    """SSH as it listens; ended with the block."""
    with Forwarding(host.ssh(*SSH.split(), *ALIVE.split(), "-L", target), log) as ssh:
        try:
            yield ssh
        finally:
            ssh.terminate()


def reason(ssh: Forwarding) -> str:
    """What SSH said last."""
    said = [line.strip() for line in ssh.log.read_text(errors="replace").splitlines() if line.strip()]
    return said[-1].rstrip(".") if said else f"ssh ended with {ssh.returncode}"


def wait_for_answer(ssh: Forwarding, login: Login, host: Host, again: str) -> None:
    """Until PostgreSQL itself answers; somebody may be typing a passphrase meanwhile."""
    began = said = time.monotonic()
    listens = 0.0
    while (heard := answer(login.port)) != "database":
        now = time.monotonic()
        if ssh.poll() is not None:
            raise Refused(
                f"SSH to {host.name} opens no tunnel ({reason(ssh)}); correct that, then run: "
                f"make tunnel SERVICE={login.service} LOCAL_PORT={login.port}{again}"
            )
        listens = listens or (now if heard else 0.0)
        if listens and now - listens > PATIENCE:
            raise Refused(
                f"postgres-erp on {host.name} gives no answer through the tunnel ({reason(ssh)}); see why, for that "
                f"run: make status{again}"
            )
        if now - said > SILENCE:
            say(f"  … waiting for {host.name} to answer, {now - began:.0f} s")
            said = now
        time.sleep(0.1)


def answer(port: int) -> str:
    """Who answers at the port: the database, only SSH, or nobody."""
    try:
        with socket.create_connection((LOCAL, port), timeout=5) as way:
            way.sendall(QUESTION)
            return "database" if way.recv(1) in (b"N", b"S") else "ssh"
    except ConnectionRefusedError:
        return ""
    except OSError:
        return "ssh"


def opened(login: Login, host: Host, directory: Path, again: str) -> Iterator[str]:
    """How to use it, for a person; pure."""
    yield f"tunnel: {login.host}:{login.port} is {login.database} on {host.name}, as {login.service}; Ctrl-C closes it"
    yield from commands("psql", [f"PGSERVICEFILE={directory}/pg_service.conf psql service={login.database}"])
    yield from commands("URI", [f"'{uri(login, passfile=login.passfile)}'"])
    yield from commands("JDBC", [f"'{jdbc(login)}'"])
    yield from commands("password", [f"make connect SERVICE={login.service} FORMAT=pgpass REVEAL=1{again}"])
    yield from labelled("sslmode", ["disable: SSH encrypts the way, the server has no certificate"])


def beside(login: Login) -> Iterator[str]:
    """How to use the database on the machine where it runs; pure."""
    yield f"tunnel: none is needed, {login.database} runs on this machine and answers at {login.host}:{login.port}"
    yield from commands("psql", [f"PGPASSWORD=\"$(cat {shlex.quote(login.secret)})\" psql '{uri(login)}'"])
    yield from labelled("", ["as root, who alone may read that file"])
