# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the schema bench makes of what it measured: ratios by round, counts from a log, tables, the picture."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.bench import blocks
from tests.bench.schema import plot, report
from tests.bench.schema.machine import Logged, logged
from tests.bench.schema.measure import Alone, Times, ratio

ROOT = Path(__file__).parents[3]
LOG = """
2026-11-25 LOG:  connection authorized: user=erp_admin database=x
2026-11-25 LOG:  duration: 5.5 ms  statement: BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
    SELECT 1
2026-11-25 LOG:  duration: 0.5 ms  statement: INSERT INTO migration.event VALUES (1)
2026-11-25 LOG:  duration: 1 ms  statement: SELECT updated_at, created_by FROM app.grants
"""
ALONE = Alone(
    apply_s=1.2,
    dry_ratio=1.0,
    whole_first_s=2.0,
    repair_ratio=0.7,
    repaired=264,
    no_op=Logged(200.0, 6, 0, 4),
    snapshot_ratio=6.6,
    snapshot_ms=30,
    lock_gone_s=0.3,
    memory_mb=55,
)
NAMES = (*report.PEERS, "start", "ping", "whole task")


def times() -> dict[str, Times]:
    found = {name: Times([2.0, 4.0], [1.0, 2.0]) for name in NAMES}
    found["psql"] = Times([1.0, 2.0])
    found["module"].sees = True
    return found


def test_a_ratio_is_taken_within_each_round() -> None:
    # One slow round slows both; of the medians themselves it would be 1.5.
    assert ratio([2.0, 20.0, 3.0], [1.0, 10.0, 2.0]) == 2.0


def test_what_the_log_says() -> None:
    assert logged(LOG) == Logged(7.0, 3, 1, 1)


def test_the_tables() -> None:
    found = {figure.name: figure for figure in report.figures(times(), ALONE)}
    clock = found["first apply, by the module's own clock ÷ `psql -1 -f -f`"]
    assert (clock.shown, clock.aimed) == ("0.80", "≤ 1.3")
    assert found["no-op run: round trips of the owner's session"].shown == "5"
    assert found["memory of the process with a migration of 5 MB"].aimed == "≤ 60 MB"
    table = report.bars_table(list(found.values()), times(), ALONE, 2)
    assert table.startswith("| figure | measured | aim |\n| --- | --- | --- |\n| first apply") and "psql 1.50" in table
    assert max(map(len, table.splitlines())) <= 120
    peers = report.peers_table(report.peers(times()))
    assert "| `psql -1 -f -f` | 1.00 | cannot be run twice |  |" in peers
    assert "| this module, its process alone | 2.00 | 1.00 | yes |" in peers
    assert "| Sqitch | 2.00 | 1.00 | no |" in peers


def test_the_picture_has_a_bar_for_each_figure() -> None:
    peers = report.peers(times())
    picture = ElementTree.fromstring(plot.picture(peers))  # noqa: S314 - our own
    bars = [one for one in picture.iter("{http://www.w3.org/2000/svg}rect") if one.get("height") == str(plot.BAR)]
    # Two of them are the legend's.
    assert len(bars) == 2 + len(peers) + sum(peer.again is not None for peer in peers)
    assert max(float(one.get("x", "0")) + float(one.get("width", "0")) for one in bars) <= plot.WIDTH


def test_a_block_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    document = tmp_path / "x.md"
    document.write_text("a\n<!-- one -->\nold\n<!-- end of one -->\nb\n")
    blocks.put(document, "one", "new\n")
    assert document.read_text() == "a\n<!-- one -->\nnew\n<!-- end of one -->\nb\n"
    with pytest.raises(ValueError, match="has no block two"):
        blocks.put(document, "two", "new\n")


def test_the_document_has_the_blocks_and_the_picture() -> None:
    text = (ROOT / "docs/BENCHMARKS.md").read_text()
    for name in ("schema bars", "schema peers"):
        assert f"<!-- {name} -->\n" in text and f"<!-- end of {name} -->\n" in text
    ElementTree.parse(ROOT / "docs" / "bench-schema.svg")  # noqa: S314 - our own
