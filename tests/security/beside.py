# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second API beside the real one, with a guard taken out: a test that passes there too proves nothing."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection

from tests.security.chain import API_PORT, HOSTNAME, INGRESS, Answer, Chain
from tests.server import DIRECTORY


@dataclass(frozen=True)
class Beside:
    """It has the same database, keys and image; nobody routes to it."""

    chain: Chain
    name: str

    def ask(self, path: str, token: str) -> Answer:
        """GET of a table of erp, once it is up and knows the tables."""
        deadline = time.monotonic() + 30
        while True:
            answer = self._ask(path, token)
            if answer.status != 503 or time.monotonic() > deadline:
                return answer
            time.sleep(0.2)

    def _ask(self, path: str, token: str) -> Answer:
        try:
            connection = HTTPConnection(HOSTNAME, timeout=30)
            connection.sock = self.chain.connect_to((self.chain.ip(self.name), API_PORT))
        except ConnectionRefusedError:
            return Answer(503, Message(), b"it does not listen yet")
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}", "Accept-Profile": "erp"})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()


@contextmanager
def api_beside(chain: Chain, name: str, **changed: str | None) -> Iterator[Beside]:
    """Runs it with other settings; None takes one away. Two connections, so that they fit beside the real one's."""
    [inspected] = json.loads(chain.droplet.shell("docker inspect postgrest-erp"))
    real = dict(entry.partition("=")[::2] for entry in inspected["Config"]["Env"])
    settings = {**real, "PGRST_DB_POOL": "2", **changed}
    given = [f"--env={key}={value}" for key, value in settings.items() if value is not None]
    networks = [network for network in inspected["NetworkSettings"]["Networks"] if network != INGRESS]
    words = [
        *(
            "docker",
            "run",
            "--detach",
            f"--name={name}",
            f"--network={INGRESS}",
            f"--user={inspected['Config']['User']}",
        ),
        *(f"--volume={DIRECTORY}/postgrest-erp/secrets:/run/secrets:ro", *given, inspected["Config"]["Image"]),
    ]
    chain.droplet.shell(f"docker rm -f {name} 2>/dev/null; {shlex.join(words)}")
    try:
        chain.droplet.shell(" && ".join(f"docker network connect {network} {name}" for network in networks))
        yield Beside(chain, name)
    finally:
        chain.droplet.shell(f"docker rm -f {name}")
        chain._addresses.pop((name, INGRESS), None)
