# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of the modules that log in: how to connect (doc fragment `postgres`), and the files of a migration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import (
    asserts_file,
    catalog_query,
    files,
    uri,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import Target

CONNECTION: dict[str, dict[str, Any]] = {
    "login_unix_socket": {"type": "path"},
    "login_host": {"type": "str"},
    "login_uri": {"type": "str", "no_log": True},
    "login_port": {"type": "int"},
    "login_db": {"type": "str", "required": True},
    "login_user": {"type": "str", "required": True},
    "login_password": {"type": "str", "no_log": True},
    "ssl_mode": {
        "type": "str",
        "choices": ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
    },
    "ca_cert": {"type": "path"},
    "passfile": {"type": "path", "no_log": False},
}
# One of the ways to a server, as AnsibleModule is told it.
_WAYS = ("login_unix_socket", "login_host", "login_uri")
ONE_WAY: dict[str, list[tuple[str, ...]]] = {"mutually_exclusive": [_WAYS], "required_one_of": [_WAYS]}
COMMON: dict[str, dict[str, Any]] = {**CONNECTION, "migrations": {"type": "raw", "required": True}}
# What is read on the control node beside the migrations, what of the database it is about, and what becomes of drift.
SCHEMA: dict[str, dict[str, Any]] = {
    "access": {"type": "raw"},
    "assertions": {"type": "raw"},
    "schemas": {"type": "list", "elements": "str", "default": list(catalog_query.SCHEMAS)},
    "drift": {"type": "str", "choices": ["repair", "report", "fail"], "default": "repair"},
    "repair": {"type": "list", "elements": "str", "default": []},
    "revoke_extra": {"type": "bool", "default": False},
}


def complete(params: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with what stands in login_uri, and otherwise what is usual; what is given beside it stands."""
    address = uri.parse(params["login_uri"]) if params["login_uri"] else None
    found: dict[str, Any] = dict(params)
    if address is not None:
        found.update(login_host=address.host, login_port=params["login_port"] or address.port)
        found["ca_cert"] = params["ca_cert"] or address.ca_cert
        # Its user is the provider's: the admin session's, where there is one.
        if "admin_user" in params and params["admin_user"] is None:
            found.update(admin_user=address.user, admin_password=address.password)
        if "maintenance_db" in params:
            found["maintenance_db"] = params["maintenance_db"] or address.database
    if params["ssl_mode"] is None:
        # Providers write `require`, by which anybody could be the server.
        found["ssl_mode"] = "verify-full" if address or found["ca_cert"] else "prefer"
    usual = {"login_port": 5432, "maintenance_db": "postgres"}
    return {**found, **{name: value for name, value in usual.items() if name in found and found[name] is None}}


def read(module: AnsibleModule) -> dict[str, Any]:
    """The module's arguments, complete; no part of a secret is in what it returns either."""
    try:
        found = complete(module.params)
    except MigrationError as error:
        module.fail_json(msg=str(error))
    secret = found.get("admin_password")
    if secret:
        module.no_log_values.add(secret)
    return found


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
        passfile=params["passfile"],
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
