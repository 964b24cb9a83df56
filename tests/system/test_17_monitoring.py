# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server finds by itself: healthy, with real faults, told aloud, and away again when nobody wants it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.server import DIRECTORY, Droplet
from tests.slices import one_in
from tests.waiting import until

Json = dict[str, Any]
UNIT = "portfolio-monitoring"
FILE = f"{DIRECTORY}/monitoring/status.json"
PSQL = "docker exec {} postgres-erp psql -XqU postgres -d postgres"
# Answers as the tests say, and keeps what it was sent.
RECEIVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        code = int(open("/root/receiver.code").read())
        open("/root/receiver.jsonl", "ab").write(body + b"\\n")
        self.send_response(code)
        self.end_headers()
    def log_message(self, *words): pass
http.server.HTTPServer(("127.0.0.1", 8999), Handler).serve_forever()
"""
URL = "http://127.0.0.1:8999/alarm?token=of-a-test"


def looked(droplet: Droplet) -> dict[str, Json]:
    """The numbers after one more look."""
    droplet.shell(f"systemctl start {UNIT}.service")
    return {number["name"]: number for number in json.loads(droplet.shell(f"cat {FILE}"))["numbers"]}


def bad(numbers: dict[str, Json]) -> dict[str, str]:
    """What is not well, without the run of another test that was to fail."""
    return {name: each["level"] for name, each in numbers.items() if each["level"] != "ok" and name != "last_run"}


@contextmanager
def limits(droplet: Droplet, **other: list[int]) -> Iterator[None]:
    """With these limits, as the role would write them, so that no test has to wait for minutes."""
    config = f"{DIRECTORY}/monitoring/config.json"
    before = droplet.shell(f"cat {config}")
    changed = json.loads(before)
    changed["limits"].update(other)
    droplet.shell(f"cat > {config}", given=json.dumps(changed))
    try:
        yield
    finally:
        droplet.shell(f"cat > {config}", given=before + "\n")


@pytest.fixture(scope="module")
def well(converged: Droplet) -> Droplet:
    converged.until_well("status")
    # What tests before did to it.
    converged.shell(f"cd {DIRECTORY}/monitoring && python3 -I collect.py config.json acknowledge")
    until(lambda: not bad(looked(converged)), "a server that finds nothing wrong")
    return converged


def test_a_healthy_server_says_so_by_itself(well: Droplet) -> None:
    numbers = looked(well)
    assert 25 <= len(numbers) <= 40 and bad(numbers) == {}
    assert numbers["connections"]["of"] == 37 and 0 < numbers["memory postgres-erp"]["value"] < 300
    assert {f"link {name}" for name in ("database", "API", "proxy")} <= numbers.keys()
    assert well.shell(f"systemctl is-enabled {UNIT}.timer; systemctl is-active {UNIT}.timer") == "enabled\nactive"
    token = well.shell(f"cat {DIRECTORY}/postgrest-erp/monitor_token")
    assert token not in well.shell(f"cat {FILE} {DIRECTORY}/monitoring/*.json; journalctl -u {UNIT}")
    code, report = well.found("status")
    assert code == 0 and len(report["numbers"]["numbers"]) == len(numbers)


FAULTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "engine stopped": (
        "systemctl stop docker.socket docker.service",
        "systemctl start docker.socket docker.service",
        {"engine": "fail"},
    ),
    "proxy stopped": (
        "docker stop traefik",
        "docker start traefik",
        {"container traefik": "fail"},
    ),
    "database frozen": (
        "docker pause postgres-erp",
        "docker unpause postgres-erp",
        {"container postgres-erp": "fail", "link API": "fail", "link proxy": "fail"},
    ),
    "database stopped": (
        "docker stop postgres-erp",
        "docker start postgres-erp",
        {"container postgres-erp": "fail", "link API": "fail", "link proxy": "fail"},
    ),
}


@pytest.mark.parametrize("fault", one_in(2, FAULTS))
def test_what_does_not_run_is_named_at_the_next_look_and_so_that_it_is_well_again(well: Droplet, fault: str) -> None:
    damage, repair, expected = FAULTS[fault]
    well.shell(damage)
    try:
        found = bad(looked(well))
    finally:
        well.shell(repair)
    assert found == expected
    until(lambda: not bad(looked(well)), f"a server that is well after: {fault}", seconds=90)


def test_who_holds_up_others_is_named(well: Droplet) -> None:
    """A transaction that is left open, one that waits for its lock, and too many of them."""
    table = "CREATE TABLE held (id int)"
    well.shell(f'{PSQL.format("")} -c "DROP TABLE IF EXISTS held" -c "{table}"')
    with ExitStack() as undo, limits(
        well, transaction_seconds=[1, 9999], idle_in_transaction_seconds=[9999, 99999], lock_wait_seconds=[1, 9999],
        connections_percent=[5, 100],
    ):  # fmt: skip
        undo.callback(well.shell, f'{PSQL.format("")} -c "DROP TABLE held"')
        undo.callback(
            well.sql, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'held'"
        )
        open_ = "SET application_name = held; BEGIN; LOCK TABLE held; SELECT pg_sleep(600);"
        well.shell(f"{PSQL.format('-d')} -c '{open_}'")
        until(lambda: well.sql("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted") != "0")
        well.shell(f"{PSQL.format('-d')} -c 'SET application_name = held; LOCK TABLE held'")
        until(lambda: {"transaction", "lock_wait", "connections"} <= bad(looked(well)).keys(), "who holds up others")
        numbers = looked(well)
        assert "held" in numbers["lock_wait"]["what"] and "pg_terminate_backend" in numbers["lock_wait"]["remedy"]
    assert bad(looked(well)) == {}


def test_connections_that_are_used_up_do_not_shut_out_the_collector(well: Droplet) -> None:
    one = "docker exec -d postgres-erp psql -qU erp_admin -d portfolio -c 'SELECT pg_sleep(600)'"
    well.sql("ALTER ROLE erp_admin CONNECTION LIMIT -1")
    try:
        well.shell(f"for n in $(seq 45); do {one}; done")
        until(lambda: bad(looked(well)).get("connections") == "fail", "connections that are used up", seconds=90)
    finally:
        well.sql("ALTER ROLE erp_admin CONNECTION LIMIT 10")
        well.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'")
    until(lambda: not bad(looked(well)), "a server with free connections", seconds=90)


def test_a_process_that_the_kernel_ended_is_named_until_somebody_has_seen_it(well: Droplet) -> None:
    """As much memory as the container has not: its own program asks for it, in the same cgroup."""
    eat = "docker exec postgres-erp sh -c 'tail /dev/zero'"
    well.shell(eat, check=False)
    until(lambda: bad(looked(well)).get("oom_kills postgres-erp") == "fail", "a kill", seconds=90)
    until(
        lambda: set(bad(looked(well))) == {"oom_kills postgres-erp"}, "a server that only counts the kill", seconds=90
    )
    code, report = well.found("status")
    assert code == 2 and [each["object"] for each in report["problems"]] == ["oom_kills postgres-erp"]
    remedy = report["problems"][0]["remedy"]
    assert f"make acknowledge INVENTORY={well.inventory}" in remedy
    assert well.verb("acknowledge").returncode == 0
    assert bad(looked(well)) == {}
    assert well.found("status")[0] == 0


def test_the_disk_is_named_and_verify_says_it_too(well: Droplet) -> None:
    with limits(well, disk_percent=[0, 1]):
        assert bad(looked(well)) == {"disk": "fail"}
        code, report = well.found("verify")
    assert (code, report["broken"]["object"]) == (2, "numbers") and "docker image prune" in report["broken"]["remedy"]
    assert bad(looked(well)) == {}


def test_a_server_that_stopped_looking_is_a_finding_that_a_run_settles(well: Droplet) -> None:
    old = 's/"epoch": [0-9.]*/"epoch": 1000000000.5/'
    well.shell(f"systemctl stop {UNIT}.timer && sed -i '{old}' /run/{UNIT}/status.json")
    code, report = well.found("status")
    assert code == 2 and "has not looked at itself for" in report["problems"][0]["what"]
    planned = well.run("--check")
    assert planned.recap["changed"] == 1, planned.output
    done = well.run()
    assert done.returncode == 0 and well.shell(f"systemctl is-active {UNIT}.timer") == "active"
    assert well.found("status")[0] == 0
    history = well.verb("history", "LINES=1", "FORMAT=json")
    [run] = json.loads(history.stdout)["runs"]
    assert (run["rc"], run["playbook"], [each["object"] for each in run["effects"]]) == (
        0,
        "site.yml",
        [f"{UNIT}.timer"],
    )


@pytest.fixture
def receiver(well: Droplet) -> Iterator[Droplet]:
    """With the receiver's address in place, as a run with `monitoring_webhook_url` writes it."""
    secret = f"{DIRECTORY}/monitoring/webhook_url"
    well.shell(f"systemctl stop {UNIT}.timer")
    well.shell("cat > /root/receiver.py", given=RECEIVER)
    well.shell(f"echo 200 > /root/receiver.code; : > /root/receiver.jsonl; printf %s '{URL}' > {secret}")
    well.shell("systemd-run --unit=receiver --collect python3 /root/receiver.py")
    try:
        yield well
    finally:
        well.shell(f"systemctl stop receiver; systemctl start {UNIT}.timer; : > {secret}; rm -f /root/receiver.*")


def told(droplet: Droplet) -> list[Json]:
    return [json.loads(line) for line in droplet.shell("cat /root/receiver.jsonl").splitlines()]


def a_minute_later(droplet: Droplet) -> None:
    """The last alarm was sent long ago."""
    old = (
        "import json, sys; s = json.load(open(sys.argv[1])); s['alarm']['at'] = 0; json.dump(s, open(sys.argv[1], 'w'))"
    )
    droplet.shell(f'python3 -c "{old}" /run/{UNIT}/state.json')


def test_an_alarm_is_sent_when_something_becomes_bad_and_when_it_is_well_again(receiver: Droplet) -> None:
    until(lambda: receiver.shell("ss -ltn | grep -c :8999", check=False) == "1", "the receiver")
    looked(receiver)
    before = len(told(receiver))
    with limits(receiver, disk_percent=[0, 1]):
        a_minute_later(receiver)
        looked(receiver)
        looked(receiver)
        assert len(told(receiver)) == before + 1, "one, however often it is looked at"
        said = told(receiver)[-1]
        assert (said["level"], said["numbers"][0]["name"]) == ("fail", "disk")
        assert "docker image prune" in said["text"]
    looked(receiver)
    assert len(told(receiver)) == before + 1, "never two within a minute"
    a_minute_later(receiver)
    receiver.shell("echo 503 > /root/receiver.code")
    assert bad(looked(receiver)) == {}
    assert bad(looked(receiver)) == {"alarm": "warn"}, "it was not taken"
    receiver.shell("echo 200 > /root/receiver.code")
    a_minute_later(receiver)
    looked(receiver)
    assert told(receiver)[-1]["well"] == ["disk"] and bad(looked(receiver)) == {}
    hidden = receiver.shell(f"cat {FILE} {DIRECTORY}/monitoring/*.json /run/{UNIT}/*.json; journalctl -u {UNIT}")
    assert "of-a-test" not in hidden and "of-a-test" not in json.dumps(told(receiver))


@pytest.mark.long
def test_it_is_taken_away_where_nobody_wants_it(well: Droplet) -> None:
    with well.variables(monitoring_enabled=False):
        left = well.shell(f"ls -d {DIRECTORY}/monitoring /etc/systemd/system/{UNIT}* 2>/dev/null", check=False)
        assert left == ""
        assert well.run().recap["changed"] == 0
        assert well.found("status")[0] == 0
    assert looked(well)
