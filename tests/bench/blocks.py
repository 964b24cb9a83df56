# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks of a document that a measurement writes: what stands between `<!-- NAME -->` and `<!-- end of NAME -->`."""

from __future__ import annotations

import re
from pathlib import Path


def put(document: Path, name: str, text: str) -> None:
    """Replace the block's text."""
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    written, found = marks.subn(lambda match: f"{match[1]}{text}{match[2]}", document.read_text())
    if not found:
        raise ValueError(f"{document} has no block {name}")
    document.write_text(written)


def rows(*cells: tuple[str, ...]) -> str:
    """The lines of a table, the first one its head."""
    head, *body = cells
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *body))
