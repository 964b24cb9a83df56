# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of the modules that log in: how to connect (doc fragment `postgres`), and the files of a migration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import asserts_file, files
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import Target

CONNECTION: dict[str, dict[str, Any]] = {
    "login_unix_socket": {"type": "path"},
    "login_host": {"type": "str"},
    "login_port": {"type": "int", "default": 5432},
    "login_db": {"type": "str", "required": True},
    "login_user": {"type": "str", "required": True},
    "login_password": {"type": "str", "no_log": True},
    "ssl_mode": {
        "type": "str",
        "default": "prefer",
        "choices": ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
    },
    "ca_cert": {"type": "path"},
}
# One of the two ways to a server, as AnsibleModule is told it.
ONE_WAY: dict[str, list[tuple[str, ...]]] = {
    "mutually_exclusive": [("login_unix_socket", "login_host")],
    "required_one_of": [("login_unix_socket", "login_host")],
}
COMMON: dict[str, dict[str, Any]] = {**CONNECTION, "migrations": {"type": "raw", "required": True}}
# What is read on the control node beside the migrations, what of the database it is about, and what becomes of drift.
SCHEMA: dict[str, dict[str, Any]] = {
    "access": {"type": "raw"},
    "assertions": {"type": "raw"},
    "schemas": {"type": "list", "elements": "str", "default": ["erp", "agent", "private", "api_view"]},
    "drift": {"type": "str", "choices": ["repair", "report", "fail"], "default": "repair"},
    "repair": {"type": "list", "elements": "str", "default": []},
    "revoke_extra": {"type": "bool", "default": False},
}


def target_of(params: Mapping[str, Any]) -> Target:
    """The connection that these arguments ask for."""
    return Target(
        user=params["login_user"],
        database=params["login_db"],
        host=params["login_unix_socket"] or params["login_host"],
        port=params["login_port"],
        password=params["login_password"],
        ssl_mode=params["ssl_mode"],
        ca_cert=params["ca_cert"],
    )


def files_of(params: Mapping[str, Any], warn: Callable[[str], None]) -> dict[str, Any]:
    """What the files say, as `Work` takes it."""
    access, document, schemas = params["access"] or {"files": []}, params["assertions"], params["schemas"]
    if not isinstance(access, dict):
        raise MigrationError("access must be read on the control node; give the path of a directory")
    return {
        "migrations": files.migrations(params["migrations"], warn),
        "access": files.access_scripts(access["files"], warn),
        "assertions": asserts_file.Assertions() if document is None else asserts_file.parse(document, schemas),
        "schemas": schemas,
    }
