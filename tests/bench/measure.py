# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One playbook on one server: its first deploy, then pings and runs that have nothing to do, in turn, over SSH."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.server import BIN, ROOT, Droplet, Run

PLAYBOOKS = {"ours": ROOT / "site.yml", "plain": ROOT / "tests" / "bench" / "plain" / "site.yml"}
CONTAINERS = ("postgres-erp", "postgrest-erp", "traefik")


@dataclass(frozen=True)
class Figures:
    first_deploy_s: float
    ping_s: float
    noop_s: float
    noop_ratio: float
    executions: int
    changed: int
    memory_mb: dict[str, float]
    # Of the verb: in full, as after a change, and quick, as every other time. The other playbook has none.
    status_s: dict[str, float]


def timed(command: list[str], droplet: Droplet) -> tuple[float, Run]:
    """Seconds and result of one command on the control node."""
    (droplet.work / "executions.jsonl").unlink(missing_ok=True)
    began = time.monotonic()
    done = subprocess.run(
        command,
        env=droplet.environment,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return time.monotonic() - began, Run(done.returncode, done.stdout, droplet.executions())


def play(droplet: Droplet, playbook: Path, *options: str) -> tuple[float, Run]:
    return timed([str(BIN / "ansible-playbook"), "-i", str(droplet.inventory), str(playbook), *options], droplet)


def succeeded(what: str, measured: tuple[float, Run]) -> tuple[float, Run]:
    """What was measured; a failure ends the bench, as no figure would mean anything."""
    if measured[1].returncode:
        sys.exit(f"bench: {what} failed (exit {measured[1].returncode}):\n{measured[1].output[-4000:]}")
    return measured


def group_of(droplet: Droplet, container: str, file: str) -> str:
    """The kernel's file on the container's memory, of either version of control groups."""
    identity = droplet.shell(f"docker inspect -f '{{{{.Id}}}}' {container}")
    return droplet.shell(f"find /sys/fs/cgroup -path '*{identity}*' -name {file} | head -1")


def held_mb(statistics_of_memory: str) -> float:
    """MB that processes hold (rss and shared memory, without the page cache), by a cgroup's memory.stat."""
    counters = {key: int(value) for key, value in (line.split() for line in statistics_of_memory.splitlines())}
    # Version 1 of control groups calls them otherwise.
    names = ("total_rss", "total_shmem") if "total_rss" in counters else ("anon", "shmem")
    return sum(counters.get(name, 0) for name in names) / 1024**2


def idle_memory(droplet: Droplet) -> dict[str, float]:
    """What the processes of each container hold."""
    return {name: held_mb(droplet.shell(f"cat {group_of(droplet, name, 'memory.stat')}")) for name in CONTAINERS}


def status(droplet: Droplet, rounds: int) -> dict[str, float]:
    """The verb on a healthy server; any option of Ansible's asks for a full look."""
    asked = [str(ROOT / "portfolio"), "status", "-i", str(droplet.inventory)]
    taken = {
        name: [succeeded("status", timed([*asked, *options], droplet))[0] for _round in range(rounds)]
        for name, options in {"full": ["--forks=1"], "quick": []}.items()
    }
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def figures(droplet: Droplet, name: str, rounds: int) -> Figures:
    """Measures the playbook `name` on a bare server."""
    playbook = PLAYBOOKS[name]
    print(f"{name}: first deploy of a bare server, images at hand", flush=True)
    first, _run = succeeded(f"the first deploy of {playbook}", play(droplet, playbook))
    ping = [str(BIN / "ansible"), "-i", str(droplet.inventory), "portfolio", "-m", "ansible.builtin.ping"]
    pings, noops = [], []
    for number in range(rounds):
        print(f"{name}: round {number + 1} of {rounds}: ping, then a run that has nothing to do", flush=True)
        pings.append(succeeded("ping", timed(ping, droplet))[0])
        seconds, run = succeeded(f"a second run of {playbook}", play(droplet, playbook))
        noops.append(seconds)
    return Figures(
        first_deploy_s=first,
        ping_s=statistics.median(pings),
        noop_s=statistics.median(noops),
        noop_ratio=statistics.median(noop / ping for noop, ping in zip(noops, pings, strict=True)),
        executions=sum(not execution["delegated"] for execution in run.executions),
        changed=run.recap["changed"],
        memory_mb=idle_memory(droplet),
        status_s=status(droplet, rounds) if name == "ours" else {},
    )
