# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Old services' directories on this machine, and the playbook on them; each case is a host, so many share a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
NAMES = ("001_tables.sql", "002_more tables.sql", "003_indexes.sql")
WRITTEN = "2024-02-29"
RESTORE = ("-e", "archive_legacy_state=restored")
Tree = dict[str, tuple[int, int, int, bytes]]


class Run:
    """One ansible-playbook on hosts of which each has a directory, or variables, of its own."""

    def __init__(self, base: Path, hosts: Mapping[str, Mapping[str, Any]], *arguments: str) -> None:
        self.inventory, self.log = base / "hosts.json", base / "executions"
        local = {name: {"ansible_connection": "local", **variables} for name, variables in hosts.items()}
        self.inventory.write_text(json.dumps({"portfolio": {"hosts": local}}))
        self.log.write_text("")
        outcome = subprocess.run(
            self.command(*arguments), env=self.environment(), capture_output=True, text=True, check=False, cwd=ROOT
        )
        self.text = outcome.stdout + outcome.stderr
        assert "Traceback" not in self.text
        # A line of the other callback follows.
        self.document, _end = json.JSONDecoder().raw_decode(outcome.stdout[outcome.stdout.index("{") :])

    def command(self, *arguments: str) -> list[str]:
        script = str(Path(sys.executable).with_name("ansible-playbook"))
        flags = ["-i", str(self.inventory), "--forks", "2", "--diff", *arguments]
        return [script, *flags, str(ROOT / "playbooks" / "archive_legacy.yml")]

    def environment(self) -> dict[str, str]:
        return os.environ | {
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_CALLBACKS_ENABLED": "bestviable.portfolio.execution_count",
            "PORTFOLIO_EXECUTION_LOG": str(self.log),
        }

    def results(self, host: str) -> list[tuple[str, dict[str, Any]]]:
        tasks = [task for play in self.document["plays"] for task in play["tasks"] if host in task["hosts"]]
        return [(task["task"]["name"], task["hosts"][host]) for task in tasks]

    def changes(self, host: str) -> list[str]:
        """What is changed, by task and by item."""
        found = []
        for name, result in self.results(host):
            items = result.get("results", [result])
            found += [f"{name} {item.get('item', '')}".strip() for item in items if item.get("changed")]
        return found

    def refusals(self, host: str) -> list[str]:
        return [str(result["msg"]) for _name, result in self.results(host) if result.get("failed")]

    def diffs(self, host: str) -> list[Any]:
        """What each change leaves behind."""
        items = [item for _name, result in self.results(host) for item in result.get("results", [result])]
        entries = [item["diff"] for item in items if item.get("changed") and item.get("diff")]
        return [part.get("after") for entry in entries for part in (entry if isinstance(entry, list) else [entry])]

    def executions(self) -> int:
        return len(self.log.read_text().splitlines())


def one(directory: Path, *arguments: str) -> Run:
    return Run(directory.parent, {"server": {"archive_legacy_directory": str(directory)}}, *arguments)


def legacy(directory: Path) -> Path:
    """The old service's directory, with what else may lie in it, as another user's."""
    migrations = directory / "migrations"
    (migrations / "helpers").mkdir(parents=True)
    files = {**{name: f"-- {name}\n" for name in NAMES}, "004_later.sql": "-- stays\n", "helpers/001_x.sql": "-- stays"}
    for number, (name, text) in enumerate({**files, "../docker-compose.yml": "services: {}\n"}.items()):
        path = migrations / name
        path.write_text(text)
        path.chmod(0o640)
        os.chown(path, 1234, 1234)
        os.utime(path, (1_600_000_000 + number,) * 2)
    return directory


def readme(directory: Path) -> Path:
    return directory / "migrations" / "deprecated" / "README.md"


def archived(directory: Path, text: str) -> Path:
    """The same, as a run of an earlier day left it."""
    migrations = legacy(directory) / "migrations"
    (migrations / "deprecated").mkdir()
    readme(directory).write_text(text)
    for name in NAMES:
        (migrations / name).rename(migrations / "deprecated" / name)
    return directory


def tree(base: Path) -> Tree:
    found = {}
    for path in sorted(base.rglob("*")):
        there = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        # A directory's time changes with what is in it.
        found[str(path.relative_to(base))] = (
            there.st_mode,
            there.st_uid,
            0 if path.is_dir() else there.st_mtime_ns,
            content,
        )
    return found


def moved(before: Tree) -> Tree:
    """The tree where each of NAMES lies in deprecated/, with everything that it had."""
    places = {f"migrations/{name}": f"migrations/deprecated/{name}" for name in NAMES}
    return {places.get(name, name): entry for name, entry in before.items()}


def without(found: Tree, *names: str) -> Tree:
    return {name: entry for name, entry in found.items() if name not in names}
