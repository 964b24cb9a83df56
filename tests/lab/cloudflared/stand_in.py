#!/usr/bin/python3
# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for cloudflared, which build machines cannot get: the part of its command line that is used here.

It is built on our own checks, so it shows how the program is called and believed, not what the real one says.

    cloudflared [--no-autoupdate] version
    cloudflared [--no-autoupdate] tunnel --config FILE ingress validate
    cloudflared [--no-autoupdate] tunnel --config FILE ingress rule URL
    cloudflared [--no-autoupdate] tunnel [--config FILE] [--metrics ADDRESS] run [--token TOKEN] [--token-file FILE]
    cloudflared [--no-autoupdate] tunnel --metrics ADDRESS ready

A running one dials the edge that the environment's TUNNEL_EDGE names (HOST:PORT), the real one's hidden option.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

KNOWN = {"hostname", "path", "service", "originRequest"}


def arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="cloudflared")
    parser.add_argument("--no-autoupdate", action="store_true")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("version")
    tunnel = verbs.add_parser("tunnel")
    tunnel.add_argument("--config", type=Path)
    tunnel.add_argument("--metrics", default="")
    tunnel.add_argument("--no-autoupdate", action="store_true")
    below = tunnel.add_subparsers(dest="verb", required=True)
    below.add_parser("ready")
    run = below.add_parser("run")
    run.add_argument("--token", default=os.environ.get("TUNNEL_TOKEN", ""))
    run.add_argument("--token-file", type=Path, default=os.environ.get("TUNNEL_TOKEN_FILE"))
    ingress = below.add_parser("ingress").add_subparsers(dest="verb", required=True)
    ingress.add_parser("validate")
    ingress.add_parser("rule").add_argument("url")
    return parser.parse_args(given)


def judge(given: argparse.Namespace) -> int:
    """`ingress validate` and `ingress rule`."""
    from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import Refused, match, text_of

    from tests.lab.cloudflared import settings

    try:
        config = settings.read(given.config)
    except Refused as error:
        print(f"Validation failed: {error}")
        return 1
    unknown = sorted({key for rule in config.rules for key in rule} - KNOWN)
    if unknown:
        print(f"Your configuration file has unused keys: {unknown}")
    if given.verb == "validate":
        print(f"Validating rules from {given.config}\nOK")
        return 0
    url = urlsplit(given.url)
    index = match(config.rules, url.hostname or "", url.path)
    print(f"Using rules from {given.config}\nMatched rule #{index}")
    print("".join(f"\t{key}: {text_of(config.rules[index], key)}\n" for key in ("hostname", "path", "service")), end="")
    return 0


def run(given: argparse.Namespace) -> int:
    """Until SIGTERM. SIGHUP ends it at once: it is not for reading the configuration again."""
    import asyncio

    from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import Refused

    from tests.lab.cloudflared import settings, status
    from tests.lab.cloudflared.connector import Connector, say

    signal.signal(signal.SIGHUP, lambda number, frame: os._exit(128 + number))
    edge = os.environ.get("TUNNEL_EDGE", "").rpartition(":")
    try:
        known = settings.settings(given.config, given.token, given.token_file, given.metrics)
        place = edge[0], int(edge[2])
    except (Refused, OSError, ValueError, KeyError) as error:
        say(f"cannot start: {error!r}")
        return 1

    async def both() -> None:
        connector = Connector(known, place)
        host, _colon, port = known.metrics.rpartition(":")
        async with await asyncio.start_server(status.server(connector), host, int(port)):
            await connector.run()

    asyncio.run(both())
    return 0


def main() -> int:
    given = arguments(sys.argv[1:])
    if given.verb == "version":
        print("cloudflared version stand-in")
        return 0
    if given.verb == "run":
        return run(given)
    if given.verb == "ready":
        # Asked every few seconds in a container with little of the processor: it loads nothing else.
        from tests.lab.cloudflared.ready import exit_code

        return exit_code(given.metrics)
    return judge(given)


if __name__ == "__main__":
    sys.exit(main())
