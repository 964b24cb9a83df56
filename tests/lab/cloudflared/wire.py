# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stand-in and the lab's edge say to each other: frames over one TCP connection that the stand-in opened.

The real ones speak HTTP/2 or QUIC there. Requests and answers are whole messages here: no streams, no WebSockets.
"""

from __future__ import annotations

import asyncio
import json
import struct
from dataclasses import dataclass, field
from typing import Any

SIZES = struct.Struct("!II")


@dataclass(frozen=True)
class Frame:
    """`kind` is register, registered, refused, config, request, response, unregister or unregistered."""

    kind: str
    said: dict[str, Any] = field(default_factory=dict)
    body: bytes = b""


def packed(frame: Frame) -> bytes:
    head = json.dumps({"kind": frame.kind, "said": frame.said}).encode()
    return SIZES.pack(len(head), len(frame.body)) + head + frame.body


async def received(reader: asyncio.StreamReader) -> Frame | None:
    """None when the other side is gone."""
    try:
        head_size, body_size = SIZES.unpack(await reader.readexactly(SIZES.size))
        head = json.loads(await reader.readexactly(head_size))
        return Frame(head["kind"], head["said"], await reader.readexactly(body_size))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
