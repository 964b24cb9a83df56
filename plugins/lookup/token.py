# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup token: a signed token of the data API."""

from __future__ import annotations

DOCUMENTATION = r"""
name: token
author: Best Viable (@bestviable)
version_added: 0.1.0
short_description: A signed token of the data API
description:
  - Signs a token (EdDSA) on the control node, where the private key stays.
  - A token is a password. Use it in tasks with C(no_log) only.
options:
  _terms:
    description:
      - Role that the token acts as.
      - It is one of those that C(portfolio_authenticator) is a member of in C(sql/access/roles.yml).
    type: list
    elements: str
    required: true
  sub:
    description: Who will use the token.
    type: str
    required: true
  client_id:
    description: Whose rows the token is about; needed for C(agent_client), and for no other role.
    type: str
  person_id:
    description: Id in C(erp.people) of the person whose sessions the token is about; for C(agent_client) only.
    type: int
  audience:
    description: Public name of the API.
    type: str
    required: true
  days:
    description: How long the token lives, at most 90.
    type: int
    default: 30
  period_days:
    description:
      - Give the same token for so many days, so that a run that writes it again changes nothing.
      - Without it each call gives a new one.
    type: int
  key:
    description: The private key in PEM form; without it O(key_file) is read.
    type: str
  key_file:
    description: File with the private key, readable by its owner only.
    type: str
notes:
  - Needs PyJWT, cryptography and PyYAML on the control node.
"""

EXAMPLES = r"""
- name: Ask the data API with a token of one day
  ansible.builtin.uri:
    url: http://localhost:3000/erp/people
    headers:
      Authorization: "Bearer {{ lookup('bestviable.portfolio.token', 'erp_reader', sub='me', days=1,
        audience='erp-db.example.com', key_file='inventories/local/.token_signing_key.pem') }}"
  no_log: true
"""

RETURN = r"""
_raw:
  description: One token a role.
  type: list
  elements: str
"""

import time
import uuid
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.bestviable.portfolio.plugins.plugin_utils import tokens

OPTIONS = ("sub", "client_id", "person_id", "audience", "days", "period_days", "key", "key_file")


class LookupModule(LookupBase):
    """Ansible's entry point."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        # Ansible drops an unknown option without a word, and a token without the claim that was meant may do more.
        unknown = sorted(set(kwargs) - set(OPTIONS))
        if unknown:
            raise AnsibleLookupError(f"token: unknown option {', '.join(unknown)}; use one of: {', '.join(OPTIONS)}.")
        self.set_options(var_options=variables, direct=kwargs)
        options = {name: self.get_option(name) for name in OPTIONS}
        try:
            return [_token(role, options) for role in terms]
        except tokens.TokenError as error:
            raise AnsibleLookupError(f"token: {error}") from error


def _token(role: str, options: dict[str, Any]) -> str:
    sub, days, period = options["sub"], options["days"], options["period_days"]
    scope = {claim: options[claim] for claim in tokens.SCOPE if options[claim] is not None}
    tokens.check_request(role, sub, days, tokens.read_roles(), scope)
    if not (options["key"] or options["key_file"]):
        raise tokens.TokenError("No signing key is given; set the option key or key_file.")
    pem = options["key"] or tokens.read_key(options["key_file"])
    signer = tokens.Signer(pem=pem, audience=options["audience"])
    now = int(time.time())
    if period is not None:
        return tokens.mint_stable(signer, role, sub, days, period, now)
    return tokens.mint(signer.pem, role, sub, days, signer.audience, now, str(uuid.uuid4()), scope)
