# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that speaks HTTP with Cloudflare's API: envelope, pages, and what is tried again."""

from __future__ import annotations

import functools
import http.client
import json
import time
import urllib.error
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.urls import Request, make_context
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.errors import (
    TOO_MANY,
    CloudflareError,
    failure_sentence,
)

TRIES = 4
LONGEST_WAIT = 60
PER_PAGE = 50
MOST_PAGES = 200
MOST_BYTES = 16 << 20
# Doing these twice is the same as once. A POST is only sent again after 429, which says that nothing was done.
REPEATABLE = {"GET", "PUT", "PATCH", "DELETE"}
PASSING = {500, 502, 503, 504, *range(520, 528)}
AGENT = "bestviable.portfolio"
Body = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 where nothing did."""

    status: int = 0
    wait: str = ""
    document: dict[str, Any] = field(default_factory=dict)
    problem: str = ""

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300 and self.document.get("success") is True and "result" in self.document

    @property
    def errors(self) -> list[dict[str, Any]]:
        found = self.document.get("errors")
        return [error for error in found if isinstance(error, dict)] if isinstance(found, list) else []

    @property
    def codes(self) -> tuple[int, ...]:
        return tuple(code for code in (error.get("code") for error in self.errors) if isinstance(code, int))

    @property
    def reason(self) -> str:
        """Status, codes and messages, on one line that is no longer than a message should be."""
        told = [f"{error.get('code', '')} {error.get('message', '')}".strip() for error in self.errors]
        if not told and self.status and not self.good:
            told = [self.problem or "without a result"]
        words = [str(self.status) if self.status else self.problem, *told]
        line = ": ".join(words) if self.status else words[0]
        return "".join(char if char.isprintable() else " " for char in line)[:300]


def is_passing(method: str, answer: Answer) -> bool:
    """Whether the same call may do better a little later, and may be sent again."""
    if answer.status == TOO_MANY:
        return True
    return method in REPEATABLE and (answer.status == 0 or answer.status in PASSING)


def pause(answer: Answer, attempt: int) -> float:
    """Seconds: what the server asks for, within a bound, else 1, 2, 4."""
    return float(min(int(answer.wait), LONGEST_WAIT)) if answer.wait.isdigit() else float(1 << attempt)


# Read once: it takes longer than a call.
certificates = functools.cache(make_context)


class Client:
    """Calls that are answered, or a CloudflareError. `calls` is what was sent."""

    def __init__(
        self,
        api_url: str,
        token: str,
        timeout: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.api_url = api_url.rstrip("/")
        self._timeout = timeout
        self._sleep = sleep
        # A .netrc would replace the token, and a redirection would carry it to somebody else.
        self._session = Request(
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            http_agent=AGENT,
            timeout=timeout,
            follow_redirects="none",
            use_netrc=False,
            context=certificates(),
        )
        self.calls: list[str] = []
        # Whether anything may be otherwise than before.
        self.touched = False

    def get(self, path: str, query: Body | None = None) -> Any:
        return self.request("GET", path, query)["result"]

    def send(self, method: str, path: str, body: Body | None = None) -> Any:
        return self.request(method, path, None, body)["result"]

    def pages(self, path: str, query: Body | None = None) -> list[dict[str, Any]]:
        """All items of a list. `total_pages` is missing in some answers, and so may be all of `result_info`."""
        found: dict[str, dict[str, Any]] = {}
        for page in range(1, MOST_PAGES + 1):
            document = self.request("GET", path, {**(query or {}), "page": page, "per_page": PER_PAGE})
            items = items_of(document["result"], f"GET {path}")
            new = [item for item in items if item["id"] not in found]
            found.update((item["id"], item) for item in new)
            info = document.get("result_info")
            total = info.get("total_count") if isinstance(info, dict) else None
            # A server that does not know pages sends the same items again.
            if len(items) < PER_PAGE or not new or (isinstance(total, int) and len(found) >= total):
                break
        return list(found.values())

    def request(self, method: str, path: str, query: Body | None = None, body: Body | None = None) -> dict[str, Any]:
        answer, tried = Answer(), 0
        for attempt in range(TRIES):
            answer, tried = self._once(method, path, query, body), attempt + 1
            if not is_passing(method, answer) or tried == TRIES:
                break
            self._sleep(pause(answer, attempt))
        ambiguous = method != "GET" and (answer.status < 300 or answer.status >= 500)
        self.touched = self.touched or ambiguous
        if answer.good:
            return answer.document
        sentence = failure_sentence(f"{method} {path}", path, answer.status, answer.reason, tried)
        raise CloudflareError(sentence, answer.status, answer.codes, ambiguous)

    def _once(self, method: str, path: str, query: Body | None, body: Body | None) -> Answer:
        self.calls.append(f"{method} {path}")
        url = f"{self.api_url}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        until = time.monotonic() + self._timeout
        try:
            response = self._session.open(method, url, data=data)
            return answered(response.status, response.headers, read_until(response, until))
        except urllib.error.HTTPError as error:
            return answered(error.code, error.headers, told(error, until))
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Answer(problem=cause(error, self._timeout))


def told(error: urllib.error.HTTPError, until: float) -> bytes:
    """The body of an error; where it cannot be read, the status alone has to do."""
    try:
        return read_until(error, until)
    except (OSError, http.client.HTTPException, ValueError):
        return b""


def read_until(response: Any, until: float) -> bytes:
    """The whole body. A socket's time-out begins anew with each byte; this one does not."""
    return b"".join(_parts(response, until))


def _parts(response: Any, until: float) -> Iterator[bytes]:
    size = 0
    while part := response.read1(65536) if hasattr(response, "read1") else response.read():
        size += len(part)
        if time.monotonic() > until:
            raise TimeoutError
        if size > MOST_BYTES:
            raise ValueError("the answer is too long")
        yield part


def answered(status: int, headers: Any, body: bytes) -> Answer:
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    wait = str((headers or {}).get("Retry-After") or "")
    if not isinstance(document, dict):
        return Answer(status, wait, {}, "no JSON")
    return Answer(status, wait, document)


def cause(error: Exception, timeout: float) -> str:
    inner = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(inner, TimeoutError) or "timed out" in str(inner):
        return f"no answer within {timeout:g} s"
    if isinstance(inner, OSError) and inner.strerror:
        return inner.strerror
    return str(inner) or type(inner).__name__


def items_of(result: Any, call: str) -> list[dict[str, Any]]:
    if not isinstance(result, list) or not all(
        isinstance(item, dict) and item.get("id") and isinstance(item["id"], str) for item in result
    ):
        raise CloudflareError(f"{call} was answered by something else than a list of objects; correct api_url")
    return result
