# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The peers' table as a picture: bars in SVG, by hand, so that no plotting library is needed. Pure."""

from __future__ import annotations

from html import escape

from tests.bench.schema.report import Peer

WIDTH, LABEL, ROW, BAR, TOP = 880, 410, 34, 11, 44
FIRST, AGAIN, INK, GRID = "#3b6ea8", "#9db8d6", "#222222", "#cccccc"


def _bar(top: float, length: float, color: str, text: str) -> str:
    return (
        f'<rect x="{LABEL}" y="{top:.0f}" width="{length:.0f}" height="{BAR}" fill="{color}"/>'
        f'<text x="{LABEL + length + 5:.0f}" y="{top + BAR - 1:.0f}" font-size="11">{text}</text>'
    )


def picture(peers: list[Peer]) -> str:
    """First apply and a run with nothing to do, each as a multiple of psql's apply."""
    scale = (WIDTH - LABEL - 50) / max(max(peer.first, peer.again or 0) for peer in peers)
    height = TOP + ROW * len(peers) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" font-size="13" fill="{INK}">',
        "<title>Time to apply the two migrations, as multiples of psql</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<rect x="{LABEL}" y="14" width="11" height="11" fill="{FIRST}"/>'
        f'<text x="{LABEL + 16}" y="24">first apply</text>',
        f'<rect x="{LABEL + 110}" y="14" width="11" height="11" fill="{AGAIN}"/>'
        f'<text x="{LABEL + 126}" y="24">nothing to do</text>',
        f'<text x="{WIDTH - 10}" y="24" text-anchor="end">1 = psql -1 -f -f</text>',
        f'<line x1="{LABEL + scale:.0f}" y1="{TOP - 8}" x2="{LABEL + scale:.0f}" y2="{height - 6}" stroke="{GRID}"/>',
    ]
    for number, peer in enumerate(peers):
        top = TOP + ROW * number
        name = escape(peer.name.replace("`", ""))
        parts.append(f'<text x="{LABEL - 10}" y="{top + 16}" text-anchor="end">{name}</text>')
        parts.append(_bar(top, peer.first * scale, FIRST, f"{peer.first:.1f}"))
        if peer.again is not None:
            parts.append(_bar(top + BAR + 2, peer.again * scale, AGAIN, f"{peer.again:.1f}"))
    return "\n".join([*parts, "</svg>"]) + "\n"
