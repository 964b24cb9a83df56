# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract with the services (tests/unit/sql/contract.yml), for every test that compares something with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

CONTRACT: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "unit/sql/contract.yml").read_text(encoding="utf-8"))
TABLES: dict[str, dict[str, Any]] = CONTRACT["tables"]
COUNT = len(TABLES)


def of(schema: str) -> int:
    """How many tables a schema has."""
    return sum(table.startswith(f"{schema}.") for table in TABLES)
