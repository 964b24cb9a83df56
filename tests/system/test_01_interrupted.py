"""A killed run leaves nothing that the next one cannot continue; two runs at once do not meet."""

from __future__ import annotations

import time

import pytest

from tests.contract import COUNT
from tests.server import DIRECTORY, Droplet

HALF_WRITTEN = f"find {DIRECTORY} -name '.*tmp*' -o -name '*.part'"
HELD = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"


def left(droplet: Droplet) -> list[str]:
    """What is still there after the next run and may not be: lease, lock, an initialisation, half a file."""
    kept = droplet.shell(f"ls /run/portfolio/lease.json 2>/dev/null; {HALF_WRITTEN}", check=False).splitlines()
    others = set(droplet.containers()) - {"/postgres-erp", "/postgrest-erp", "/postgres-erp-backup", "/traefik"}
    return [*kept, *others, *(["an advisory lock"] if droplet.sql(HELD) != "0" else [])]


def test_runs_killed_on_a_bare_server_are_continued(droplet: Droplet) -> None:
    # At the first database files, then at the server; every execution is the next test's.
    for execution in (7, 11):
        droplet.killed_at(execution)
    done = droplet.run()
    assert done.returncode == 0, done.output
    assert droplet.sql("SELECT count(*) FROM pg_tables WHERE schemaname IN ('erp', 'agent')") == str(COUNT)
    assert left(droplet) == []
    again = droplet.run()
    assert (again.returncode, again.recap["changed"]) == (0, 0), again.output


@pytest.mark.long
def test_every_step_of_a_first_deploy_may_be_its_last(droplet: Droplet) -> None:
    """Each remote module execution of it, one after the other, each time on a server that holds nothing of ours."""
    number, every = 0, 0
    while number <= every:
        gone = droplet.verb("destroy", "DATA=yes", "YES=1")
        assert gone.returncode == 0, gone.stderr
        if number:
            droplet.killed_at(number)
        # The first time nothing is killed, and the steps are counted.
        done = droplet.run()
        every = every if number else len(done.executions)
        assert done.returncode == 0, f"after the kill at execution {number}: {done.output}"
        assert left(droplet) == [], f"after the kill at execution {number}"
        assert droplet.sql("SELECT count(*) FROM pg_tables WHERE schemaname IN ('erp', 'agent')") == str(COUNT)
        again = droplet.run()
        assert (again.returncode, again.recap["changed"]) == (0, 0), f"after the kill at {number}: {again.output}"
        number += 1


@pytest.mark.long
def test_a_first_initialisation_that_fails_says_how_to_go_on(droplet: Droplet) -> None:
    """On a disk that is too small for it; the next run, on one that is not, begins anew."""
    place = "/var/lib/docker/volumes/postgres-erp-data"
    assert droplet.verb("destroy", "DATA=yes", "YES=1").returncode == 0
    droplet.shell(f"mkdir -p {place}/_data && mount -t tmpfs -o size=8m tmpfs {place}/_data")
    try:
        run = droplet.run()
    finally:
        droplet.shell(f"umount {place}/_data")
    assert run.returncode != 0
    said = " ".join(run.output.split())
    assert "The first database files could not be made in the volume postgres-erp-data on droplet" in said
    assert "No space left on device" in said
    done = droplet.run()
    assert (done.returncode, left(droplet)) == (0, []), done.output


def test_a_second_run_at_the_same_time_is_refused(droplet: Droplet) -> None:
    first = droplet.start()
    deadline = time.monotonic() + 60
    while not droplet.shell("cat /run/portfolio/lease.json", check=False) and time.monotonic() < deadline:
        time.sleep(0.05)
    second = droplet.run()
    assert second.returncode != 0
    assert "since" in second.output
    assert droplet.finish(first).returncode == 0


def test_nothing_of_ours_is_left_half_written(droplet: Droplet) -> None:
    assert droplet.shell(HALF_WRITTEN) == ""
