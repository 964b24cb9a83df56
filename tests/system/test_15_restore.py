"""Backups that are restored on a whole server: to a moment between two rows, the latest, and each night for a try."""

from __future__ import annotations

import json

import pytest

from tests.backups import SIDECAR, repository, state
from tests.server import DIRECTORY, Droplet
from tests.waiting import until

pytestmark = pytest.mark.long
ROWS = "SELECT string_agg(n::text, ' ' ORDER BY n) FROM public.restored"


def write(server: Droplet, *numbers: int) -> str:
    """Rows, each acknowledged by itself; the moment after the last."""
    for number in numbers:
        server.sql(f"INSERT INTO public.restored VALUES ({number})")
    return server.sql("SELECT clock_timestamp()")


def folders(server: Droplet) -> list[str]:
    """Data that lie in the volume, those that are served and those that were kept."""
    names = server.shell("docker exec postgres-erp ls /var/lib/postgresql/data").split()
    return [name for name in names if name.startswith("pgdata")]


@pytest.fixture(scope="module")
def written(converged: Droplet) -> Droplet:
    converged.sql("CREATE TABLE IF NOT EXISTS public.restored (n integer)")
    return converged


def test_the_other_jobs(written: Droplet) -> None:
    assert written.verb("backup", "TYPE=incremental").returncode == 0
    assert repository(written)["backup"][-1]["type"] == "incr"
    assert written.verb("backup", "TYPE=dump").returncode == 0
    [dump] = written.shell(f"{SIDECAR} sh -c 'ls /var/lib/pgbackrest/dumps/*.dump'").splitlines()[-1:]
    assert "TABLE DATA erp people" in written.shell(f"{SIDECAR} pg_restore --list {dump}")


def test_a_moment_between_two_rows(written: Droplet) -> None:
    moment = write(written, 1, 2, 3)
    write(written, 4, 5)
    restored = written.verb("restore", f"TIME={moment}", "YES=1")
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert written.sql(ROWS) == "1 2 3"
    assert [name.split("-")[0] for name in folders(written)] == ["pgdata", "pgdata.before"]
    assert written.run().recap["changed"] == 0
    assert written.verb("restore", "STATE=confirmed").returncode == 0
    assert folders(written) == ["pgdata"]


def test_the_latest_where_the_data_are_gone(written: Droplet) -> None:
    """Every row that was acknowledged before the server was stopped, on the time line of the restore before."""
    write(written, 6, 7)
    written.shell("docker stop postgres-erp")
    written.shell(
        "docker run --rm -u 70:70 --entrypoint rm -v postgres-erp-data:/data"
        " portfolio.local/postgres:15 -rf /data/pgdata"
    )
    refused = written.run()
    assert refused.returncode != 0 and "postgres-erp-data is empty" in refused.output
    restored = written.verb("restore", "YES=1")
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert written.sql(ROWS) == "1 2 3 6 7"
    assert written.found("status")[0] == 0


def test_the_latest_where_the_server_does_not_start(written: Droplet) -> None:
    """Also rows that never left its own WAL."""
    write(written, 8, 9)
    segment = written.sql("SELECT pg_walfile_name(pg_current_wal_lsn())")
    written.shell("docker kill postgres-erp")
    assert segment not in written.shell(f"{SIDECAR} find /var/lib/pgbackrest/repository/archive")
    written.shell(
        "docker run --rm -u 70:70 --entrypoint rm -v postgres-erp-data:/data"
        " portfolio.local/postgres:15 -rf /data/pgdata/base"
    )
    restored = written.verb("restore", "YES=1")
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert written.sql(ROWS) == "1 2 3 6 7 8 9"
    assert written.run().recap["changed"] == 0


def test_the_test_of_each_night(written: Droplet) -> None:
    tried = written.verb("backup", "TYPE=restore-test")
    assert tried.returncode == 0, tried.stderr
    said = state(written, "restore_test")
    assert said["ok"] and said["what"] == "moment and latest"


def test_a_damaged_repository_is_found_and_touches_nothing(written: Droplet) -> None:
    """A byte in the middle of the largest file of the backup; pgBackRest's `verify` says nothing by its exit code."""
    found = "find /var/lib/pgbackrest/repository/backup -type f -size +40k -exec ls -S {} + | head -n 1"
    path = written.shell(f"{SIDECAR} sh -c '{found}'")
    copy = "/tmp/undamaged"
    written.shell(f"{SIDECAR} cp {path} {copy}")
    written.shell(f"{SIDECAR} sh -c 'printf damaged | dd of={path} bs=1 seek=20000 conv=notrunc'")
    try:
        assert written.verb("backup", "TYPE=restore-test").returncode == 1
        said = state(written, "restore_test")
        assert not said["ok"] and said["error"] and said["last_ok"]
        # The timer's next look tells it.
        until(lambda: written.found("status")[0] == 2, "status", 120)
        assert "the last restore test failed" in json.dumps(written.found("status")[1]["problems"])
        before, rows = written.containers(), written.sql(ROWS)
        refused = written.verb("restore", "YES=1")
        assert refused.returncode == 1
        assert "the data are as they were" in " ".join(refused.stderr.split())
        assert (written.containers(), written.sql(ROWS)) == (before, rows)
    finally:
        written.shell(f"{SIDECAR} cp {copy} {path}")
    assert written.verb("backup", "TYPE=restore-test").returncode == 0


def test_backups_are_switched_off_and_on_again(written: Droplet) -> None:
    with written.variables(backup_enabled=False):
        assert "/postgres-erp-backup" not in written.containers()
        assert written.sql("SHOW archive_mode") == "off"
        assert written.shell("systemctl list-timers --all --no-legend 'portfolio-backup-*'") == ""
        assert written.run().recap["changed"] == 0
    assert written.sql("SHOW archive_mode") == "on"
    assert written.shell(f"ls {DIRECTORY}/postgres-erp-backup/state").split() != []
