# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inserts one numbered row after the other and logs each number that the server has acknowledged; reconnects for ever.

writer.py SOCKET LOG
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import psycopg2

PAUSE = 0.05
# No statement hangs for longer, whatever holds the table or the disk.
OPTIONS = "-c statement_timeout=5s"


def connected(socket: str) -> Any:
    connection = psycopg2.connect(host=socket, dbname="portfolio", user="erp_admin", connect_timeout=3, options=OPTIONS)
    connection.autocommit = True
    return connection


def write(socket: str, log: Path) -> None:
    """Until the connection breaks. A number is never tried twice: one that failed may be in the table after all."""
    connection = connected(socket)
    try:
        with connection.cursor() as cursor, log.open("a", encoding="ascii") as acknowledged:
            while True:
                number = time.time_ns()
                cursor.execute("INSERT INTO faults.written VALUES (%s)", (number,))
                acknowledged.write(f"{number}\n")
                acknowledged.flush()
                time.sleep(PAUSE)
    finally:
        connection.close()


def main() -> None:
    while True:
        try:
            write(sys.argv[1], Path(sys.argv[2]))
        except psycopg2.Error:
            time.sleep(PAUSE)


if __name__ == "__main__":
    main()
