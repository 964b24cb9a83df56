"""The client, against a socket on which we answer ourselves."""

from __future__ import annotations

import io
import json
import socketserver
import tarfile
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


def packed(kind: bytes, content: bytes = b"", link: str = "") -> bytes:
    """A tar of one member, as the engine answers for a path in a container."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo("member")
        member.type, member.size, member.linkname = kind, len(content), link
        archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def archive(path: str) -> str:
    return f"/containers/proxy/archive?path={path.replace('/', '%2F')}"


ANSWERS |= {
    archive("/etc/traefik/traefik.yml"): (200, packed(tarfile.REGTYPE, b"api: {}")),
    archive("/etc/traefik"): (200, packed(tarfile.DIRTYPE)),
    archive("/link"): (200, packed(tarfile.SYMTYPE, link="etc/traefik/traefik.yml")),
    archive("/circle"): (200, packed(tarfile.SYMTYPE, link="circle")),
    archive("/refused"): (500, {"message": "no"}),
}


class Engine(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    connections: list[int] = []  # noqa: RUF012 - shared by the handlers of one test

    def setup(self) -> None:
        super().setup()
        self.connections.append(1)

    def do_GET(self) -> None:
        status, answer = ANSWERS.get(self.path, (404, {"message": "no such thing"}))
        body = answer if isinstance(answer, bytes) else b"<html>" if answer is None else json.dumps(answer).encode()
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


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/etc/traefik/traefik.yml", b"api: {}"),
        ("/link", b"api: {}"),
        ("/etc/traefik", None),
        ("/circle", None),
        ("/nothing", None),
    ],
)
def test_a_file_in_a_container(engine: str, path: str, content: bytes | None) -> None:
    with DockerApi(engine) as api:
        assert api.file("proxy", path) == content


def test_a_file_that_is_refused(engine: str) -> None:
    with DockerApi(engine) as api, pytest.raises(DockerError, match=r"\(500\): no"):
        api.file("proxy", "/refused")


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
