# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How files come from the control node to the server. It imports next to nothing: the control node needs only this."""

from __future__ import annotations

import base64
import zlib

# The options whose file or directory is read on the control node; the module gets the content.
FILES = ("migrations", "access", "assertions", "expected")


def packed(raw: bytes) -> str:
    """Bytes as part of a module's arguments, which are JSON, and of which Ansible makes several copies."""
    return base64.b64encode(zlib.compress(raw)).decode("ascii")


def unpacked(content: str) -> bytes:
    """The bytes again; binascii.Error or zlib.error where that is not what it is."""
    return zlib.decompress(base64.b64decode(content, validate=True))
