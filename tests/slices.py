# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Matrices of which `make test` takes a slice, and `make test-long` all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def one_in(number: int, cases: Iterable[Any]) -> list[Any]:
    """Every so many of the *cases* in each run, the first among them; the others in the long run."""
    return [
        case if index % number == 0 else pytest.param(case, marks=pytest.mark.long) for index, case in enumerate(cases)
    ]
