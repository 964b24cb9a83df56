# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another minor, another major version and the way back, beside a client that writes and counts what was taken."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.server import DIRECTORY, ROOT, Droplet, Run, droplet_up, lab
from tests.waiting import until

pytestmark = pytest.mark.long
UPGRADE = "playbooks/upgrade.yml"
CONFIRM = ("-e", "confirm=portfolio")
TO_17 = ("-e", "portfolio_database_major=17")
NEXT = "portfolio.local/postgres:15.next"
SERVICES = '{"postgres_erp_services": [{"name": "planner", "roles": ["erp_writer"], "connection_limit": 2}]}'
WRITER = (Path(__file__).parent / "writer.py").read_text()
ACKNOWLEDGED = "/root/acknowledged"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Droplet]:
    subprocess.run([str(ROOT / "images" / "build"), "postgres17", "pgbackrest17"], check=True)
    with droplet_up("portfolio-upgrade", 2398, tmp_path_factory.mktemp("upgrade")) as droplet:
        lab("load", droplet.name, "portfolio.local/postgres17:17", "portfolio.local/pgbackrest17:17")
        image(droplet, NEXT, "LABEL next=1")
        image(droplet, "portfolio.local/postgres:15.broken", 'ENTRYPOINT ["false"]')
        variables = droplet.inventory / "group_vars" / "all.json"
        variables.parent.mkdir()
        variables.write_text(SERVICES)
        done = droplet.run()
        assert done.returncode == 0, done.output
        seeded = droplet.verb("seed")
        assert seeded.returncode == 0, seeded.stderr
        yield droplet


def image(droplet: Droplet, name: str, change: str) -> None:
    """Another image of the same major version."""
    droplet.shell(f"docker build -q -t {name} -", given=f"FROM portfolio.local/postgres:15\n{change}\n")


def upgraded(droplet: Droplet, *arguments: str) -> Run:
    done = droplet.run(*arguments, *CONFIRM, playbook=UPGRADE)
    assert done.returncode == 0, done.output
    return done


def converged(droplet: Droplet, *arguments: str) -> None:
    """The same inventory again finds nothing to do."""
    again = droplet.run(*arguments)
    assert (again.returncode, again.recap["changed"]) == (0, 0), again.output


def backed_up(droplet: Droplet) -> None:
    """What is in the database now reaches the repository, which holds a backup of it."""
    droplet.shell("docker exec postgres-erp-backup sh /usr/local/lib/portfolio/backup.sh settle")
    state = json.loads(droplet.shell(f"cat {DIRECTORY}/postgres-erp-backup/state/backup.json"))
    assert state["ok"], state
    assert state["system"] == droplet.sql("SELECT system_identifier FROM pg_control_system()")


def version(droplet: Droplet) -> str:
    return droplet.sql("SELECT current_setting('server_version_num')::int / 10000")


def image_of(droplet: Droplet) -> str:
    return droplet.shell("docker inspect -f '{{.Config.Image}}' postgres-erp")


def acknowledged(droplet: Droplet) -> list[str]:
    return droplet.shell(f"cat {ACKNOWLEDGED}").split()


def nothing_lost(droplet: Droplet) -> None:
    """Rows that were not acknowledged may be there as well."""
    there = set(droplet.sql("SELECT full_name FROM erp.people").splitlines())
    numbers = acknowledged(droplet)
    assert numbers
    assert [number for number in numbers if f"writer {number}" not in there] == []


@contextmanager
def writer(droplet: Droplet) -> Iterator[None]:
    droplet.shell("cat > /root/writer.py", given=WRITER)
    droplet.shell(
        f"rm -f {ACKNOWLEDGED}; systemd-run --quiet --unit=writer python3 /root/writer.py {DIRECTORY} {ACKNOWLEDGED}"
    )
    try:
        until(lambda: len(droplet.shell(f"cat {ACKNOWLEDGED}", check=False).split()) > 10, "a client that writes")
        yield
        before = len(acknowledged(droplet))
        until(lambda: len(acknowledged(droplet)) > before, "a client that writes again", 60)
    finally:
        droplet.shell("systemctl stop writer")


def test_another_minor_version(server: Droplet) -> None:
    other = ("-e", f"postgres_erp_image={NEXT}")
    refused = server.run(*other)
    assert refused.returncode != 0
    assert "docs/UPGRADE.md" in refused.output
    before = server.containers()
    planned = server.run(*other, "--check", playbook=UPGRADE)
    assert planned.returncode == 0, planned.output
    unasked = server.run(*other, playbook=UPGRADE)
    assert unasked.returncode != 0
    assert "confirm=portfolio" in unasked.output
    assert server.containers() == before
    with writer(server):
        upgraded(server, *other)
    assert image_of(server) == NEXT
    nothing_lost(server)
    converged(server, *other)
    assert "already" in upgraded(server, *other).output


def test_an_image_that_does_not_run_is_taken_back(server: Droplet) -> None:
    with writer(server):
        done = server.run("-e", "postgres_erp_image=portfolio.local/postgres:15.broken", *CONFIRM, playbook=UPGRADE)
    assert done.returncode != 0
    assert "runs again with all of them" in " ".join(done.output.split())
    assert image_of(server) == NEXT
    nothing_lost(server)
    converged(server, "-e", f"postgres_erp_image={NEXT}")


@pytest.mark.parametrize("name", ["of_somebody", "portfolio_restored"])
def test_a_database_that_would_be_left_behind_is_refused(server: Droplet, name: str) -> None:
    server.sql(f"CREATE DATABASE {name}")
    before = server.containers()
    refused = server.run(*TO_17, *CONFIRM, playbook=UPGRADE)
    server.sql(f"DROP DATABASE {name}")
    assert refused.returncode != 0
    assert f"databases that the upgrade would leave behind ({name})" in " ".join(refused.output.split())
    assert server.containers() == before


def test_the_minor_version_before(server: Droplet) -> None:
    upgraded(server)
    assert image_of(server) == "portfolio.local/postgres:15"
    converged(server)


def test_another_major_version_and_back(server: Droplet) -> None:
    refused = server.run(*TO_17)
    assert refused.returncode != 0
    assert "docs/UPGRADE.md" in refused.output
    with writer(server):
        done = upgraded(server, *TO_17)
    assert "seconds without writing" in done.output
    assert version(server) == "17"
    nothing_lost(server)
    backed_up(server)
    converged(server, *TO_17)
    with writer(server):
        upgraded(server)
    assert version(server) == "15"
    backed_up(server)
    assert server.shell(f"stat -c %a {DIRECTORY}/postgres-erp/backups/upgrade-*.dump | sort -u") == "600"
    converged(server)


def test_killed_everywhere_and_begun_again(server: Droplet) -> None:
    """Each run is killed one remote execution later than the one before, until one comes to its end."""
    with writer(server):
        execution, ended = 0, None
        while ended is None:
            execution += 1
            ended = server.ended_before(execution, *TO_17, *CONFIRM, playbook=UPGRADE)
        assert ended.returncode == 0, f"after the kill at execution {execution - 1}: {ended.output}"
    assert execution > 10
    assert version(server) == "17"
    nothing_lost(server)
    converged(server, *TO_17)
