# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who applies the two migrations: psql alone, this collection's module, and other tools, each as its documents say."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.schema.machine import OWNER, Command, succeed
from tests.cluster import BINARIES
from tests.integration.postgresql_migration.driver import MODULE, ROOT, Project, interpreter, library

HERE = Path(__file__).parent
PINS = HERE / "peers"
FILES = tuple(sorted((ROOT / "sql" / "migrations").glob("*.sql")))
SCHEMAS = ["erp", "agent"]
FIXED = "2026-01-01T00:00:00Z"


@dataclass(frozen=True)
class Contender:
    """`command` applies what is pending to a database; run again, it has nothing to do."""

    name: str
    command: Callable[[str], Command]
    # psql has no memory of what it ran, and a ping none to have.
    repeats: bool = True


def install(directory: Path) -> None:
    """The peers, pinned, in a place of their own; kept for the next time."""
    stamp = directory / "pins"
    pins = "".join((PINS / name).read_text() for name in ("package-lock.json", "requirements.txt"))
    if stamp.exists() and stamp.read_text() == pins:
        return
    print(f"bench: installing the other tools into {directory}", flush=True)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(PINS / name, directory / name)
    npm = ("npm", "ci", "--prefix", str(directory), "--ignore-scripts", "--no-audit", "--no-fund")
    pip = ("pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes")
    environment = {name: value for name, value in os.environ.items() if name != "PATH"}
    succeed("npm", Command(npm, environment))
    succeed("venv", Command((sys.executable, "-m", "venv", str(directory / "venv")), environment))
    succeed(
        "pip",
        Command((f"{directory}/venv/bin/python", "-m", *pip, "-r", str(PINS / "requirements.txt")), environment),
    )
    stamp.write_text(pins)


class Contenders:
    """All of them, against one cluster. `work`: where the files are in the form that each of them wants."""

    def __init__(self, project: Project, peers: Path, work: Path) -> None:
        self.project = project
        self.socket = project.cluster.socket_directory
        self.peers = peers
        self.work = work
        self.libpq = {"PGHOST": self.socket, "PGUSER": OWNER, "PATH": f"{BINARIES}:{os.environ['PATH']}"}

    def all(self) -> list[Contender]:
        """In the order in which each round runs them."""
        self._dbmate_files()
        self._alembic_files()
        self._sqitch_files()
        return [
            Contender("psql", self.psql, repeats=False),
            Contender("module", self.module),
            Contender("start", lambda _database: self.start(), repeats=False),
            Contender("dbmate", self.dbmate),
            Contender("alembic", self.alembic),
            Contender("sqitch", self.sqitch),
            Contender("ping", lambda _database: self.play("ping", {}), repeats=False),
            Contender("task", self.task),
            Contender("whole task", self.whole_task),
            Contender("postgresql_script", lambda name: self.play("script", {"bench_database": name}), repeats=False),
            Contender("ledger by hand", lambda name: self.play("ledger", {"bench_database": name})),
        ]

    def psql(self, database: str) -> Command:
        files = [word for path in FILES for word in ("-f", str(path))]
        return Command((f"{BINARIES}/psql", "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", *files, database), self.libpq)

    def start(self) -> Command:
        """What the process of any module costs: Python, Ansible's library, arguments in and a result out."""
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {}})
        return Command((interpreter(), "-m", "ansible.modules.ping"), {"PYTHONPATH": library()}, arguments)

    def module(self, database: str, check: bool = False) -> Command:
        """The module's process without Ansible, for the migrations alone."""
        without = dict.fromkeys(("access", "assertions", "expected", "admin_user", "logins"))
        return self._process(check, {**without, "schemas": SCHEMAS, "login_db": database})

    def whole(self, database: str, check: bool = False) -> Command:
        """... and as the role calls it: with roles, passwords, grants, assertions and the shipped state."""
        return self._process(check, {"login_db": database})

    def _process(self, check: bool, options: dict[str, Any]) -> Command:
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": self.project.arguments(check, False, options)})
        return Command((interpreter(), "-m", MODULE), {"PYTHONPATH": library()}, arguments)

    def play(self, name: str, variables: dict[str, Any]) -> Command:
        """One of the playbooks, as `ansible-playbook` alone."""
        given = {"bench_socket": self.socket, "ansible_python_interpreter": interpreter(), **variables}
        binary = Path(sys.executable).parent / "ansible-playbook"
        argv = (str(binary), "-i", "localhost,", "-c", "local", str(HERE / "playbooks" / f"{name}.yml"))
        environment = {
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        }
        return Command((*argv, "-e", json.dumps(given)), environment)

    def task(self, database: str) -> Command:
        """The migrations alone."""
        return self.play("module", {"bench_database": database, "bench_options": {"schemas": SCHEMAS}})

    def whole_task(self, database: str) -> Command:
        """As the role calls it."""
        files = {"access": "access", "assertions": "assertions.yml", "expected": "expected/15.json"}
        more = {option: str(ROOT / "sql" / path) for option, path in files.items()}
        options = {name: value for name, value in self.project.options.items() if value is not None}
        return self.play("module", {"bench_database": database, "bench_options": {**more, **options}})

    def dbmate(self, database: str) -> Command:
        url = f"postgres://{OWNER}@/{database}?host={self.socket}&sslmode=disable"
        binary = self.peers / "node_modules/@dbmate/linux-x64/bin/dbmate"
        directory = self.work / "dbmate"
        return Command((str(binary), "--url", url, "--no-dump-schema", "--migrations-dir", str(directory), "migrate"))

    def _dbmate_files(self) -> None:
        (self.work / "dbmate").mkdir()
        for path in FILES:
            (self.work / "dbmate" / path.name).write_text(f"-- migrate:up\n{path.read_text()}\n-- migrate:down\n")

    def alembic(self, database: str) -> Command:
        binary = self.peers / "venv/bin/alembic"
        url = f"postgresql+psycopg2://{OWNER}@/{database}?host={self.socket}"
        return Command(
            (str(binary), "-c", str(self.work / "alembic/alembic.ini"), "upgrade", "head"), {"BENCH_URL": url}
        )

    def _alembic_files(self) -> None:
        directory = self.work / "alembic"
        (directory / "versions").mkdir(parents=True)
        (directory / "alembic.ini").write_text(f"[alembic]\nscript_location = {directory}\n")
        shutil.copy(PINS / "env.py", directory / "env.py")
        before = None
        for path in FILES:
            version = path.name[:3]
            (directory / "versions" / f"{path.stem}.py").write_text(
                f"from pathlib import Path\nfrom alembic import op\n"
                f"revision, down_revision = {version!r}, {before!r}\n"
                f"def upgrade():\n    op.get_bind().exec_driver_sql(Path({str(path)!r}).read_text())\n"
            )
            before = version

    def sqitch(self, database: str) -> Command:
        environment = {**self.libpq, "SQITCH_FULLNAME": "Bench", "SQITCH_EMAIL": "bench@example.com"}
        argv = ("sqitch", "--chdir", str(self.work / "sqitch"), "deploy", f"db:pg:{database}")
        return Command(argv, environment)

    def _sqitch_files(self) -> None:
        directory = self.work / "sqitch"
        (directory / "deploy").mkdir(parents=True)
        (directory / "sqitch.conf").write_text("[core]\n\tengine = pg\n")
        plan = ["%syntax-version=1.0.0", "%project=portfolio", ""]
        for path in FILES:
            plan.append(f"{path.stem} {FIXED} Bench <bench@example.com> # {path.name}")
            (directory / "deploy" / f"{path.stem}.sql").write_text(f"BEGIN;\n{path.read_text()}\nCOMMIT;\n")
        (directory / "sqitch.plan").write_text("\n".join(plan) + "\n")
