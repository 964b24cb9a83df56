# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is looked at by the doctor, who takes as long for a case as all other checks together."""

from __future__ import annotations

from collections.abc import Callable

import pytest


def cases_of(test: Callable[..., None], request: pytest.FixtureRequest) -> set[str]:
    """The parameters `case` with which that test is part of this session."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    return {str(item.callspec.params["case"]) for item in items if item.function is test}
