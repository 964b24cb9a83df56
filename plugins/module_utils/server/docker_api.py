# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading from the Docker Engine over its Unix socket, with nothing but the standard library, and only with GET.

The Docker SDK and the CLI are not there yet on a bare server, and one connection is faster than either.
"""

from __future__ import annotations

import http.client
import io
import json
import posixpath
import socket
import tarfile
from types import TracebackType
from typing import Any
from urllib.parse import quote

# Long enough for a busy engine, short enough for somebody who waits.
TIMEOUT = 10.0
# Of everything that this collection made, whether it runs or not.
LABELLED = "/containers/json?all=1&filters=%7B%22label%22%3A%5B%22bestviable.portfolio%22%5D%7D"
# A file may be a link to a link; one in a circle is none.
MOST_LINKS = 8


class DockerError(Exception):
    """The engine does not answer, or not with what was asked for."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class DockerApi:
    """One kept connection; paths carry no version, so the engine answers with its newest."""

    def __init__(self, socket_path: str, timeout: float = TIMEOUT) -> None:
        self._socket_path = socket_path
        self._connection = _UnixConnection(socket_path, timeout)

    def __enter__(self) -> DockerApi:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def get(self, path: str) -> Any:
        """The decoded answer, or None where the engine knows no such object."""
        status, body = self._ask(path)
        return None if status == 404 else self._decoded(path, status, body)

    def _ask(self, path: str) -> tuple[int, bytes]:
        try:
            self._connection.request("GET", path)
            response = self._connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise DockerError(f"Docker does not answer at {self._socket_path}: {error}") from error

    def _decoded(self, path: str, status: int, body: bytes) -> Any:
        try:
            answer = json.loads(body)
        except ValueError as error:
            raise DockerError(f"{self._socket_path} answered GET {path} with something that is not JSON") from error
        if status >= 400:
            message = answer.get("message") if isinstance(answer, dict) else answer
            raise DockerError(f"Docker refused GET {path} ({status}): {message}")
        return answer

    def file(self, container: str, path: str) -> bytes | None:
        """A file as a container sees it, wherever it comes from; links are followed."""
        for _link in range(MOST_LINKS):
            question = f"/containers/{_quoted(container)}/archive?path={_quoted(path)}"
            status, body = self._ask(question)
            if status == 404:
                return None
            if status >= 400:
                self._decoded(question, status, body)
            with tarfile.open(fileobj=io.BytesIO(body)) as archive:
                first = archive.next()
                if first is None or not first.issym():
                    content = archive.extractfile(first) if first is not None and first.isfile() else None
                    return content.read() if content else None
                path = posixpath.join(posixpath.dirname(path), first.linkname)
        return None

    def ours(self) -> list[dict[str, Any]]:
        """Our containers, as the engine lists them."""
        answer: list[dict[str, Any]] | None = self.get(LABELLED)
        return answer or []

    def container(self, name: str) -> dict[str, Any] | None:
        return self._exact(f"/containers/{_quoted(name)}/json", "/" + name)

    def network(self, name: str) -> dict[str, Any] | None:
        return self._exact(f"/networks/{_quoted(name)}", name)

    def volume(self, name: str) -> dict[str, Any] | None:
        return self._exact(f"/volumes/{_quoted(name)}", name)

    def image(self, reference: str) -> dict[str, Any] | None:
        answer: dict[str, Any] | None = self.get(f"/images/{quote(reference, safe='/:@')}/json")
        return answer

    def _exact(self, path: str, name: str) -> dict[str, Any] | None:
        """The engine also takes the beginning of an id for a name; we do not."""
        answer: dict[str, Any] | None = self.get(path)
        return answer if answer is not None and answer.get("Name") == name else None


def _quoted(name: str) -> str:
    return quote(name, safe="")
