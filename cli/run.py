# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook run that is watched: its events go into the view and become a report."""

from __future__ import annotations

import json
import os
import re
import selectors
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TextIO

from cli.ansible import Host, environment
from cli.call import ROOT, Call, wanted_format
from cli.place import where
from cli.report import INTERRUPTED, Event, Failure, Part, Report, effects_of, failed_of, steps, task_of
from cli.usual import Usual
from cli.venv import VENV
from cli.view import View
from cli.words import refusals, step

CALLBACK = "bestviable.portfolio.events"
# With one of these somebody wants to see Ansible itself.
OWN_OUTPUT = re.compile(r"-v+|--(?:verbose|step|syntax-check|list-\w+)")
WRONG_TYPE = "Validation of arguments failed: "
PATIENCE = 20.0  # seconds that an interrupted run has to end by itself


@dataclass
class Watched:
    """What came of one run."""

    report: Report
    events: list[Event] = field(default_factory=list)

    @property
    def diff(self) -> str:
        """The unified diffs of the run, in its order."""
        return "".join(str(event["text"]) for event in self.events if event.get("event") == "diff")


def own_output(call: Call) -> bool:
    """Whether Ansible's own output was asked for."""
    asked = any(OWN_OUTPUT.fullmatch(word) for word in call.extra)
    return asked or any(os.environ.get(name) for name in ("ANSIBLE_STDOUT_CALLBACK", "ANSIBLE_VERBOSITY"))


def terminal(stream: TextIO) -> bool:
    """Whether a line can be rewritten there."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def watch(call: Call, host: Host, playbook: str, *options: str) -> Watched:
    """Run a playbook against the host and show how it goes on standard error."""
    usual = Usual(call.inventory, call.verb)
    view = View(sys.stderr, terminal(sys.stderr), usual)
    check = bool({"--check", "-C"} & {*options, *call.extra})
    command = [str(VENV / "bin" / "ansible-playbook"), "-i", str(call.inventory), playbook, *options, *call.extra]
    reader = Reader(view, sys.stderr if wanted_format(call) == "json" else sys.stdout)
    began = time.monotonic()
    code = reader.run(command, {**environment(call), "ANSIBLE_STDOUT_CALLBACK": CALLBACK})
    taken = time.monotonic() - began
    failure = None if code == 0 else failure_of(call, host, reader, code)
    if code == 0:
        usual.remember(steps(reader.events))
    effects = effects_of(reader.events)
    return Watched(Report(call.verb, host.name, check, code, round(taken, 1), effects, failure), reader.events)


class Reader:
    """Reads what Ansible writes: events for the view, everything else for whoever called."""

    def __init__(self, view: View, out: TextIO) -> None:
        self.events: list[Event] = []
        self.errors = bytearray()
        self._view, self._out, self._rest = view, out, b""

    def run(self, command: list[str], env: dict[str, str]) -> int:
        """The exit code; 130 for a run that was interrupted."""
        pipe = subprocess.PIPE
        with subprocess.Popen(command, cwd=ROOT, env=env, stdout=pipe, stderr=pipe) as process:
            try:
                self._read(process)
                return process.wait()
            except KeyboardInterrupt:
                self._view.say("interrupted; waiting for what is at work to end")
                stop(process)
                return INTERRUPTED
            finally:
                self._view.close()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout and process.stderr
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ, self._output)
            selector.register(process.stderr, selectors.EVENT_READ, self._error)
            while selector.get_map():
                ready = selector.select(self._view.pause)
                if not ready and process.poll() is not None:  # a daemon that it started may hold a pipe open
                    return
                for key, _mask in ready:
                    chunk = os.read(key.fd, 65536)
                    if chunk:
                        key.data(chunk)
                    else:
                        selector.unregister(key.fileobj)
                self._view.tick()

    def _error(self, chunk: bytes) -> None:
        self._view.close()
        sys.stderr.write(chunk.decode(errors="replace"))
        sys.stderr.flush()
        self.errors += chunk

    def _output(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            event = event_in(line)
            if event is None:
                self._view.close()
                print(line.decode(errors="replace"), file=self._out, flush=True)
            else:
                self.events.append(event)
                self._view.take(event)


def event_in(line: bytes) -> Event | None:
    """The event that a line is, or None for what somebody else wrote."""
    with suppress(ValueError):
        event: Any = json.loads(line)
        if isinstance(event, dict) and "event" in event:
            return event
    return None


def stop(process: subprocess.Popen[bytes]) -> None:
    """Let an interrupted run end. A terminal has told it already; a second interrupt ends it at once."""
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=2)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=PATIENCE)
    except KeyboardInterrupt:
        pass
    finally:
        if process.poll() is None:
            process.kill()


def exit_code(report: Report) -> int:
    """1 where nothing was touched, else Ansible's own; that of an interrupted run stays."""
    return 1 if report.failure and report.failure.untouched and report.exit != INTERRUPTED else report.exit


def failure_of(call: Call, host: Host, reader: Reader, code: int) -> Failure:
    """Why it ended, each thing that it names with its place in the inventory's files, else the step that said it."""
    failed = failed_of(reader.events)
    if code == INTERRUPTED:
        task, message = at(reader.events), interrupted(call)
    elif failed is None:
        task = at(reader.events)
        message = f"Ansible ended with exit code {code} ({last_words(reader.errors)}); correct that and run again."
        message += "" if task else " Nothing was changed."
    else:
        task, message = step(*task_of(failed)), why(failed, host, bool(effects_of(reader.events)))
    found, outcome = refusals(message)
    parts = tuple(
        Part(each.what, where(f"{each.what} {each.remedy}", call.inventory) or task, each.remedy) for each in found
    )
    return Failure(message, task, parts[0].where, parts, outcome)


def why(failed: Event, host: Host, touched: bool) -> str:
    """What the task that failed says."""
    message = str(failed.get("message", ""))
    if failed["status"] == "unreachable":
        return unreachable(host, message) + ("" if touched else " Nothing was changed.")
    if failed.get("hidden"):
        return "its answer is hidden, as it may hold a secret; to see it, run it again with -e portfolio_no_log=false."
    message = " ".join(message.split()).removeprefix("Task failed: ")
    if message.startswith(WRONG_TYPE):  # Ansible's own sentence; it comes before anything is touched
        outcome = "" if touched else " Nothing was changed."
        return f"{message.removeprefix(WRONG_TYPE)}; correct it in the inventory.{outcome}"
    return message or "it gave no reason; run it again with -v."


def interrupted(call: Call) -> str:
    """What is said after Ctrl-C."""
    outcome = "Nothing was changed" if call.verb == "plan" else "What was done until then is whole"
    return f"{call.verb} was stopped before its end; to go on, run: make {call.verb}{call.again}. {outcome}."


def last_words(errors: bytes | bytearray) -> str:
    """The error that ended Ansible, in one line."""
    lines = re.sub(r"\x1b\[[0-9;]*m", "", errors.decode(errors="replace")).splitlines()
    said = [line for line in lines if re.search("error", line, re.IGNORECASE)] or [
        line for line in lines if line.strip()
    ]
    return re.sub(r"^.*?error[\]!]*:? *", "", said[-1], flags=re.IGNORECASE).strip() if said else "it gave no reason"


def at(events: list[Event]) -> str:
    """The step that was at work last."""
    begun = [event for event in events if event.get("event") == "task"]
    return step(*task_of(begun[-1])) if begun else ""


def unreachable(host: Host, told: str) -> str:
    """What SSH said, and the command that says it again."""
    lines = [line for line in told.splitlines() if line.strip()] or ["it gave no reason"]
    reason = re.sub(r"^.*(?:: |^)ssh: ", "", lines[-1])
    command = shlex.join(host.command(["true"], terminal=False))
    return (
        f"{host.name} cannot be reached ({reason.strip()}); correct ansible_host or how one logs in there in the "
        f"inventory, or see the reason with run: {command}."
    )
