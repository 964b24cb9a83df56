# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of site.yml that is killed, with all of its processes, when it begins one of its remote module executions.

    python -m tests.lab.killed INVENTORY WORK EXECUTION

With 0 it comes to its end, and how many there were is printed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.server import Droplet


def main() -> int:
    inventory, work, execution = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    work.mkdir(parents=True, exist_ok=True)
    link = work / "inventory"
    if not link.is_symlink():
        link.symlink_to(inventory)
    server = Droplet("", work)
    if execution:
        server.killed_at(execution)
        return 0
    done = server.run()
    print(len(done.executions) if done.returncode == 0 else done.output)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
