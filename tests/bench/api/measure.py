# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load by wrk (Debian's package) from within the server's own network, so that nothing is forwarded; it takes from the
same processors as the server does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.security.chain import DATABASE_NETWORK, Chain
from tests.server import DIRECTORY, ROOT

CLIENTS = (1, 8, 32)
CONTAINERS = ("postgres-erp", "postgrest-erp", "traefik")
FIRST, ROWS = 1000000, 500
QUESTIONS = {"one row": f"people?id=eq.{FIRST}", "a list of 20": "people?limit=20"}
QUERIES = {
    "one row": f"SELECT * FROM erp.people WHERE id = {FIRST}",
    "a list of 20": "SELECT * FROM erp.people LIMIT 20",
}
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60000.0}


@dataclass(frozen=True)
class Load:
    """What one load came to."""

    a_second: float
    p50_ms: float
    p99_ms: float
    refused: int = 0


@dataclass(frozen=True)
class Mixed:
    seconds: int
    load: Load
    statuses: dict[str, int]
    peaks_mb: dict[str, float]
    restarts: int
    limits_mb: dict[str, float] = field(default_factory=dict)


def fill(chain: Chain) -> None:
    """Rows that are asked for."""
    chain.sql(
        "INSERT INTO erp.people (id, full_name, email) SELECT "
        f"i, 'Person ' || i, 'person' || i || '@example.com' FROM generate_series({FIRST}, {FIRST + ROWS - 1}) AS i;"
        "ANALYZE erp.people"
    )


def wrk(chain: Chain, seconds: int, clients: int, url: str, *options: str) -> tuple[Load, str]:
    token = chain.token("erp_writer")
    done = subprocess.run(
        chain.inside(
            *("wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "20s", "--latency"),
            *("-H", f"Authorization: Bearer {token}", "-H", "Accept-Profile: erp", *options, url),
        ),
        capture_output=True,
        text=True,
        check=True,
    )
    return load_of(done.stdout), done.stdout


def load_of(said: str) -> Load:
    """The figures in what wrk says."""

    def milliseconds(cut: str) -> float:
        found = re.search(rf"^ +{cut}% +([\d.]+)(us|ms|s|m) *$", said, re.M)
        assert found, said
        return float(found[1]) * UNITS[found[2]]

    rate, refused = (
        re.search(r"^Requests/sec: +([\d.]+)", said, re.M),
        re.search(r"Non-2xx or 3xx responses: (\d+)", said),
    )
    assert rate, said
    return Load(float(rate[1]), milliseconds("50"), milliseconds("99"), int(refused[1]) if refused else 0)


def by_psycopg2(chain: Chain, seconds: int, clients: int, query: str) -> Load:
    login = "portfolio_authenticator"
    done = subprocess.run(
        chain.inside(sys.executable, "-m", "tests.bench.api.direct", str(seconds), str(clients), query),
        env=os.environ
        | {
            "PGHOST": chain.ip("postgres-erp", DATABASE_NETWORK),
            "PGUSER": login,
            "PGDATABASE": "portfolio",
            "PGPASSWORD": chain.droplet.shell(f"cat {DIRECTORY}/postgres-erp/secrets/{login}"),
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    a_second, p50, p99 = map(float, done.stdout.split())
    return Load(a_second, p50, p99)


def ways(chain: Chain, seconds: int) -> dict[tuple[str, int], dict[str, Load]]:
    """Each question by each number of clients, by the three ways in turn."""
    return {
        (question, clients): {
            "Traefik": wrk(chain, seconds, clients, f"{chain.url('local')}/erp/{path}")[0],
            "PostgREST": wrk(chain, seconds, clients, f"{chain.url('direct')}/{path}")[0],
            "psycopg2": by_psycopg2(chain, seconds, clients, QUERIES[question]),
        }
        for question, path in QUESTIONS.items()
        for clients in CLIENTS
    }


def faster(chain: Chain, seconds: int) -> dict[float, Load]:
    """One row by 8 clients, with the deployed part of a processor for the API and with half of one."""
    url, found = f"{chain.url('local')}/erp/{QUESTIONS['one row']}", {}
    deployed = float(chain.droplet.shell("docker inspect -f '{{.HostConfig.NanoCpus}}' postgrest-erp")) / 1e9
    for part in (deployed, 0.5):
        chain.droplet.shell(f"docker update --cpus {part} postgrest-erp")
        found[part] = wrk(chain, seconds, 8, url)[0]
    chain.droplet.shell(f"docker update --cpus {deployed} postgrest-erp")
    return found


def mixed(chain: Chain, seconds: int) -> Mixed:
    """Lookups, lists and writes by 8 clients."""
    before = chain.containers()
    for container in CONTAINERS:
        chain.droplet.shell(
            f"echo 0 > {control_group(chain, container)}/memory.max_usage_in_bytes 2>/dev/null", check=False
        )
    script = str(Path(__file__).with_name("mixed.lua"))
    load, said = wrk(chain, seconds, 8, chain.url("local"), "-s", script, "-H", "Content-Type: application/json")
    inspect = "docker inspect -f '{{.HostConfig.Memory}}'"
    after = chain.containers()
    chain.sql("DELETE FROM erp.tasks WHERE title = 'bench'")
    return Mixed(
        seconds,
        load,
        {status: int(count) for status, count in re.findall(r"^status (\d+) (\d+)", said, re.M)},
        {container: peak(chain, container) for container in CONTAINERS},
        sum(after[name] != before[name] for name in before),
        {container: int(chain.droplet.shell(f"{inspect} {container}")) / 2**20 for container in CONTAINERS},
    )


def control_group(chain: Chain, container: str) -> str:
    """Where the kernel counts the container's memory: version 1 or 2."""
    pid = chain.droplet.shell(f"docker inspect -f '{{{{.State.Pid}}}}' {container}")
    groups = chain.droplet.shell(f"cat /proc/{pid}/cgroup")
    found = re.search(r"^\d+:memory:(.+)$", groups, re.M)
    if found:
        return f"/sys/fs/cgroup/memory{found[1]}"
    return f"/sys/fs/cgroup{groups.splitlines()[-1].split('::')[1]}"


def peak(chain: Chain, container: str) -> float:
    group = control_group(chain, container)
    return (
        int(chain.droplet.shell(f"cat {group}/memory.max_usage_in_bytes {group}/memory.peak 2>/dev/null", check=False))
        / 2**20
    )
