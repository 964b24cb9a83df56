# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a configuration may be shown: no token, no password, no user of an address. Pure."""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "<not shown>"
# Settings that may hold a secret; those that name a file do not.
SECRET_SETTING = re.compile(r"token|secret|password|credentials-contents|(^|-)key$")
TUNNEL_TOKEN = re.compile(r"eyJ[A-Za-z0-9+/_=-]{20,}")
USER_OF_URL = re.compile(r"://[^/\s@]*@")


def shown(text: str) -> str:
    """Without what looks like a tunnel's token, and without users and passwords in addresses."""
    return USER_OF_URL.sub("://***@", TUNNEL_TOKEN.sub(HIDDEN, text))


def shown_values(value: Any) -> Any:
    """The same for what a rule holds."""
    if isinstance(value, dict):
        return {key: shown_values(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shown_values(item) for item in value]
    return shown(value) if isinstance(value, str) else value
