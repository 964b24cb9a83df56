# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployed server as a document needs it: what Docker says of our containers, and the files that are closed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# Runs a command line on the server and gives what it printed.
Shell = Callable[[str], str]
LABEL = "bestviable.portfolio"


@dataclass(frozen=True)
class File:
    """A file that nobody but its owner can open."""

    path: str
    owner: int
    mode: str


@dataclass(frozen=True)
class Server:
    directory: str
    containers: tuple[dict[str, Any], ...]
    networks: tuple[dict[str, Any], ...]
    volumes: tuple[dict[str, Any], ...]
    closed: tuple[File, ...]

    def container(self, name: str) -> dict[str, Any]:
        return next(one for one in self.containers if one["Name"] == f"/{name}")


def _described(shell: Shell, kind: str, names: list[str]) -> tuple[dict[str, Any], ...]:
    said: list[dict[str, Any]] = json.loads(shell(f"docker {kind} inspect {' '.join(names)}")) if names else []
    return tuple(sorted(said, key=lambda one: str(one["Name"])))


def _ours(shell: Shell, listing: str) -> list[str]:
    return shell(f"docker {listing} -q --filter label={LABEL}").split()


def _directory(containers: tuple[dict[str, Any], ...]) -> str:
    """What the directory of every container lies in, which the operator may choose."""
    places: set[str] = {one["Config"]["Labels"]["com.docker.compose.project.working_dir"] for one in containers}
    [directory] = {place.rpartition("/")[0] for place in places}
    return directory


def read(shell: Shell) -> Server:
    """The server now; refuses one on which nothing of ours stands."""
    containers = _described(shell, "container", _ours(shell, "ps -a"))
    if not containers:
        raise SystemExit("docs/SERVICE_INVENTORY.md describes a server, and none is deployed here; run: make deploy")
    directory = _directory(containers)
    # No group and nobody else may read it: that is how a secret is kept here. The socket's lock is the server's own,
    # and what waits for the backup is not there for long.
    passing = "-path '*/postgres-erp/spool' -prune -o"
    listing = shell(f"find {directory} -xdev {passing} -type f ! -perm /077 ! -name '.s.PGSQL.*' -printf '%m %U %p\\n'")
    lines = (line.split(" ", 2) for line in listing.splitlines())
    return Server(
        directory=directory,
        containers=containers,
        networks=_described(shell, "network", _ours(shell, "network ls")),
        volumes=_described(shell, "volume", _ours(shell, "volume ls")),
        closed=tuple(
            File(path, int(owner), mode.zfill(4)) for mode, owner, path in sorted(lines, key=lambda line: line[2])
        ),
    )
