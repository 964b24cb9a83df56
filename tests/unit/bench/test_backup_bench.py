# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bench of backups makes of what the client that writes, pgbench and the engine said, and its table."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.backup import measure, report, said
from tests.bench.measure import held_mb

ROOT = Path(__file__).parents[3]
S = 10**9
FOUND = measure.Figures(
    rounds=2,
    first_deploy_s=50.0,
    mb=118.0,
    jobs={
        "pg_basebackup": [2.0, 20.0],
        "full": [6.0, 80.0],
        "incremental": [3.0, 20.0],
        "pg_dump": [4.0, 4.0],
        "dump": [5.0, 5.0],
        "restore test": [12.0, 160.0],
    },
    restore=measure.Restore(itself_s=22.0, writable_s=33.0, outage_s=5.5, whole_s=44.0),
    throughput={"alone": [100.0, 200.0], "beside": [80.0, 140.0]},
    sidecar=measure.Sidecar(mb=60.4, limit_mb=128.0, kills=0),
    crowd=measure.Crowd(connections=36, kills=0),
    shipping=dict(zip(measure.OBJECTIVES, ([100.0, 200.0], [95.0, 180.0]), strict=True)),
    losses=[
        measure.Loss(name, rows, seconds, rebuild_s)
        for name, rows, seconds, rebuild_s in zip(
            measure.OBJECTIVES, (1100, 50), (61.2, 2.6), (80.0, 90.0), strict=True
        )
    ],
    upgrade=measure.Upgrade(outage_s=9.0, whole_s=60.0, plain_s=[4.0, 5.0, 4.5]),
    load=(0.6, 3.2),
)


def test_the_longest_silence_is_the_one_after_the_command() -> None:
    # 90 s before the command are not its own; those that it ends are, though they began before it.
    assert said.silence([0, 90 * S, 100 * S, 104 * S, 105 * S], 101 * S) == (4.0, 3.0)
    with pytest.raises(ValueError):
        said.silence([0, S], 2 * S)


@pytest.mark.parametrize(
    ("kept", "rows", "seconds"),
    [
        ([S, 2 * S, 3 * S, 4 * S], 0, 0.0),
        ([S, 2 * S, 99 * S], 2, 2.0),
        # One in the middle: since then nothing is whole.
        ([S, 3 * S, 4 * S], 1, 3.0),
        ([], 4, 3.0),
    ],
)
def test_what_is_lost(kept: list[int], rows: int, seconds: float) -> None:
    assert said.lost([S, 2 * S, 3 * S, 4 * S], kept) == (rows, seconds)


def test_the_longest_of_a_containers_runs() -> None:
    events = "".join(f"{when * S} {what}\n" for when, what in ((0, "create"), (1, "start"), (2, "die"), (3, "destroy")))
    events += "".join(f"{when * S} {what}\n" for when, what in ((4, "start"), (9, "die"), (10, "start"), (12, "die")))
    assert said.longest_run(events) == 5.0


def test_transactions_a_second() -> None:
    assert said.a_second("latency average = 8 ms\ntps = 123.4 (without initial connection time)\n") == 123.4
    with pytest.raises(AssertionError, match="aborted"):
        said.a_second("client 0 aborted")


@pytest.mark.parametrize(
    "counters",
    [
        "cache 900\nrss 1\ntotal_rss 2097152\ntotal_shmem 1048576",
        "anon 2097152\nfile 99999999\nshmem 1048576",
    ],
)
def test_memory_without_the_page_cache(counters: str) -> None:
    assert held_mb(counters) == 3.0


def test_the_table() -> None:
    table = report.text(FOUND)
    lines = table.splitlines()
    # By round: of the medians themselves it would be 3.9.
    assert "| full backup | 43.0 | 3.5 × `pg_basebackup` |  |" in lines
    assert "| restore test of each night | 86.0 | 2.0 × full backup | each night |" in lines
    assert "| restore to a moment, until its server can be written to | 22.0 | 2.0 × `pg_basebackup` | ≤ 10 |" in lines
    assert "| bare server to the service with its data, `make rebuild` | 85 | 1.7 × first deploy | ≤ 900 |" in lines
    assert "| upgrade from 15 to 17, nobody can write | 9.0 | 2.0 × `pg_dump \\| pg_restore` | ≤ 10 |" in lines
    assert "| transactions a second beside full backups |  | 0.75 × without |  |" in lines
    assert "| most memory of the backup's processes |  | 60 of 128 MB, 0 killed | ≤ 128 MB, 0 |" in lines
    assert [line.split(" | ")[1:3] for line in lines if "lost" in line] == [["61.2", "1100 rows"], ["2.6", "50 rows"]]
    assert "| transactions a second, `backup_rpo: seconds` |  | 0.93 × `backup_rpo: minutes` |  |" in lines
    assert max(map(len, lines)) <= 150
    assert "included, was 0.6 to 3.2" in table


def test_the_document_has_the_block() -> None:
    text = (ROOT / "docs/BENCHMARKS.md").read_text()
    assert "<!-- backup -->\n" in text and "<!-- end of backup -->\n" in text
