# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As much of HTTP/1.1 as the lab needs: one whole message at a time, with its length or in chunks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from http import HTTPStatus

Headers = list[tuple[str, str]]
# They belong to one connection, not to the message (RFC 9110, 7.6.1); the length is written anew.
OF_THE_CONNECTION = {
    *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length")
}


class BrokenError(Exception):
    """Not HTTP, or not all of it."""


@dataclass(frozen=True)
class Message:
    """`start` is the request's or the answer's first line."""

    start: str
    headers: Headers
    body: bytes = b""

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def status(self) -> int:
        return int(self.start.split()[1])


def forwarded(headers: Iterable[tuple[str, str]]) -> Headers:
    """What goes on to the next connection."""
    return [(name, value) for name, value in headers if name.lower() not in OF_THE_CONNECTION]


def packed(message: Message) -> bytes:
    length = [("Content-Length", str(len(message.body)))] if message.body or message.start.startswith("HTTP/") else []
    lines = [message.start, *(f"{name}: {value}" for name, value in [*message.headers, *length])]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + message.body


def answer(status: int, headers: Headers, body: bytes = b"") -> Message:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    return Message(f"HTTP/1.1 {status} {phrase}", headers, body)


async def request(reader: asyncio.StreamReader) -> Message | None:
    """None when the other side has nothing more to ask."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise BrokenError from error
        return None
    except (asyncio.LimitOverrunError, ConnectionError) as error:
        raise BrokenError from error
    return await _with_body(_head(head), reader, to_the_end=False)


async def response(reader: asyncio.StreamReader, method: str) -> Message:
    """The answer to a request, without what comes before it (100 Continue)."""
    while True:
        try:
            message = _head(await reader.readuntil(b"\r\n\r\n"))
            status = message.status
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, IndexError) as error:
            raise BrokenError from error
        if status >= 200:
            break
    if method == "HEAD" or status in (204, 304):
        return message
    return await _with_body(message, reader, to_the_end=True)


def _head(head: bytes) -> Message:
    start, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    pairs = [line.partition(":") for line in lines]
    return Message(start, [(name, value.strip()) for name, _colon, value in pairs])


async def _with_body(message: Message, reader: asyncio.StreamReader, to_the_end: bool) -> Message:
    try:
        if "chunked" in message.header("transfer-encoding").lower():
            body = b"".join([chunk async for chunk in _chunks(reader)])
        elif message.header("content-length"):
            body = await reader.readexactly(int(message.header("content-length")))
        else:
            body = await reader.read() if to_the_end else b""
    except (asyncio.IncompleteReadError, ValueError) as error:
        raise BrokenError from error
    return Message(message.start, message.headers, body)


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        yield await reader.readexactly(size)
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers, which nobody here sends
