# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule's `originRequest.access` demands of a request: a JWT of the team's application. As cloudflared checks it.

The real one fetches the team's keys from its domain; here the edge sends them with the registration. RS256 is a power
and a comparison, so that the image needs no library for it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

HEADER = "cf-access-jwt-assertion"
# What stands before a SHA-256 in a signature (RFC 8017, 9.2).
SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
Keys = Mapping[str, Mapping[str, Any]]


class UnverifiedError(Exception):
    """Not signed by the team, or for another time: the request fails, as with the real one."""


def refused(access: Mapping[str, Any] | None, assertion: str, keys: Keys) -> bool:
    """Whether the answer is 403. `keys` are each team's, as a JSON Web Key Set."""
    if not access or not access.get("required"):
        return False
    if not assertion:
        return True
    team = access.get("teamName") or ""
    claims = verified(assertion, keys.get(team, {"keys": []}), f"https://{team}.cloudflareaccess.com")
    named = claims.get("aud", [])
    return not set([named] if isinstance(named, str) else named) & set(access.get("audTag") or [])


def verified(assertion: str, keys: Mapping[str, Any], issuer: str) -> dict[str, Any]:
    try:
        head, payload, signature = assertion.split(".")
        identity = json.loads(decoded(head))["kid"]
        claims: dict[str, Any] = json.loads(decoded(payload))
        key = next(key for key in keys["keys"] if key["kid"] == identity)
    except (ValueError, KeyError, StopIteration, binascii.Error) as error:
        raise UnverifiedError("no JWT of the team") from error
    if not signed_by(key, f"{head}.{payload}".encode(), decoded(signature)):
        raise UnverifiedError("its signature is wrong")
    if claims.get("iss") != issuer or claims.get("exp", 0) < time.time():
        raise UnverifiedError("it is of another team, or has ended")
    return claims


def signed_by(key: Mapping[str, str], text: bytes, signature: bytes) -> bool:
    modulus, exponent = (int.from_bytes(decoded(key[name]), "big") for name in ("n", "e"))
    size = (modulus.bit_length() + 7) // 8
    block = pow(int.from_bytes(signature, "big"), exponent, modulus).to_bytes(size, "big")
    digest = SHA256 + hashlib.sha256(text).digest()
    return block == b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
