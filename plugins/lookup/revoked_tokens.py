# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup revoked_tokens: the list of record of what the data API refuses."""

from __future__ import annotations

DOCUMENTATION = r"""
name: revoked_tokens
author: Best Viable (@bestviable)
version_added: 0.1.0
short_description: The tokens that a register refuses
description:
  - Reads the register of tokens on the control node, which C(make token) and C(make revoke) write.
options:
  _terms:
    description: The register's file. One that is not there refuses nothing.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Refuse what the register refuses
  bestviable.portfolio.revoked_tokens:
    login_unix_socket: /opt/portfolio/postgres-erp/run
    login_db: portfolio
    login_user: erp_admin
    tokens: "{{ query('bestviable.portfolio.revoked_tokens', portfolio_token_register) }}"
"""

RETURN = r"""
_raw:
  description: One entry for each token, with C(jti), C(revoked_at), C(expires_at) and C(reason).
  type: list
  elements: dict
"""

from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.bestviable.portfolio.plugins.plugin_utils import token_register, tokens


class LookupModule(LookupBase):
    """Ansible's entry point."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        self.set_options(var_options=variables, direct=kwargs)
        try:
            return [asdict(entry) for path in terms for entry in token_register.read(path).revoked]
        except tokens.TokenError as error:
            raise AnsibleLookupError(f"revoked_tokens: {error}") from error
