# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which types hold every value of another."""

from __future__ import annotations

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.drift.column_types import holds


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("bigint", "integer"),
        ("integer", "smallint"),
        ("double precision", "real"),
        ("numeric", "numeric(10,2)"),
        ("numeric", "bigint"),
        ("numeric(12,2)", "numeric(10,2)"),
        ("numeric(12,2)", "integer"),
        ("text", "character varying(10)"),
        ("character varying", "text"),
        ("character varying(20)", "character varying(10)"),
        ("timestamp with time zone", "timestamp(3) with time zone"),
    ],
)
def test_wider(wide: str, narrow: str) -> None:
    assert holds(wide, narrow) and not (holds(narrow, wide) and (wide, narrow) != ("character varying", "text"))


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("numeric(12,1)", "numeric(10,2)"),
        ("numeric(10,2)", "bigint"),
        ("integer", "text"),
        ("text", "integer"),
        ("jsonb", "json"),
        ("text[]", "character varying[]"),
        ("timestamp with time zone", "timestamp without time zone"),
    ],
)
def test_another(wide: str, narrow: str) -> None:
    assert not holds(wide, narrow)
