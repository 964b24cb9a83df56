"""A whole server for system tests and measurements: `site.yml` runs against it over SSH, as an operator's would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
LAB = ROOT / "tests" / "lab" / "droplet"
DIRECTORY = "/home/david/services"
# For `find`: without what the server writes by itself from minute to minute, its numbers and what its backup does.
BY_ITSELF = ("monitoring", "monitoring/state.json", "postgres-erp/spool*", "postgres-erp-backup/state*")
NOT_BY_ITSELF = " ".join(f"! -path '{DIRECTORY}/{path}'" for path in BY_ITSELF)
LAB_VARIABLES = ROOT / "molecule" / "shared" / "inventory" / "group_vars" / "all" / "main.yml"
MOST_EXECUTIONS: int = yaml.safe_load(LAB_VARIABLES.read_text())["verify_most_executions"]
IMAGES = [
    *("portfolio.local/postgres:15", "portfolio.local/pgbackrest:15"),
    *("portfolio.local/postgrest:12.0.2", "portfolio.local/traefik:3.7"),
]


@dataclass
class Run:
    """What one run of `site.yml` said and did."""

    returncode: int
    output: str
    executions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def recap(self) -> dict[str, int]:
        line = next(line for line in reversed(self.output.splitlines()) if "unreachable=" in line)
        return {key: int(value) for key, value in (pair.split("=") for pair in line.split(":", 1)[1].split())}

    @property
    def changed_tasks(self) -> list[str]:
        names, task = [], ""
        for line in self.output.splitlines():
            if line.startswith("TASK ["):
                task = line[6 : line.index("]")]
            elif line.startswith("changed:"):
                names.append(task)
        return sorted(set(names))


@dataclass
class Droplet:
    """The server in a container, and runs against it."""

    name: str
    work: Path

    @property
    def inventory(self) -> Path:
        return self.work / "inventory"

    def shell(self, command: str, check: bool = True, given: str | None = None) -> str:
        done = subprocess.run(
            ["docker", "exec", "-i", self.name, "sh", "-c", command],
            input=given or "",
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"{command!r} on the server: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_FORCE_COLOR": "0",
            "ANSIBLE_CALLBACKS_ENABLED": "bestviable.portfolio.execution_count,bestviable.portfolio.run_record",
            "PORTFOLIO_EXECUTION_LOG": str(self.work / "executions.jsonl"),
            "PATH": f"{BIN}:{os.environ['PATH']}",
        }

    def start(self, *arguments: str, playbook: str = "site.yml") -> subprocess.Popen[str]:
        (self.work / "executions.jsonl").unlink(missing_ok=True)
        return subprocess.Popen(
            [str(BIN / "ansible-playbook"), "-i", str(self.inventory), str(ROOT / playbook), *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            start_new_session=True,
        )

    def finish(self, process: subprocess.Popen[str]) -> Run:
        output = process.communicate()[0]
        assert "Traceback" not in output
        return Run(process.returncode, output, self.executions())

    def run(self, *arguments: str, playbook: str = "site.yml") -> Run:
        return self.finish(self.start(*arguments, playbook=playbook))

    def verb(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A verb as an operator types it; nobody is there to answer a question."""
        (self.work / "executions.jsonl").unlink(missing_ok=True)
        done = subprocess.run(
            [str(ROOT / "portfolio"), *words, "-i", str(self.inventory)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr
        return done

    @contextmanager
    def variables(self, **more: Any) -> Iterator[None]:
        """With these in its inventory, and as it was afterwards; both by a run."""
        hosts = self.inventory / "hosts.json"
        before = hosts.read_text()
        named = json.loads(before)
        named["portfolio"]["hosts"]["droplet"].update(more)
        try:
            hosts.write_text(json.dumps(named))
            done = self.run()
            assert done.returncode == 0, done.output
            yield
        finally:
            hosts.write_text(before)
            done = self.run()
            assert done.returncode == 0, done.output

    def found(self, verb: str) -> tuple[int, dict[str, Any]]:
        """What a verb that looks tells as data, with its exit code."""
        done = self.verb(verb, "FORMAT=json")
        return done.returncode, json.loads(done.stdout)

    def until_well(self, verb: str) -> None:
        """The API finds the database again by itself, after a moment."""
        for _attempt in range(10):
            code, report = self.found(verb)
            if code == 0:
                return
            time.sleep(0.5)
        raise AssertionError(report)

    def executions(self) -> list[dict[str, Any]]:
        log = self.work / "executions.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def killed_at(self, execution: int, *arguments: str, playbook: str = "site.yml") -> None:
        """Starts a run and kills all of it when it begins its given remote module execution."""
        ended = self.ended_before(execution, *arguments, playbook=playbook)
        assert ended is None, f"the run ended before its execution {execution}: {ended.output}"

    def ended_before(self, execution: int, *arguments: str, playbook: str = "site.yml") -> Run | None:
        """The same, where it may come to its end before."""
        process = self.start(*arguments, playbook=playbook)
        deadline = time.monotonic() + 300
        while len(self.executions()) < execution and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        if process.poll() is not None:
            return self.finish(process)
        began = len(self.executions())
        for pid in family(process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.communicate()
        assert began >= execution, f"after 300 s the run was at its execution {began}, not at {execution}"
        return None

    def containers(self) -> dict[str, tuple[str, str]]:
        """Id and start time of every container: equal before and after means that nothing was restarted."""
        lines = self.shell(
            "docker ps -aq | xargs -r docker inspect -f '{{.Name}} {{.Id}} {{.State.StartedAt}}'"
        ).splitlines()
        return {name: (identity, started) for name, identity, started in (line.split() for line in lines)}

    def sql(self, statement: str, database: str = "portfolio", user: str = "postgres") -> str:
        return self.shell(f'docker exec postgres-erp psql -XAtqU {user} -d {database} -c "{statement}"')


def family(pid: int) -> list[int]:
    """A process and all that come from it; Ansible's workers have process groups of their own."""
    found = [pid]
    for parent in found:
        with suppress(FileNotFoundError, ProcessLookupError):
            for children in Path(f"/proc/{parent}/task").glob("*/children"):
                found += [int(child) for child in children.read_text().split()]
    return found


def lab(*arguments: str) -> str:
    return subprocess.run([str(LAB), *arguments], check=True, capture_output=True, text=True).stdout.strip()


def bring_engine() -> None:
    """What servers need where nobody has run the tests: packages, and the machine's own engine by the role itself."""
    subprocess.run([str(ROOT / "tests" / "setup"), "system"], check=True)
    playbook = [str(BIN / "ansible-playbook"), "-i", "inventories/local", "tests/engine.yml"]
    subprocess.run(playbook, cwd=ROOT, env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}, check=True)


@contextmanager
def droplet_up(name: str, port: int, work: Path, recipe: str = "droplet") -> Iterator[Droplet]:
    """A bare server with the images at hand, removed at the end."""
    subprocess.run(
        [str(ROOT / "images" / "build"), "postgres", "pgbackrest", "postgrest", "traefik", recipe], check=True
    )
    lab("down", name)
    lab("up", name, str(port), recipe)
    try:
        lab("load", name, *IMAGES)
        host = {
            "ansible_host": "127.0.0.1",
            "ansible_port": port,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": lab("key"),
            "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
            "portfolio_directory": DIRECTORY,
            "portfolio_image_source": "build",
            # The machine's own disk and memory, of which a test knows nothing.
            "monitoring_limits": {f"{kind}_percent": [101, 102] for kind in ("disk", "inodes", "memory")},
        }
        droplet = Droplet(name, work)
        droplet.inventory.mkdir()
        (droplet.inventory / "hosts.json").write_text(json.dumps({"portfolio": {"hosts": {"droplet": host}}}))
        yield droplet
    finally:
        lab("down", name)
