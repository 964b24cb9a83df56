# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the edge listens: for connectors, in the clear; for everybody, by TLS and HTTP/1.1."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

from tests.lab.cloudflared import http1
from tests.lab.edge.edge import Edge

Address = tuple[str, int]


@contextlib.asynccontextmanager
async def open_doors(
    edge: Edge, connectors: Address, public: Address, context: ssl.SSLContext
) -> AsyncIterator[tuple[Address, Address]]:
    """Port 0 is any; where both listen is told."""

    async def everybody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve(edge, reader, writer)

    async with (
        await asyncio.start_server(edge.connector, *connectors) as inner,
        await asyncio.start_server(everybody, *public, ssl=context) as outer,
    ):
        yield address(inner), address(outer)


def address(server: asyncio.Server) -> Address:
    host, port = server.sockets[0].getsockname()[:2]
    return host, port


async def serve(edge: Edge, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One client, as many requests as it likes."""
    client = writer.get_extra_info("peername")[0]
    try:
        while (request := await http1.request(reader)) is not None:
            answer = await edge.answer(request, client)
            close = request.header("connection").lower() == "close"
            headers = [*answer.headers, *([("Connection", "close")] if close else [])]
            writer.write(http1.packed(http1.Message(answer.start, headers, answer.body)))
            await writer.drain()
            if close:
                break
    except http1.BrokenError:
        writer.write(http1.packed(http1.answer(400, [("Connection", "close")])))
    except ConnectionError:
        pass  # the client is gone
    finally:
        writer.close()
