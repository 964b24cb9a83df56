# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running tunnel: connections to the edge, and each request to the service that its rule names."""

from __future__ import annotations

import asyncio
import signal
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import Rule, match, text_of

from tests.lab.cloudflared import access, http1, wire
from tests.lab.cloudflared.settings import Settings
from tests.lab.cloudflared.wire import Frame

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
# What cloudflared waits for a connection to the service by default.
CONNECT_S = 30.0


@dataclass
class Connector:
    """What one process of cloudflared knows."""

    settings: Settings
    edge: tuple[str, int]
    identity: str = field(default_factory=lambda: str(uuid.uuid4()))
    rules: list[Rule] = field(default_factory=list)
    # -1: the rules of the file are in force.
    version: int = -1
    keys: access.Keys = field(default_factory=dict)
    registered: int = 0
    requests: int = 0
    errors: int = 0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.rules = self.rules or self.settings.rules

    async def run(self) -> None:
        """Until it is told to stop; then what is running may finish, for the grace period."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stopping.set)
        lines = [asyncio.create_task(self.hold()) for _number in range(self.settings.connections)]
        await self.stopping.wait()
        say("Initiating graceful shutdown")
        await asyncio.wait(lines, timeout=self.settings.grace_s)
        for line in lines:
            line.cancel()

    async def hold(self) -> None:
        """One connection, made again whenever it is lost."""
        pause = FIRST_PAUSE_S
        while not self.stopping.is_set():
            try:
                reader, writer = await asyncio.open_connection(*self.edge)
                try:
                    if await self.serve(reader, writer):
                        pause = FIRST_PAUSE_S
                finally:
                    writer.close()
            except OSError as error:
                say(f"Unable to reach the edge: {error.strerror or error}")
            if not self.stopping.is_set():
                await asyncio.wait([asyncio.create_task(self.stopping.wait())], timeout=pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Registers and answers until one side has had enough; False where the edge did not want us."""
        said = {"tunnel": self.settings.tunnel, "secret": self.settings.secret, "connector": self.identity}
        writer.write(wire.packed(Frame("register", {**said, "services": [text_of(r, "service") for r in self.rules]})))
        first = await wire.received(reader)
        if first is None or first.kind != "registered":
            say(f"Failed to register: {first.said['reason'] if first else 'the edge hung up'}")
            return False
        self.keys = first.said["keys"]
        self.registered += 1
        say("Registered tunnel connection")
        leaving = asyncio.create_task(self.leave(writer))
        running = set[asyncio.Task[None]]()
        try:
            while (frame := await wire.received(reader)) is not None and frame.kind != "unregistered":
                if frame.kind == "config":
                    self.take(frame.said)
                else:
                    running.add(task := asyncio.create_task(self.reply(frame, writer)))
                    task.add_done_callback(running.discard)
        finally:
            self.registered -= 1
            leaving.cancel()
        if running:
            await asyncio.wait(running)
        return True

    async def leave(self, writer: asyncio.StreamWriter) -> None:
        await self.stopping.wait()
        writer.write(wire.packed(Frame("unregister")))

    def take(self, said: Mapping[str, Any]) -> None:
        """Rules from the dashboard; they take effect at once."""
        if said["version"] > self.version:
            self.rules, self.version = said["ingress"], said["version"]
            say(f"Updated to new configuration version={self.version}")

    async def reply(self, frame: Frame, writer: asyncio.StreamWriter) -> None:
        self.requests += 1
        said = frame.said
        headers = [(name, value) for name, value in said["headers"]]
        given = await self.answered(http1.Message(f"{said['method']} {said['target']} HTTP/1.1", headers, frame.body))
        told = {"id": said["id"], "status": given.status, "headers": http1.forwarded(given.headers)}
        writer.write(wire.packed(Frame("response", told, given.body)))

    async def answered(self, request: http1.Message) -> http1.Message:
        """502 is what the edge shows when cloudflared reports an error."""
        host, path = request.header("host"), request.start.split()[1].partition("?")[0]
        rule = self.rules[match(self.rules, host, path)]
        demanded = (rule.get("originRequest") or {}).get("access")
        try:
            if access.refused(demanded, request.header(access.HEADER), self.keys):
                return http1.answer(403, [])
            return await from_service(text_of(rule, "service"), request)
        except (OSError, TimeoutError, http1.BrokenError, access.UnverifiedError) as error:
            self.errors += 1
            say(f"error={str(error) or type(error).__name__!r} originService={text_of(rule, 'service')}")
            return http1.answer(502, [])


async def from_service(service: str, request: http1.Message) -> http1.Message:
    """Only what the lab's rules name: a status, a page, HTTP without TLS."""
    if service.startswith("http_status:"):
        return http1.answer(int(service.partition(":")[2]), [])
    if service in ("hello_world", "hello-world"):
        return http1.answer(200, [("Content-Type", "text/plain")], b"Congrats! You created a tunnel!\n")
    address = urlsplit(service)
    if address.scheme != "http":
        raise OSError(f"the stand-in does not proxy to {address.scheme}")
    opening = asyncio.open_connection(address.hostname, address.port or 80)
    reader, writer = await asyncio.wait_for(opening, CONNECT_S)
    try:
        headers = [*http1.forwarded(request.headers), ("Connection", "close")]
        writer.write(http1.packed(http1.Message(request.start, headers, request.body)))
        return await http1.response(reader, request.start.split()[0])
    finally:
        writer.close()


def say(text: str) -> None:
    print(f"INF {text}", file=sys.stderr, flush=True)
