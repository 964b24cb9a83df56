# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's command line on this machine: where it is, which engine it would talk to, its compose plugin."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

DEFAULT_ENDPOINT = "unix:///var/run/docker.sock"
# sudo's secure_path may lack the place where a compose or a CLI was put by hand.
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
COMPOSE_TIMEOUT = 5.0


def endpoint(environment: Mapping[str, str], home: str, read: Callable[[str], bytes]) -> str:
    """The engine that `docker` would use, in the CLI's own order: DOCKER_HOST, DOCKER_CONTEXT, the current context.

    `read` returns a file's bytes or raises OSError. A context that cannot be resolved is returned as `context:NAME`,
    which equals no address: nobody knows where it leads.
    """
    if environment.get("DOCKER_HOST"):
        return environment["DOCKER_HOST"]
    directory = environment.get("DOCKER_CONFIG") or os.path.join(home, ".docker")
    context = environment.get("DOCKER_CONTEXT") or _json(read, os.path.join(directory, "config.json")).get(
        "currentContext"
    )
    if not context or context == "default":
        return DEFAULT_ENDPOINT
    folder = hashlib.sha256(str(context).encode()).hexdigest()
    meta = _json(read, os.path.join(directory, "contexts", "meta", folder, "meta.json"))
    docker = (meta.get("Endpoints") or {}).get("docker") or {}
    return str(docker.get("Host") or f"context:{context}")


def find_cli() -> str | None:
    """The path of the CLI; PATH first, as the operator's shell does it."""
    return shutil.which("docker") or shutil.which("docker", path=SEARCH_PATH)


def start_compose_version(cli: str) -> subprocess.Popen[bytes] | None:
    """Ask for the version of compose without waiting: the answer takes as long as all the rest together."""
    environment = {key: value for key, value in os.environ.items() if key not in ("DOCKER_HOST", "DOCKER_CONTEXT")}
    try:
        return subprocess.Popen(
            [cli, "compose", "version", "--short"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
    except OSError:
        return None


def finish_compose_version(process: subprocess.Popen[bytes] | None) -> str | None:
    """The version without its `v`, or None where there is no compose plugin."""
    if process is None:
        return None
    try:
        output, _nothing = process.communicate(timeout=COMPOSE_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None
    return output.decode(errors="replace").strip().lstrip("v") or None if process.returncode == 0 else None


def _json(read: Callable[[str], bytes], path: str) -> dict[str, Any]:
    """An unreadable or broken file is an empty one here, as the CLI warns and goes on."""
    try:
        found = json.loads(read(path))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
