# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AGENTS.md from the table of verbs that is the help of ./portfolio: `make docs` writes it, a test compares."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import Any

from tests.consistency.repository import ROOT
from tests.generate.database_schema import code, table_of

TARGET = ROOT / "AGENTS.md"

HEAD = """\
# For agents

<!-- Made by `make docs` from the verbs of ./portfolio. -->

An Ansible collection that makes a server a database platform and keeps it one; [README.md](README.md) says what it is,
[docs/ARCHITECTURE.md](docs/ARCHITECTURE.md) how it works. A server is worked on by verbs: `make VERB` or
`./portfolio VERB`.

## Rules

{rules}
## Verbs

| word | means |
| --- | --- |
| changes nothing | safe at any time, as often as you like |
| anything else | only when a person asked for just that, on that server |

{verbs}
Safe: {safe}. `./portfolio` alone prints the same list.

## Working on the code

[CONTRIBUTING.md](CONTRIBUTING.md) says where a change goes and what follows from it. `make lint` and `make test-unit`
need no server; `make docs` renews what is generated (this file too); `make test` runs everything.
"""

FIRST = {
    "status": "`make status` first: it reads only, and says what is wrong and what to do.",
    "plan": "`make plan` before `make deploy`: exit 0 is nothing to do, 2 is something, 1 is an error. It changes "
    "nothing. Deploy only when its list is what was asked for, and plan again afterwards: exit 0.",
}
RULES = (
    "Without `INVENTORY=` the server is this machine. Name the inventory in every command that means another.",
    "`make destroy`, data or not, is a person's decision. It lists what it would remove and asks: leave the answer.",
    "A refusal is one sentence: what is wrong, where, what to do, and whether something was changed. Do what it says "
    "or pass it on, and do not work around it. A failed or killed run is continued by the same command.",
    "Change files of this repository or of an inventory, never files on the server: the next run puts those back.",
    "For data take the API with a token of the least role that is enough "
    "([docs/SERVICE_DATABASE_INTEGRATION.md](docs/SERVICE_DATABASE_INTEGRATION.md)); the role is the boundary. "
    "`make psql` is the owner of all tables: read with it, and write only what you were asked to.",
    "Secrets stay where they are: do not read `secrets/`, `.token_signing_key.pem`, `.vault_password` or a decrypted "
    "`vault.yml`, leave `REVEAL=1` to a person, and put a token or a password into no file, log or message.",
)


def script() -> ModuleType:
    """./portfolio as a module; it has no ending that Python would know."""
    loader = SourceFileLoader("portfolio_script", str(ROOT / "portfolio"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[loader.name] = module  # its dataclass looks itself up
    loader.exec_module(module)
    return module


def row(name: str, verb: Any) -> tuple[str, ...]:
    settings = ", ".join(f"`{setting}`" for setting in verb.settings)
    return code(name), verb.text, verb.changes, settings, code(f"make {name} {verb.example}")


def generate(verbs: Mapping[str, Any]) -> str:
    """The whole document."""
    silent = [name for name, verb in verbs.items() if not verb.changes]
    if silent:
        raise ValueError(f"portfolio: say in VERBS what {', '.join(silent)} changes.")
    rules = [text for name, text in FIRST.items() if name in verbs] + list(RULES)
    return HEAD.format(
        rules="".join(f"{number}. {text}\n" for number, text in enumerate(rules, 1)),
        verbs=table_of(("verb", "does", "changes", "settings", "example"), map(row, verbs, verbs.values())),
        safe=", ".join(code(name) for name, verb in verbs.items() if verb.changes == "nothing"),
    )


if __name__ == "__main__":
    TARGET.write_text(generate(script().VERBS), encoding="utf-8")
