# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes every connection that the server still gives and lets all of them sort at once: crowd.py SOCKET."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg2

# One sort of more than work_mem: what the settings are measured for. Five in one statement are too many (tried).
HEAVY = "SELECT count(DISTINCT one.h) FROM (SELECT md5(generate_series(1, 100000)::text) AS h) AS one"


def every_connection(socket: str) -> list[Any]:
    """Until the server refuses one."""
    taken: list[Any] = []
    while True:
        try:
            taken.append(psycopg2.connect(host=socket, dbname="portfolio", user="postgres"))
        except psycopg2.OperationalError:
            return taken


def work(connection: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(HEAVY)
        (counted,) = cursor.fetchone()
    return int(counted)


def main() -> None:
    taken = every_connection(sys.argv[1])
    with ThreadPoolExecutor(len(taken)) as pool:
        print(len(taken), set(pool.map(work, taken)))


if __name__ == "__main__":
    main()
