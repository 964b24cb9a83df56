# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run looks while it goes on, on a terminal and without one."""

from __future__ import annotations

import io
import re
from itertools import pairwise
from pathlib import Path

import pytest

from cli.call import SILENCE
from cli.report import Event
from cli.usual import KEPT, Usual
from cli.view import WIPE, View
from tests.unit.cli.runs import effect, recorded, result

TASK: Event = {"event": "task", "number": 7, "total": 23, "role": "postgres_erp", "name": "Start the server"}


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def usual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Usual:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Usual(Path("/inventory"), "deploy")


def replayed(name: str, terminal: bool, usual: Usual) -> str:
    """A recorded run, asked again each time when the view wants to be."""
    stream, clock = io.StringIO(), Clock()
    view = View(stream, terminal, usual, clock)
    for event in recorded(name):
        while clock.now + view.pause < 100 + float(event["seconds"]):
            clock.now += view.pause
            view.tick()
        clock.now = 100 + float(event["seconds"])
        view.take(event)
    view.close()
    return stream.getvalue()


@pytest.mark.parametrize("name", ["deploy", "nothing", "drift", "refused"])
def test_without_a_terminal_there_are_lines_and_no_control_characters(name: str, usual: Usual) -> None:
    text = replayed(name, False, usual)
    assert re.search(r"[^\n\x20-\x7e·…→]", text) is None
    changed = {event["name"] for event in recorded(name) if event.get("changed") or event.get("status") == "failed"}
    assert len(re.findall(r": (?:changed|failed), \d+ s", text)) >= len(changed)


def test_each_line_says_which_step_of_how_many(usual: Usual) -> None:
    text = replayed("deploy", False, usual)
    assert re.search(r"^\[\d+/\d+\] Database: initialise the database files: changed, \d+ s$", text, re.M)
    numbers = [(int(number), int(total)) for number, total in re.findall(r"^\[(\d+)/(\d+)\]", text, re.M)]
    assert numbers == sorted(numbers)
    assert all(number <= total for number, total in numbers)


def test_on_a_terminal_lines_fit_and_the_rewritten_one_is_gone_at_the_end(usual: Usual) -> None:
    text = replayed("deploy", True, usual)
    assert text.endswith((WIPE, "\n"))
    assert all(len(part) <= 80 for line in text.splitlines() for part in line.split(WIPE))
    assert "\x1b[3" not in text  # no colours


def test_nothing_is_silent_for_long(usual: Usual) -> None:
    stream, clock = io.StringIO(), Clock()
    view = View(stream, False, usual, clock)
    view.take(TASK)
    spoken = [clock.now]
    while clock.now < 140:
        clock.now += view.pause
        before = len(stream.getvalue())
        view.tick()
        if len(stream.getvalue()) > before:
            spoken.append(clock.now)
    assert max(later - earlier for earlier, later in pairwise(spoken)) <= 10
    assert spoken[1] - spoken[0] == SILENCE
    assert stream.getvalue().splitlines()[0] == "[7/23] Database: waiting for postgres-erp to become healthy, 8 s"


def test_before_the_first_step_a_terminal_is_left_to_a_question(usual: Usual) -> None:
    stream, clock = io.StringIO(), Clock()
    view = View(stream, True, usual, clock)
    clock.now += 3
    view.tick()
    assert stream.getvalue() == ""
    clock.now += SILENCE
    view.tick()
    assert stream.getvalue() == "Ansible is starting, 11 s\n"


def test_the_usual_time_is_said_where_it_is_worth_it(usual: Usual, tmp_path: Path) -> None:
    step = "postgres_erp: Start the server"
    for taken in (90.0, 5.0, 6.0, 7.0, 6.0, 5.0, 6.2):
        usual.remember({step: taken, "x": 0.1})
    again = Usual(Path("/inventory"), "deploy")
    assert again.of(step) == 6.0
    assert again.of("nothing") is None
    assert Usual(Path("/other"), "deploy").of(step) is None
    assert Usual(Path("/inventory"), "plan").of(step) is None
    stream, clock = io.StringIO(), Clock()
    view = View(stream, False, again, clock)
    view.take(TASK)
    clock.now += 9
    view.take(result("postgres_erp", "Start the server", changed=True))
    assert stream.getvalue() == "[7/23] Database: start the server: changed, 9 s (usually 6 s)\n"
    stored = next((tmp_path / "bestviable-portfolio" / "usual").iterdir()).read_text()
    assert len(re.findall(r"\d\.\d", stored)) == KEPT + KEPT


@pytest.mark.parametrize("text", ["", "[1]", '{"a": 1}', '{"a": ["x"]}', "\x00"])
def test_a_spoilt_memory_is_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    Usual(Path("/inventory"), "deploy").remember({"a": 1.0})
    next((tmp_path / "bestviable-portfolio" / "usual").iterdir()).write_text(text)
    assert Usual(Path("/inventory"), "deploy").of("a") is None


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    Usual(Path("/inventory"), "deploy").remember({"a": 1.0})
    assert (tmp_path / "file").read_text() == ""


def test_what_is_said_on_the_way_stays(usual: Usual) -> None:
    stream = io.StringIO()
    view = View(stream, False, usual, Clock())
    view.take(result("r", "n", warnings=["\udcff is not ours"], said={"containers": ["a", "b"], "networks": []}))
    view.take(result("r", "n", said="one\x1b[2J"))
    view.take(
        result("r", "n", warnings=["/a: odd; remove it"], effects=[effect("left", "/a", "odd", remedy="remove it")])
    )
    assert stream.getvalue().splitlines() == [
        "warning: \\udcff is not ours",
        "  containers: a, b",
        "  networks: none",
        "  one\\x1b[2J",
    ]


def test_a_retry_is_a_wait(usual: Usual) -> None:
    stream, clock = io.StringIO(), Clock()
    view = View(stream, False, usual, clock)
    view.take({**TASK, "role": "traefik", "name": "Ask through the proxy for the API's health, up to 20 s"})
    view.take({"event": "retry", "attempt": 3, "retries": 20})
    clock.now += SILENCE
    view.tick()
    line = "[7/23] Proxy: waiting for postgrest-erp to answer through traefik, attempt 3 of 20, 8 s\n"
    assert stream.getvalue() == line
