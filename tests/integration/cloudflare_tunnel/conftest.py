# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake API for each test, which fails the test when a call or an answer was not as the API's."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare import client, manager

from tests.integration.cloudflare_tunnel.driver import Driver
from tests.lab.cloudflare.fake import Fake


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    with Fake().running() as fake:
        made = Driver(fake, tmp_path / "cloudflare.json")
        monkeypatch.setattr(manager, "Client", functools.partial(client.Client, sleep=made.slept.append))
        yield made
        assert fake.violations == []
