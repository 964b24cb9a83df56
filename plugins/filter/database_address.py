# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter database_address: where an external server is, of the URI that its provider shows; never who may log in."""

from __future__ import annotations

from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import uri
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError


def database_address(text: str, option: str) -> dict[str, Any]:
    """Host and port; or what is wrong with it, as the value of *option*, and how to correct that."""
    empty = {"host": "", "port": 0, "problem": ""}
    if not text:
        return empty
    try:
        found = uri.parse(text)
    except MigrationError as error:
        problem = str(error).replace("nothing was changed; ", "").replace("login_uri", option)
        return {**empty, "problem": problem}
    if not found.user or not found.password:
        problem = f"{option} holds no {'password' if found.user else 'user'}; give it as the provider shows it"
        return {**empty, "problem": problem}
    return {"host": found.host, "port": found.port, "problem": ""}


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"database_address": database_address}
