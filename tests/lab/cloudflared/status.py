# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a connector tells of itself at its `metrics` address."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from tests.lab.cloudflared import http1
from tests.lab.cloudflared.connector import Connector

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
# One answer a connection.
CLOSE = ("Connection", "close")
JSON = [("Content-Type", "application/json"), CLOSE]


def told(connector: Connector, path: str) -> http1.Message:
    if path == "/ready":
        status = 200 if connector.registered else 503
        state = {"status": status, "readyConnections": connector.registered, "connectorId": connector.identity}
        return http1.answer(status, JSON, json.dumps(state).encode())
    if path == "/config":
        held = {"version": connector.version, "config": {"ingress": connector.rules}}
        return http1.answer(200, JSON, json.dumps(held).encode())
    if path == "/metrics":
        counted = {
            "cloudflared_tunnel_ha_connections": connector.registered,
            "cloudflared_tunnel_total_requests": connector.requests,
            "cloudflared_tunnel_request_errors": connector.errors,
        }
        lines = [f"{name} {value}\n" for name, value in counted.items()]
        return http1.answer(200, [("Content-Type", "text/plain; version=0.0.4"), CLOSE], "".join(lines).encode())
    return http1.answer(404, [CLOSE])


def server(connector: Connector) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = await http1.request(reader)
            if asked is not None:
                writer.write(http1.packed(told(connector, asked.start.split()[1])))
                await writer.drain()
        except (http1.BrokenError, ConnectionError):
            pass  # whoever asked was not worth an answer
        finally:
            writer.close()

    return serve
