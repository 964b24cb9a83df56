"""The client, against a socket on which we answer ourselves."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.server.docker_api import DockerApi, DockerError

ANSWERS: dict[str, tuple[int, Any]] = {
    "/containers/postgres-erp/json": (200, {"Name": "/postgres-erp", "Id": "e022"}),
    # The engine takes the beginning of an id for a name.
    "/containers/e022/json": (200, {"Name": "/postgres-erp", "Id": "e022"}),
    "/networks/portfolio-network": (200, {"Name": "portfolio-network"}),
    "/volumes/a%2Fb": (500, {"message": "create a/b: invalid name"}),
    "/images/postgres:15.20-alpine/json": (200, {"Id": "sha256:1"}),
    "/images/postgrest/postgrest@sha256:12/json": (200, {"Id": "sha256:2"}),
    "/broken": (200, None),
}


class Engine(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    connections: list[int] = []  # noqa: RUF012 - shared by the handlers of one test

    def setup(self) -> None:
        super().setup()
        self.connections.append(1)

    def do_GET(self) -> None:
        status, answer = ANSWERS.get(self.path, (404, {"message": "no such thing"}))
        body = b"<html>" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "socket"

    def log_message(self, format: str, *arguments: Any) -> None:
        """Quiet."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[str]:
    path = str(tmp_path / "docker.sock")
    Engine.connections.clear()
    with socketserver.ThreadingUnixStreamServer(path, Engine) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield path
        server.shutdown()


def test_answers_over_one_connection(engine: str) -> None:
    with DockerApi(engine) as api:
        assert api.container("postgres-erp") == {"Name": "/postgres-erp", "Id": "e022"}
        assert api.network("portfolio-network") == {"Name": "portfolio-network"}
        assert api.image("postgres:15.20-alpine") == {"Id": "sha256:1"}
        assert api.image("postgrest/postgrest@sha256:12") == {"Id": "sha256:2"}
    assert len(Engine.connections) == 1


def test_what_is_not_there_is_none(engine: str) -> None:
    with DockerApi(engine) as api:
        assert api.container("nobody") is None
        assert api.image("nothing:1") is None


def test_the_beginning_of_an_id_is_no_name(engine: str) -> None:
    with DockerApi(engine) as api:
        assert api.container("e022") is None


def test_a_refusal_tells_what_docker_said(engine: str) -> None:
    with (
        DockerApi(engine) as api,
        pytest.raises(DockerError, match=r"refused GET /volumes/a%2Fb \(500\).*invalid name"),
    ):
        api.volume("a/b")


def test_something_else_behind_the_socket(engine: str) -> None:
    with DockerApi(engine) as api, pytest.raises(DockerError, match="not JSON"):
        api.get("/broken")


def test_no_engine(tmp_path: Path) -> None:
    missing = str(tmp_path / "nothing.sock")
    with DockerApi(missing) as api, pytest.raises(DockerError, match=r"nothing\.sock: .*No such file"):
        api.get("/info")


def test_an_engine_that_hangs(tmp_path: Path) -> None:
    path = str(tmp_path / "docker.sock")
    # It listens, and nobody ever accepts.
    with (
        socketserver.UnixStreamServer(path, Engine),
        DockerApi(path, timeout=0.1) as api,
        pytest.raises(DockerError, match="timed out"),
    ):
        api.get("/info")
