# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command that a container's health check runs."""

from __future__ import annotations

import socket

TIMEOUT_S = 5


def exit_code(metrics: str) -> int:
    """0 where the connector at that address has a connection to the edge."""
    host, _colon, port = metrics.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), TIMEOUT_S) as connection:
            connection.sendall(f"GET /ready HTTP/1.1\r\nHost: {metrics}\r\n\r\n".encode())
            answer = connection.makefile("rb").readline()
    except (OSError, ValueError) as error:
        print(f"no answer from {metrics}: {error}")
        return 1
    print(answer.decode(errors="replace").strip())
    return 0 if answer.split()[1:2] == [b"200"] else 1
