# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup signing_keys: the files of the keys of tokens, by their states."""

from __future__ import annotations

DOCUMENTATION = r"""
name: signing_keys
author: Best Viable (@bestviable)
version_added: 0.1.0
short_description: The files of the keys that sign tokens
description:
  - Tells which keys lie beside the one that signs while it is rotated.
  - Each is looked at; one that others can read is refused.
options:
  _terms:
    description: File of the key that signs. Where it is not there, no key is.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Say which keys are there
  ansible.builtin.debug:
    msg: "{{ lookup('bestviable.portfolio.signing_keys', postgrest_erp_signing_key_file) }}"
"""

RETURN = r"""
_raw:
  description: The path of each key that is there by its state, C(signing), C(next), C(old) and C(retired).
  type: list
  elements: dict
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.bestviable.portfolio.plugins.plugin_utils import signing_keys, tokens


class LookupModule(LookupBase):
    """Ansible's entry point."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, str]]:
        self.set_options(var_options=variables, direct=kwargs)
        try:
            return [_files(path) for path in terms]
        except tokens.TokenError as error:
            raise AnsibleLookupError(f"signing_keys: {error}") from error


def _files(path: str) -> dict[str, str]:
    found = {state: str(file) for state, file in signing_keys.there(path).items()}
    for file in found.values():
        tokens.read_key(file)
    return found
