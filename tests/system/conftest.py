"""One server for all tests of this folder, in the order of the files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server import Droplet, droplet_up


@pytest.fixture(scope="session")
def droplet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Droplet]:
    with droplet_up("portfolio-system", 2324, tmp_path_factory.mktemp("system")) as server:
        yield server


@pytest.fixture(scope="session")
def converged(droplet: Droplet) -> Droplet:
    """The same server after a run, also where the tests before were not asked for."""
    if "/traefik" not in droplet.containers():
        done = droplet.run()
        assert done.returncode == 0, done.output
    return droplet
