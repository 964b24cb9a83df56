# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service on the control node that sees the droplet's network: the same names, the same ports, over SSH.

So that an example runs word for word: in a mount namespace of its own `postgres-erp` and `traefik` are an address of
the loopback, on which SSH listens.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.documents.examples import Example
from tests.server import BIN, DIRECTORY, ROOT, Droplet, lab

HERE = Path(__file__).parent
NODE_FILES = ("package.json", "package-lock.json", "tsconfig.json", ".npmrc")
IN_NAMESPACE = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"')


@dataclass
class Service:
    droplet: Droplet
    work: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        """The droplet's SSH port, from which everything else here is made, so that two droplets do not meet."""
        hosts = json.loads((self.droplet.inventory / "hosts.json").read_text())["portfolio"]["hosts"]
        return int(hosts["droplet"]["ansible_port"])

    @property
    def address(self) -> str:
        return f"127.0.{self.port // 256}.{self.port % 256}"

    @property
    def api_port(self) -> int:
        return 20000 + self.port

    def run(self, *command: str, cwd: Path | None = None, **more: str) -> str:
        """What a command printed, run where the names of the network are known."""
        done = subprocess.run(
            [*IN_NAMESPACE, str(self.work / "hosts"), *command],
            cwd=cwd or self.work,
            env=self._clean() | self.environment | more,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _clean(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "MAKE", "MFLAGS"))}
        return kept | {"PATH": f"{BIN}:{os.environ['PATH']}", "INVENTORY": str(self.droplet.inventory)}

    def python(self, text: str) -> str:
        file = self.work / "example.py"
        file.write_text(text, encoding="utf-8")
        return self.run(sys.executable, str(file))

    def shell(self, text: str) -> str:
        """In the clone, where an operator types."""
        return self.run("bash", "-euc", text, cwd=ROOT)

    def sourced(self, text: str, *names: str) -> dict[str, str]:
        """The variables that a block sets."""
        printed = self.shell("\n".join([text, *(f'echo "${name}"' for name in names)]))
        return dict(zip(names, printed.splitlines(), strict=True))

    def compile(self, examples: Mapping[str, Example]) -> None:
        """All TypeScript examples at once, strictly, with exactly the locked packages."""
        for name in NODE_FILES:
            shutil.copy(HERE / name, self.work)
        self.run("npm", "ci", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error")
        for example in examples.values():
            if example.language == "typescript":
                (self.work / f"{example.name}.ts").write_text(example.text, encoding="utf-8")
        self.run("node", "node_modules/typescript/bin/tsc")

    def typescript(self, name: str) -> str:
        return self.run("node", f"{name}.js")


def address_of(droplet: Droplet, container: str, network: str) -> str:
    template = f'{{{{(index .NetworkSettings.Networks \\"{network}\\").IPAddress}}}}'
    return droplet.shell(f'docker inspect -f "{template}" {container}')


def _listening(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def forwarded(service: Service) -> Iterator[None]:
    """SSH listens where the names of the droplet's network lead."""
    droplet, here = service.droplet, service.address
    database = address_of(droplet, "postgres-erp", "portfolio-network")
    proxy = address_of(droplet, "traefik", "docker_proxy")
    options = (
        "-N -o ExitOnForwardFailure=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes"
    )
    ways = (
        f"{here}:5432:{database}:5432",
        f"{here}:80:{proxy}:80",
        f"127.0.0.1:{service.api_port}:127.0.0.1:3000",
    )
    command = ["ssh", *options.split(), "-o", "LogLevel=ERROR", "-i", lab("key"), "-p", str(service.port)]
    process = subprocess.Popen([*command, *(word for way in ways for word in ("-L", way)), "root@127.0.0.1"])
    try:
        deadline = time.monotonic() + 20
        while not _listening(here, 5432):
            assert process.poll() is None and time.monotonic() < deadline, "SSH forwards nothing"
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def service_of(droplet: Droplet, work: Path, examples: Mapping[str, Example]) -> Iterator[Service]:
    """Set up as the document says, from its own blocks."""
    service = Service(droplet, work)
    (work / "hosts").write_text(f"127.0.0.1 localhost\n{service.address} postgres-erp traefik\n")
    (work / "pg_service.conf").write_text(examples["service"].text)
    there = f"{DIRECTORY}/planner-api"
    droplet.shell(
        f"mkdir -p {there} && cd {there} && export PORTFOLIO_DIRECTORY={DIRECTORY} && {examples['password'].text}"
    )
    password = work / "pgpass"
    password.touch(mode=0o600)
    password.write_text(droplet.shell(f"cat {there}/pgpass") + "\n")
    service.environment = {"PGSERVICEFILE": str(work / "pg_service.conf"), "PGPASSFILE": str(password)}
    try:
        with forwarded(service):
            service.environment["API"] = f"http://127.0.0.1:{service.api_port}"
            service.environment |= service.sourced(examples["uri"].text, "DATABASE_URL", "SQLALCHEMY_URL")
            service.environment |= service.sourced(examples["token"].text, "API", "TOKEN")
            yield service
    finally:
        droplet.shell(f"rm -rf {there}")
