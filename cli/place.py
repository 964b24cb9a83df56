# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where in an inventory's files the variable stands that a message names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

NAME = re.compile(r"\b[a-z]+(?:_[a-z0-9]+)+\b")
ENDINGS = {".yml", ".yaml", ".json", ".ini", ""}
VAULT = "$ANSIBLE_VAULT"


def files(inventory: Path) -> Iterator[Path]:
    """The readable files of an inventory, a directory or one file with its group_vars and host_vars beside it."""
    found = [inventory] if inventory.is_file() else []
    beside = [inventory.parent / name for name in ("group_vars", "host_vars")]
    for directory in [inventory] if inventory.is_dir() else beside:
        found += sorted(directory.rglob("*"))
    for path in found:
        if path.is_file() and path.suffix in ENDINGS and not path.name.startswith("."):
            yield path


def place(name: str, inventory: Path) -> str:
    """`FILE:LINE` of the variable, or nothing."""
    written = re.compile(rf"""(?:^|[\s{{,])["']?{re.escape(name)}["']?\s*[:=]""")
    for path in files(inventory):
        text = path.read_text(errors="replace")
        for number, line in enumerate(() if text.startswith(VAULT) else text.splitlines(), 1):
            if not line.lstrip().startswith("#") and written.search(line):
                return f"{short(path)}:{number}"
    return ""


def short(path: Path) -> str:
    """As somebody would type it from here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def where(message: str, inventory: Path) -> str:
    """`VARIABLE in FILE:LINE` for the first variable of the message that stands in the inventory, or nothing."""
    for name in dict.fromkeys(NAME.findall(message)):
        if found := place(name, inventory):
            return f"{name} in {found}"
    return ""
