# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real Traefik on this machine with what the roles write for it; a server behind it tells what reached it."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.consistency.repository import defaults
from tests.doors import free_port
from tests.route import doors, render
from tests.waiting import until

HOSTNAME: str = defaults("portfolio")["portfolio_hostname"]
Configuration = dict[str, Any]
Change = Callable[[Configuration, Configuration], None]
# What the tests' client is called when it comes from elsewhere than the proxies that are believed.
STRANGER = "127.0.0.2"


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def seen(self) -> dict[str, Any]:
        """What the server behind saw of the request: path, headers, length of the body."""
        found: dict[str, Any] = json.loads(self.body)
        return found


class Behind(BaseHTTPRequestHandler):
    """Tells what it got. A path with `wait` in it is answered when the test lets it."""

    protocol_version = "HTTP/1.1"
    server_version = "Secret/1.0"
    go = threading.Event()
    waiting = threading.Semaphore(0)

    @classmethod
    def hold(cls) -> None:
        """From now on those wait; `waiting` counts them from none."""
        cls.go.clear()
        cls.waiting = threading.Semaphore(0)

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "wait" in self.path:
            self.waiting.release()
            self.go.wait(60)
        told = {"path": self.path, "headers": self.headers.items(), "length": len(body)}
        content = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Quiet."""


@contextmanager
def behind() -> Iterator[int]:
    """Its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Behind) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        Behind.go.set()
        server.shutdown()


@dataclass
class Proxy:
    """A running one; `web` and `local` are its doors."""

    directory: Path
    process: subprocess.Popen[bytes]
    ports: dict[str, int]
    route: Configuration = field(default_factory=dict)

    def ask(
        self,
        path: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        via: str = "web",
        source: str = "127.0.0.1",
    ) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.ports[via], timeout=60, source_address=(source, 0))
        host = HOSTNAME if via == "web" else f"localhost:{self.ports['local']}"
        try:
            connection.request(method, path, body, {"Host": host, **(headers or {})}, encode_chunked=True)
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers), response.read())
        finally:
            connection.close()

    def raw(self, data: bytes) -> int:
        """The status of the answer to bytes that no library would send."""
        connection = HTTPConnection("127.0.0.1", self.ports["web"], timeout=60)
        connection.connect()
        try:
            connection.sock.sendall(data)
            response = HTTPResponse(connection.sock)
            response.begin()
            return response.status
        finally:
            connection.close()

    def well(self) -> bool:
        return self.ask("/erp/people").status == 200

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    @property
    def dynamic(self) -> Path:
        return self.directory / "dynamic"

    def write(self, name: str, content: str) -> None:
        """As the roles do: a whole file takes the place of the old one."""
        new = self.directory / "new"
        new.write_text(content)
        new.replace(self.dynamic / name)


def unchanged(_static: Configuration, _http: Configuration) -> None:
    """As the roles write it."""


def written(
    directory: Path, upstream: int, change: Change, believed: list[str]
) -> tuple[dict[str, int], Configuration]:
    """The files of the roles, with this machine's ports in them; the ports and the route."""
    static = render("traefik/templates/traefik.yml.j2", _portfolio_connector_addresses=believed)
    route = render("postgrest_erp/templates/route.yml.j2", doors=doors("_traefik_doors"))
    ports = {name: free_port() for name in static["entryPoints"]}
    for name, port in ports.items():
        static["entryPoints"][name]["address"] = f"127.0.0.1:{port}"
    static["providers"]["file"]["directory"] = str(directory / "dynamic")
    for service in route["http"]["services"].values():
        service["loadBalancer"]["servers"] = [{"url": f"http://127.0.0.1:{upstream}"}]
    change(static, route["http"])
    (directory / "dynamic").mkdir()
    # JSON is YAML.
    (directory / "traefik.yml").write_text(json.dumps(static))
    (directory / "dynamic" / "erp-db.yml").write_text(json.dumps(route))
    return ports, route


@contextmanager
def proxy(
    binary: Path, directory: Path, upstream: int, change: Change = unchanged, believed: list[str] | None = None
) -> Iterator[Proxy]:
    directory.mkdir()
    ports, route = written(directory, upstream, change, believed or [])
    with (
        (directory / "log").open("wb") as log,
        subprocess.Popen([binary, f"--configFile={directory}/traefik.yml"], stdout=log, stderr=log) as process,
    ):
        running = Proxy(directory, process, ports, route)
        try:
            until(lambda: running.ask("/ping", via="ping").status == 200)
            # Routes are read after the doors are open.
            until(lambda: running.ask("/erp/people").status != 404)
            yield running
        finally:
            process.send_signal(signal.SIGKILL)
