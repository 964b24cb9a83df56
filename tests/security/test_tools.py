# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clients and tools of docs/: examples as they stand, settings and queries as the exchanges that they lead to."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.documents.examples import examples, same
from tests.security.chain import Answer, Chain
from tests.server import ROOT

DOCUMENTS = {"tooljet": ROOT / "docs" / "TOOLJET.md", "retool": ROOT / "docs" / "RETOOL.md"}
EXAMPLES = examples(ROOT / "docs" / "API_CLIENTS.md")
NODE = ROOT / "tests" / "documents"
# What a person has typed and chosen where a query of the documents has {{…}}.
CHOSEN = {
    "(components.table1.pageIndex - 1) * 20": "0",
    "table1.pagination.pageSize": "20",
    "table1.pagination.offset": "0",
    "search.value": "Ines",
    "title.value": "Call Ines",
    "id.value": "task_from_a_tool",
}


@dataclass(frozen=True)
class Query:
    """One row of a document's table of queries."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


def table(text: str, heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its own two lines."""
    below = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in re.findall(r"^\|.*\|$", below, re.M)[2:]
    ]


def filled(template: str, row: str) -> str:
    """A template with what was chosen in it; `row` is the id of the row that was selected."""

    def value(found: re.Match[str]) -> str:
        name = found[1].removeprefix("components.")
        return row if name.endswith("selectedRow.id") else CHOSEN.get(found[1], CHOSEN.get(name, ""))

    return re.sub(r"\{\{(.*?)\}\}", value, template)


def queries(document: Path, row: str = "-41") -> dict[str, Query]:
    """By what they are for."""
    text, found = document.read_text(encoding="utf-8"), dict[str, Query]()
    rows = table(text, "Queries")
    body_of_add = next(cells[3] for cells in rows if cells[0] == "add")
    for what, method, where, body in (cells + [""] * (4 - len(cells)) for cells in rows):
        path, *header = re.findall(r"`([^`]+)`", where)
        headers = dict(pair.split(": ", 1) for pair in header)
        sent = body_of_add if body == "as above" else body
        found[what] = Query(method, "/" + filled(path, row).lstrip("/"), headers, filled(sent.strip("`"), row))
    return found


def settings(document: Path) -> dict[str, str]:
    """The headers that the data source sends with every query."""
    rows = {cells[0]: cells[1] for cells in table(document.read_text(encoding="utf-8"), heading_of(document))}
    assert rows["Base URL"].startswith("`https://erp-db.bestviable.com/erp`")
    assert "Bearer" in rows.get("Authentication type", rows.get("Authentication", ""))
    return dict(re.findall(r"`([\w-]+)`: `([^`]+)`", rows["Headers"]))


def heading_of(document: Path) -> str:
    return "Data source" if document.name == "TOOLJET.md" else "Resource"


@dataclass(frozen=True)
class Tool:
    """A tool that is set up as its document says."""

    chain: Chain
    document: Path
    token: str

    def run(self, what: str, row: str = "-41") -> Answer:
        query = queries(self.document, row)[what]
        headers = settings(self.document) | query.headers
        body = query.body.encode() if query.body else None
        return self.chain.ask(query.method, f"/erp{query.path}", self.token, headers=headers, body=body)


@pytest.fixture(params=list(DOCUMENTS))
def tool(chain: Chain, request: pytest.FixtureRequest) -> Iterator[Tool]:
    yield Tool(chain, DOCUMENTS[request.param], chain.token("erp_writer"))
    chain.sql("DELETE FROM erp.tasks WHERE global_id = 'task_from_a_tool'")


def rows_of(answer: Answer, *statuses: int) -> list[dict[str, Any]]:
    assert answer.status in statuses, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def test_every_query_of_a_tool_works(tool: Tool) -> None:
    """What is added is found, changed, counted and removed again, by the queries in the document's table."""
    [added] = rows_of(tool.run("add"), 201)
    assert added["title"] == "Call Ines"
    assert rows_of(tool.run("add or change"), 200, 201) == [added]
    row = str(added["id"])
    assert added["id"] in {found["id"] for found in rows_of(tool.run("show a page"), 200)}
    assert rows_of(tool.run("change", row), 200) == [{"id": added["id"], "status": "done"}]
    counted = tool.run("count")
    assert counted.status in (200, 206)
    assert counted.headers["Content-Range"].rpartition("/")[2] == str(tool.chain.count("erp.tasks"))
    assert rows_of(tool.run("remove", row), 200) == [{"id": added["id"]}]
    assert rows_of(tool.run("remove", row), 200) == []
    [person] = rows_of(tool.run("search"), 200)
    assert person["full_name"] == "Ines Adler"
    [project] = rows_of(tool.run("show one with what belongs to it"), 200)
    assert project["owner"] == {"full_name": "Mara Lindqvist"}


@pytest.mark.parametrize("what", ["change", "remove"])
def test_an_empty_selection_changes_nothing(tool: Tool, what: str) -> None:
    before = tool.chain.sql("SELECT md5(string_agg(t::text, '' ORDER BY id)) FROM erp.tasks AS t")
    assert tool.run(what, "").status == 400
    assert tool.chain.sql("SELECT md5(string_agg(t::text, '' ORDER BY id)) FROM erp.tasks AS t") == before


def test_the_documents_tell_of_the_same_queries() -> None:
    """Tables that differ by the tools' own words only, so that a change of one is made in both."""
    assert queries(DOCUMENTS["tooljet"]) == queries(DOCUMENTS["retool"])


def test_a_viewer_reads_as_the_documents_say(chain: Chain) -> None:
    viewer = chain.token("agent_viewer")
    assert chain.ask("GET", "/view/events?limit=1", viewer).status == 200
    assert chain.ask("GET", "/agent/events?limit=1", viewer).status == 403
    assert chain.ask("GET", "/agent/events?select=id,message&limit=1", viewer).status == 200


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All TypeScript examples, strictly, with exactly the locked packages."""
    work = tmp_path_factory.mktemp("clients")
    for name in ("package.json", "package-lock.json", "tsconfig.json", ".npmrc"):
        shutil.copy(NODE / name, work)
    for example in EXAMPLES.values():
        if example.language == "typescript":
            (work / f"{example.name}.ts").write_text(example.text, encoding="utf-8")
    for command in (
        ["npm", "ci", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"],
        ["node", "node_modules/typescript/bin/tsc"],
    ):
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return work


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_a_client_runs_as_it_stands(chain: Chain, compiled: Path, name: str) -> None:
    example = EXAMPLES[name]
    if example.language == "python":
        (compiled / f"{name}.py").write_text(example.text, encoding="utf-8")
    program = [sys.executable, f"{name}.py"] if example.language == "python" else ["node", f"{name}.js"]
    environment = {**os.environ, "API": chain.url("local"), "TOKEN": chain.token("erp_writer"), "NO_PROXY": "*"}
    command = chain.inside(*program)
    done = subprocess.run(command, cwd=compiled, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert same(done.stdout, example.prints or ""), done.stdout
