# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each number by itself: well, and with one thing wrong at the lower and at the upper limit, named with its remedy."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring import (
    collect,
    counters,
    judge_database,
    look,
    numbers,
)

from tests.server import ROOT

Json = dict[str, Any]
NOW = 1_795_900_000.0
HOUR = 3600
LIMITS: Json = yaml.safe_load((ROOT / "roles" / "monitoring" / "vars" / "main.yml").read_text())["_monitoring_limits"]
CONTAINERS = {
    "postgres-erp": ["portfolio-network"],
    "postgrest-erp": ["portfolio-network"],
    "traefik": ["docker_proxy"],
}
LINKS = {"database": "postgres-erp", "API": "postgrest-erp", "proxy": "traefik"}


def container(name: str, networks: list[str]) -> Json:
    return {
        "id": name,
        "state": "running",
        "health": "healthy",
        "exit_code": 0,
        "started_at": "2026-11-28T20:42:00Z",
        "finished_at": None,
        "restart_count": 0,
        "networks": dict.fromkeys(networks, "172.28.10.2"),
        "memory_limit": 300 * 2**20,
        "used": 40 * 2**20,
        "oom_kills": 0,
    }


def session(**changes: Any) -> Json:
    empty = dict.fromkeys(("transaction", "idle_in_transaction", "lock_wait"))
    return {"pid": 4711, "role": "planner-api", "application": "planner", **empty, **changes}


CONFIG: Json = {
    "limits": LIMITS,
    "containers": [{"name": name, "networks": networks} for name, networks in CONTAINERS.items()],
    "links": [
        {
            "name": name,
            "at": f"the {name}",
            "container": where,
            "network": CONTAINERS[where][0],
            "unasked": "",
            "remedies": {"503": "look at the database", "other": f"run: make logs S={where}"},
        }
        for name, where in LINKS.items()
    ],
}
HEALTHY: Json = {
    "disk": {"path": "/var/lib/docker", "total_mb": 25000, "free_mb": 20000, "inodes_percent": 6},
    "memory": {"total_mb": 1000, "available_mb": 500},
    "engine": {
        "docker": {"reachable": True, "error": None},
        "containers": {name: container(name, networks) for name, networks in CONTAINERS.items()},
    },
    "answers": {"database": {"reachable": True}, "API": {"status": 200}, "proxy": {"status": 200}},
    "database": {
        "max_connections": 37,
        "sessions": [session() for _number in range(5)],
        "size": 25 * 2**20,
        "wal": 32 * 2**20,
        "transaction_age": 1000,
        "checksum_failures": 0,
        "slots": [],
        "archiving": True,
        "archived": NOW - 5 * HOUR,  # idle since
        "archive_failed": None,
        "ready": 0,
        "ready_since": None,
    },
    "schema": {"version": "002", "tables": {"erp": 14, "agent": 21}, "drift": False},
    "certificates": NOW + 400 * 86400,
    "spool": {"files": 0, "bytes": 0, "since": None},
    "states": {
        kind: {"began": NOW - 9 * HOUR, "finished": NOW - 8 * HOUR, "ok": True, "last_ok": NOW - 8 * HOUR, "error": ""}
        for kind in look.STATES
    },
    "token": NOW + 64 * 86400,
    "lease": None,
    "last_run": {"finished": NOW - HOUR, "rc": 0, "error": "", "playbook": "site.yml"},
}


def judged(change: Callable[[Json], object] = lambda _found: None, said: Json | None = None) -> dict[str, Json]:
    """Every number by its name, after the first look at a server like that."""
    found = copy.deepcopy(HEALTHY)
    change(found)
    counted = counters.counted({}, collect.seen(found))
    return {each["name"]: each for each in collect.judge(found, CONFIG, counted, said or {}, NOW)}


def wrong(found: dict[str, Json]) -> dict[str, str]:
    return {name: each["level"] for name, each in found.items() if each["level"] != "ok"}


def test_a_healthy_server_has_about_thirty_numbers_and_says_nothing() -> None:
    found = judged()
    assert 25 <= len(found) <= 40
    assert wrong(found) == {}
    assert {each["what"] + each["remedy"] for each in found.values()} == {""}
    assert found["connections"]["value"] == 5 and found["connections"]["of"] == 37
    assert found["token"]["value"] == 64


def lost(found: Json) -> Json:
    slot = {"name": "replica", "active": False, "status": "lost", "bytes": None}
    found["database"]["slots"] = [slot | {"name": "other", "status": "reserved", "bytes": 500 * 2**20}, slot]
    return slot


def held(found: Json, megabytes: int) -> None:
    found["database"]["slots"] = [
        {"name": "replica", "active": False, "status": "extended", "bytes": megabytes * 2**20}
    ]


def stopped(found: Json, name: str = "traefik", **more: Any) -> None:
    found["engine"]["containers"][name] |= {
        "state": "exited",
        "finished_at": "2026-11-28T20:50:00Z",
        "exit_code": 137,
        "used": None,
        "oom_kills": None,
    } | more
    found["answers"][next(link for link, where in LINKS.items() if where == name)] = None


def database_stopped(found: Json) -> None:
    stopped(found, "postgres-erp")
    found["database"] = {"error": "Connection refused"}
    found["answers"] |= {"API": {"status": 503}, "proxy": {"status": 503}}


def engine_gone(found: Json) -> None:
    found["engine"] = {"docker": {"reachable": False, "error": "no answer within 8 s"}, "containers": {}}
    found["answers"] = dict.fromkeys(LINKS)


def backed_up(kind: str, **changes: Any) -> Callable[[Json], None]:
    return lambda found: found["states"].update({kind: found["states"][kind] | changes})


def put(part: str, **changes: Any) -> Callable[[Json], None]:
    return lambda found: found[part].update(changes)


def busy(count: int) -> Callable[[Json], None]:
    return put("database", sessions=[session() for _number in range(count)])


def held_up(**changes: Any) -> Callable[[Json], None]:
    return put("database", sessions=[session(), session(**changes)])


def counts(name: str, count: int) -> Callable[[Json], None]:
    return lambda found: found["engine"]["containers"]["postgres-erp"].update({name: count})


def lease(renewed: float) -> Callable[[Json], None]:
    held_by = {"who": "eve@laptop", "since": renewed - 60, "renewed": renewed, "run_id": "x"}
    return lambda found: found.update(lease=held_by)


WRONG: dict[str, tuple[Callable[[Json], object], dict[str, str], str]] = {
    "disk at 80 %": (put("disk", free_mb=5000), {"disk": "warn"}, "docker image prune"),
    "disk at 79 %": (put("disk", free_mb=5250), {}, ""),
    "disk at 90 %": (put("disk", free_mb=2500), {"disk": "fail"}, "90 % full (2500 MB are free)"),
    "disk gone": (lambda found: found.update(disk={"error": "Input/output error"}), {"disk": "fail"}, "Input/output"),
    "files": (put("disk", inodes_percent=91), {"inodes": "fail"}, "91 %"),
    "memory": (put("memory", available_mb=40), {"memory": "fail"}, "40 MB of memory left"),
    "memory of a container": (counts("used", 290 * 2**20), {"memory postgres-erp": "fail"}, "postgres_erp_memory"),
    "a kill": (counts("oom_kills", 1), {"oom_kills postgres-erp": "fail"}, "ended 1 process of postgres-erp"),
    "restarts": (counts("restart_count", 2), {"restarts postgres-erp": "warn"}, "again 2 times"),
    "a container stopped": (
        stopped,
        {"container traefik": "fail"},
        "traefik does not run (exited since 2026-11-28 20:50Z, exit 137",
    ),
    "a container starts": (
        lambda found: found["engine"]["containers"]["traefik"].update(health="starting"),
        {"container traefik": "warn"},
        "still starting",
    ),
    "a container gone": (
        lambda found: found["engine"]["containers"].update(traefik=None),
        {"container traefik": "fail"},
        "make deploy",
    ),
    "database stopped": (
        database_stopped,
        {"container postgres-erp": "fail", "link API": "fail", "link proxy": "fail"},
        "does not run (exited since 2026-11-28 20:50Z, exit 137",
    ),
    "database silent": (
        lambda found: found.update(
            database={"error": "no answer within 8 s"},
            answers=found["answers"] | {"database": {"msg": "no answer within 8 s"}},
        ),
        {"link database": "fail"},
        "no answer within 8 s",
    ),
    "engine gone": (engine_gone, {"engine": "fail"}, "no answer within 8 s"),
    "API": (lambda found: found["answers"].update(API={"status": 503}), {"link API": "fail"}, "look at the database"),
    "connections at 80 %": (busy(30), {"connections": "warn"}, "30 of the 37"),
    "connections at 95 %": (busy(36), {"connections": "fail"}, "36 of the 37"),
    "a long transaction": (held_up(transaction=301), {"transaction": "warn"}, "pg_terminate_backend(4711)"),
    "an idle transaction": (held_up(idle_in_transaction=300), {"idle_in_transaction": "fail"}, "planner-api, planner"),
    "a lock": (held_up(lock_wait=11), {"lock_wait": "warn"}, "waiting for a lock for 11 s"),
    "transaction numbers": (put("database", transaction_age=1_500_000_000), {"transaction_age": "fail"}, "VACUUM"),
    "a schema that was changed": (put("schema", drift=True), {"drift": "warn"}, "make schema"),
    "a schema of which nothing is recorded": (put("schema", drift=None), {}, ""),
    "a schema that cannot be read": (
        lambda found: found.update(schema={"error": "too many connections"}),
        {"drift": "warn"},
        "cannot be compared with what the last run recorded (too many connections)",
    ),
    "a slot holds back": (lambda found: held(found, 256), {"slots": "warn"}, "holds back 256 MB of WAL, and nobody"),
    "a slot lost": (lost, {"slots": "fail"}, "pg_drop_replication_slot('replica')"),
    "a damaged page": (put("database", checksum_failures=1), {"checksum_failures": "fail"}, "make acknowledge"),
    "archive waits": (put("database", ready=3, ready_since=NOW - 301), {"archive": "warn"}, "3 WAL files have been"),
    "archive fails": (
        put("database", ready=1, ready_since=NOW - 901, archive_failed=NOW - 5),
        {"archive": "fail"},
        "1 WAL file has been waiting to be archived for 15 min, and archiving failed 5 s ago",
    ),
    "spool waits": (
        put("spool", files=2, bytes=32 * 2**20, since=NOW - 901),
        {"spool": "fail"},
        "S=postgres-erp-backup",
    ),
    "the bucket is away": (
        backed_up("archive", ok=False, error="connection refused"),
        {"repository": "warn"},
        "takes no WAL files (connection refused)",
    ),
    "seconds are missing in the bucket": (
        backed_up("partial", ok=False, last_ok=NOW - 31, error="connection refused"),
        {"partial": "warn"},
        "what was written in the last 31 s is on this server only (connection refused)",
    ),
    "seconds failed once": (backed_up("partial", ok=False, last_ok=NOW - 4, error="connection reset"), {}, ""),
    "seconds were never there": (
        backed_up("partial", ok=False, last_ok=0, error="no such bucket"),
        {"partial": "warn"},
        "no such bucket",
    ),
    "a backup failed": (backed_up("backup", ok=False, error="no bucket."), {"backup": "fail"}, "(no bucket), the last"),
    "a backup is late": (backed_up("backup", last_ok=NOW - 26 * HOUR), {"backup": "warn"}, "26 h old"),
    "a dump is late": (backed_up("dump", last_ok=NOW - 50 * HOUR), {"dump": "fail"}, "2 days old"),
    "a restore test is late": (backed_up("restore_test", last_ok=NOW - 26 * HOUR), {"restore_test": "warn"}, "26 h"),
    "a restore test failed": (
        backed_up("restore_test", ok=False, last_ok=None, error="damaged"),
        {"restore_test": "fail"},
        "there is no good one",
    ),
    "a state file is broken": (
        lambda found: found["states"].update(dump={"error": "it does not hold JSON"}),
        {"dump": "warn"},
        "does not hold JSON",
    ),
    "the first backup is at work": (
        lambda found: found["states"].update(backup={"began": NOW, "ok": False, "finished": None, "last_ok": None}),
        {},
        "",
    ),
    "no backups here": (lambda found: found.update(states=dict.fromkeys(HEALTHY["states"]), spool=None), {}, ""),
    "the token ends": (lambda found: found.update(token=NOW + 7 * 86400), {"token": "fail"}, "ends in 7 days"),
    "a certificate ends": (
        lambda found: found.update(certificates=NOW + 20 * 86400),
        {"certificate": "warn"},
        "ends in 20 days",
    ),
    "a certificate has ended": (
        lambda found: found.update(certificates=NOW - 1),
        {"certificate": "fail"},
        "of the database elsewhere has ended",
    ),
    "no certificate here": (lambda found: found.update(certificates=None), {}, ""),
    "a run is at work": (lease(NOW - 30), {}, ""),
    "a run was killed": (lease(NOW - 700), {"run": "warn"}, "eve@laptop since 12 min"),
    "the last run failed": (
        put("last_run", rc=2, error="Port 3000 is taken."),
        {"last_run": "warn"},
        "(site.yml, 60 min ago) failed: Port 3000 is taken",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(case: str) -> None:
    change, expected, words = WRONG[case]
    found = judged(change)
    assert wrong(found) == expected
    for name in expected:
        assert found[name]["what"] and found[name]["remedy"], name
    said = " ".join(f"{found[name]['what']}; {found[name]['remedy']}" for name in expected)
    assert words in said


def test_an_alarm_that_did_not_arrive_is_named() -> None:
    found = judged(said={"error": "it answered 500"})
    assert wrong(found) == {"alarm": "warn"}


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (172800, "2 days")]
)
def test_spans_are_said_as_people_do(seconds: float, said: str) -> None:
    assert numbers.span(seconds) == said


def test_every_limit_is_used_and_has_an_order() -> None:
    source = "".join(path.read_text() for path in (ROOT / "plugins/module_utils/monitoring").glob("judge_*.py"))
    built = {f"{kind}_hours" for kind in judge_database.KINDS} | {
        f"{kind}_seconds" for kind in ("transaction", "idle_in_transaction", "lock_wait")
    }
    assert {name for name in LIMITS if f'"{name}"' not in source} == built
    assert {name for name, (first, second) in LIMITS.items() if first > second} == {"token_days", "certificate_days"}
