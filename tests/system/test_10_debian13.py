"""A bare Debian 13: Python 3.13, an engine whose command line and compose plugin are packages of their own."""

from __future__ import annotations

import pytest

from tests.contract import COUNT
from tests.server import MOST_EXECUTIONS, droplet_up

OPTIONS = ("-e", "docker_host_engine=distribution")


@pytest.mark.long
def test_a_bare_debian_13_is_deployed_and_then_left_alone(tmp_path_factory: pytest.TempPathFactory) -> None:
    work = tmp_path_factory.mktemp("debian13")
    with droplet_up("portfolio-debian13", 2328, work, recipe="droplet13") as server:
        assert server.shell(". /etc/os-release; echo $VERSION_CODENAME") == "trixie"
        # Removed, not purged, which would take the images with it.
        server.shell("apt-get remove -q -y docker.io docker-cli >/dev/null 2>&1 && ! command -v docker dockerd")
        predicted = server.run("--check", *OPTIONS)
        assert predicted.returncode == 0, predicted.output
        done = server.run(*OPTIONS)
        assert done.returncode == 0, done.output
        assert done.changed_tasks == predicted.changed_tasks
        assert server.shell("systemctl is-enabled docker") == "enabled"
        assert server.shell("dpkg-query -Wf '${Package} ' docker-cli docker-compose docker.io") == (
            "docker-cli docker-compose docker.io"
        )
        assert server.sql("SELECT count(*) FROM pg_tables WHERE schemaname IN ('erp', 'agent')") == str(COUNT)
        before = server.containers()
        again = server.run(*OPTIONS)
        assert (again.returncode, again.recap["changed"]) == (0, 0), again.output
        assert len(again.executions) <= MOST_EXECUTIONS, again.executions
        assert server.containers() == before
        # An engine of that release whose command line and compose plugin somebody removed.
        server.shell("apt-get remove -q -y docker-cli docker-compose >/dev/null 2>&1")
        mended = server.run(*OPTIONS)
        assert mended.returncode == 0, mended.output
        assert server.containers() == before
