# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a playbook found, as data and as text: the text says nothing that the data does not."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from cli.ansible import environment
from cli.call import ROOT, SILENCE, Call, Refused, say
from cli.venv import VENV, ensure_venv
from cli.words import printable

Json = dict[str, Any]
COLORS = {"red": 31, "green": 32, "yellow": 33}


def fetch(call: Call, path: str, variable: str) -> Json:
    """Run a playbook and take the variable that it prints, with its commands made to mean this inventory."""
    ensure_venv()
    command = [str(VENV / "bin" / "ansible-playbook"), "-i", str(call.inventory), path, *call.extra]
    env = environment(call) | {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "ANSIBLE_FORCE_COLOR": "0"}
    output, complaint = _wait(command, env, call)
    results = [result for play in plays_in(output) for task in play["tasks"] for result in task["hosts"].values()]
    for result in results:
        if variable in result:
            report: Json = addressed(result[variable], call.again)
            return report
    failed = [result for result in results if result.get("failed") or result.get("unreachable")]
    said = [str(result.get("msg", result.get("censored"))) for result in failed[-1:]] or [complaint]
    reason = " ".join(said[0].split()) or "no host was asked"
    raise Refused(f"{path} did not come to its end ({reason}); correct that and run it again.")


def plays_in(output: str) -> list[Json]:
    """The plays that the callback printed, whatever others printed before and after."""
    for brace in re.finditer(r"^\{", output, re.MULTILINE):
        with contextlib.suppress(ValueError, KeyError):
            plays: list[Json] = json.JSONDecoder().raw_decode(output, brace.start())[0]["plays"]
            return plays
    return []


def _wait(command: list[str], env: dict[str, str], call: Call) -> tuple[str, str]:
    """Its two outputs; never silent for long."""
    began, pipe = time.monotonic(), subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=pipe, stderr=pipe, text=True) as process:
        while True:
            try:
                return process.communicate(timeout=SILENCE)
            except subprocess.TimeoutExpired:
                say(f"  … {call.verb} is still at work, {time.monotonic() - began:.0f} s")


def addressed(value: Any, again: str) -> Any:
    """The same data; a proposed `make VERB` means the same server."""
    if isinstance(value, dict):
        return {key: addressed(item, again) for key, item in value.items()}
    if isinstance(value, list):
        return [addressed(item, again) for item in value]
    if isinstance(value, str):
        return re.sub(
            r"\bmake (deploy|plan|doctor|status|schema|verify|acknowledge|history|recover|logs S=[\w-]+)",
            lambda found: found[0] + again,
            value,
        )
    return value


def show(report: Json, wanted: str, render: Callable[[Json], Iterator[str]]) -> int:
    """Print a report; its exit code."""
    if wanted == "json":
        print(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        print("\n".join(painted(line, colored()) for line in render(report)))
    code: int = report["exit"]
    return code


def colored() -> bool:
    """Whether color is wanted where standard output goes."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


# The words that a color makes faster to find, where they stand at the beginning of a line's text.
MARKS = {
    "FAIL": "red",
    "wrong": "red",
    "broken": "red",
    "WARN": "yellow",
    "not checked": "yellow",
    "not set up": "yellow",
    "not judged": "yellow",
    "OK": "green",
    "ok": "green",
}


def painted(line: str, color: bool) -> str:
    """The line, its first word in color, and without what a server's text could do to a terminal."""
    line = printable(line)
    text = line.lstrip()
    for word, name in MARKS.items() if color else ():
        if text.startswith(f"{word} "):
            return line.replace(word, f"\x1b[{COLORS[name]}m{word}\x1b[0m", 1)
    return line
