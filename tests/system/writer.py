# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on the server: a service that inserts numbered rows over TCP and keeps the numbers that were acknowledged.

A number is the moment at which it was tried, in nanoseconds, so none is tried twice."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg2

ADDRESS = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"


def connected(directory: str) -> Any:
    """A connection to wherever the container is now; OperationalError where there is none."""
    inspect = ["docker", "inspect", "-f", ADDRESS, "postgres-erp"]
    host = subprocess.run(inspect, capture_output=True, text=True, check=False).stdout.strip()
    if not host:
        raise psycopg2.OperationalError
    password = Path(directory, "postgres-erp", "secrets", "planner").read_text(encoding="utf-8").strip()
    options: dict[str, Any] = {"connect_timeout": 2, "tcp_user_timeout": 2000, "keepalives_idle": 1}
    found = psycopg2.connect(host=host, dbname="portfolio", user="planner", password=password, **options)
    found.autocommit = True
    return found


def main(directory: str, acknowledged: str) -> None:
    connection = None
    with Path(acknowledged).open("a", encoding="utf-8", buffering=1) as file:
        while True:
            number = time.time_ns()
            try:
                connection = connection or connected(directory)
                connection.cursor().execute("INSERT INTO erp.people (full_name) VALUES (%s)", (f"writer {number}",))
                file.write(f"{number}\n")
            except psycopg2.Error:
                connection = None
            time.sleep(0.05)


main(*sys.argv[1:])
