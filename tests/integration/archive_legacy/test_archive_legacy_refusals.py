# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What playbooks/archive_legacy.yml refuses: one sentence with place and remedy, and nothing touched."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.archive_legacy.directories import NAMES, RESTORE, Run, archived, legacy, tree

Case = Callable[[Path], object]


def lose(name: str) -> Case:
    return lambda directory: (directory / "migrations" / name).unlink()


def write(name: str, content: str) -> Case:
    def make(directory: Path) -> None:
        path = directory / "migrations" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)

    return make


def by_hand(directory: Path) -> None:
    (directory / "migrations" / "deprecated").mkdir()
    (directory / "migrations" / NAMES[0]).rename(directory / "migrations" / "deprecated" / NAMES[0])


def linked(directory: Path) -> None:
    (directory / "migrations" / NAMES[1]).rename(directory / "elsewhere.sql")
    (directory / "migrations" / NAMES[1]).symlink_to("../elsewhere.sql")


def shipped(directory: Path) -> None:
    (directory / "migrations" / NAMES[0]).rename(directory / "migrations" / "001_erp_schema.sql")


# name: (whether it was archived, what is then done to it, what the sentence must hold)
REFUSED: dict[str, tuple[bool, Case, list[str]]] = {
    "missing": (False, shutil.rmtree, ["/migrations is no directory", "archive_legacy_directory"]),
    "no_migrations": (False, lambda directory: shutil.rmtree(directory / "migrations"), ["is no directory"]),
    "one_lost": (False, lose(NAMES[1]), ["002_*.sql is neither in", "backup"]),
    "archived_lost": (True, lose(f"deprecated/{NAMES[1]}"), [NAMES[1], "is listed in", "nor in its deprecated/"]),
    "by_hand": (False, by_hand, ["moved by half", "002_more tables.sql, 003", "move all files"]),
    "content": (False, write(f"deprecated/{NAMES[2]}", "-- other"), [f"{NAMES[2]} exists with other content than"]),
    "content_again": (True, write(NAMES[0], "-- other"), [f"{NAMES[0]} exists with other content", "compare"]),
    "readme": (False, write("deprecated/README.md", "# Mine\n"), ["README.md exists with other content", "name"]),
    "readme_edited": (True, write("deprecated/README.md", f"- `{NAMES[0]}`\n"), ["README.md exists with other"]),
    "file": (False, write("deprecated", "not a directory"), ["deprecated is not a directory", "move it away"]),
    "link": (False, linked, [f"{NAMES[1]} is not an ordinary file"]),
    "shipped": (False, shipped, ["001_erp_schema.sql", "migration of this collection"]),
}
VARIABLES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nowhere": ({}, ["archive_legacy_directory is not a full path", "-e archive_legacy_directory="]),
    "relative": ({"archive_legacy_directory": "old"}, ["archive_legacy_directory is not a full path"]),
    "state": (
        {"archive_legacy_directory": "/nowhere", "archive_legacy_state": "gone"},
        ["archive_legacy_state is gone", "archived or restored"],
    ),
}


@pytest.mark.parametrize("arguments", [(), ("--check", *RESTORE)], ids=["archived", "check-restored"])
def test_a_refusal_is_one_sentence_and_nothing_is_touched(
    tmp_path: Path, text: str, arguments: tuple[str, ...]
) -> None:
    hosts: dict[str, dict[str, Any]] = {}
    words: dict[str, list[str]] = {}
    for name, (was_archived, spoil, needed) in REFUSED.items():
        directory = archived(tmp_path / name, text) if was_archived else legacy(tmp_path / name)
        spoil(directory)
        hosts[name], words[name] = {"archive_legacy_directory": f"{directory}/"}, needed
    for name, (variables, needed) in VARIABLES.items():
        if name != "state" or not arguments:  # the command line would win
            hosts[name], words[name] = variables, needed
    places = [path for path in tmp_path.iterdir() if path.is_dir()]
    before = {path: tree(path) for path in places}
    run = Run(tmp_path, hosts, *arguments)
    assert {path: tree(path) for path in places} == before
    for name in hosts:
        assert len(run.refusals(name)) == 1, (name, run.results(name))
        sentence = run.refusals(name)[0]
        assert [word for word in words[name] if word not in sentence] == [], sentence
        assert sentence.endswith(". Nothing was changed.") and run.changes(name) == []
