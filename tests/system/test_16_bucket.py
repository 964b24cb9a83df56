"""Backups in a bucket: encrypted, named when it is away, and enough to make a bare server the one that there was."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.backups import repository, state
from tests.lab import bucket
from tests.lab.edge import certificates
from tests.server import DIRECTORY, Droplet
from tests.waiting import until

pytestmark = pytest.mark.long
ROWS = "SELECT string_agg(n::text, ' ' ORDER BY n) FROM public.kept"


def stored(server: Droplet) -> str:
    return server.shell(f"find {bucket.FOLDER}/{bucket.NAME} -type f")


def warned(server: Droplet) -> str:
    """What the status warns of, while nothing is wrong that would have to be settled at once."""
    code, report = server.found("status")
    assert code == 0, report["problems"]
    return json.dumps(report["warnings"])


@pytest.fixture(scope="module")
def server(converged: Droplet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Droplet]:
    """The same server with its repository in a bucket from now on."""
    given = bucket.serve(converged, tmp_path_factory.mktemp("bucket"))
    with converged.variables(**given):
        yield converged


def test_the_first_backup_goes_there_and_is_encrypted(server: Droplet) -> None:
    said = state(server, "backup")
    assert (said["ok"], said["repository"]) == (True, f"s3://{bucket.NAME}/one")
    assert repository(server)["cipher"] == "aes-256-cbc"
    assert "/one/backup/postgres-erp" in stored(server)
    # What every data directory has in it, and every manifest of a backup.
    assert server.shell(f"grep -rlE 'PG_VERSION|backup:db' {bucket.FOLDER} || :") == ""
    assert server.run().recap["changed"] == 0
    server.shell("systemctl start portfolio-monitoring.service")
    numbers = {each["name"]: each for each in server.found("status")[1]["numbers"]["numbers"]}
    assert (numbers["certificate"]["value"], numbers["certificate"]["level"]) == (certificates.LIFETIME.days - 1, "ok")


def test_no_secret_is_where_others_read(server: Droplet) -> None:
    shown = server.shell(
        "docker inspect postgres-erp-backup; cat /etc/systemd/system/portfolio-*; docker top postgres-erp-backup"
    )
    assert bucket.SECRET not in shown and bucket.PASSPHRASE not in shown
    path = f"{DIRECTORY}/postgres-erp-backup/conf/pgbackrest.conf"
    assert "denied" in server.shell(f"setpriv --reuid 65534 --clear-groups cat {path} 2>&1 || :")


def beside(script: str, options: str = "") -> str:
    """That script in a container that has the backup's configuration and nothing of its data."""
    mounts = {"conf": "/etc/pgbackrest", "bin": "/usr/local/lib/portfolio"}
    held = " ".join(f"-v {DIRECTORY}/postgres-erp-backup/{source}:{target}:ro" for source, target in mounts.items())
    known = "-e PGBACKREST_CONFIG=/etc/pgbackrest/pgbackrest.conf -e PGBACKREST_STANZA=postgres-erp"
    image = "portfolio.local/pgbackrest:15"
    return (
        f"docker run --rm --network portfolio-network --user 70:70 --tmpfs /tmp {held} {known} {options}"
        f" --entrypoint sh {image} -euc '{script}'"
    )


@pytest.mark.parametrize("what", bucket.SPOILT)
def test_a_bucket_that_takes_nothing_is_named_and_stops_nothing(server: Droplet, what: str) -> None:
    failures = "SELECT failed_count FROM pg_stat_archiver"
    before = server.sql(failures)
    bucket.SPOILT[what](server)
    try:
        segment = server.sql("SELECT pg_walfile_name(pg_switch_wal()) FROM pg_current_xact_id()")
        until(lambda: not state(server, "archive")["ok"], "the bucket is missed", 120)
        assert state(server, "archive")["error"]
        # The timer's next look tells it.
        until(lambda: "takes no WAL files" in warned(server), "status", 120)
        assert "make logs S=postgres-erp-backup" in warned(server)
        # The server itself notices nothing.
        assert server.sql(failures) == before
        assert server.containers()["/postgres-erp"]
    finally:
        bucket.start(server)
    until(lambda: f"/{segment}-" in stored(server), f"{segment} in the bucket", 180)
    until(lambda: "takes no WAL files" not in warned(server), "a status without it", 120)


def shipped(server: Droplet) -> bool:
    """Whether all that is written now is in the bucket, in a segment of which there is no more."""
    moment = float(server.shell("date +%s"))
    server.sql("SELECT pg_current_xact_id()")
    until(
        lambda: state(server, "partial")["ok"] and state(server, "partial")["began"] > moment,
        "a part in the bucket",
        60,
    )
    segment = server.sql("SELECT pg_walfile_name(pg_current_wal_lsn())")
    return f"/{segment}-" not in stored(server)


def test_seconds_before_a_loss_come_back_from_the_bucket(server: Droplet) -> None:
    """What was written into a segment that nobody ever saw whole, on the time line of the restores before it too."""
    server.sql("CREATE TABLE public.late (n integer)")
    with server.variables(backup_rpo="seconds", backup_archive_timeout="60min"):
        for number in (1, 2):
            server.sql(f"INSERT INTO public.late VALUES ({number})")
            assert shipped(server)
            server.shell("docker kill postgres-erp-backup postgres-erp")
            assert server.verb("destroy", "DATA=yes", "YES=1").returncode == 0
            rebuilt = server.verb("rebuild")
            assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
            assert server.sql("SELECT max(n) FROM public.late") == str(number)
        assert server.verb("backup", "TYPE=restore-test").returncode == 0
        assert server.run().recap["changed"] == 0
    # Not asked for any more, an old part is nothing that a restore takes.
    assert "partial.tar.gz" in stored(server)
    server.sql("INSERT INTO public.late VALUES (3)")
    assert server.verb("restore", "YES=1").returncode == 0
    assert server.sql("SELECT max(n) FROM public.late") == "3"
    assert server.found("status")[0] == 0


# What an inventory may have wrong, and what a run says of it.
WRONG = {
    "bucket": ({"backup_s3_bucket": "of-nobody"}, "404 (Not Found)"),
    "endpoint": ({"backup_s3_endpoint": "127.0.0.1:9"}, "unable to connect to '127.0.0.1:9'"),
    "secret": ({"backup_s3_key_secret": "another"}, "the bucket refuses the key of backup_s3_key"),
    "authority": ({"backup_s3_ca_file": ""}, "unable to verify certificate presented by"),
    "passphrase": ({"backup_passphrase": "of-somebody-else-altogether"}, "unable to load info file"),
    "folder of another cluster": ({"backup_s3_path": "/other"}, "holds backups of another database"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_in_an_inventory_is_named_and_stops_nothing(server: Droplet, what: str) -> None:
    given, said = WRONG[what]
    if what == "folder of another cluster":
        other = "initdb -D /tmp/other >/dev/null && pgbackrest --pg1-path=/tmp/other --repo1-path=/other --no-online"
        server.shell(beside(f"{other} stanza-create"))
    running = server.containers()["/postgres-erp"]
    wrong = server.run("-e", json.dumps(given))
    well = server.run()
    assert wrong.returncode != 0 and said in " ".join(wrong.output.split()), wrong.output
    assert well.returncode == 0, well.output
    assert server.containers()["/postgres-erp"] == running
    until(lambda: server.found("status")[0] == 0, "status", 120)


def test_a_clock_that_is_off_is_named(server: Droplet) -> None:
    server.shell("apt-get install -q -y --no-install-recommends faketime >/dev/null 2>&1")
    library = "/usr/lib/x86_64-linux-gnu/faketime"
    for off, said in (("+1h", r"36\d\d s ahead"), ("-1h", r"(36|35)\d\d s behind")):
        preload = f"-v {library}:{library}:ro -e LD_PRELOAD={library}/libfaketime.so.1 -e FAKETIME={off}"
        refused = server.shell(beside("sh /usr/local/lib/portfolio/backup.sh info 2>&1 || echo code $?", preload))
        assert re.search(f"the clock of this server is {said}, see timedatectl\ncode 1", refused), refused


def test_a_bare_server_from_inventory_and_bucket_alone(server: Droplet) -> None:
    server.sql("CREATE TABLE public.kept (n integer)")
    for number in (1, 2, 3):
        server.sql(f"INSERT INTO public.kept VALUES ({number})")
    segment = server.sql("SELECT pg_walfile_name(pg_switch_wal())")
    until(lambda: f"/{segment}-" in stored(server), f"{segment} in the bucket", 120)
    assert server.verb("rebuild").returncode == 1  # it has data
    destroyed = server.verb("destroy", "DATA=yes", "YES=1")
    assert destroyed.returncode == 0, destroyed.stderr
    assert server.containers() == {}
    rebuilt = server.verb("rebuild")
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    assert server.sql(ROWS) == "1 2 3"
    assert server.found("status")[0] == 0
    assert server.run().recap["changed"] == 0
