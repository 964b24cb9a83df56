# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing keys and tokens of the data API. On the control node only: the server never sees a private key.

As a command it prints one token and nothing else:
python -m ansible_collections.bestviable.portfolio.plugins.plugin_utils.tokens --inventory DIR --role ROLE
"""

from __future__ import annotations

import argparse
import base64
import getpass
import hashlib
import json
import stat
import sys
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

try:
    import jwt
    import yaml
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
        load_pem_private_key,
        load_pem_public_key,
    )

    MISSING: ImportError | None = None
except ImportError as error:
    MISSING = error

ISSUER = "portfolio"
# What the database's check of a request accepts at most; a token in a tool's settings is a password that ends.
MAX_DAYS = 90
DAY = 86400
# The login that PostgREST uses; a token can name the roles that it is a member of, and no other.
AUTHENTICATOR = "portfolio_authenticator"
COLLECTION = Path(__file__).resolve().parents[2]
ROLES_FILE = COLLECTION / "sql" / "access" / "roles.yml"


class TokenError(ValueError):
    """One sentence for the operator: what, where, remedy."""


@dataclass(frozen=True)
class Signer:
    """Where tokens come from: the private key and the audience that the API demands."""

    pem: str
    audience: str


def new_key() -> str:
    """A new private key (Ed25519) as PEM."""
    _require_libraries()
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def jwks(pems: Iterable[str]) -> dict[str, Any]:
    """The public halves of the keys, as the API reads them. A public key is taken as well as a private one."""
    return {"keys": [_jwk(_public(pem)) for pem in pems]}


def mint(pem: str, role: str, sub: str, days: int, audience: str, now: int, jti: str) -> str:
    """A signed token. The same arguments give the same bytes, since Ed25519 signatures are deterministic."""
    check_request(role, sub, days)
    key = _private(pem)
    claims = {
        "role": role,
        "sub": sub,
        "aud": audience,
        "iss": ISSUER,
        "iat": now,
        "exp": now + days * DAY,
        "jti": jti,
    }
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": _jwk(key.public_key())["kid"]})


def mint_stable(signer: Signer, role: str, sub: str, days: int, period_days: int, now: int) -> str:
    """A token that stays the same for *period_days*: a run that writes it again changes nothing.

    It begins at the period's start, so that at least *days* - *period_days* of its life are left.
    """
    if not 0 < period_days < days:
        raise TokenError(f"A token of {days} days cannot be renewed every {period_days} days; give a shorter period.")
    begin = now - now % (period_days * DAY)
    kid = jwks([signer.pem])["keys"][0]["kid"]
    jti = uuid.uuid5(uuid.NAMESPACE_URL, "/".join((kid, signer.audience, role, sub, str(begin), str(days))))
    return mint(signer.pem, role, sub, days, signer.audience, begin, str(jti))


def check_request(role: str, sub: str, days: int, roles: Sequence[str] | None = None) -> None:
    """Refuse what the API would refuse later and with fewer words."""
    if roles is not None and role not in roles:
        raise TokenError(f"There is no API role {role!r}; use one of: {', '.join(roles)}.")
    if not role or not sub:
        raise TokenError("A token needs a role and a subject (who will use it); give both.")
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= MAX_DAYS:
        raise TokenError(f"A token lives 1 to {MAX_DAYS} days, not {days}; give a number in that range.")


def api_roles(document: Any, source: str = str(ROLES_FILE)) -> list[str]:
    """The roles that a token can name, from the parsed roles.yml."""
    try:
        members = document["roles"][AUTHENTICATOR]["member_of"]
    except (KeyError, TypeError):
        members = None
    if not members:
        raise TokenError(f"{source} does not say which roles {AUTHENTICATOR} is a member of; restore that file.")
    return sorted(members)


def read_roles(path: Path = ROLES_FILE) -> list[str]:
    """The roles that a token can name."""
    _require_libraries()
    try:
        return api_roles(yaml.safe_load(path.read_text(encoding="utf-8")), str(path))
    except (OSError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0]
        raise TokenError(f"The API's roles cannot be read ({reason}); restore {path}.") from error


def read_key(path: str) -> str:
    """The private key of a file that nobody else may read."""
    try:
        mode = stat.S_IMODE(Path(path).stat().st_mode)
        pem = Path(path).read_text(encoding="ascii")
    except FileNotFoundError:
        raise TokenError(
            f"There is no signing key {path}; put the key that the server knows back there,"
            " or deploy with this inventory, which makes one."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise TokenError(f"The signing key {path} cannot be read ({error}); correct its owner or mode.") from error
    if mode & 0o077:
        raise TokenError(
            f"The signing key {path} can be read by others (mode {mode:04o}); replace it if somebody else"
            f" uses this machine, and run: chmod 600 {path}"
        )
    _private(pem, f"The signing key {path}")
    return pem


def _require_libraries() -> None:
    if MISSING is not None:
        raise TokenError(
            f"{MISSING.name} is not installed for {sys.executable} on the control node;"
            " use ./portfolio, which brings its own, or run: pip install PyJWT cryptography PyYAML"
        ) from MISSING


def _private(pem: str, source: str = "The signing key") -> Ed25519PrivateKey:
    _require_libraries()
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise TokenError(
            f"{source} is not an unencrypted Ed25519 private key in PEM form; give another,"
            " for a new one run: openssl genpkey -algorithm ed25519"
        )
    return key


def _public(pem: str) -> Ed25519PublicKey:
    _require_libraries()
    if "PUBLIC KEY" not in pem:
        return _private(pem).public_key()
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise TokenError("A public key of the API is not an Ed25519 key in PEM form; remove it from the list.")
    return key


def _jwk(key: Ed25519PublicKey) -> dict[str, str]:
    """RFC 8037, named by its RFC 7638 thumbprint: the name follows from the key, so nobody has to choose one."""
    required = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(key.public_bytes(Encoding.Raw, PublicFormat.Raw))}
    canonical = json.dumps(required, sort_keys=True, separators=(",", ":"))
    kid = _base64url(hashlib.sha256(canonical.encode()).digest())
    return {**required, "alg": "EdDSA", "kid": kid, "use": "sig"}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _inventory_signer(inventory: str) -> Signer:
    """The signer of an inventory: its variables over the defaults of the roles, as a run of site.yml sees them."""
    # Only the command needs Ansible itself, and ansible.cli looks at the terminal when it is imported.
    from ansible import constants
    from ansible.cli import CLI
    from ansible.errors import AnsibleError
    from ansible.inventory.manager import InventoryManager
    from ansible.parsing.dataloader import DataLoader
    from ansible.template import Templar
    from ansible.vars.manager import VariableManager

    if not Path(inventory).exists():
        raise TokenError(f"There is no inventory {inventory}; give its directory, for example inventories/local.")
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
            defaults = COLLECTION / "roles" / role / "defaults" / "main.yml"
            variables |= loader.load_from_file(str(defaults), trusted_as_template=True)
        variables |= VariableManager(loader=loader, inventory=hosts).get_vars(host=found[0], include_hostvars=False)
        value = Templar(loader, variables=variables).resolve_variable_expression
        pem = value("postgrest_erp_signing_key") or read_key(value("postgrest_erp_signing_key_file"))
        return Signer(pem=str(pem), audience=str(value("portfolio_hostname")))
    except AnsibleError as error:
        raise TokenError(
            f"The inventory {inventory} cannot be read ({error}); correct it, or say where its vault password is"
        ) from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a token."""
    parser = argparse.ArgumentParser(prog="./portfolio token", description="Print a token of the data API.")
    parser.add_argument("--inventory", required=True, help="directory of the inventory that holds the signing key")
    parser.add_argument("--role", required=True, help="role that the token acts as")
    parser.add_argument("--sub", default=None, help="who will use it (default: your login name)")
    parser.add_argument("--days", type=int, default=30, help=f"how long it lives, at most {MAX_DAYS} (default: 30)")
    options = parser.parse_args(arguments)
    try:
        sub = getpass.getuser() if options.sub is None else options.sub
        check_request(options.role, sub, options.days, read_roles())
        signer = _inventory_signer(options.inventory)
        token = mint(signer.pem, options.role, sub, options.days, signer.audience, int(time.time()), str(uuid.uuid4()))
    except TokenError as error:
        print(f"token: {error}", file=sys.stderr)
        return 1
    print(token)
    return 0


if __name__ == "__main__":
    sys.exit(main())
