# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured, as tables of ratios."""

from __future__ import annotations

from tests.bench.api.measure import Load, Mixed
from tests.bench.blocks import rows


def text(ways: dict[tuple[str, int], dict[str, Load]], faster: dict[float, Load], mixed: Mixed) -> str:
    return f"{ways_table(ways)}\n\n{faster_sentence(faster)}\n\n{mixed_table(mixed)}\n"


def ways_table(ways: dict[tuple[str, int], dict[str, Load]]) -> str:
    head = (
        "question",
        "clients",
        "Traefik ÷ PostgREST",
        "PostgREST ÷ psycopg2",
        "Traefik: a second, p50, p99",
        "refused",
    )
    return rows(
        head,
        *(
            (
                question,
                str(clients),
                f"{by['Traefik'].a_second / by['PostgREST'].a_second:.2f}",
                f"{by['PostgREST'].a_second / by['psycopg2'].a_second:.2f}",
                f"{by['Traefik'].a_second:.0f}, {by['Traefik'].p50_ms:.0f} ms, {by['Traefik'].p99_ms:.0f} ms",
                str(by["Traefik"].refused),
            )
            for (question, clients), by in ways.items()
        ),
    )


def faster_sentence(faster: dict[float, Load]) -> str:
    (deployed, slow), (more, fast) = faster.items()
    return (
        f"With `postgrest_erp_cpus: {more}` instead of {deployed}, one row by 8 clients:"
        f" {fast.a_second / slow.a_second:.2f} times as many a second,"
        f" p99 {fast.p99_ms:.0f} ms instead of {slow.p99_ms:.0f} ms."
    )


def mixed_table(mixed: Mixed) -> str:
    """Seven lookups, two lists and one write of ten, by 8 clients."""
    answers = ", ".join(f"{count} × {status}" for status, count in sorted(mixed.statuses.items()))
    memory = ", ".join(f"{name} {mb:.0f} of {mixed.limits_mb[name]:.0f}" for name, mb in mixed.peaks_mb.items())
    return rows(
        (f"mixed load of {mixed.seconds} s by 8 clients", ""),
        ("a second, p50, p99", f"{mixed.load.a_second:.0f}, {mixed.load.p50_ms:.0f} ms, {mixed.load.p99_ms:.0f} ms"),
        ("answers", answers),
        ("most memory, MB", memory),
        ("restarts", str(mixed.restarts)),
    )
