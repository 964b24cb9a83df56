# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same questions by psycopg2, for so many seconds: requests a second, then milliseconds at 50 % and 99 %.

Usage: python -m tests.bench.api.direct SECONDS CLIENTS QUERY, the connection in PGHOST and its like.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time

import psycopg2

# A login has no more; with more clients they take turns, as in a service's pool.
MOST_CONNECTIONS = 8


def main() -> None:
    seconds, clients, query = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    connections = [psycopg2.connect("") for _ in range(min(clients, MOST_CONNECTIONS))]
    for connection in connections:
        connection.autocommit = True
        connection.cursor().execute("SET ROLE erp_reader")
    took: list[float] = []
    end = time.monotonic() + seconds

    def client(number: int) -> None:
        cursor = connections[number % len(connections)].cursor()
        while (began := time.monotonic()) < end:
            cursor.execute(query)
            cursor.fetchall()
            took.append((time.monotonic() - began) * 1000)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cuts = statistics.quantiles(took, n=100)
    print(len(took) / seconds, cuts[49], cuts[98])


if __name__ == "__main__":
    main()
