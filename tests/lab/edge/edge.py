# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands for Cloudflare's edge: requests for public names, handed to connectors that dialed in.

It knows the account as the fake of the API holds it (tests/lab/cloudflare): records, tunnels with their secrets, rules
of the dashboard, Access. Nothing is tried twice: what gets lost shows. No claim about the real one is made from it.
"""

from __future__ import annotations

import asyncio
import hmac
import itertools
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.lab.cloudflare.state import SUFFIX, Item, State, stamp
from tests.lab.cloudflared import http1, wire
from tests.lab.cloudflared.wire import Frame
from tests.lab.edge.team import Team

# What the edge itself writes about a client, whatever the client said.
OWN = {"cf-connecting-ip", "cf-ray", "cf-access-jwt-assertion", "x-forwarded-for", "x-forwarded-proto"}
# Cloudflare's numbers: the tunnel's error, no tunnel for the name or none connected.
BAD_GATEWAY, NO_TUNNEL = 502, 530
ANSWER_S = 100.0


@dataclass
class Line:
    """One registered connection of a connector."""

    tunnel: str
    connector: str
    writer: asyncio.StreamWriter
    waiting: dict[int, asyncio.Future[Frame]] = field(default_factory=dict)
    rules_version: int = -1

    def send(self, frame: Frame) -> None:
        self.writer.write(wire.packed(frame))


@dataclass
class Edge:
    state: State
    team: Team
    # Connectors whose rules name one of these are not let in: their `/ready` stays 503.
    refused_services: Sequence[str] = ()
    lines: dict[str, list[Line]] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    # --- connectors

    async def connector(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its registration to its end."""
        first = await wire.received(reader)
        try:
            if first is None or first.kind != "register":
                return
            if reason := self.reason_to_refuse(first.said):
                writer.write(wire.packed(Frame("refused", {"reason": reason})))
                await writer.drain()
                return
            line = Line(first.said["tunnel"], first.said["connector"], writer)
            line.send(Frame("registered", {"keys": self.team.key_sets()}))
            self.push(line)
            self.lines.setdefault(line.tunnel, []).append(line)
            self.tell_connections(line.tunnel)
            await self.listen(line, reader)
        finally:
            writer.close()

    def reason_to_refuse(self, said: dict[str, Any]) -> str:
        item = self.state.tunnels.get(said["tunnel"])
        if item is None or item["deleted_at"]:
            return "there is no such tunnel"
        if not hmac.compare_digest(item["tunnel_secret"], said["secret"]):
            return "Invalid tunnel secret"
        if set(self.refused_services) & set(said["services"]):
            return "the lab lets no connector in with this service"
        return ""

    async def listen(self, line: Line, reader: asyncio.StreamReader) -> None:
        try:
            while (frame := await wire.received(reader)) is not None:
                if frame.kind == "unregister":
                    # What was sent before this is still answered; the connector waits for it.
                    self.forget(line)
                    line.send(Frame("unregistered"))
                elif frame.kind == "response" and (waiting := line.waiting.pop(frame.said["id"], None)):
                    waiting.set_result(frame)
        finally:
            self.forget(line)
            for waiting in line.waiting.values():
                waiting.cancel()

    def forget(self, line: Line) -> None:
        if line in self.lines.get(line.tunnel, []):
            self.lines[line.tunnel].remove(line)
            self.tell_connections(line.tunnel)

    def tell_connections(self, tunnel: str) -> None:
        """The API tells of them, and deletes no tunnel that has some."""
        if tunnel in self.state.tunnels:
            connections = [{"client_id": line.connector, "opened_at": stamp()} for line in self.lines[tunnel]]
            status = "healthy" if connections else "down"
            self.state.tunnels[tunnel].update(connections=connections, status=status)

    def push(self, line: Line) -> None:
        """The dashboard's rules, where the tunnel takes them from there."""
        item = self.state.tunnels[line.tunnel]
        if item["config_src"] == "cloudflare" and item["config"] and item["version"] != line.rules_version:
            line.rules_version = item["version"]
            line.send(Frame("config", {"version": item["version"], "ingress": item["config"]["ingress"]}))

    def push_all(self) -> None:
        """Called after each call of the API."""
        for line in itertools.chain.from_iterable(self.lines.values()):
            self.push(line)

    # --- requests

    async def answer(self, request: http1.Message, client: str) -> http1.Message:
        method, target = request.start.split()[:2]
        host = request.header("host").partition(":")[0].lower()
        record = record_of(self.state, host)
        if record is None:
            return http1.answer(NO_TUNNEL, [])
        passed = self.team.judge(self.state, host, request)
        if isinstance(passed, http1.Message):
            return passed
        told = [("Cf-Connecting-Ip", client), ("X-Forwarded-For", client), ("X-Forwarded-Proto", "https")]
        told += [("Cf-Ray", secrets.token_hex(8))] + ([("Cf-Access-Jwt-Assertion", passed)] if passed else [])
        kept = [pair for pair in http1.forwarded(request.headers) if pair[0].lower() not in OWN]
        asked = {"method": method, "target": target, "headers": [*kept, *told]}
        return await self.from_tunnel(record["content"].removesuffix(SUFFIX), asked, request.body)

    async def from_tunnel(self, tunnel: str, asked: dict[str, Any], body: bytes) -> http1.Message:
        """By the connection whose turn it is."""
        lines = self.lines.get(tunnel)
        if not lines:
            return http1.answer(NO_TUNNEL, [])
        lines.append(line := lines.pop(0))
        number = next(self._numbers)
        line.waiting[number] = asyncio.get_running_loop().create_future()
        line.send(Frame("request", {**asked, "id": number}, body))
        try:
            frame = await asyncio.wait_for(line.waiting[number], ANSWER_S)
        except (TimeoutError, asyncio.CancelledError):
            return http1.answer(BAD_GATEWAY, [("Lab-Connector", line.connector)])
        headers = [(name, value) for name, value in frame.said["headers"]]
        return http1.answer(frame.said["status"], [*headers, ("Lab-Connector", line.connector)], frame.body)


def record_of(state: State, host: str) -> Item | None:
    """The record that leads to a tunnel; an exact name stands before a wildcard."""
    found = {item["name"]: item for item in list(state.records.values()) if item["content"].endswith(SUFFIX)}
    record = found.get(host) or found.get(f"*.{host.partition('.')[2]}")
    return record if record and record["proxied"] else None
