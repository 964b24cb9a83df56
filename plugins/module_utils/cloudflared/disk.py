# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration's file: read, backed up, replaced as a whole with owner, mode and extended attributes kept."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from datetime import datetime, timezone

from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import Refused
from ansible_collections.bestviable.portfolio.plugins.module_utils.files import disk as files

STAMP = "%Y%m%dT%H%M%S.%fZ"
STAMPED = r"\.\d{8}T\d{6}\.\d{6}Z\.bak"


@dataclass(frozen=True)
class Found:
    content: bytes
    mtime: float
    uid: int
    gid: int
    mode: int


@dataclass(frozen=True)
class Attributes:
    """Of a new file; one that is there keeps its own."""

    uid: int
    gid: int
    mode: int


def real_path(path: str) -> str:
    """The file itself: replacing a link would leave what it points to, and who reads that, behind."""
    if not os.path.isabs(path):
        raise Refused(f"{path} is not a full path; write it from / on")
    return os.path.realpath(path)


def look(path: str) -> Found | None:
    """None where there is no file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Refused(f"{path} cannot be read ({error.strerror}); run as root, or correct the path") from error
    there = os.fstat(descriptor)
    if not stat.S_ISREG(there.st_mode):
        os.close(descriptor)
        raise Refused(f"{path} is not a file; correct the path")
    with os.fdopen(descriptor, "rb") as handle:
        return Found(handle.read(), there.st_mtime, there.st_uid, there.st_gid, stat.S_IMODE(there.st_mode))


def attributes(owner: str, group: str, mode: str) -> Attributes:
    uid, gid = files.user_id(owner), files.group_id(group)
    if uid is None or gid is None:
        raise Refused(f"the owner {owner} or the group {group} does not exist on this server; give a number")
    if not re.fullmatch(r"0?[0-7]{3}", mode):
        raise Refused(f"mode is {mode}; write it as an octal number in quotes, such as '0644'")
    return Attributes(uid, gid, int(mode, 8))


def replace(path: str, found: Found | None, content: bytes, new: Attributes, keep: int) -> str | None:
    """Write the file, after a copy of the old one. A kill at any step leaves the old file or the new one whole."""
    try:
        for name in files.leftovers({os.path.dirname(path)}):
            files.remove(name)
        backup = _backed_up(path, found) if found and keep else None
        if look(path) != found:
            raise Refused(f"{path} was changed by somebody else in the meantime; run again")
        kept = Attributes(found.uid, found.gid, found.mode) if found else new
        files.replace(path, content, kept.uid, kept.gid, kept.mode, model=path if found else None)
        for name in _backups(path)[: -keep or None] if backup else ():
            files.remove(name)
    except OSError as error:
        raise Refused(f"{path} cannot be written ({error.strerror}); correct the cause and run again") from error
    return backup


def remove(path: str, found: Found) -> None:
    """The file and what we left beside it."""
    if look(path) != found:
        raise Refused(f"{path} was changed by somebody else in the meantime; run again")
    try:
        for name in [*files.leftovers({os.path.dirname(path)}), *_backups(path), path]:
            files.remove(name)
    except OSError as error:
        raise Refused(f"{path} cannot be removed ({error.strerror}); correct the cause and run again") from error


def _backed_up(path: str, found: Found) -> str:
    backup = f"{path}.{datetime.now(timezone.utc).strftime(STAMP)}.bak"
    files.replace(backup, found.content, found.uid, found.gid, found.mode, model=path)
    return backup


def _backups(path: str) -> list[str]:
    directory, name = os.path.split(path)
    pattern = re.compile(re.escape(name) + STAMPED)
    return [os.path.join(directory, entry) for entry in files.entries(directory) if pattern.fullmatch(entry)]
