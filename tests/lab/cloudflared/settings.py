# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stand-in runs by: its config.yml and credentials, or a token. Read once, as cloudflared does."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared import checks, document
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.document import Document
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import Refused, Rule

# What the image of the real one has; anybody in its network may ask there.
METRICS = "0.0.0.0:20241"
CONNECTIONS = 4
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
# Until the edge has sent rules.
NO_RULES: list[Rule] = [{"service": "http_status:503"}]


@dataclass(frozen=True)
class Settings:
    tunnel: str
    secret: str
    rules: list[Rule]
    metrics: str
    grace_s: float
    connections: int


def read(path: Path) -> Document:
    """The file, when cloudflared would start with its rules."""
    config = document.parse(str(path), path.read_text(encoding="utf-8"))
    problems = checks.rule_problems(config.rules, range(1, len(config.rules) + 1), config.defaults)
    if problems:
        raise Refused(problems[0])
    return config


def settings(config: Path | None, token: str, token_file: Path | None, metrics: str) -> Settings:
    """A token stands before its file, and that before the credentials that the configuration names."""
    known = read(config) if config else None
    said: Mapping[str, str] = known.settings if known else {}
    token = token or (token_file.read_text() if token_file else "") or said.get("token", "")
    if token:
        held = json.loads(base64.b64decode(token.strip()))
        tunnel, secret = held["t"], held["s"]
    else:
        credentials = json.loads(Path(said["credentials-file"]).read_text())
        # The id in the configuration wins, silently.
        tunnel, secret = said.get("tunnel") or credentials["TunnelID"], credentials["TunnelSecret"]
    return Settings(
        tunnel,
        secret,
        known.rules if known else NO_RULES,
        metrics or said.get("metrics", METRICS),
        seconds(said.get("grace-period", "30s")),
        int(said.get("ha-connections", CONNECTIONS)),
    )


def seconds(duration: str) -> float:
    return sum(float(number) * UNITS[unit] for number, unit in re.findall(r"([\d.]+)(ms|s|m|h)", duration))
