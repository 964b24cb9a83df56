# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cloudflare Access in front of a name: who sends a service token gets in, with an assertion that the team signed."""

from __future__ import annotations

import hmac
import json
import time
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.lab.cloudflare.state import Item, State, stamp
from tests.lab.cloudflared import http1

LIFETIME_S = 3600
KEY = "the lab's"


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Team:
    name: str
    key: rsa.RSAPrivateKey = field(default_factory=new_key)

    @property
    def issuer(self) -> str:
        return f"https://{self.name}.cloudflareaccess.com"

    def key_sets(self) -> dict[str, Any]:
        """What the real one tells at its domain, for each team that a connector may ask for."""
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {self.name: {"keys": [{**public, "kid": KEY}]}}

    def judge(self, state: State, host: str, request: http1.Message) -> http1.Message | str:
        """The assertion that goes along, empty where no application stands before the name; or the answer."""
        app = next((app for app in list(state.apps.values()) if app["domain"] == host), None)
        if app is None:
            return ""
        given = request.header("cf-access-client-id"), request.header("cf-access-client-secret")
        for token in list(state.service_tokens.values()):
            if admits(state, app, token["id"]) and good(token, *given):
                return self.assertion(app["aud"], given[0])
        status = 401 if app["service_auth_401_redirect"] else 403
        return http1.answer(status, [("WWW-Authenticate", "Cloudflare-Access")] if status == 401 else [])

    def assertion(self, aud: str, client_id: str) -> str:
        now = int(time.time())
        claims = {"aud": [aud], "iss": self.issuer, "iat": now, "exp": now + LIFETIME_S, "common_name": client_id}
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": KEY})


def admits(state: State, app: Item, token: str) -> bool:
    policies = (state.policies[name] for name in app["policies"] if name in state.policies)
    return any(include["service_token"]["token_id"] == token for policy in policies for include in policy["include"])


def good(token: Item, client_id: str, secret: str) -> bool:
    """Its secret, or the one before as long as a rotation lets it live."""
    before = token.get("previous", {"secret": "", "until": ""})
    known = [token["client_secret"], *([before["secret"]] if before["until"] > stamp() else [])]
    return token["client_id"] == client_id and any(hmac.compare_digest(one, secret) for one in known)
