# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that asks a public name at an even pace, whatever becomes of each request, and says what got lost.

    python -m tests.lab.edge.client URL REPORT --at HOST:PORT --ca FILE [--token FILE] [--record FILE]

It ends after --seconds, or when a file beside REPORT is there that ends in .stop. REPORT: how many were sent, how many
were not answered with --expect, and each of those with its time. The record is that of cloudflare_tunnel, read again
for each request: as soon as it holds a service token of Access, the client shows that.
"""

from __future__ import annotations

import argparse
import http.client
import json
import socket
import ssl
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.waiting import AT_ONCE, turns

TIMEOUT_S = 15.0


@dataclass(frozen=True)
class Outcome:
    """When it was sent, what came back (0: nothing), by which connector, after how many seconds."""

    at: float
    status: int
    connector: str
    seconds: float
    error: str = ""


def ask(url: str, at: tuple[str, int], context: ssl.SSLContext, headers: dict[str, str], when: float) -> Outcome:
    parts = urlsplit(url)
    began = time.monotonic()
    try:
        with closing(connection(parts.hostname or "", at, context)) as line:
            line.request("GET", f"{parts.path}?{parts.query}", headers=headers)
            answer = line.getresponse()
            answer.read()
        return Outcome(when, answer.status, answer.headers.get("Lab-Connector", ""), time.monotonic() - began)
    except (OSError, http.client.HTTPException) as error:
        return Outcome(when, 0, "", time.monotonic() - began, repr(error))


def connection(host: str, at: tuple[str, int], context: ssl.SSLContext) -> http.client.HTTPSConnection:
    """To a name, wherever it leads."""
    made = http.client.HTTPSConnection(host, timeout=TIMEOUT_S, context=context)
    made.sock = context.wrap_socket(socket.create_connection(at, TIMEOUT_S), server_hostname=host)
    return made


def service_token(record: Path | None) -> dict[str, str]:
    if record is None or not record.exists():
        return {}
    held = json.loads(record.read_text())
    if not held.get("client_secret"):
        return {}
    return {"Cf-Access-Client-Id": held["client_id"], "Cf-Access-Client-Secret": held["client_secret"]}


def report(outcomes: list[Outcome], expected: int) -> dict[str, object]:
    lost = [asdict(one) for one in outcomes if one.status != expected]
    return {
        "sent": len(outcomes),
        "lost": len(lost),
        "slowest_s": round(max((one.seconds for one in outcomes), default=0), 3),
        "connectors": Counter(one.connector for one in outcomes if one.connector),
        "statuses": Counter(one.status for one in outcomes),
        "each_lost": lost,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("report", type=Path)
    parser.add_argument("--at", required=True, help="where the name leads, HOST:PORT")
    parser.add_argument("--ca", required=True)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--token", type=Path, help="a token of the data API")
    parser.add_argument("--record", type=Path)
    parser.add_argument("--expect", type=int, default=200)
    given = parser.parse_args()
    host, _colon, port = given.at.rpartition(":")
    context = ssl.create_default_context(cafile=given.ca)
    stop = given.report.with_suffix(".stop")
    token = {"Authorization": f"Bearer {given.token.read_text().strip()}"} if given.token else {}
    end = time.monotonic() + given.seconds
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = []
        for _turn in turns(given.rate, lambda: stop.exists() or time.monotonic() >= end):
            headers = {**token, **service_token(given.record)}
            running.append(pool.submit(ask, given.url, (host, int(port)), context, headers, time.time()))
        outcomes = [one.result() for one in running]
    new = given.report.with_suffix(".new")
    new.write_text(json.dumps(report(outcomes, given.expect), indent=2))
    new.replace(given.report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
