# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain proxy → API → database on a whole server, asked as anybody could who stands before one of its doors."""

from __future__ import annotations

import ctypes
import json
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any, Literal

import jwt
from ansible_collections.bestviable.portfolio.plugins.plugin_utils import tokens

from tests.consistency.repository import defaults, load
from tests.server import Droplet

HOSTNAME: str = defaults("portfolio")["portfolio_hostname"]
LOCAL_PORT: int = defaults("traefik")["traefik_local_port"]
API_PORT: int = load("roles/postgrest_erp/vars/main.yml")["_postgrest_erp_port"]
INGRESS: str = defaults("portfolio")["portfolio_ingress_network"]
DATABASE_NETWORK: str = defaults("portfolio")["portfolio_network"]
# The way in: the public name as the tunnel comes, the server's own address, or past the proxy.
Address = tuple[str, int]
Door = Literal["public", "local", "direct"] | Address
CLONE_NEWNET = 0x40000000
# What the database says when one of its processes was killed; the container itself goes on then.
KILLED = "was terminated by signal|reinitializing"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


@dataclass
class Chain:
    """A deployed server, tokens of its own key, and ways to ask it."""

    droplet: Droplet
    # What `containers` said after the test before.
    seen: dict[str, tuple[int, str]] = field(default_factory=dict)
    _addresses: dict[tuple[str, str], str] = field(default_factory=dict)

    # --- tokens

    @cached_property
    def key(self) -> str:
        """The private key of the inventory that the server was deployed with."""
        return (self.droplet.inventory / ".token_signing_key.pem").read_text()

    def token(
        self,
        role: str | None,
        *,
        key: str | None = None,
        headers: Mapping[str, Any] | None = None,
        algorithm: str = "EdDSA",
        **claims: Any,
    ) -> str:
        """A token of one day. A claim that is given replaces the usual one, None removes it."""
        now = int(time.time())
        usual = {
            "role": role,
            "sub": "security-suite",
            "aud": HOSTNAME,
            "iss": tokens.ISSUER,
            "iat": now,
            "exp": now + tokens.DAY,
            "jti": str(uuid.uuid4()),
        }
        wanted = {name: value for name, value in (usual | claims).items() if value is not None}
        pem = self.key if key is None else key
        kid = {"kid": tokens.jwks([pem])["keys"][0]["kid"]} if algorithm == "EdDSA" else {}
        return jwt.encode(wanted, pem, algorithm=algorithm, headers={**kid, **(headers or {})})

    # --- requests

    def ask(
        self,
        method: str,
        path: str,
        token: str | None = None,
        via: Door = "public",
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        timeout: float = 60,
        source: str | None = None,
    ) -> Answer:
        """One request over a connection of its own, from *source*; a body is bytes, text or data for JSON."""
        sent = {"Host": self.host(via), **(headers or {})}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if body is not None and not isinstance(body, bytes | str) and not hasattr(body, "__next__"):
            body = json.dumps(body)
            sent = {"Content-Type": "application/json", **sent}
        connection = HTTPConnection(HOSTNAME, timeout=timeout)
        connection.sock = self.connect(via, timeout, source)
        try:
            connection.request(method, path, body=body, headers=sent)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def raw(self, data: bytes, via: Door = "public", timeout: float = 30) -> bytes:
        """What comes back for bytes that no library would send, until the other side closes or says nothing more."""
        with self.connect(via, timeout) as connection:
            connection.sendall(data)
            received = b""
            try:
                while chunk := connection.recv(65536):
                    received += chunk
            except (TimeoutError, ConnectionResetError):
                pass
            return received

    def raw_answer(self, data: bytes, via: Door = "public", timeout: float = 30) -> Answer:
        """The first answer to such bytes."""
        with self.connect(via, timeout) as connection:
            connection.sendall(data)
            response = HTTPResponse(connection)
            response.begin()
            return Answer(response.status, response.headers, response.read())

    def connect(self, via: Door, timeout: float = 30, source: str | None = None) -> socket.socket:
        """A connection that begins on the server itself, where the doors are."""
        try:
            return self.connect_to(self.address(via), timeout, source)
        except OSError:
            # A container that was made again may have another address.
            self.forget()
            return self.connect_to(self.address(via), timeout, source)

    def connect_to(self, address: Address, timeout: float = 30, source: str | None = None) -> socket.socket:
        """A connection from the server's own network to anywhere in it.

        A socket belongs to the network that its thread was in when it was made; no forwarding stands between.
        """
        opened: list[socket.socket] = []
        failed: list[OSError] = []

        def run() -> None:
            try:
                with self.network_file.open("rb") as namespace:
                    libc = ctypes.CDLL(None, use_errno=True)
                    if libc.setns(namespace.fileno(), CLONE_NEWNET):
                        raise OSError(ctypes.get_errno(), "setns")
                opened.append(socket.create_connection(address, timeout, (source, 0) if source else None))
            except OSError as error:
                failed.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]
        return opened[0]

    @cached_property
    def network_file(self) -> Path:
        """The server's network, as the kernel shows it."""
        command = ["docker", "inspect", "-f", "/proc/{{.State.Pid}}/ns/net", self.droplet.name]
        return Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())

    def inside(self, *command: str) -> list[str]:
        """A command of this machine that sees the server's network: `url("local")` works in it."""
        return ["nsenter", f"--net={self.network_file}", "--", *command]

    def host(self, via: Door) -> str:
        return f"localhost:{LOCAL_PORT}" if via == "local" else HOSTNAME

    def address(self, via: Door) -> Address:
        if isinstance(via, tuple):
            return via
        if via == "local":
            return "127.0.0.1", LOCAL_PORT
        return (self.ip("traefik"), 80) if via == "public" else (self.ip("postgrest-erp"), API_PORT)

    def url(self, via: Door) -> str:
        """For programs of `inside`; through the public door they have to send Host themselves."""
        return "http://{}:{}".format(*self.address(via))

    def ip(self, container: str, network: str = INGRESS) -> str:
        """A container's address, seen from the server."""
        if (container, network) not in self._addresses:
            found = self.droplet.shell(
                f"docker inspect -f '{{{{(index .NetworkSettings.Networks \"{network}\").IPAddress}}}}' {container}"
            )
            self._addresses[container, network] = found
        return self._addresses[container, network]

    def forget(self) -> None:
        """Look containers' addresses up again."""
        self._addresses.clear()

    # --- the server

    def sql(self, statement: str) -> str:
        """As superuser, in one go; the rows with | between columns."""
        return self.droplet.shell(
            "docker exec -i postgres-erp psql -XAtqU postgres -d portfolio -v ON_ERROR_STOP=1", given=statement
        )

    def count(self, table: str) -> int:
        return int(self.sql(f"SELECT count(*) FROM {table}"))

    def containers(self) -> dict[str, tuple[int, str]]:
        """How often each was restarted and when it was started; and how often a process of the database was killed."""
        lines = self.droplet.shell(
            "docker inspect -f '{{.Name}} {{.RestartCount}} {{.State.StartedAt}}' postgres-erp postgrest-erp traefik;"
            f" grep -cE '{KILLED}' $(docker inspect -f '{{{{.LogPath}}}}' postgres-erp) || true"
        ).splitlines()
        found = {name.lstrip("/"): (int(count), started) for name, count, started in map(str.split, lines[:-1])}
        return {**found, "killed processes of postgres-erp": (int(lines[-1]), "")}


def statuses(answers: Sequence[Answer]) -> dict[int, int]:
    """How often each status came."""
    return {status: sum(a.status == status for a in answers) for status in sorted({a.status for a in answers})}
