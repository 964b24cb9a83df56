# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server for all tests that do not break it, each with a database of its own; the others start theirs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster import Cluster
from tests.integration.postgresql_migration import conftest

project = conftest.project


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with conftest.server() as running:
        yield running
