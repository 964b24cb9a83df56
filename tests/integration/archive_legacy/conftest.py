# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of another day left, for all tests here."""

from __future__ import annotations

import re

import pytest

from tests.integration.archive_legacy.directories import WRITTEN, legacy, one, readme


@pytest.fixture(scope="session")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The README of a first run, as if that had been on another day."""
    directory = legacy(tmp_path_factory.mktemp("first") / "old")
    assert one(directory).refusals("server") == []
    dated, count = re.subn(r"(?<=Moved here on )\d{4}-\d\d-\d\d", WRITTEN, readme(directory).read_text())
    assert count == 1
    return dated
