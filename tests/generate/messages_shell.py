# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages of the scripts that an operator starts: what `die` says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.consistency.repository import read
from tests.generate.messages import Message, tidy

SCRIPTS = ("images/build",)


def messages() -> Iterator[Message]:
    for file in SCRIPTS:
        for text in re.findall(r'\bdie "([^"]*)"', read(file)):
            yield Message(file, "die", tidy(re.sub(r"\$\(([^)]*)\)|\$([\w*]+)", placeholder, text)))


def placeholder(found: re.Match[str]) -> str:
    return f"<{found[1] or {'*': 'program'}.get(found[2], found[2])}>"
