# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose tunnel a configuration is: config.yml, its credentials and the API must name the same. Pure.

cloudflared lets the id of config.yml win silently, and then fails to connect with the credentials of another tunnel.
"""

from __future__ import annotations

import json
import os
import re

from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import Refused

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


def place(config: str, setting: str | None, given: str | None) -> str | None:
    """Where the credentials lie on this server. A container knows them by another directory, beside config.yml."""
    if given or not setting:
        return given
    beside = os.path.join(os.path.dirname(config), os.path.basename(setting))
    return setting if os.path.exists(setting) else beside


def tunnel_id(path: str, content: bytes) -> str | None:
    """The id that the credentials belong to; files of old versions do not say it."""
    try:
        found = json.loads(content)
        return str(found["TunnelID"]) if found.get("TunnelID") else None
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Refused(f"{path} is not the JSON of a tunnel's credentials; restore it, or correct its path") from error


def refuse_other_tunnel(
    config: str, setting: str | None, credentials: str, held: str | None, known: str | None
) -> None:
    """A tunnel may also be named by its name, which only the API can tell."""
    named = setting if setting and UUID.fullmatch(setting.lower()) else None
    if named and held and named.lower() != held.lower():
        raise Refused(f"{config} names the tunnel {named}, but {credentials} belongs to {held}; correct one of the two")
    used = named or held
    if used and known and used.lower() != known.lower():
        raise Refused(f"{config} runs the tunnel {used}, and the API knows {known}; correct tunnel_id or the file")
