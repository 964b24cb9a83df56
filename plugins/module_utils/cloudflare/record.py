# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file on the control node that keeps what Cloudflare tells once or never: secrets, and what was made by us.

A secret is written before the call that uses it, so no crash loses one.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import stat
from dataclasses import asdict, dataclass, fields
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.errors import CloudflareError

MODE = 0o600
VERSION = 1


@dataclass(frozen=True)
class Record:
    """Empty words where nothing is known. `made` says that the tunnel was made by this module."""

    version: int = VERSION
    zone: str = ""
    zone_id: str = ""
    account_id: str = ""
    tunnel_name: str = ""
    tunnel_id: str = ""
    tunnel_secret: str = ""
    made: bool = False
    hostnames: tuple[str, ...] = ()
    service_token_id: str = ""
    client_id: str = ""
    client_secret: str = ""
    # The word of access_rotation for which client_secret was made; `rotating` while that is not certain yet.
    rotation: str = ""
    rotating: bool = False
    policy_id: str = ""
    app_id: str = ""

    @property
    def pending(self) -> bool:
        """A tunnel was to be made, and it is not known whether it was."""
        return bool(self.tunnel_secret) and not self.tunnel_id

    @property
    def secrets(self) -> set[str]:
        return {value for value in (self.tunnel_secret, self.client_secret) if value}


def credentials(record: Record) -> dict[str, str]:
    """The tunnel's credentials as cloudflared reads them from its file."""
    return {"AccountTag": record.account_id, "TunnelSecret": record.tunnel_secret, "TunnelID": record.tunnel_id}


def secret_of(connector_token: Any, account_id: str, tunnel_id: str) -> str:
    """The secret in a connector's token, which holds the same three values as the credentials."""
    try:
        held = json.loads(base64.b64decode(connector_token, validate=True))
        account, tunnel, secret = str(held["a"]), str(held["t"]), str(held["s"])
        base64.b64decode(secret, validate=True)
    except (ValueError, TypeError, KeyError, binascii.Error):
        account = tunnel = secret = ""
    if not secret or (account, tunnel) != (account_id, tunnel_id):
        raise CloudflareError(f"The token of tunnel {tunnel_id} is not one of this tunnel; see what is behind api_url")
    return secret


def read(path: str) -> Record:
    """The record; an empty one where there is no file."""
    try:
        mode = os.stat(path).st_mode
        with open(path, encoding="utf-8") as file:
            held = json.load(file)
    except FileNotFoundError:
        return Record()
    except OSError as error:
        raise CloudflareError(f"record_file {path} cannot be read ({error.strerror}); correct its owner") from error
    except ValueError as error:
        raise CloudflareError(f"record_file {path} is not JSON; restore it from a backup") from error
    if stat.S_IMODE(mode) & 0o077:
        raise CloudflareError(f"record_file {path} holds secrets and can be read by others; run: chmod 600 {path}")
    if not _known(held):
        raise CloudflareError(f"record_file {path} is none of this version; restore it from a backup")
    return Record(**{**held, "hostnames": tuple(held.get("hostnames", ()))})


def _known(held: Any) -> bool:
    kinds: dict[str, type] = {"version": int, "made": bool, "rotating": bool, "hostnames": list}
    names = {item.name for item in fields(Record)}
    return (
        isinstance(held, dict)
        and held.get("version") == VERSION
        and all(key in names and isinstance(value, kinds.get(key, str)) for key, value in held.items())
        and all(isinstance(name, str) for name in held.get("hostnames", ()))
    )


def write(path: str, record: Record) -> None:
    """Replace the file as a whole; it is on the disk when this returns."""
    # A name that stays the same: what a killed run leaves, secrets in it, is overwritten by the next one.
    new = f"{path}.new"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        descriptor = os.open(new, flags, MODE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, MODE)
            json.dump(asdict(record), file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(descriptor)
        os.replace(new, path)
        _sync(os.path.dirname(path) or ".")
    except OSError as error:
        raise CloudflareError(
            f"record_file {path} cannot be written ({error.strerror}); correct its directory and run again"
        ) from error


def remove(path: str) -> None:
    try:
        for name in (path, f"{path}.new"):
            if os.path.lexists(name):
                os.unlink(name)
    except OSError as error:
        raise CloudflareError(
            f"record_file {path} cannot be removed ({error.strerror}); correct its directory and run again"
        ) from error


def _sync(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
