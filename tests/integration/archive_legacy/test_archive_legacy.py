# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/archive_legacy.yml: there and back, also after a kill at any step."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.integration.archive_legacy.directories import (
    NAMES,
    RESTORE,
    ROOT,
    WRITTEN,
    Run,
    archived,
    legacy,
    moved,
    one,
    readme,
    tree,
    without,
)


def test_the_steps(tmp_path: Path) -> None:
    directory = legacy(tmp_path / "old (v1) [x]")
    first = tree(directory)
    day = datetime.now(UTC).date().isoformat()
    predicted = one(directory, "--check")
    assert tree(directory) == first
    done = one(directory)
    second = tree(directory)
    ours = ("migrations/deprecated", "migrations/deprecated/README.md")
    assert without(second, *ours) == moved(first)
    assert [day in readme(directory).read_text(), "Why: " in readme(directory).read_text()] == [True, True]
    assert readme(directory).stat().st_uid == 1234
    assert predicted.changes("server") == done.changes("server") != []
    assert predicted.diffs("server") == done.diffs("server") != []
    again = [one(directory, "--check"), one(directory)]
    assert [run.changes("server") + run.refusals("server") for run in again] == [[], []]
    assert tree(directory) == second
    assert [run.executions() for run in again] == [2, 2]

    # Somebody's note is kept, and the directory with it.
    (directory / "migrations" / "deprecated" / "notes.txt").write_text("keep me")
    noted = tree(directory)
    predicted = one(directory, "--check", *RESTORE)
    assert tree(directory) == noted
    done = one(directory, *RESTORE)
    assert predicted.changes("server") == done.changes("server") != []
    assert predicted.diffs("server") == done.diffs("server") != []
    assert without(tree(directory), ours[0]) == first | {
        "migrations/deprecated/notes.txt": noted["migrations/deprecated/notes.txt"]
    }
    (directory / "migrations" / "deprecated" / "notes.txt").unlink()
    predicted, done = one(directory, "--check", *RESTORE), one(directory, *RESTORE)
    assert predicted.changes("server") == done.changes("server") != []
    assert tree(directory) == first
    assert one(directory, *RESTORE).changes("server") == []
    assert tree(directory) == first


def interrupted(base: Path, text: str) -> dict[str, Path]:
    """Every state in which a run, there or back, can be killed."""
    states: dict[str, Path] = {}

    def state(name: str, linked: int, gone: int, back: bool, listed: bool = True) -> None:
        directory = archived(base / name, text)
        here, there = directory / "migrations", directory / "migrations" / "deprecated"
        for index, each in enumerate(NAMES):
            source, target = (there, here) if back else (here, there)
            if not back:
                (there / each).rename(here / each)
            if index < linked:
                (target / each).hardlink_to(source / each)
            if index < gone:
                (source / each).unlink()
        if not listed:
            readme(directory).unlink()
        states[name] = directory

    state("directory", 0, 0, back=False, listed=False)
    for linked, gone in ((0, 0), (1, 0), (2, 0), (3, 0), (3, 1), (3, 2), (3, 3)):
        state(f"there{linked}{gone}", linked, gone, back=False)
        state(f"back{linked}{gone}", linked, gone, back=True)
    state("unlisted", 3, 3, back=True, listed=False)
    return states


# Every state costs seconds; each kind of them is in the slice.
SLICE = {"directory", "there00", "there20", "there31", "back32", "unlisted"}


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)])
def test_a_killed_run_is_continued(tmp_path: Path, text: str, back: bool, every: bool) -> None:
    states = {name: path for name, path in interrupted(tmp_path, text).items() if every or name in SLICE}
    before = tree(legacy(tmp_path / "complete"))
    hosts = {name: {"archive_legacy_directory": str(directory)} for name, directory in states.items()}
    run = Run(tmp_path, hosts, *(RESTORE if back else ()))
    ours = ("migrations/deprecated", "migrations/deprecated/README.md")
    for name, directory in states.items():
        assert run.refusals(name) == []
        if back:
            assert tree(directory) == before, name
        else:
            assert without(tree(directory), *ours) == moved(before), name
            # The day of the first run, also where it was not the last.
            assert (WRITTEN in readme(directory).read_text()) == (name not in ("directory", "unlisted")), name


@pytest.mark.long
def test_a_real_kill_between_two_moves(tmp_path: Path) -> None:
    directory = legacy(tmp_path / "old")
    before = tree(directory)
    run = one(directory, "--check")
    process = subprocess.Popen(
        run.command(), env=run.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        cwd=ROOT, start_new_session=True,
    )  # fmt: skip
    end = time.monotonic() + 60
    while not (directory / "migrations" / "deprecated" / NAMES[0]).exists() and time.monotonic() < end:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert (directory / "migrations" / NAMES[2]).exists(), "it was killed too late to show anything"
    assert one(directory).refusals("server") == []
    ours = ("migrations/deprecated", "migrations/deprecated/README.md")
    assert without(tree(directory), *ours) == moved(before)
    assert one(directory).changes("server") == []


def test_a_new_migration_with_an_old_number_stays(tmp_path: Path, text: str) -> None:
    directory = archived(tmp_path / "old", text)
    (directory / "migrations" / "001_new.sql").write_text("-- of the new service\n")
    before = tree(directory)
    assert one(directory).changes("server") == []
    assert tree(directory) == before
    one(directory, *RESTORE)
    assert (directory / "migrations" / "001_new.sql").read_text() == "-- of the new service\n"
    assert {*NAMES} < {path.name for path in (directory / "migrations").iterdir()}


def test_a_checkout_on_the_control_node(tmp_path: Path) -> None:
    directory = legacy(tmp_path / "checkout")
    where = ("-e", "archive_legacy_hosts=localhost", "-e", "ansible_become=false")
    run = Run(tmp_path, {}, *where, "-e", f"archive_legacy_directory={directory}")
    assert run.refusals("localhost") == [] and readme(directory).exists()
    assert {*NAMES} < {path.name for path in readme(directory).parent.iterdir()}
