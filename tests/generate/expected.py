# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sql/expected/<major>.json, the catalog as our module makes it on an empty server: `make expected` writes it, a test
compares. One object on each line, so that a review shows what a migration really did."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tests.integration.postgresql_migration.driver import Project
from tests.integration.postgresql_migration.shipped import shipped_project

ROOT = Path(__file__).resolve().parents[2]
SQL = ROOT / "sql"
# The product's own server, and a managed one.
MAJORS = (15, 17)
READ = """
SELECT catalog_algo, fingerprint, access_checksum, access_objects, objects,
    current_setting('server_version_num')::integer / 10000,
    (SELECT json_object_agg(version, checksum ORDER BY version) FROM migration.applied)
FROM migration.expected ORDER BY version DESC LIMIT 1"""


class NotCleanError(ValueError):
    """The module did not bring an empty server to what the files say; the message is its own."""


def line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def generate(found: dict[str, Any]) -> str:
    """The whole file: short values first, then what is one line for each object."""
    long = ("access_objects", "objects")
    parts = [f'"{name}": {line(value)}' for name, value in found.items() if name not in long]
    parts.append('"access_objects": [\n' + ",\n".join(map(line, sorted(found["access_objects"]))) + "\n]")
    objects = [f"{line(key)}: {line(attributes)}" for key, attributes in sorted(found["objects"].items())]
    parts.append('"objects": {\n' + ",\n".join(objects) + "\n}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def read(project: Project, roles: Iterable[str]) -> dict[str, Any]:
    """What a run of the module recorded."""
    [(algorithm, fingerprint, access, access_objects, objects, major, migrations)] = project.query(READ)
    return {
        "algorithm": algorithm,
        "postgresql": major,
        "fingerprint": fingerprint,
        "migrations": migrations,
        "access": access,
        "roles": sorted(roles),
        "access_objects": access_objects,
        "objects": objects,
    }


def write(sql: Path, found: dict[str, Any]) -> None:
    """Beside the migrations."""
    file = sql / "expected" / f"{found['postgresql']}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(generate(found), encoding="utf-8")


def made(sql: Path, major: int) -> dict[str, Any]:
    """What the files make of a new server; the state that is there is about to be replaced, so it is not looked at."""
    roles = yaml.safe_load((sql / "access/roles.yml").read_text(encoding="utf-8"))["roles"]
    with (
        tempfile.TemporaryDirectory(prefix="portfolio-expected-") as directory,
        shipped_project(sql, Path(directory), major=major) as project,
    ):
        run = project.run(expected=None)
        if run.rc or run.warnings:
            raise NotCleanError(run.message or "; ".join(run.warnings))
        return read(project, roles)


if __name__ == "__main__":
    try:
        for one in MAJORS:
            write(SQL, made(SQL, one))
    except NotCleanError as error:
        sys.exit(f"make expected: {error}")
