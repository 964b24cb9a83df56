# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured, as figures with their aims and as tables. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from tests.bench.blocks import rows
from tests.bench.schema.measure import Alone, Times, ratio

# In the order of the table: who is measured beside the module, and what it is called there.
PEERS = {
    "psql": "`psql -1 -f -f`",
    "module": "this module, its process alone",
    "dbmate": "dbmate",
    "alembic": "Alembic",
    "sqitch": "Sqitch",
    "task": "this module, as a playbook",
    "postgresql_script": "two `postgresql_script` tasks, as a playbook",
    "ledger by hand": "a ledger by hand from community modules, as a playbook",
}
# The admin session asks everything in one statement; the others only log in to try a password.
ADMIN = 1


@dataclass(frozen=True)
class Figure:
    """One bar; `aim` is the most that it should be."""

    name: str
    value: float
    aim: float | None
    digits: int = 2
    unit: str = ""

    @property
    def shown(self) -> str:
        return f"{self.value:.{self.digits}f}{self.unit}"

    @property
    def aimed(self) -> str:
        return "" if self.aim is None else f"≤ {self.aim:g}{self.unit}"


@dataclass(frozen=True)
class Peer:
    """One way to apply the same two files."""

    name: str
    first: float
    again: float | None
    sees: bool | None


def figures(times: Mapping[str, Times], alone: Alone) -> list[Figure]:
    """The bars."""
    psql, ping, start = (times[name].first for name in ("psql", "ping", "start"))
    task_floor = [one + other for one, other in zip(ping, psql, strict=True)]
    process_floor = [one + other for one, other in zip(start, psql, strict=True)]
    module, task, whole = times["module"].first, times["task"].first, times["whole task"]
    seconds = statistics.median(psql)
    no_op = alone.no_op
    return [
        Figure("first apply, by the module's own clock ÷ `psql -1 -f -f`", alone.apply_s / seconds, 1.3),
        Figure("first apply, its process ÷ (process of `ping` + psql)", ratio(module, process_floor), None),
        Figure("first apply as a task ÷ (ping playbook + psql)", ratio(task, task_floor), 1.15),
        Figure("no-op task with drift check, roles, assertions ÷ ping playbook", ratio(whole.again, ping), 1.15),
        Figure("no-op run: the server's time ÷ psql", no_op.database_ms / 1000 / seconds, 0.25),
        Figure("no-op run: round trips of the owner's session", no_op.round_trips - ADMIN, 5, 0),
        Figure("no-op run: statements that write", no_op.writes, 0, 0),
        Figure("dry run ÷ apply, in the module", alone.dry_ratio, 1.4),
        Figure("snapshot and fingerprint of 350 tables ÷ of 35", alone.snapshot_ratio, 12, 1),
        Figure(f"repair of {alone.repaired} objects ÷ first apply, both processes", alone.repair_ratio, 1.0),
        Figure("lock and transaction of a killed run are gone after", alone.lock_gone_s, 2, 2, " s"),
        Figure("memory of the process with a migration of 5 MB", alone.memory_mb, 60, 0, " MB"),
        Figure("first apply with roles, grants, assertions as a task ÷ ping playbook", ratio(whole.first, ping), None),
    ]


def peers(times: Mapping[str, Times]) -> list[Peer]:
    """Everybody, as ratios to psql."""
    psql = times["psql"].first
    return [
        Peer(
            label,
            ratio(times[name].first, psql),
            ratio(times[name].again, psql) if times[name].again else None,
            times[name].sees if times[name].again else None,
        )
        for name, label in PEERS.items()
    ]


def bars_table(found: list[Figure], times: Mapping[str, Times], alone: Alone, number: int) -> str:
    """The block `schema bars` of the document."""
    table = rows(("figure", "measured", "aim"), *((one.name, one.shown, one.aimed) for one in found))
    median = {name: statistics.median(times[name].first) for name in ("psql", "module", "start", "ping")}
    lines = (
        f"Medians of {number} rounds on this machine, each on an empty database. Seconds: psql {median['psql']:.2f},",
        f"the module's process {median['module']:.2f} (that of `ping` {median['start']:.2f}), "
        f"the ping playbook {median['ping']:.2f}; one snapshot",
        f"of 35 tables {alone.snapshot_ms:.0f} ms. The no-op run opens {alone.no_op.sessions} sessions: "
        "the admin's, two that try passwords, the owner's.",
    )
    return f"{table}\n\n" + "\n".join(lines) + "\n"


def peers_table(found: list[Peer]) -> str:
    """The block `schema peers` of the document."""

    def again(peer: Peer) -> str:
        return "cannot be run twice" if peer.again is None else f"{peer.again:.2f}"

    def sees(peer: Peer) -> str:
        return {None: "", True: "yes", False: "no"}[peer.sees]

    head = ("applies the two files", "first apply ÷ psql", "nothing to do ÷ psql's apply", "sees a dropped index")
    return rows(head, *((one.name, f"{one.first:.2f}", again(one), sees(one)) for one in found)) + "\n"
