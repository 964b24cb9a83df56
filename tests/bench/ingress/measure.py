# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role on a server that it has published by the lab's account: pings and runs that have nothing to do, in turn."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.blocks import rows
from tests.bench.measure import succeeded, timed
from tests.consistency.repository import defaults
from tests.documents.service import IN_NAMESPACE
from tests.server import BIN, ROOT, Droplet, lab

ROLE = ROOT / "tests" / "bench" / "ingress" / "role.yml"
IMAGE = "portfolio.local/cloudflared:stand-in"
ADDRESS = "127.0.77.3"
AIM_RATIO, AIM_CALLS = 3, 4
ACCESS = {"cloudflare_ingress_access": True, "cloudflare_ingress_access_team": "bestviable"}


@dataclass(frozen=True)
class Figures:
    """`calls` of a run that has nothing to do, each as its method and path; the second with Access."""

    ping_s: float
    noop_s: float
    noop_ratio: float
    executions: int
    changed: int
    calls: tuple[str, ...]
    calls_with_access: tuple[str, ...]


@contextmanager
def account(directory: Path) -> Iterator[dict[str, Any]]:
    """The lab's Cloudflare, for servers of this machine."""
    command = [sys.executable, "-m", "tests.lab.edge"]
    subprocess.run([*command, "up", str(directory), "--public", f"{ADDRESS}:443"], cwd=ROOT, check=True)
    try:
        yield json.loads((directory / "lab.json").read_text())
    finally:
        subprocess.run([*command, "down", str(directory)], cwd=ROOT, check=True)


@dataclass
class Publisher:
    """Runs against the server from a machine that resolves the public name and trusts its certificate."""

    droplet: Droplet
    hosts: Path
    calls: Path

    def play(self, playbook: Path, variables: dict[str, Any]) -> tuple[float, Any, tuple[str, ...]]:
        before = len(self.calls.read_text().splitlines())
        command = [str(BIN / "ansible-playbook"), "-i", str(self.droplet.inventory), str(playbook)]
        seconds, run = succeeded(
            f"a run of {playbook.name}",
            timed([*IN_NAMESPACE, str(self.hosts), *command, "-e", json.dumps(variables)], self.droplet),
        )
        said = [json.loads(line) for line in self.calls.read_text().splitlines()[before:]]
        return seconds, run, tuple(f"{call['method']} {call['path']}" for call in said)


def figures(droplet: Droplet, rounds: int) -> Figures:
    subprocess.run([str(ROOT / "images" / "build"), "cloudflared"], check=True)
    lab("load", droplet.name, IMAGE)
    with account(droplet.work / "lab") as told:
        os.environ.update(SSL_CERT_FILE=told["ca"], CLOUDFLARE_API_TOKEN=told["api_token"])
        hosts = droplet.work / "hosts"
        hosts.write_text(f"127.0.0.1 localhost\n{ADDRESS} {defaults('portfolio')['portfolio_hostname']}\n")
        publisher = Publisher(droplet, hosts, Path(told["calls"]))
        wanted = {
            "cloudflare_ingress_state": "present",
            "cloudflare_ingress_image": IMAGE,
            "cloudflare_ingress_environment": {"TUNNEL_EDGE": told["connectors"]},
            "cloudflare_ingress_api_url": told["api"],
        }
        print("first deploy of a bare server, images at hand", flush=True)
        publisher.play(ROOT / "site.yml", wanted)
        ping = [str(BIN / "ansible"), "-i", str(droplet.inventory), "portfolio", "-m", "ansible.builtin.ping"]
        pings, noops = [], []
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}: ping, then the role with nothing to do", flush=True)
            pings.append(succeeded("ping", timed(ping, droplet))[0])
            seconds, run, calls = publisher.play(ROLE, wanted)
            noops.append(seconds)
        print("with Access", flush=True)
        publisher.play(ROLE, wanted | ACCESS)
        with_access = publisher.play(ROLE, wanted | ACCESS)[2]
    return Figures(
        ping_s=statistics.median(pings),
        noop_s=statistics.median(noops),
        noop_ratio=statistics.median(noop / ping for noop, ping in zip(noops, pings, strict=True)),
        executions=sum(not execution["delegated"] for execution in run.executions),
        changed=run.recap["changed"],
        calls=calls,
        calls_with_access=with_access,
    )


def table(found: Figures, rounds: int) -> str:
    def told(calls: tuple[str, ...]) -> str:
        methods = sorted({call.split()[0] for call in calls})
        return f"{len(calls)}, all {methods[0]}" if len(methods) == 1 else f"{len(calls)}: {', '.join(methods)}"

    cells = (
        ("figure", "measured", "aim"),
        ("no-op run of the role ÷ `ansible -m ping`, both over SSH", f"{found.noop_ratio:.1f}", f"≤ {AIM_RATIO}"),
        ("remote module executions of that run, the read of the server's state among them", f"{found.executions}", ""),
        ("changed tasks of that run", f"{found.changed}", "0"),
        ("calls of the API of that run", told(found.calls), f"≤ {AIM_CALLS}, all GET"),
        ("the same with Access", told(found.calls_with_access), f"≤ {AIM_CALLS}, all GET"),
    )
    return (
        f"{rows(*cells)}\n\n"
        f"Seconds here: ping {found.ping_s:.1f}, no-op {found.noop_s:.1f}. Medians of {rounds} rounds in turn;\n"
        "the API is the fake of `tests/lab/cloudflare` on the control node, the public name that of `tests/lab/edge`.\n"
    )
