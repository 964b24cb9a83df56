# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured, as tables. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from tests.bench.blocks import rows
from tests.bench.drift import Outcome, words
from tests.bench.measure import Figures
from tests.server import MOST_EXECUTIONS

AIM_NOOP = "≤ 6"
AIM_STATUS = "≤ 2"


def figures_table(measured: Mapping[str, Figures], rounds: int) -> str:
    """README's block of figures."""
    ours, plain = measured["ours"], measured["plain"]
    cells = [
        ("figure", "`site.yml`", "aim", "hand-written playbook"),
        (
            "no-op run ÷ `ansible -m ping`, both over SSH",
            f"{ours.noop_ratio:.1f}",
            AIM_NOOP,
            f"{plain.noop_ratio:.1f}",
        ),
        (
            "remote module executions of a no-op run",
            f"{ours.executions}",
            f"≤ {MOST_EXECUTIONS}",
            f"{plain.executions}",
        ),
        ("seconds of `make status` on a healthy server, over SSH", f"{ours.status_s['quick']:.1f}", AIM_STATUS, ""),
        ("changed tasks of a no-op run", f"{ours.changed}", "0", f"{plain.changed}"),
        (
            "first deploy of a bare server ÷ ping",
            f"{ours.first_deploy_s / ours.ping_s:.0f}",
            "",
            f"{plain.first_deploy_s / plain.ping_s:.0f}",
        ),
        *(
            (f"memory of `{name}` at idle, MB", f"{value:.0f}", "", f"{plain.memory_mb[name]:.0f}")
            for name, value in ours.memory_mb.items()
        ),
    ]
    seconds = (
        f"Seconds on this machine: ping {ours.ping_s:.1f}, no-op {ours.noop_s:.1f} (hand-written {plain.noop_s:.1f}), "
        f"first deploy {ours.first_deploy_s:.0f} ({plain.first_deploy_s:.0f}), "
        f"`make status` where something has changed {ours.status_s['full']:.1f}."
    )
    how = (
        f"Medians of {rounds} rounds, taken in turn, each playbook on a server of its own; the other one is "
        "`tests/bench/plain`, the same by community modules, but without backup and monitoring, which `site.yml` "
        "sees to as well."
    )
    return f"{rows(*cells)}\n\n{textwrap.fill(f'{seconds} {how}', 120, break_on_hyphens=False)}\n"


def drift_table(found: Mapping[str, Sequence[Outcome]]) -> str:
    """Every case with what each playbook made of it."""
    pairs = zip(found["ours"], found["plain"], strict=True)
    return rows(
        ("change by hand", "`site.yml`", "hand-written playbook"),
        *((ours.case, words(ours), words(plain)) for ours, plain in pairs),
    )


def drift_sentence(found: Mapping[str, Sequence[Outcome]]) -> str:
    """README's block on changes by hand."""
    ours, plain = found["ours"], found["plain"]

    def count(outcomes: Sequence[Outcome]) -> str:
        return f"named {sum(one.named for one in outcomes)} and settled {sum(one.settled for one in outcomes)}"

    return (
        f"Of {len(ours)} changes by hand (`molecule/drift/vars/cases.yml`) `site.yml` {count(ours)}, the hand-written\n"
        f"playbook {count(plain)}. Named: by `--check`; settled: put right by one run, or named and left alone\n"
        "where only a person may decide.\n"
    )
