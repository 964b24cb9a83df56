# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs about tokens: hand one out, list what is out there, refuse some, replace the key that signs them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

from cli.ansible import environment
from cli.call import ROOT, Call, wanted_format
from cli.findings import Json, show
from cli.venv import PYTHON, ensure_venv
from cli.words import wrapped

COMMAND = "ansible_collections.bestviable.portfolio.plugins.plugin_utils.token_command"
ASKED = ("ROLE", "SUB", "CLIENT_ID", "PERSON_ID", "DAYS")


def token(call: Call) -> int:
    """Print a token and nothing else."""
    options = [f"--{name.lower()}={call.settings[name]}" for name in ASKED if name in call.settings]
    return command(call, "issue", *options, *call.extra).returncode


def tokens(call: Call) -> int:
    """Print what was handed out; the server is not asked."""
    wanted = wanted_format(call)
    done = command(call, "list", *call.extra, stdout=subprocess.PIPE)
    if done.returncode:
        return done.returncode
    return show({**json.loads(done.stdout), "exit": 0}, wanted, lines)


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
