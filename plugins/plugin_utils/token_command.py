# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Behind the verbs token and tokens: python -m …plugins.plugin_utils.token_command issue|list --inventory DIR.

`issue` prints one token and nothing else, after it is written down in the register; `list` prints the register as JSON.
Neither asks the server.
"""

from __future__ import annotations

import argparse
import getpass
import json
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.plugin_utils import signing_keys, token_register, tokens
from ansible_collections.bestviable.portfolio.plugins.plugin_utils.token_register import Issued, Register
from ansible_collections.bestviable.portfolio.plugins.plugin_utils.tokens import MAX_DAYS, Signer, TokenError

VERSION = 1


@dataclass(frozen=True)
class Place:
    """What of an inventory tokens are about."""

    signer: Signer
    register: str
    # The state of each key that is known, by its name.
    keys: Mapping[str, str]


def place_of(inventory: str) -> Place:
    """An inventory's variables over the defaults of the roles, as a run of site.yml sees them."""
    # ansible.cli looks at the terminal when it is imported.
    from ansible import constants
    from ansible.cli import CLI
    from ansible.errors import AnsibleError
    from ansible.inventory.manager import InventoryManager
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader
    from ansible.template import Templar
    from ansible.vars.manager import VariableManager

    if not Path(inventory).exists():
        raise TokenError(f"There is no inventory {inventory}; give its directory, for example inventories/local.")
    # Otherwise an inventory could not use a plugin by its whole name, as ansible.builtin.env.
    init_plugin_loader()
    try:
        loader = DataLoader()
        loader.set_vault_secrets(
            CLI.setup_vault_secrets(
                loader,
                vault_ids=list(constants.config.get_config_value("DEFAULT_VAULT_IDENTITY_LIST")),
                auto_prompt=False,
            )
        )
        hosts = InventoryManager(loader=loader, sources=[inventory])
        found = hosts.groups["portfolio"].get_hosts() if "portfolio" in hosts.groups else []
        if not found:
            raise TokenError(f"{inventory} has no host in the group portfolio; give the directory of an inventory.")
        variables: dict[str, Any] = {}
        for role in ("portfolio", "postgrest_erp"):
            defaults = tokens.COLLECTION / "roles" / role / "defaults" / "main.yml"
            variables |= loader.load_from_file(str(defaults), trusted_as_template=True)
        variables |= VariableManager(loader=loader, inventory=hosts).get_vars(host=found[0], include_hostvars=False)
        value = Templar(loader, variables=variables).resolve_variable_expression
        vaulted, file = str(value("postgrest_erp_signing_key")), str(value("postgrest_erp_signing_key_file"))
        old = [str(pem) for pem in value("postgrest_erp_old_signing_keys")]
        states = {tokens.kid_of(pem): "old" for pem in old} | (
            {tokens.kid_of(vaulted): "signing"} if vaulted else signing_keys.named(file)
        )
        signer = Signer(vaulted or tokens.read_key(file), str(value("portfolio_hostname")))
        return Place(signer, str(value("portfolio_token_register")), states)
    except AnsibleError as error:
        raise TokenError(
            f"The inventory {inventory} cannot be read ({error}); correct it, or say where its vault password is"
        ) from error


def issue(place: Place, role: str, sub: str, days: int, scope: Mapping[str, Any], now: int) -> str:
    """A token that is written down before anybody has it."""
    jti = str(uuid.uuid4())
    signer = place.signer
    token = tokens.mint(signer.pem, role, sub, days, signer.audience, now, jti, scope)
    entry = Issued(jti, role, sub, now, now + days * tokens.DAY, tokens.kid_of(signer.pem), **scope)
    token_register.change(place.register, lambda register: register.pruned(now).plus(entry))
    return token


def state_of(entry: Issued, register: Register, key: str, now: int) -> str:
    """Whether the API accepts it, as far as the register and the keys that are there tell."""
    if entry.exp <= now:
        return "expired"
    if entry.jti in register.refused:
        return "revoked"
    return "live" if key in signing_keys.ACCEPTED else "ended"


def listed(place: Place, now: int) -> dict[str, Any]:
    """The register as data: each token that was handed out, and what is refused beside these."""
    register = token_register.read(place.register)
    known = {entry.jti for entry in register.issued}
    keys = {entry.jti: place.keys.get(entry.kid, "gone") for entry in register.issued}
    return {
        "version": VERSION,
        "register": place.register,
        "keys": [{"kid": kid, "state": state} for kid, state in place.keys.items()],
        "tokens": [
            {
                **asdict(entry),
                "state": state_of(entry, register, keys[entry.jti], now),
                "days_left": -(-max(0, entry.exp - now) // tokens.DAY),
                "key": keys[entry.jti],
            }
            for entry in register.issued
        ],
        "revoked_elsewhere": [asdict(entry) for entry in register.revoked if entry.jti not in known],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a token, or what was handed out."""
    parser = argparse.ArgumentParser(prog="./portfolio")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, description in (("issue", "Print a token of the data API."), ("list", "Print what was handed out.")):
        verbs.add_parser(verb, description=description).add_argument("--inventory", required=True)
    one = verbs.choices["issue"]
    one.add_argument("--role", required=True, help="role that the token acts as")
    one.add_argument("--sub", default=None, help="who will use it (default: your login name)")
    one.add_argument("--days", default="30", help=f"how long it lives, at most {MAX_DAYS} (default: 30)")
    one.add_argument("--client_id", default=None, help=f"whose rows it is about; {tokens.SCOPED_ROLE} only")
    one.add_argument("--person_id", default=None, help=f"whose sessions it is about; {tokens.SCOPED_ROLE} only")
    options = parser.parse_args(arguments)
    now = int(time.time())
    try:
        if options.verb == "list":
            print(json.dumps(listed(place_of(options.inventory), now)))
            return 0
        sub = getpass.getuser() if options.sub is None else options.sub
        days, person = number("DAYS", options.days), options.person_id
        scope = {"client_id": options.client_id, "person_id": person and number("PERSON_ID", person)}
        scope = {claim: value for claim, value in scope.items() if value is not None}
        tokens.check_request(options.role, sub, days, tokens.read_roles(), scope)
        token = issue(place_of(options.inventory), options.role, sub, days, scope, now)
    except TokenError as error:
        print(f"token: {error}", file=sys.stderr)
        return 1
    print(token)
    return 0


def number(name: str, text: str) -> int:
    """A setting that is a number."""
    if not text.isascii() or not text.isdigit():
        raise TokenError(f"{name}={text} is not a number; write it in digits.")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
