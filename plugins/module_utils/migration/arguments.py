# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments that every module on migrations has: how to connect (doc fragment `postgres`), and the files."""

from __future__ import annotations

from typing import Any

COMMON: dict[str, dict[str, Any]] = {
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
    "migrations": {"type": "raw", "required": True},
}
