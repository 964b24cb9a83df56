# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A TCP proxy between module and server that fails once, at a chosen message."""

from __future__ import annotations

import contextlib
import enum
import socket
import threading
from types import TracebackType
from typing import Any, Self


class Fault(enum.Enum):
    """What becomes of the message and of the connection."""

    LOSE = "the message never reaches the server, and both ends are closed"
    LOSE_ANSWER = "the server works it off, then both ends are closed"
    HOLD = "the message never reaches the server, and the client waits for its answer"
    HOLD_ANSWER = "the server works it off, and the client waits for its answer"


class FaultyProxy:
    """Forwards to 127.0.0.1:`port`, and fails at the first message that holds `at`, or at the `at`-th of all."""

    def __init__(self, port: int, at: bytes | int, fault: Fault) -> None:
        self.upstream = port
        self.at = at
        self.fault = fault
        self.messages = 0
        self.reached = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def login(self) -> dict[str, Any]:
        """The module's options for a login through this proxy."""
        return {"login_unix_socket": None, "login_host": "127.0.0.1", "login_port": self.port, "ssl_mode": "disable"}

    def refuse(self) -> None:
        """From now on nobody gets through."""
        # Closing alone does not wake the thread that waits in accept().
        self._close(self._listener)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.refuse()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self.upstream))
                failing = threading.Event()
                threading.Thread(target=self._up, args=(client, server, failing), daemon=True).start()
                threading.Thread(target=self._down, args=(client, server, failing), daemon=True).start()

    def _due(self, data: bytes) -> bool:
        self.messages += 1
        due = self.messages == self.at if isinstance(self.at, int) else self.at in data
        return due and not self.reached.is_set()

    def _up(self, client: socket.socket, server: socket.socket, failing: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self._due(data):
                    failing.set()
                    self.reached.set()
                    if self.fault is Fault.LOSE:
                        break
                    if self.fault is Fault.HOLD:
                        continue
                server.sendall(data)
        if self.fault is Fault.LOSE:
            self._close(client)
        self._close(server)

    def _down(self, client: socket.socket, server: socket.socket, failing: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if not failing.is_set():
                    client.sendall(data)
                elif self.fault is not Fault.HOLD_ANSWER:
                    break
        self._close(client)
        self._close(server)

    @staticmethod
    def _close(end: socket.socket) -> None:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
