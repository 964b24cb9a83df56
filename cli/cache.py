# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this control node remembers of an inventory; a file that cannot be read or written only means: nothing."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any


class Memory:
    """One JSON value for an inventory, below the user's cache."""

    def __init__(self, kind: str, inventory: Path, name: str = "") -> None:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bestviable-portfolio"
        key = hashlib.sha256(os.fsencode(inventory)).hexdigest()[:16]
        self._path = home / kind / f"{name}{'-' if name else ''}{key}.json"

    def read(self) -> Any:
        """The value, or None."""
        with suppress(OSError, ValueError):
            return json.loads(self._path.read_text())
        return None

    def write(self, value: Any) -> None:
        """As a whole, so that of two at a time one is lost at worst."""
        new = self._path.with_suffix(f".{os.getpid()}.new")
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps(value, indent=1))
            new.replace(self._path)
