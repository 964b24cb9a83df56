# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was asked for: a verb, its settings, an inventory."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INVENTORY = "inventories/local"
FORMATS = ("text", "json")
SILENCE = 8.0  # seconds after which a step says that it is still at work


class Refused(Exception):  # noqa: N818 - it reads better where it is raised, and a refusal is no fault
    """One sentence: what, where, remedy."""


@dataclass(frozen=True)
class Call:
    verb: str
    settings: Mapping[str, str]
    extra: tuple[str, ...]

    @property
    def inventory(self) -> Path:
        wanted = self.settings.get("INVENTORY") or os.environ.get("INVENTORY") or INVENTORY
        for path in (Path(wanted), ROOT / wanted):
            if path.exists():
                return path.resolve()
        there = sorted(f"inventories/{path.name}" for path in (ROOT / "inventories").iterdir() if path.is_dir())
        raise Refused(f"inventory {wanted!r} does not exist; use one of: {', '.join(there)}.")

    @property
    def inventory_directory(self) -> Path:
        return self.inventory if self.inventory.is_dir() else self.inventory.parent

    @property
    def again(self) -> str:
        """What to add to a proposed command so that it means the same server."""
        path = self.inventory
        if path == (ROOT / INVENTORY).resolve():
            return ""
        short = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
        return f" INVENTORY={shlex.quote(str(short))}"


def wanted_format(call: Call) -> str:
    """FORMAT, or the text that it is without one."""
    wanted = call.settings.get("FORMAT", FORMATS[0])
    if wanted not in FORMATS:
        raise Refused(f"there is no format {wanted!r}; set FORMAT to {' or '.join(FORMATS)}.")
    return wanted


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
