# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured, as a table with the goals. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from tests.bench.backup.measure import CLIENTS, OBJECTIVES, Figures
from tests.bench.blocks import rows


def beside(jobs: Sequence[float], others: Sequence[float]) -> float:
    """The median of the rounds' ratios: what slows one of a round slows the other too."""
    return statistics.median(job / other for job, other in zip(jobs, others, strict=True))


def text(found: Figures) -> str:
    """The block `backup` of the document."""
    return f"{rows(('figure', 'seconds', 'beside', 'goal'), *times(found), *counts(found))}\n\n{sentences(found)}\n"


def times(found: Figures) -> list[tuple[str, str, str, str]]:
    jobs = found.jobs
    copy, restore, upgrade = statistics.median(jobs["pg_basebackup"]), found.restore, found.upgrade
    rebuild_s = statistics.median(loss.rebuild_s for loss in found.losses)

    def job(name: str, label: str, other: str, called: str, goal: str = "") -> tuple[str, str, str, str]:
        ratio = f"{beside(jobs[name], jobs[other]):.1f} × {called}"
        return label, f"{statistics.median(jobs[name]):.1f}", ratio, goal

    return [
        *(
            (
                f"acknowledged rows lost with server, volume and spool, `{loss.objective}`",
                f"{loss.seconds:.1f}",
                f"{loss.rows} rows",
                "≤ 5" if "seconds" in loss.objective else "",
            )
            for loss in found.losses
        ),
        job("full", "full backup", "pg_basebackup", "`pg_basebackup`"),
        job("incremental", "incremental backup", "pg_basebackup", "`pg_basebackup`"),
        job("dump", "dump", "pg_dump", "`pg_dump`"),
        (
            "restore to a moment, until its server can be written to",
            f"{restore.itself_s:.1f}",
            f"{restore.itself_s / copy:.1f} × `pg_basebackup`",
            "≤ 10",
        ),
        (
            "`make restore`, until a client writes again",
            f"{restore.writable_s:.0f}",
            f"{restore.writable_s / copy:.1f} × `pg_basebackup`",
            "",
        ),
        ("of that, nobody can write", f"{restore.outage_s:.1f}", "", ""),
        job("restore test", "restore test of each night", "full", "full backup", "each night"),
        (
            "bare server to the service with its data, `make rebuild`",
            f"{rebuild_s:.0f}",
            f"{rebuild_s / found.first_deploy_s:.1f} × first deploy",
            "≤ 900",
        ),
        (
            "upgrade from 15 to 17, nobody can write",
            f"{upgrade.outage_s:.1f}",
            f"{upgrade.outage_s / statistics.median(upgrade.plain_s):.1f} × `pg_dump \\| pg_restore`",
            "≤ 10",
        ),
    ]


def counts(found: Figures) -> list[tuple[str, str, str, str]]:
    sidecar, crowd = found.sidecar, found.crowd
    minutes, seconds = OBJECTIVES
    slower = beside(found.throughput["beside"], found.throughput["alone"])
    return [
        ("transactions a second beside full backups", "", f"{slower:.2f} × without", ""),
        (
            f"transactions a second, `{seconds}`",
            "",
            f"{beside(found.shipping[seconds], found.shipping[minutes]):.2f} × `{minutes}`",
            "",
        ),
        (
            "most memory of the backup's processes",
            "",
            f"{sidecar.mb:.0f} of {sidecar.limit_mb:.0f} MB, {sidecar.kills} killed",
            "≤ 128 MB, 0",
        ),
        (f"killed for memory while all {crowd.connections} connections sort", "", f"{crowd.kills}", "0"),
    ]


def sentences(found: Figures) -> str:
    seconds = {name: statistics.median(taken) for name, taken in found.jobs.items()}
    without = statistics.median(found.throughput["alone"])
    plain = statistics.median(found.upgrade.plain_s)
    least, most = found.load
    return "\n".join(
        (
            f"A database of {found.mb:.0f} MB. Rounds, of which the medians count: {found.rounds}; rebuilds: "
            f"{len(found.losses)}; restore and upgrade once. Seconds",
            f"of the others: `pg_basebackup` {seconds['pg_basebackup']:.1f}, `pg_dump` {seconds['pg_dump']:.1f}, "
            f"`pg_dump | pg_restore` {plain:.1f}, first deploy {found.first_deploy_s:.0f}; the whole",
            f"`make restore` {found.restore.whole_s:.0f}, the whole upgrade {found.upgrade.whole_s:.0f}. "
            f"pgbench of {CLIENTS} clients without a backup: {without:.0f} transactions a second.",
            f"The machine's load, that of the bench included, was {least:.1f} to {most:.1f}.",
        )
    )
