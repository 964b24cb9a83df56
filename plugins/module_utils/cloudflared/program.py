# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cloudflared itself, an executable or an image that is there, asked what it thinks of a configuration."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.masking import shown
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import (
    Refused,
    Rule,
    match,
    text_of,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.server.docker_client import (
    DEFAULT_ENDPOINT,
    find_cli,
)

TIMEOUT = 60
INSIDE = "/etc/cloudflared"
UNUSED = re.compile(r"unused (?:keys|configuration)|field \S+ not found", re.IGNORECASE)
MATCHED = re.compile(r"Matched rule #(\d+)")
HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", re.ASCII)
# Stands for one host of a wildcard.
SUBDOMAIN = "portfolio-check"


@dataclass(frozen=True)
class Said:
    code: int
    text: str


Ask = Callable[[Sequence[str]], Said]


@dataclass(frozen=True)
class Program:
    """How cloudflared is called with a configuration in a directory."""

    name: str
    command: Callable[[str], list[str]]

    @contextmanager
    def with_config(self, content: bytes) -> Iterator[Ask]:
        """The content lies in a directory of its own that nobody else can read, as it may hold a token."""
        with tempfile.TemporaryDirectory(prefix="portfolio-cloudflared-") as directory:
            descriptor = os.open(os.path.join(directory, "config.yml"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
            with os.fdopen(descriptor, "wb") as handle:
                handle.write(content)
            yield lambda arguments: run(self.name, [*self.command(directory), *arguments])


def run(name: str, command: list[str]) -> Said:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("TUNNEL_", "DOCKER_"))}
    try:
        done = subprocess.run(
            command,
            env={**environment, "DOCKER_HOST": DEFAULT_ENDPOINT},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = getattr(error, "strerror", None) or f"no answer within {TIMEOUT} s"
        raise Refused(f"{name} cannot check the configuration ({reason}); correct that, or remove it") from error
    return Said(done.returncode, done.stdout.decode(errors="replace"))


def executable(path: str) -> Program:
    return Program(path, lambda directory: [path, "tunnel", "--config", f"{directory}/config.yml", "ingress"])


def image(name: str) -> Program | None:
    """None where the image, or Docker, is not there: nothing is pulled."""
    cli = find_cli()
    if cli is None:
        return None
    # As this process, without any privilege: it reads one file that belongs to it.
    isolation = [
        *("run", "--rm", "--pull", "never", "--network", "none", "--read-only", "--cap-drop", "ALL"),
        *("--security-opt", "no-new-privileges", "--user", f"{os.geteuid()}:{os.getegid()}"),
    ]

    def command(directory: str) -> list[str]:
        mount = ["--volume", f"{directory}:{INSIDE}:ro"]
        return [cli, *isolation, *mount, name, "tunnel", "--config", f"{INSIDE}/config.yml", "ingress"]

    return Program(name, command) if run(name, [cli, "image", "inspect", name]).code == 0 else None


def refuse_what_it_refuses(
    program: Program, path: str, before: bytes | None, after: bytes, rules: Sequence[Rule], hostname: str
) -> None:
    """It must accept the new configuration without a new warning, and route every name as we think it does."""
    with program.with_config(after) as ask:
        said = ask(["validate"])
        if said.code != 0:
            raise Refused(f"{program.name} refuses the new {path} ({last_line(said.text)}); correct what it names")
        if UNUSED.search(said.text) and not _had_unused(program, before):
            raise Refused(
                f"{program.name} does not know a key of the new {path} ({unused(said.text)}); use a newer one"
            )
        for host in hosts(rules, hostname):
            expected, found = match(rules, host), MATCHED.search(ask(["rule", f"https://{host}/"]).text)
            if found is None or int(found[1]) != expected:
                answer = f"rule {int(found[1]) + 1}" if found else "no rule"
                raise Refused(
                    f"{program.name} would answer {host} by {answer} of the new {path}, not by rule {expected + 1}; "
                    "write the rule by hand, and let us see the file"
                )


def _had_unused(program: Program, before: bytes | None) -> bool:
    if before is None:
        return False
    with program.with_config(before) as ask:
        return UNUSED.search(ask(["validate"]).text) is not None


def hosts(rules: Sequence[Rule], hostname: str) -> list[str]:
    """A host for each rule, ours first. Where a path decides, only Go's regular expressions can tell: left out."""
    found = [hostname] if any(text_of(rule, "hostname") == hostname for rule in rules) else []
    for index, rule in enumerate(rules):
        name = text_of(rule, "hostname").lower()
        host = SUBDOMAIN + name[1:] if name.startswith("*.") else name
        usable = HOST.fullmatch(host) is not None and host not in found
        if usable and not any(text_of(other, "path") for other in rules[: index + 1]):
            found.append(host)
    return found


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return shown(lines[-1]) if lines else "it says nothing"


def unused(text: str) -> str:
    return next((shown(line.strip()) for line in text.splitlines() if UNUSED.search(line)), "")
