# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the real module in a process of its own, with the server's Python where that has psycopg2."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import ansible
from ansible_collections.bestviable.portfolio.plugins.action import postgresql_migration as action

from tests.cluster import Cluster

ROOT = Path(__file__).parents[3]
MODULE = "ansible_collections.bestviable.portfolio.plugins.modules.postgresql_migration"
PEER_LIKE = "local postgres app_login scram-sha-256\nlocal postgres app_other scram-sha-256\nlocal all all trust\n"


@cache
def interpreter() -> str:
    there = "import importlib.util, sys; sys.exit(importlib.util.find_spec('psycopg2') is None)"
    probe = subprocess.run(["/usr/bin/python3", "-c", there], check=False)
    return "/usr/bin/python3" if probe.returncode == 0 else sys.executable


@cache
def library() -> str:
    """A directory with Ansible and the collection only, so that psycopg2 is the distribution's."""
    directory = Path(tempfile.mkdtemp(prefix="portfolio-lib-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    (directory / "ansible").symlink_to(Path(ansible.__file__).parent)
    (directory / "ansible_collections").symlink_to(ROOT / ".collections" / "ansible_collections")
    return str(directory)


@dataclass
class Result:
    rc: int
    data: dict[str, Any]
    text: str

    @property
    def message(self) -> str:
        return str(self.data.get("msg", ""))

    @property
    def changed(self) -> bool:
        return bool(self.data["changed"])

    @property
    def warnings(self) -> list[str]:
        """Outside a controller a warning is an object with its text inside."""
        return [found if isinstance(found, str) else found["event"]["msg"] for found in self.data.get("warnings", [])]


@dataclass
class Project:
    """A directory of SQL files and the cluster they are for."""

    cluster: Cluster
    directory: Path
    database: str = "app"
    user: str = "app_owner"
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.directory / "migrations").mkdir(parents=True)

    @property
    def expected(self) -> Path:
        """The catalog as the release makes it on a server of this version."""
        return self.directory / "expected" / f"{self.cluster.major}.json"

    def migration(self, name: str, sql: str | bytes) -> Path:
        path = self.directory / "migrations" / name
        path.write_bytes(sql if isinstance(sql, bytes) else sql.encode())
        return path

    def access(self, name: str, text: str) -> Path:
        path = self.directory / "access" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def assertions(self, text: str) -> Path:
        path = self.directory / "assertions.yml"
        path.write_text(text, encoding="utf-8")
        return path

    def arguments(self, check: bool, diff: bool, options: dict[str, Any]) -> dict[str, Any]:
        access, assertions, expected = self.directory / "access", self.directory / "assertions.yml", self.expected
        arguments: dict[str, Any] = {
            "login_unix_socket": self.cluster.socket_directory,
            "login_port": self.cluster.port,
            "login_db": self.database,
            "login_user": self.user,
            "schemas": ["app"],
            "server_major": self.cluster.major,
            "migrations": action.sql_files("migrations", self.directory / "migrations"),
            **({"access": action.access_files(access)} if access.is_dir() else {}),
            **({"assertions": action.yaml_file("assertions", assertions)} if assertions.exists() else {}),
            **({"expected": action.json_file("expected", expected)} if expected.exists() else {}),
            **self.options,
            **options,
        }
        arguments = {name: value for name, value in arguments.items() if value is not None}
        return {**arguments, "_ansible_check_mode": check, "_ansible_diff": diff}

    def start(self, check: bool = False, diff: bool = True, **options: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [interpreter(), "-m", MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            env={"PATH": os.environ["PATH"], "PYTHONPATH": library(), "LC_ALL": "C.UTF-8"},
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": self.arguments(check, diff, options)}))
        process.stdin.close()
        process.stdin = None
        return process

    def run(self, check: bool = False, **options: Any) -> Result:
        return finish(self.start(check, **options))

    def query(self, sql: str, user: str = "postgres") -> list[tuple[Any, ...]]:
        connection = self.cluster.connect(user, self.database, autocommit=True)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()


def empty(project: Project) -> bool:
    """Neither a schema of ours nor a ledger."""
    return project.query("SELECT count(*) FROM pg_namespace WHERE nspname IN ('app', 'migration')") == [(0,)]


def finish(process: subprocess.Popen[str]) -> Result:
    out, err = process.communicate(timeout=120)
    try:
        data = json.loads(out)
    except json.JSONDecodeError:
        raise AssertionError(f"the module printed no result, rc {process.returncode}: {out}{err}") from None
    assert "Traceback" not in out + err, out + err
    return Result(process.returncode, data, out)
