# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server with a bucket beside it: its backups beside PostgreSQL's own programs, then it is restored, lost twice and
made anew from the bucket, and upgraded. What can be repeated takes turns; what needs a playbook is done once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from tests.backups import SIDECAR
from tests.bench.backup import said
from tests.bench.measure import group_of, held_mb, play, succeeded, timed
from tests.consistency.repository import defaults
from tests.server import DIRECTORY, IMAGES, ROOT, Droplet, lab
from tests.waiting import until

# Of pgbench; 15 MB each.
SCALE = 7
CLIENTS = 4
THROUGHPUT_S = 15
# For how long rows may be on the server only, as the inventory says it.
OBJECTIVES = {"backup_rpo: minutes": {"backup_rpo": "minutes"}, "backup_rpo: seconds": {"backup_rpo": "seconds"}}
SERVICES = [{"name": "planner", "roles": ["erp_writer"], "connection_limit": 2}]
IMAGE, IMAGE_17, SIDECAR_17 = IMAGES[0], "portfolio.local/postgres17:17", "portfolio.local/pgbackrest17:17"
SOCKET = f"{DIRECTORY}/postgres-erp/run"
# As the client of a server in a container: by its socket, and with nothing else of it.
CLIENT = f"--network none --user 70:70 --volume {SOCKET}:/var/run/postgresql"
ACKNOWLEDGED = "/root/acknowledged"
FILES = "/var/lib/postgresql/data/plain"
JOB = f"{SIDECAR} sh /usr/local/lib/portfolio/backup.sh"
PLAIN = "docker exec bench-plain"
JOBS = {
    "pg_basebackup": f"{PLAIN} pg_basebackup -U postgres -D {FILES} --checkpoint=fast",
    "full": f"{JOB} full",
    "incremental": f"{JOB} incremental",
    "pg_dump": f"{PLAIN} pg_dump -U postgres -Fc -Z1 -f {FILES}.dump portfolio",
    "dump": f"{JOB} dump",
    "restore test": "systemctl start portfolio-backup-restore-test",
}


@dataclass(frozen=True)
class Restore:
    """To a moment: its container alone; the command until a row is written again; nobody can write; all of it."""

    itself_s: float
    writable_s: float
    outage_s: float
    whole_s: float


@dataclass(frozen=True)
class Loss:
    """What was acknowledged and is not there any more, and the rebuild that showed it."""

    objective: str
    rows: int
    seconds: float
    rebuild_s: float


@dataclass(frozen=True)
class Sidecar:
    """Most that its processes held while it had to work, and how many of them were killed for memory."""

    mb: float
    limit_mb: float
    kills: int


@dataclass(frozen=True)
class Crowd:
    connections: int
    kills: int


@dataclass(frozen=True)
class Upgrade:
    """`plain_s`: dump and restore of the same data into an empty server, by round."""

    outage_s: float
    whole_s: float
    plain_s: list[float]


@dataclass(frozen=True)
class Figures:
    """`jobs` in seconds, `throughput` in transactions a second, by round; `load` of the machine, least and most."""

    rounds: int
    first_deploy_s: float
    mb: float
    jobs: dict[str, list[float]]
    restore: Restore
    throughput: dict[str, list[float]]
    sidecar: Sidecar
    crowd: Crowd
    shipping: dict[str, list[float]]
    losses: list[Loss]
    upgrade: Upgrade
    load: tuple[float, float]


@dataclass
class Bench:
    """The measurements of one server."""

    droplet: Droplet
    # What its inventory says of the bucket.
    bucket: dict[str, Any]
    rounds: int
    loads: list[float] = field(default_factory=list)

    def figures(self) -> Figures:
        # In this order.
        return Figures(
            rounds=self.rounds,
            first_deploy_s=self.deploy(),
            mb=self.fill(),
            jobs=self.jobs(),
            restore=self.restore(),
            throughput=self.throughput(),
            sidecar=self.sidecar(),
            crowd=self.crowd(),
            shipping=self.shipping(),
            losses=self.losses(),
            upgrade=self.upgrade(),
            load=(min(self.loads), max(self.loads)),
        )

    def step(self, what: str) -> None:
        self.loads.append(os.getloadavg()[0])
        print(f"{what} (load {self.loads[-1]:.1f})", flush=True)

    # --- the server

    def given(self, **more: str) -> None:
        """From now on in its inventory."""
        file = self.droplet.inventory / "group_vars" / "all.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps({**self.bucket, "postgres_erp_services": SERVICES, **more}))

    def deploy(self) -> float:
        self.step("first deploy of a bare server, images at hand")
        self.given()
        return succeeded("the first deploy", play(self.droplet, ROOT / "site.yml"))[0]

    def fill(self) -> float:
        """MB of the database with what pgbench makes."""
        self.step("data")
        self.droplet.sql("CREATE SCHEMA bench")
        self.pgbench(f"--initialize --quiet --scale {SCALE}")
        self.settle()
        return int(self.droplet.sql("SELECT pg_database_size('portfolio')")) / 1024**2

    def pgbench(self, options: str) -> str:
        return self.droplet.shell(
            f"docker run --rm {CLIENT} --env PGOPTIONS='-c search_path=bench' --entrypoint pgbench {IMAGE}"
            f" --username postgres {options} portfolio"
        )

    def settle(self) -> None:
        """What was written is in the bucket."""
        self.droplet.shell(f"{JOB} settle")

    def verb(self, *words: str) -> float:
        """Seconds of what an operator types."""
        command = [str(ROOT / "portfolio"), *words, "-i", str(self.droplet.inventory)]
        return succeeded(words[0], timed(command, self.droplet))[0]

    def begin(self, unit: str, program: str) -> None:
        """A program of the shell that goes on until its unit is stopped."""
        self.droplet.shell(f"cat > /root/{unit}.sh", given=program)
        self.droplet.shell(f"systemd-run --quiet --collect --unit={unit} sh /root/{unit}.sh")

    def seconds(self, command: str) -> float:
        """Seconds by the server's own clock."""
        clock = self.droplet.shell(f"date +%s%N; {command} >/dev/null || exit 1; date +%s%N").split()
        return (int(clock[1]) - int(clock[0])) / said.SECOND

    # --- backups beside PostgreSQL's own programs

    def plain(self) -> None:
        """A client with what the backup's container may use; until the next run the server lets itself be copied."""
        rule = "local replication postgres peer map=operator"
        self.droplet.shell(f"sed -i '1i {rule}' {DIRECTORY}/postgres-erp/conf/pg_hba.conf")
        self.droplet.sql("SELECT pg_reload_conf()")
        memory, cpus = (defaults("backup")[f"backup_{name}"] for name in ("memory", "cpus"))
        limits = f"--memory {memory} --memory-swap {memory} --cpus {cpus}"
        self.droplet.shell(f"docker run -d --name bench-plain {CLIENT} {limits} --entrypoint sleep {IMAGE} infinity")

    def jobs(self) -> dict[str, list[float]]:
        self.watch_sidecar()
        self.plain()
        found: dict[str, list[float]] = {name: [] for name in JOBS}
        for number in range(self.rounds):
            self.step(f"round {number + 1} of {self.rounds}: {', '.join(JOBS)}")
            for name, command in JOBS.items():
                if name == "incremental":
                    self.pgbench(f"--no-vacuum --client {CLIENTS} --transactions 250")
                self.settle()
                found[name].append(self.seconds(command))
            self.droplet.shell(f"{PLAIN} sh -c 'rm -r {FILES}*'")
        self.droplet.shell("docker rm -fv bench-plain")
        return found

    def watch_sidecar(self) -> None:
        file = group_of(self.droplet, "postgres-erp-backup", "memory.stat")
        self.begin("watch", f"while cat {file}; do echo; sleep 0.2; done > /root/memory")

    def sidecar(self) -> Sidecar:
        self.droplet.shell("systemctl stop watch")
        samples = self.droplet.shell("cat /root/memory").split("\n\n")
        limit = int(self.droplet.shell("docker inspect -f '{{.HostConfig.Memory}}' postgres-erp-backup"))
        # The last one may have been cut.
        most = max(held_mb(one) for one in samples[:-1])
        return Sidecar(most, limit / 1024**2, self.kills("postgres-erp-backup"))

    def kills(self, container: str) -> int:
        """Processes that the kernel has killed for memory; version 1 of control groups counts them in another file."""
        files = [group_of(self.droplet, container, name) for name in ("memory.oom_control", "memory.events")]
        return int(self.droplet.shell(f"sed -n 's/^oom_kill //p' {' '.join(files)}"))

    def throughput(self) -> dict[str, list[float]]:
        """Transactions a second, alone and beside full backups without a pause; who is first changes each round."""
        found: dict[str, list[float]] = {"alone": [], "beside": []}
        for number in range(self.rounds):
            self.step(f"round {number + 1} of {self.rounds}: pgbench without and beside full backups")
            for kind in ("alone", "beside") if number % 2 == 0 else ("beside", "alone"):
                self.settle()
                found[kind].append(self.loaded() if kind == "alone" else self.beside_backups())
        return found

    def loaded(self) -> float:
        return said.a_second(self.pgbench(f"--no-vacuum --client {CLIENTS} --time {THROUGHPUT_S}"))

    def beside_backups(self) -> float:
        self.droplet.shell("rm -f /root/enough")
        backups = f"until [ -e /root/enough ]; do {JOB} full || exit 1; done"
        with subprocess.Popen(["docker", "exec", self.droplet.name, "sh", "-c", backups]) as running:
            found = self.loaded()
            self.droplet.shell("touch /root/enough")
        if running.returncode:
            sys.exit("bench: a full backup beside pgbench failed")
        return found

    def shipping(self) -> dict[str, list[float]]:
        """Transactions a second with each objective, in turns."""
        found: dict[str, list[float]] = {name: [] for name in OBJECTIVES}
        for number in range(self.rounds):
            self.step(f"round {number + 1} of {self.rounds}: pgbench with {', '.join(OBJECTIVES)}")
            for name in OBJECTIVES if number % 2 == 0 else reversed(OBJECTIVES):
                self.given(**OBJECTIVES[name])
                succeeded("a run", play(self.droplet, ROOT / "site.yml"))
                self.settle()
                found[name].append(self.loaded())
        return found

    def crowd(self) -> Crowd:
        """Every connection that the server gives, all at one sort each."""
        self.step("every allowed connection sorts")
        program = (ROOT / "tests" / "lab" / "faults" / "crowd.py").read_text()
        self.droplet.shell("cat > /root/crowd.py", given=program)
        before = self.kills("postgres-erp")
        connections = self.droplet.shell(f"python3 /root/crowd.py {SOCKET}").split()[0]
        return Crowd(int(connections), self.kills("postgres-erp") - before)

    # --- the ways back, under a client that writes

    def write(self) -> None:
        program = (ROOT / "tests" / "system" / "writer.py").read_text()
        self.droplet.shell("cat > /root/writer.py", given=program)
        self.droplet.shell(f"rm -f {ACKNOWLEDGED}")
        self.begin("writer", f"exec python3 /root/writer.py {DIRECTORY} {ACKNOWLEDGED}")
        self.writes_after(0)

    def writes_after(self, moment: int) -> None:
        until(lambda: max(self.acknowledged(), default=0) > moment, "a client that writes", 60)

    def acknowledged(self) -> list[int]:
        return [int(number) for number in self.droplet.shell(f"cat {ACKNOWLEDGED}", check=False).split()]

    def written(self) -> list[int]:
        """What was acknowledged, at the end of it."""
        self.droplet.shell("systemctl stop writer")
        return self.acknowledged()

    def kept(self) -> list[int]:
        rows = self.droplet.sql("SELECT substr(full_name, 8) FROM erp.people WHERE full_name LIKE 'writer %'")
        return [int(number) for number in rows.split()]

    def restore(self) -> Restore:
        self.step("restore to a moment")
        self.write()
        time.sleep(2)
        moment, stamp = time.time_ns(), self.droplet.sql("SELECT clock_timestamp()")
        time.sleep(2)
        told = "--filter container=postgres-erp-restore --format '{{.TimeNano}} {{.Action}}'"
        self.begin("events", f"docker events {told} > /root/events")
        began = time.time_ns()
        whole_s = self.verb("restore", f"TIME={stamp}", "YES=1")
        self.writes_after(time.time_ns())
        acknowledged = self.written()
        rows, _seconds = said.lost([number for number in acknowledged if number < moment], self.kept())
        if rows:
            sys.exit(f"bench: {rows} acknowledged rows from before the moment are missing")
        outage_s, writable_s = said.silence(acknowledged, began)
        self.droplet.shell("systemctl stop events")
        itself_s = said.longest_run(self.droplet.shell("cat /root/events"))
        return Restore(itself_s, writable_s, outage_s, whole_s)

    def losses(self) -> list[Loss]:
        """With each objective the server is lost at the worst moment, then rebuilt."""
        found = []
        for name, objective in OBJECTIVES.items():
            self.step(f"the server is lost with {name}, and rebuilt")
            self.given(**objective)
            succeeded("a run", play(self.droplet, ROOT / "site.yml"))
            acknowledged = self.lose()
            rebuild_s = self.verb("rebuild")
            found.append(Loss(name, *said.lost(acknowledged, self.kept()), rebuild_s))
        return found

    def lose(self) -> list[int]:
        """Server, volume and spool are gone when a segment is closed and nothing of it has reached the bucket."""
        self.write()
        self.settle()
        spool = f"{DIRECTORY}/postgres-erp/spool"
        wait = f'until [ -n "$(ls {spool})" ]; do sleep 0.05; done'
        self.droplet.shell(f"timeout 180 sh -c '{wait}' && docker kill postgres-erp-backup postgres-erp")
        acknowledged = self.written()
        lab("reset", self.droplet.name, *IMAGES)
        return acknowledged

    # --- another major version

    def upgrade(self) -> Upgrade:
        self.step("upgrade to PostgreSQL 17")
        lab("load", self.droplet.name, IMAGE_17, SIDECAR_17)
        plain_s = self.plain_upgrades()
        self.write()
        began = time.time_ns()
        wanted = ("-e", "portfolio_database_major=17", "-e", "confirm=portfolio")
        whole_s = succeeded("the upgrade", play(self.droplet, ROOT / "playbooks" / "upgrade.yml", *wanted))[0]
        self.writes_after(time.time_ns())
        acknowledged = self.written()
        rows, _seconds = said.lost(acknowledged, self.kept())
        if rows:
            sys.exit(f"bench: the upgrade lost {rows} acknowledged rows")
        return Upgrade(said.silence(acknowledged, began)[0], whole_s, plain_s)

    def plain_upgrades(self) -> list[float]:
        """PostgreSQL's own programs, into an empty server as it comes, with the memory of ours and its roles."""
        memory = defaults("postgres_erp")["postgres_erp_memory"]
        options = f"--network none --memory {memory} --memory-swap {memory} --env POSTGRES_HOST_AUTH_METHOD=trust"
        self.droplet.shell(f"docker run -d --name bench-new {options} --volume {SOCKET}:/run/old {IMAGE_17}")
        new = "docker exec --user 70 bench-new"
        # Over TCP there is only the server that stays.
        until(lambda: "accepting" in self.droplet.shell(f"{new} pg_isready -h 127.0.0.1 || :"), "an empty server", 60)
        old = "-h /run/old -U postgres"
        roles = f"pg_dumpall {old} --roles-only | grep -v '^CREATE ROLE postgres;' | psql -qv ON_ERROR_STOP=1"
        copy = f"pg_dump {old} -Fc --create portfolio | pg_restore --create --exit-on-error -d postgres"
        self.droplet.shell(f'{new} bash -euo pipefail -c "{roles}"')
        found = []
        for _round in range(self.rounds):
            found.append(self.seconds(f'{new} bash -euo pipefail -c "{copy}"'))
            self.droplet.shell(f"{new} dropdb portfolio")
        self.droplet.shell("docker rm -fv bench-new")
        return found
