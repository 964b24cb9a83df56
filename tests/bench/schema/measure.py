# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The measurements: rounds in which everybody takes a turn, then what is asked of the module alone."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import catalog, state
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.lock import KEYS
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import Session, Target
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.settings import Settings

from tests.bench.schema.contenders import FILES, SCHEMAS, Contender, Contenders
from tests.bench.schema.machine import (
    OWNER,
    Command,
    Logged,
    empty_database,
    execute,
    log_of,
    peak_memory,
    run,
    succeed,
)
from tests.cluster import Cluster
from tests.integration.postgresql_migration.driver import Project

INDEX = "erp.projects_status_idx"
COPIES = 10
MEGABYTE = 1024 * 1024
# All that a run makes again without asking anybody (class A): what is behind no primary key and no unique constraint.
DAMAGE = """
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) FROM pg_constraint
WHERE contype IN ('f', 'c') AND connamespace IN ('erp'::regnamespace, 'agent'::regnamespace) AND conrelid <> 0
UNION ALL SELECT format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass) FROM pg_trigger
JOIN pg_class AS c ON c.oid = tgrelid
WHERE NOT tgisinternal AND c.relnamespace IN ('erp'::regnamespace, 'agent'::regnamespace)
UNION ALL SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index JOIN pg_class AS c ON c.oid = indrelid
WHERE NOT indisunique AND c.relnamespace IN ('erp'::regnamespace, 'agent'::regnamespace)
"""


@dataclass
class Times:
    """Seconds of each round."""

    first: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    # Whether a dropped index is put right or at least named by a run that has nothing to apply.
    sees: bool = False


def rounds(contenders: list[Contender], cluster: Cluster, number: int) -> dict[str, Times]:
    """Everybody on an empty database of its own in each round, one after the other."""
    found = {contender.name: Times() for contender in contenders}
    for turn in range(number):
        print(f"bench: round {turn + 1} of {number}", flush=True)
        for contender in contenders:
            with empty_database(cluster) as database:
                _turn(contender, cluster, database, found[contender.name])
    return found


def _turn(contender: Contender, cluster: Cluster, database: str, times: Times) -> None:
    times.first.append(succeed(contender.name, contender.command(database)).seconds)
    if not contender.repeats:
        return
    times.again.append(succeed(f"{contender.name}, again", contender.command(database)).seconds)
    if len(times.again) == 1:
        execute(cluster, f"DROP INDEX {INDEX}", database)
        done = run(contender.command(database))
        back = execute(cluster, f"SELECT to_regclass('{INDEX}') IS NOT NULL", database)
        times.sees = done.code != 0 or back == [(True,)] or INDEX.split(".")[1] in done.output


def ratio(numerator: list[float], denominator: list[float]) -> float:
    """The median of the rounds' ratios: what slows one round down slows both."""
    return statistics.median(one / other for one, other in zip(numerator, denominator, strict=True))


@dataclass(frozen=True)
class Alone:
    """What was asked of the module alone."""

    apply_s: float
    dry_ratio: float
    whole_first_s: float
    repair_ratio: float
    repaired: int
    no_op: Logged
    snapshot_ratio: float
    snapshot_ms: float
    lock_gone_s: float
    memory_mb: float


def dry_runs(contenders: Contenders, cluster: Cluster, number: int) -> tuple[float, float]:
    """A dry run ÷ the apply after it, and that one's seconds, both by the module's own clock."""

    def spent(command: Command) -> float:
        timings: dict[str, int] = json.loads(succeed("the module", command).output)["timings"]
        return sum(timings.values()) / 1000

    ratios, applies = [], []
    for _number in range(number):
        with empty_database(cluster) as database:
            dry = spent(contenders.module(database, check=True))
            applies.append(spent(contenders.module(database)))
            ratios.append(dry / applies[-1])
    return statistics.median(ratios), statistics.median(applies)


def repairs(contenders: Contenders, cluster: Cluster, number: int) -> tuple[float, float, int]:
    """A run that makes every object of class A again ÷ the first apply, and that apply's seconds; how many objects."""
    ratios, firsts, count = [], [], 0
    for _number in range(number):
        with empty_database(cluster) as database:
            first = succeed("the first apply", contenders.whole(database))
            before = json.loads(first.output)["fingerprint"]["after"]
            damage = [str(row[0]) for row in execute(cluster, DAMAGE, database)]
            execute(cluster, "; ".join(damage), database)
            repair = succeed("the repair", contenders.whole(database))
            found = json.loads(repair.output)
            if found["fingerprint"]["after"] != before:
                raise SystemExit("bench: a repair did not bring the schema back; no figure would mean anything")
            count = len(found["repaired"])
            firsts.append(first.seconds)
            ratios.append(repair.seconds / first.seconds)
    return statistics.median(ratios), statistics.median(firsts), count


def snapshots(contenders: Contenders, cluster: Cluster, number: int) -> tuple[float, float]:
    """One look at ten times the tables ÷ one look at the tables; and that one's milliseconds."""
    schemas = [f"{schema}{copy}" for copy in range(COPIES) for schema in SCHEMAS]
    with empty_database(cluster) as database:
        succeed("psql", contenders.psql(database))
        for copy in range(COPIES):
            text = "\n".join(path.read_text() for path in FILES)
            execute(cluster, re.sub(r"\b(erp|agent)\b", rf"\g<1>{copy}", text), database, OWNER)
        session = Session(Target(OWNER, database, cluster.socket_directory, cluster.port), Settings(1000, 60000))
        one = [_clocked(lambda: catalog.fingerprint(state.snapshot(session, SCHEMAS).objects)) for _ in range(number)]
        ten = [_clocked(lambda: catalog.fingerprint(state.snapshot(session, schemas).objects)) for _ in range(number)]
        if len(state.snapshot(session, schemas).of_kind("table")) != COPIES * 35:
            raise SystemExit("bench: the copies of the schemas are not ten times as many tables")
        session.close()
    return ratio(ten, one), statistics.median(one) * 1000


def _clocked(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def killed(contenders: Contenders, cluster: Cluster, work: Path, number: int) -> float:
    """Seconds after `kill -9` in the middle of a migration until its lock is gone."""
    held = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = {KEYS[0]} AND objid = {KEYS[1]}"
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()"
    sleeper = _project(contenders.project, work / "sleeper", "SELECT pg_sleep(60);")
    times = []
    for _number in range(number):
        with empty_database(cluster) as database:
            process = sleeper.start(login_db=database)
            _until(lambda: execute(cluster, asleep) == [(1,)])
            process.kill()
            process.wait()
            began = time.monotonic()
            _until(lambda: execute(cluster, held) == [(0,)])
            times.append(time.monotonic() - began)
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
    return statistics.median(times)


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        if time.monotonic() > deadline:
            raise subprocess.TimeoutExpired("waiting", 30)
        time.sleep(0.01)


def _project(like: Project, directory: Path, sql: str) -> Project:
    """A project of one migration."""
    project = Project(like.cluster, directory, user=OWNER, options={"schemas": ["big"]})
    project.migration("001_big.sql", sql)
    return project


def memory(contenders: Contenders, cluster: Cluster, work: Path) -> float:
    """MB that the module's process holds at most while it applies 5 MB of SQL."""
    # What people write, so that it can be packed as well as that.
    insert = f"INSERT INTO big.text (line) VALUES ($sql${FILES[0].read_text()}$sql$);\n"
    text = "CREATE SCHEMA big;\nCREATE TABLE big.text (line text);\n"
    project = _project(contenders.project, work / "big", text + insert * (5 * MEGABYTE // len(insert) + 1))
    with empty_database(cluster) as database:
        arguments = project.arguments(False, False, {"login_db": database})
        command = contenders.module(database)
        given = json.dumps({"ANSIBLE_MODULE_ARGS": arguments})
        return peak_memory(Command(command.argv, command.environment, given))


def alone(contenders: Contenders, cluster: Cluster, work: Path, number: int, no_op: Logged) -> Alone:
    """What is asked of the module alone, so many times each."""
    print("bench: the module alone", flush=True)
    repair_ratio, first, repaired = repairs(contenders, cluster, number)
    snapshot_ratio, snapshot_ms = snapshots(contenders, cluster, 3 * number)
    dry_ratio, apply_s = dry_runs(contenders, cluster, number)
    return Alone(
        apply_s=apply_s,
        dry_ratio=dry_ratio,
        whole_first_s=first,
        repair_ratio=repair_ratio,
        repaired=repaired,
        no_op=no_op,
        snapshot_ratio=snapshot_ratio,
        snapshot_ms=snapshot_ms,
        lock_gone_s=killed(contenders, cluster, work, number),
        memory_mb=memory(contenders, cluster, work),
    )


def counted(contenders: Contenders, cluster: Cluster) -> Logged:
    """A run as the role calls it that has nothing to do, on a server that logs every statement."""
    with empty_database(cluster) as database:
        succeed("the first apply", contenders.whole(database))
        done, found = log_of(cluster, contenders.whole(database))
    if json.loads(done.output)["changed"]:
        raise SystemExit("bench: a second run changed something; no figure would mean anything")
    return found
