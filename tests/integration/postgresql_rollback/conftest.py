# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A migrated database of two tables that refer to each other, and programs that can be made to fail or to wait."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.ansible_task import NAMESPACE, ROOT
from tests.cluster import BINARIES
from tests.integration.postgresql_migration import conftest
from tests.integration.postgresql_migration.driver import Project

cluster = conftest.cluster
project = conftest.project
CIRCLE = """ALTER TABLE app.thing ADD COLUMN best_part_id bigint;
ALTER TABLE app.thing ADD CONSTRAINT thing_best_part_id_fkey FOREIGN KEY (best_part_id) REFERENCES app.part (id);
"""
ROWS = """
INSERT INTO app.thing (id, name) VALUES (1, 'Ærøskøbing'), (99, 'beyond the sequence');
INSERT INTO app.part (thing_id) VALUES (1), (99);
UPDATE app.thing SET best_part_id = 1;
"""
# Everything that has to be the same after a restore.
ALL = "SELECT (SELECT json_agg(t ORDER BY id) FROM app.thing AS t), (SELECT json_agg(p ORDER BY id) FROM app.part AS p)"


@dataclass
class Server:
    """The module against the project's database."""

    project: Project
    work: Path

    @property
    def directory(self) -> Path:
        return self.work / "backups"

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.directory.iterdir()) if self.directory.exists() else []

    def around(self, program: str, shell: str) -> None:
        """What runs in place of a program; `"$@"` is the program itself with its arguments."""
        (self.work / program).write_text(f"{shell}\n")

    def arguments(self, check: bool, options: dict[str, Any]) -> str:
        client = self.work / "client"
        client.write_text(
            f"#!/bin/sh\nexport PGHOST={self.project.cluster.socket_directory} PGPORT={self.project.cluster.port} "
            f'PATH="{BINARIES}:$PATH" WORK={self.work}\n[ -e "$WORK/$1" ] && . "$WORK/$1"\nexec "$@"\n'
        )
        client.chmod(0o755)
        return json.dumps(
            {
                "ANSIBLE_MODULE_ARGS": {
                    "login_unix_socket": self.project.cluster.socket_directory,
                    "login_port": self.project.cluster.port,
                    "login_db": self.project.database,
                    "login_user": self.project.user,
                    "schemas": ["app"],
                    "server_major": self.project.cluster.major,
                    "directory": str(self.directory),
                    "client": [str(client)],
                    "lock_timeout": 1,
                    "_ansible_check_mode": check,
                    **options,
                }
            }
        )

    def start(self, check: bool = False, **options: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", f"{NAMESPACE}.postgresql_rollback"],
            env={**os.environ, "PYTHONPATH": str(ROOT / ".collections")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdin
        process.stdin.write(self.arguments(check, options))
        process.stdin.close()
        process.stdin = None
        return process

    def run(self, check: bool = False, **options: Any) -> dict[str, Any]:
        return finish(self.start(check, **options))

    def refused(self, **options: Any) -> str:
        """The sentence of a run that leaves everything as it was."""
        before = self.project.query(ALL)
        found = self.run(**options)
        assert found.get("failed"), found
        sentence: str = found["msg"]
        assert "nothing was changed" in sentence and "\n" not in sentence
        assert self.project.query(ALL) == before
        return sentence

    def tables(self) -> int:
        count: int = self.project.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'app'")[0][0]
        return count


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in out + err, out + err
    found: dict[str, Any] = json.loads(out)
    return found


def wait_for(path: Path) -> None:
    """A wrapped program has come to this point."""
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.02)


@pytest.fixture
def server(project: Project, tmp_path: Path) -> Iterator[Server]:
    project.migration("003_circle.sql", CIRCLE)
    assert project.run().changed
    project.query(ROWS)
    yield Server(project, tmp_path)
