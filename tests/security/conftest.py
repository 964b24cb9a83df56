# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One deployed server with rows in it for the whole suite, and no test that kills anything there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.security.chain import Chain
from tests.server import droplet_up


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    with droplet_up("portfolio-security", 2328, tmp_path_factory.mktemp("security")) as droplet:
        done = droplet.run()
        assert done.returncode == 0, done.output
        seeded = droplet.verb("seed")
        assert seeded.returncode == 0, seeded.stdout + seeded.stderr
        server = Chain(droplet)
        server.seen = server.containers()
        yield server


@pytest.fixture(autouse=True)
def nothing_restarts(chain: Chain, request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test sends must not end a container; `@pytest.mark.restarts` is for one that restarts something itself."""
    yield
    after = chain.containers()
    before, chain.seen = chain.seen, after
    if not request.node.get_closest_marker("restarts"):
        assert after == before
