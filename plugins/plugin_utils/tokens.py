# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing keys and tokens of the data API. On the control node only: the server never sees a private key."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import stat
import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence
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
# The role whose rows depend on the token's claims: without one it would see nothing, and say so to nobody.
SCOPED_ROLE = "agent_client"
# The claims that its rows go by, and the setting that gives each. The first is a must.
SCOPE = {"client_id": "CLIENT_ID", "person_id": "PERSON_ID"}
LONGEST_NAME = 200
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
    """The public halves of the keys, each once, as the API reads them; a key may be public already."""
    keys = {key["kid"]: key for key in (_jwk(_public(pem)) for pem in pems)}
    return {"keys": list(keys.values())}


def kid_of(pem: str) -> str:
    """The name of a key, which every token that it signs carries."""
    kid: str = jwks([pem])["keys"][0]["kid"]
    return kid


def mint(
    pem: str,
    role: str,
    sub: str,
    days: int,
    audience: str,
    now: int,
    jti: str,
    scope: Mapping[str, Any] | None = None,
) -> str:
    """A signed token. The same arguments give the same bytes, since Ed25519 signatures are deterministic."""
    check_request(role, sub, days, scope=scope)
    key = _private(pem)
    claims = {
        "role": role,
        "sub": sub,
        "aud": audience,
        "iss": ISSUER,
        "iat": now,
        "exp": now + days * DAY,
        "jti": jti,
        **(scope or {}),
    }
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": _jwk(key.public_key())["kid"]})


def mint_stable(signer: Signer, role: str, sub: str, days: int, period_days: int, now: int) -> str:
    """A token that stays the same for *period_days*: a run that writes it again changes nothing.

    It begins at the period's start, so that at least *days* - *period_days* of its life are left.
    """
    if not 0 < period_days < days:
        raise TokenError(f"A token of {days} days cannot be renewed every {period_days} days; give a shorter period.")
    begin = now - now % (period_days * DAY)
    kid = kid_of(signer.pem)
    jti = uuid.uuid5(uuid.NAMESPACE_URL, "/".join((kid, signer.audience, role, sub, str(begin), str(days))))
    return mint(signer.pem, role, sub, days, signer.audience, begin, str(jti))


def check_request(
    role: str,
    sub: str,
    days: int,
    roles: Sequence[str] | None = None,
    scope: Mapping[str, Any] | None = None,
) -> None:
    """Refuse what the API would refuse later and with fewer words, or answer with no rows."""
    if roles is not None and role not in roles:
        raise TokenError(f"There is no API role {role!r}; use one of: {', '.join(roles)}.")
    if not role or not sub:
        raise TokenError("A token needs a role and a subject (who will use it); give both.")
    _check_name("subject", sub)
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= MAX_DAYS:
        raise TokenError(f"A token lives 1 to {MAX_DAYS} days, not {days}; give a number in that range.")
    _check_scope(role, scope or {})


def _check_name(what: str, value: str) -> None:
    if value != value.strip() or not value.isprintable() or len(value) > LONGEST_NAME:
        raise TokenError(
            f"A token's {what} is one line of at most {LONGEST_NAME} characters without spaces around it, "
            f"not {value[:LONGEST_NAME]!r}; give another."
        )


def _check_scope(role: str, scope: Mapping[str, Any]) -> None:
    """Whose rows the token is about: demanded where rows depend on it, refused where they do not."""
    unknown = sorted(set(scope) - set(SCOPE))
    if unknown:
        raise TokenError(f"A token is scoped by {' and '.join(SCOPE)}, not by {', '.join(unknown)}; remove that.")
    if role != SCOPED_ROLE:
        if scope:
            names = " and ".join(SCOPE[claim] for claim in scope)
            raise TokenError(
                f"A token of {role} sees what its role may see, whoever it is for, and {names} would not narrow that; "
                f"remove it or use the role {SCOPED_ROLE}."
            )
        return
    if not scope.get("client_id"):
        raise TokenError(f"A token of {role} sees the rows of one client and needs its id; add CLIENT_ID=.")
    _check_name("client_id", str(scope["client_id"]))
    person = scope.get("person_id", 1)
    if isinstance(person, bool) or not isinstance(person, int) or person < 1:
        raise TokenError(f"A token's person_id is the id of a row of erp.people, not {person!r}; give that number.")


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
        # The file that is looked at is the one that is read, whatever becomes of its name meanwhile.
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), encoding="ascii") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            pem = file.read()
    except FileNotFoundError:
        raise TokenError(
            f"There is no signing key {path}; put the key that the server knows back there,"
            " or deploy with this inventory, which makes one."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno == errno.ELOOP:
            raise TokenError(
                f"The signing key {path} is a link, and what it leads to can change unseen; put the key itself there."
            ) from None
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
