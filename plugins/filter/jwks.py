# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter jwks: the public halves of signing keys, as the data API reads them."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.bestviable.portfolio.plugins.plugin_utils import tokens


def jwks(pems: str | list[str]) -> dict[str, Any]:
    """Return the JSON Web Key Set of one or several PEM keys."""
    try:
        return tokens.jwks([pems] if isinstance(pems, str) else pems)
    except tokens.TokenError as error:
        raise AnsibleFilterError(f"jwks: {error}") from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"jwks": jwks}
