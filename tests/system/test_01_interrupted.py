"""A killed run leaves nothing that the next one cannot continue; two runs at once do not meet."""

from __future__ import annotations

import time

from tests.contract import COUNT
from tests.server import DIRECTORY, Droplet


def test_runs_killed_on_a_bare_server_are_continued(droplet: Droplet) -> None:
    # Each kill comes later in the run than the one before: packages, volume and first files, server, migrations.
    for execution in (4, 7, 11):
        droplet.killed_at(execution)
    done = droplet.run()
    assert done.returncode == 0, done.output
    assert droplet.sql("SELECT count(*) FROM pg_tables WHERE schemaname IN ('erp', 'agent')") == str(COUNT)
    again = droplet.run()
    assert (again.returncode, again.recap["changed"]) == (0, 0), again.output


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
    assert droplet.shell(f"find {DIRECTORY} -name '.*tmp*' -o -name '*.part'") == ""
