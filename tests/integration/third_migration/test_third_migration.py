# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/MIGRATIONS.md, walked: a third migration in a copy of the project, onto a database with rows in it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import copied
from tests.integration.postgresql_migration.driver import ROOT, Project
from tests.integration.postgresql_migration.shipped import shipped_project
from tests.integration.sql.conftest import SEED

BIN = Path(sys.executable).parent
DOCUMENT = (ROOT / "docs/MIGRATIONS.md").read_text(encoding="utf-8")
# Checks of the copy that say whether everything that follows from a table was done.
CHECKS = ("tests/unit/sql", *(f"tests/integration/sql/test_{name}.py" for name in ("catalog", "expected")))


def run(project: Path, *command: str) -> str:
    variables = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONPATH": ".collections"}
    done = subprocess.run(command, cwd=project, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def regenerate(project: Path) -> None:
    """`make expected`, but for its first lines, which install what is there."""
    target = re.search(r"^expected:\n((?:\t.*\n)+)", (project / "Makefile").read_text(), re.M)
    assert target
    modules = re.findall(r"python -m (\S+)", target[1])
    assert len(modules) == 3
    for module in modules:
        run(project, sys.executable, "-m", module)


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, (file, old)
    file.write_text(text.replace(old, new), encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The document's blocks, also those inside of a list."""
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```", DOCUMENT, re.S | re.M)
    return [textwrap.dedent(text) for text in found]


def write(project: Path) -> None:
    """The example of the document, each part where the document says that it stands."""
    sql, _alone = blocks("sql")
    (project / "sql/migrations/003_add_invoices.sql").write_text(sql, encoding="utf-8")
    contract, assertions, seed = blocks("yaml")
    described, asserted = project / "tests/unit/sql/contract.yml", project / "sql/assertions.yml"
    edit(described, "email, handle, role_label", "email, handle, nickname, role_label")
    edit(described, "  erp.people:\n", f"{textwrap.indent(contract, '  ')}  erp.people:\n")
    edit(asserted, "[deliverables, engagements,", "[deliverables, engagements, invoices,")
    edit(asserted, "    erp.people:\n", f"{textwrap.indent(assertions, '    ')}    erp.people:\n")
    with (project / "sql/seed/erp.yml").open("a", encoding="utf-8") as file:
        file.write("\n" + seed)
    edit(project / "tests/generate/er.py", "erp.engagements erp.deliv", "erp.engagements erp.invoices erp.deliv")


def seeded(project: Project) -> dict[str, list[Any]]:
    """With the rows of `make seed`."""
    connection = project.cluster.connect("erp_admin", project.database, autocommit=True)
    with connection.cursor() as cursor:
        cursor.execute((ROOT / "sql/seed/apply.sql").read_text(encoding="utf-8"))
        cursor.execute("SELECT pg_temp.seed(%s, 'present')", (json.dumps(SEED),))
    connection.close()
    return content(project, SEED)


def content(project: Project, tables: Any) -> dict[str, list[Any]]:
    """Without what the migration adds to each row."""
    return {
        table: sorted(str(row) for (row,) in project.query(f"SELECT to_jsonb(t) - 'nickname' FROM {table} AS t"))
        for table in tables
    }


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with shipped_project(ROOT / "sql", tmp_path_factory.mktemp("shipped")) as project:
        assert project.run().rc == 0
        yield project


def test_a_third_migration(database: Project, tmp_path: Path) -> None:
    before = seeded(database)
    assert sum(map(len, before.values())) > 50
    project = copied(tmp_path)
    told = run(project, "./portfolio", "migration", "NAME=add_invoices")
    assert "sql/migrations/003_add_invoices.sql is there" in told
    write(project)
    regenerate(project)
    run(project, "sqlfluff", "lint", "--disable-progress-bar", "sql")
    run(project, "squawk", *sorted(str(path) for path in (project / "sql/migrations").glob("*.sql")))
    run(project, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *CHECKS)
    assert "| `nickname` | text | yes |" in (project / "docs/DATABASE_SCHEMA.md").read_text()

    database.directory = project / "sql"
    predicted, applied = database.run(check=True), database.run()
    assert [item["version"] for item in applied.data["applied"]] == ["003"], applied.text
    assert predicted.data["effects"] == applied.data["effects"]
    assert (
        applied.data["fingerprint"]["after"]
        == json.loads((project / "sql/expected/15.json").read_text())["fingerprint"]
    )
    assert content(database, before) == before
    again = database.run()
    assert not again.changed and again.data["effects"] == [] and again.warnings == [], again.text
