"""Backups on a whole server: there after the first run, what is committed arrives, a restore refuses what it must."""

from __future__ import annotations

import pytest

from tests.backups import SIDECAR, repository, state
from tests.server import DIRECTORY, Droplet
from tests.waiting import until

SPOOL = "docker exec -w /var/lib/postgresql/data/pgdata postgres-erp sh /etc/postgresql/pgbackrest-spool.sh"


def test_the_first_run_has_made_a_backup(converged: Droplet) -> None:
    [full] = [each for each in repository(converged)["backup"] if each["type"] == "full"][-1:]
    assert not full["error"]
    said = state(converged, "backup")
    assert said["ok"] and said["error"] == "" and said["repository"] == "local"
    assert said["began"] <= said["finished"] == said["last_ok"]
    assert said["seconds"] == said["finished"] - said["began"]


def test_what_is_committed_arrives_in_the_repository(converged: Droplet) -> None:
    segment = converged.sql("SELECT pg_walfile_name(pg_switch_wal()) FROM pg_current_xact_id()")
    until(
        lambda: converged.shell(f"{SIDECAR} sh -c 'find /var/lib/pgbackrest/repository/archive -name {segment}-*'"),
        f"{segment} in the repository",
        120,
    )
    until(lambda: not converged.shell(f"ls {DIRECTORY}/postgres-erp/spool"), "an empty spool", 60)


def test_the_sidecar_cannot_write_to_the_data(converged: Droplet) -> None:
    refused = converged.shell(f"{SIDECAR} touch /var/lib/postgresql/data/pgdata/PG_VERSION 2>&1 || :")
    assert "Read-only file system" in refused


def test_the_spool_keeps_its_cap_and_what_it_was_given(converged: Droplet) -> None:
    converged.shell("docker stop postgres-erp-backup")  # it would take it away
    try:
        converged.shell(f"{SPOOL} PG_VERSION trial 1024")
        converged.shell(f"{SPOOL} PG_VERSION trial 1024")  # asked again for the same
        assert "differ" in converged.shell(f"{SPOOL} postmaster.opts trial 1024 2>&1 || :")
        assert "is full" in converged.shell(f"{SPOOL} PG_VERSION other 0 2>&1 || :")
        spooled = converged.shell(f"ls -A {DIRECTORY}/postgres-erp/spool").splitlines()
        assert "trial" in spooled and "other" not in spooled and ".trial" not in spooled
    finally:
        converged.shell(f"rm -f {DIRECTORY}/postgres-erp/spool/trial")
        converged.shell("docker start postgres-erp-backup")


def test_the_timers_run(converged: Droplet) -> None:
    listed = converged.shell("systemctl list-timers --all --no-legend 'portfolio-backup-*'")
    assert {word for word in listed.split() if word.endswith(".timer")} == {
        f"portfolio-backup-{name}.timer" for name in ("full", "incremental", "dump", "restore-test")
    }


@pytest.mark.parametrize(
    ("time", "words"),
    [
        ("yesterday", "restore_time is yesterday"),
        ("2999-01-01 00:00", "is in the future"),
        ("2001-01-01 00:00", "the first backup in the repository local was complete at"),
    ],
)
def test_a_restore_that_cannot_succeed_touches_nothing(converged: Droplet, time: str, words: str) -> None:
    before = converged.containers()
    refused = converged.verb("restore", f"TIME={time}", "YES=1")
    assert refused.returncode == 1
    assert words in " ".join(refused.stderr.split())
    assert "Nothing was changed." in refused.stderr
    assert converged.containers() == before


def test_nobody_restores_by_accident(converged: Droplet) -> None:
    unasked = converged.verb("restore")
    assert (unasked.returncode, "YES=1" in unasked.stderr) == (1, True)
    refused = converged.run(playbook="playbooks/restore.yml")
    assert refused.returncode != 0
    assert "restore_confirmed=true" in refused.output
