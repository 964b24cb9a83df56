# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for cloudflared, which build machines cannot get: the part of its command line that checks rules.

It is built on our own checks, so it shows how the program is called and believed, not what the real one says.

    stand_in.py [--no-autoupdate] tunnel --config FILE ingress validate
    stand_in.py [--no-autoupdate] tunnel --config FILE ingress rule URL
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from urllib.parse import urlsplit

from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared import checks, document
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.document import Document
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import Refused, match, text_of

KNOWN = {"hostname", "path", "service", "originRequest"}


def arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="cloudflared")
    parser.add_argument("--no-autoupdate", action="store_true")
    tunnel = parser.add_subparsers(required=True).add_parser("tunnel")
    tunnel.add_argument("--config", required=True, type=Path)
    ingress = tunnel.add_subparsers(required=True).add_parser("ingress").add_subparsers(dest="verb", required=True)
    ingress.add_parser("validate")
    ingress.add_parser("rule").add_argument("url")
    return parser.parse_args(given)


def read(path: Path) -> Document:
    config = document.parse(str(path), path.read_text(encoding="utf-8"))
    problems = checks.rule_problems(config.rules, range(1, len(config.rules) + 1), config.defaults)
    if problems:
        raise Refused(problems[0])
    return config


def main() -> int:
    given = arguments(sys.argv[1:])
    try:
        config = read(given.config)
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


if __name__ == "__main__":
    sys.exit(main())
