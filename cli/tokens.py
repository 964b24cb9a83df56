# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs about tokens: hand one out, list what is out there, refuse some, replace the key that signs them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

from cli import screen
from cli.ansible import environment, host_of, secrets_are_there
from cli.call import ROOT, Call, Refused, say, wanted_format
from cli.findings import Json, show
from cli.report import Event, results, task_of
from cli.run import exit_code, watch
from cli.venv import PYTHON, ensure_venv
from cli.words import wrapped

COMMAND = "ansible_collections.bestviable.portfolio.plugins.plugin_utils.token_command"
REGISTER = "Refuse the tokens in the register"  # the task of playbooks/revoke.yml
ASKED = ("ROLE", "SUB", "CLIENT_ID", "PERSON_ID", "DAYS")


def token(call: Call) -> int:
    """Print a token and nothing else."""
    options = [f"--{name.lower()}={call.settings[name]}" for name in ASKED if name in call.settings]
    return command(call, "issue", *options, *call.extra).returncode


def tokens(call: Call) -> int:
    """Print what was handed out; the server is not asked."""
    wanted = wanted_format(call)
    return show({**register_of(call), "exit": 0}, wanted, lines)


def revoke(call: Call) -> int:
    """Refuse tokens from now on, in the register and in the database."""
    given = [name for name in ("JTI", "SUB", "KEY") if call.settings.get(name)]
    if len(given) != 1:
        raise Refused(
            "revoke takes one of JTI= (ids, with commas between), SUB= and KEY=; say which tokens are meant, "
            f"to see them run: make tokens{call.again}"
        )
    host = host_of(call)
    secrets_are_there(call)
    name, value = given[0], call.settings[given[0]]
    variable = {"JTI": "revoke_jti", "SUB": "revoke_sub", "KEY": "revoke_kid"}[name]
    if name == "KEY":
        value = kid_of(register_of(call), value)
    watched = watch(call, host, "playbooks/revoke.yml", "-e", json.dumps({variable: value}))
    report = watched.report
    if report.failure:
        half = f"This machine's register refuses them; for the API, run again: make revoke {name}={value}{call.again}"
        say("\n".join(screen.failed(report, half if written(watched.events) else "")))
        return exit_code(report)
    refused = [
        str(jti) for event in watched.events if isinstance(event.get("said"), dict) for jti in event["said"]["refused"]
    ]
    count = f"{len(refused)} token{'s' if len(refused) > 1 else ''}"
    if not report.effects:
        print(f"revoke: nothing to do, {host.name} refuses {count} already")
    else:
        print(f"revoke: {host.name} {'would refuse' if report.check else 'refuses'} {count} from now on")
    return 0


def rotate(call: Call) -> int:
    """Replace the key that signs tokens, in two halves."""
    step, confirmed = call.settings.get("STEP", "begin"), call.settings.get("YES") == "1"
    if step not in ("begin", "finish"):
        raise Refused(f"there is no step {step!r} of a rotation; set STEP to begin or finish.")
    host = host_of(call)
    secrets_are_there(call)
    options = json.dumps({"rotate_step": step, "rotate_confirmed": confirmed})
    report = watch(call, host, "playbooks/rotate.yml", "-e", options).report
    if report.failure:
        half = "" if exit_code(report) == 1 else f"What was done stays; to go on, run again: make rotate{call.again}"
        say("\n".join(screen.failed(report, half)))
        return exit_code(report)
    if report.check:
        print("\n".join(f"  {screen.sentence(effect)}" for effect in report.effects) or "rotate: nothing to do")
        return 0
    print("\n".join(rotated(step, bool(report.effects), register_of(call), call.again)))
    return 0


def rotated(step: str, changed: bool, report: Json, again: str) -> Iterator[str]:
    """Where the rotation is now, and what comes next. Pure."""
    old = [entry for entry in report["tokens"] if entry["key"] == "old" and entry["state"] == "live"]
    if step == "finish":
        yield "rotate: tokens of the old key have ended" if changed else "rotate: nothing to do, there is no old key"
        return
    yield f"rotate: {'new tokens are' if changed else 'nothing to do, new tokens are already'} signed with the new key"
    yield f"  still accepted   {len(old)} of the old key: make tokens{again}"
    yield f"  when replaced    make rotate STEP=finish{again}"


def written(events: list[Event]) -> bool:
    """Whether the run came as far as the register, whatever became of the server."""
    return any(task_of(event)[1] == REGISTER and event.get("status") == "ok" for event in results(events))


def kid_of(report: Json, wanted: str) -> str:
    """The key that is meant, by its state (signing, next, old) or its whole name."""
    return str(next((key["kid"] for key in report["keys"] if key["state"] == wanted), wanted))


def register_of(call: Call) -> Json:
    """The register as data, or the command's own sentence as the refusal."""
    done = command(call, "list", stdout=subprocess.PIPE)
    if done.returncode:
        raise SystemExit(done.returncode)
    report: Json = json.loads(done.stdout)
    return report


def command(call: Call, verb: str, *options: str, stdout: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command behind a verb in the virtual environment."""
    ensure_venv()
    words = [str(PYTHON), "-m", COMMAND, verb, "--inventory", str(call.inventory), *options]
    return subprocess.run(words, cwd=ROOT, env=environment(call), stdout=stdout, text=True, check=False)


def lines(report: Json) -> Iterator[str]:
    """The text of the register; what has expired is only in the data. Pure."""
    shown = [entry for entry in report["tokens"] if entry["state"] != "expired"]
    live = [entry for entry in shown if entry["state"] == "live"]
    old = sum(entry["key"] == "old" for entry in live)
    of_old = f", {old} of them of the old key" if old else ""
    yield f"tokens in {report['register']}: {len(live)} live{of_old}"
    if shown:
        width = max(len("role"), *(len(entry["role"]) for entry in shown))
        yield f"  {'id':<36}  {'role':<{width}}  days  state    key      for"
    for entry in shown:
        days = entry["days_left"] if entry["state"] == "live" else "-"
        yield (
            f"  {entry['jti']:<36}  {entry['role']:<{width}}  {days:>4}  {entry['state']:<7}  {entry['key']:<7}  "
            f"{used_by(entry)}"
        )
    if report["revoked_elsewhere"]:
        ids = ", ".join(entry["jti"] for entry in report["revoked_elsewhere"])
        yield from wrapped(f"refused, and not handed out from here: {ids}", "  ", "    ")


def used_by(entry: Json) -> str:
    """Who uses it, and for whom."""
    scope = [f"{name} {entry[name]}" for name in ("client_id", "person_id") if entry[name] is not None]
    return f"{entry['sub']} ({', '.join(scope)})" if scope else str(entry["sub"])
