# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stateful fake of Cloudflare's API on 127.0.0.1, with faults on demand. Every body and every result is held against
a schema; what does not fit is a violation, which a test finds at its end.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jsonschema import Draft202012Validator

from tests.lab.cloudflare.schemas import CALLS, Schema
from tests.lab.cloudflare.state import RefusedError, State, routes

PREFIX = "/client/v4"
TOKEN = "cloudflare-api-token-of-the-tests"
LISTS = re.compile(r"/(?:zones|cfd_tunnel|dns_records|service_tokens|policies|apps)$")


@dataclass
class Fault:
    """What goes wrong with the next `times` calls that fit; `after` says that the call takes effect all the same."""

    kind: str
    method: str = ""
    path: str = ""
    times: int = 1
    after: bool = False
    status: int = 503
    code: int = 0
    headers: dict[str, str] = field(default_factory=dict)

    def fits(self, method: str, path: str) -> bool:
        return self.times > 0 and self.method in ("", method) and re.search(self.path, path) is not None


@dataclass(frozen=True)
class Exchange:
    """One call as it was; `call` is its template."""

    method: str
    path: str
    call: tuple[str, str]
    body: Any
    status: int
    document: Any


@dataclass(frozen=True)
class Reply:
    status: int
    document: dict[str, Any]
    call: tuple[str, str] = ("", "")


def failure(status: int, code: int, message: str) -> Reply:
    errors = [{"code": code, "message": message}]
    return Reply(status, {"success": False, "errors": errors, "messages": [], "result": None})


class Fake:
    """The account, what was asked, and what shall go wrong."""

    def __init__(self, state: State | None = None) -> None:
        self.state = state or State()
        self.faults: list[Fault] = []
        self.log: list[Exchange] = []
        self.violations: list[str] = []
        # Called with each call's number once it has taken effect, before it is answered.
        self.hook: Callable[[int], None] = lambda number: None
        # What is made of a call's answer before it is sent.
        self.mangle: Callable[[tuple[str, str], dict[str, Any]], dict[str, Any]] = lambda call, document: document
        # Paths that the token may not ask.
        self.denied = ""
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._routes = routes(self.state)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"fake": self}))
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{PREFIX}"

    @contextmanager
    def running(self) -> Iterator[Fake]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.stopped.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def sent(self, *methods: str) -> list[str]:
        """The calls that arrived, all or those of some methods."""
        return [f"{item.method} {item.path}" for item in self.log if not methods or item.method in methods]

    def fault(self, method: str, path: str) -> Fault | None:
        with self._lock:
            found = next((fault for fault in self.faults if fault.fits(method, path)), None)
            if found:
                found.times -= 1
            return found

    def answer(self, method: str, target: str, token: str, body: Any) -> Reply:
        """One call, one after the other."""
        with self._lock:
            reply = self._answer(method, target, token, body)
            path = urlsplit(target).path
            self.log.append(Exchange(method, path, reply.call, body, reply.status, reply.document))
            number = len(self.log)
        self.hook(number)
        return reply

    def _answer(self, method: str, target: str, token: str, body: Any) -> Reply:
        parts = urlsplit(target)
        if token != f"Bearer {TOKEN}":
            return failure(401, 9109, "Invalid access token")
        if self.denied and re.search(self.denied, parts.path):
            return failure(403, 10000, "Authentication error")
        call, names = self.call(method, parts.path)
        if call not in self._routes:
            self.violations.append(f"there is no {method} {parts.path}")
            return failure(404, 7003, "Could not route to the path")
        takes, gives = CALLS[call]
        self.check(f"the body of {method} {parts.path}", takes, body)
        arguments = [*names, *([body] if takes is not None else [])]
        query = dict(parse_qsl(parts.query))
        try:
            result = self._routes[call](*(arguments or [query]))
        except RefusedError as refused:
            return Reply(refused.status, failure(refused.status, refused.code, refused.message).document, call)
        except (KeyError, TypeError, ValueError) as error:
            self.violations.append(f"the fake cannot answer {method} {parts.path}: {error!r}")
            return failure(500, 1000, "fault of the fake")
        self.check(f"the result of {method} {parts.path}", gives, result)
        return Reply(200, self.envelope(call, result, query), call)

    def call(self, method: str, path: str) -> tuple[tuple[str, str], list[str]]:
        """The template of a path, and the ids in it that are not the account's and the zone's."""
        for known, template in self._routes:
            pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template))
            match = re.fullmatch(pattern, path)
            if match and known == method:
                wanted = {"account_id": self.state.account, "zone_id": self.state.zone}
                groups = match.groupdict()
                if any(groups.get(name, value) != value for name, value in wanted.items()):
                    break
                return (known, template), [value for name, value in groups.items() if name not in wanted]
        return ("", ""), []

    def check(self, what: str, schema: Schema | None, value: Any) -> None:
        if schema is None:
            if value is not None:
                self.violations.append(f"{what} must be none")
            return
        for error in Draft202012Validator(dict(schema)).iter_errors(value):
            self.violations.append(f"{what}, {error.json_path}: {error.message}")

    def envelope(self, call: tuple[str, str], result: Any, query: dict[str, str]) -> dict[str, Any]:
        document = {"success": True, "errors": [], "messages": [], "result": result}
        if call[0] == "GET" and LISTS.search(call[1]):
            page, size = int(query.get("page", 1)), int(query.get("per_page", 20))
            part = result[(page - 1) * size : page * size]
            info = {"page": page, "per_page": size, "count": len(part), "total_count": len(result)}
            document |= {"result": part, "result_info": info}
        return document


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One packet an answer: the second of two would wait for the first to be acknowledged.
    wbufsize = 1 << 16
    fake: Fake

    def log_message(self, format: str, *arguments: object) -> None:
        """What is asked stands in the fake's own log."""

    def do(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length) if length else b""
        path = self.path.removeprefix(PREFIX)
        fault = self.fake.fault(self.command, urlsplit(path).path)
        document: dict[str, Any] = {}
        if fault is None or fault.after:
            body = json.loads(raw) if raw else None
            reply = self.fake.answer(self.command, path, self.headers.get("Authorization", ""), body)
            document = reply.document
            if fault is None:
                self.say(reply.status, self.fake.mangle(reply.call, document))
                return
        self.close_connection = True
        if fault.kind == "hang":
            self.fake.stopped.wait(30)
        elif fault.kind in ("drip", "flood"):
            self.never_end(*{"drip": (b" ", 0.2), "flood": (b" " * (1 << 20), 0.0)}[fault.kind])
        elif fault.kind != "close":
            said = f"{self.headers.get('Authorization')} {raw.decode()}"
            self.say(
                fault.status if fault.kind in ("status", "echo") else 200, faulty(fault, document, said), fault.headers
            )

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do  # noqa: N815 - http.server's names

    def never_end(self, part: bytes, pause: float) -> None:
        """A body that goes on, for the time of a test at most."""
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(100):
                self.wfile.write(part)
                self.wfile.flush()
                self.fake.stopped.wait(pause)
        except OSError:
            pass  # the other side had enough

    def say(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def faulty(fault: Fault, document: dict[str, Any], said: str) -> Any:
    """What is said instead of the answer, or what is left of it."""
    kinds: dict[str, Any] = {
        "html": b"<!doctype html><title>Just a moment</title>",
        "cut": json.dumps(document).encode()[:-2],
        "unsuccessful": failure(200, 1001, "odd").document,
        "no result": {"success": True, "errors": [], "messages": []},
        "null": {"success": True, "errors": [], "messages": [], "result": None},
        "no result_info": {key: value for key, value in document.items() if key != "result_info"},
        "echo": failure(fault.status, 1002, said).document,
        "status": failure(fault.status, fault.code or 10000 + fault.status, "a fault of the tests").document,
    }
    return kinds[fault.kind]
