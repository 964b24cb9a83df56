# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What catalog_columns.yml says of the columns of PostgreSQL's catalogs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CATALOGS: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "catalog_columns.yml").read_text(encoding="utf-8"))


def said(part: str) -> Iterator[tuple[str, str, str]]:
    """Catalog, column, and what is said of it under `seen`, `admin`, `follows` or `ignored`."""
    for name, entry in CATALOGS.items():
        if isinstance(entry, dict):
            for what, columns in entry.get(part, {}).items():
                yield from ((name, column, what) for column in columns)


def listed(name: str) -> list[str]:
    """All columns that are named of a catalog."""
    return [column for part in CATALOGS[name].values() for columns in part.values() for column in columns]


SEEN = {(name, column): what for name, column, what in said("seen")}
BY_ADMIN = {f"{name}.{column}" for name, column, _what in said("admin")}
