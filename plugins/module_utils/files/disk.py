# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at the disk and writing to it. A kill at any step leaves the old file or the new one, never a part."""

from __future__ import annotations

import grp
import os
import pwd
import re
import secrets
import shutil
import stat

from ansible_collections.bestviable.portfolio.plugins.module_utils.files.model import (
    DIRECTORY,
    FILE,
    LINK,
    OTHER,
    Found,
)
from ansible_collections.bestviable.portfolio.plugins.module_utils.files.plan import Change

TEMPORARY = re.compile(r"\.portfolio-[0-9a-f]{16}\.tmp")
KIND = {stat.S_IFREG: FILE, stat.S_IFDIR: DIRECTORY, stat.S_IFLNK: LINK}


def look(path: str) -> Found:
    """What is at a path; links are not followed."""
    try:
        there = os.lstat(path)
    except FileNotFoundError:
        return Found()
    except OSError as error:
        return Found(kind=OTHER, error=error.strerror)
    kind = KIND.get(stat.S_IFMT(there.st_mode), OTHER)
    content = None
    if kind == FILE:
        try:
            content = _read(path)
        except OSError as error:
            return Found(kind=OTHER, error=error.strerror)
    return Found(kind, there.st_uid, there.st_gid, stat.S_IMODE(there.st_mode), there.st_mtime, content)


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as handle:
        return handle.read()


def user_id(name: str) -> int | None:
    """A number stands for itself, known to the server or not: it may be the user of a container."""
    if name.isdecimal():
        return int(name)
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def group_id(name: str) -> int | None:
    if name.isdecimal():
        return int(name)
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def may_own(uid: int, gid: int) -> bool:
    """Whether this process can give a file to them."""
    return os.geteuid() == 0 or (uid == os.geteuid() and gid in {os.getegid(), *os.getgroups()})


def leftovers(directories: set[str]) -> list[str]:
    """Temporary files of a run that was killed."""
    found = [(directory, name) for directory in directories for name in entries(directory)]
    return sorted(os.path.join(directory, name) for directory, name in found if TEMPORARY.fullmatch(name))


def entries(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def remove(path: str) -> None:
    os.unlink(path)


def apply(change: Change) -> None:
    """Make one entry what it shall be. Its owner and group are known here."""
    if change.uid is None or change.gid is None:
        raise ValueError(f"owner or group of {change.wanted.path} is not known")
    wanted = change.wanted
    if wanted.is_directory and change.created:
        _make_directory(wanted.path, change.uid, change.gid, wanted.mode)
    elif change.content_changed:
        replace(wanted.path, wanted.content or b"", change.uid, change.gid, wanted.mode)
    else:
        _set_attributes(wanted.path, change.uid, change.gid, wanted.mode)


def _make_directory(path: str, uid: int, gid: int, mode: int) -> None:
    os.mkdir(path, 0o700)
    _set_attributes(path, uid, gid, mode)
    sync_directory(os.path.dirname(path))


def replace(path: str, content: bytes, uid: int, gid: int, mode: int, model: str | None = None) -> None:
    """A whole file below another name first. `model` is one whose extended attributes (ACL, label) it takes over."""
    directory = os.path.dirname(path) or "."
    temporary = os.path.join(directory, f".portfolio-{secrets.token_hex(8)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
            handle.flush()
            # Owner and mode before the name: nobody ever sees the new content with the wrong ones.
            os.fchown(handle.fileno(), uid, gid)
            if model:
                shutil.copystat(model, temporary)
                os.utime(handle.fileno())
            os.fchmod(handle.fileno(), mode)
            os.fsync(handle.fileno())
        os.rename(temporary, path)
    except BaseException:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        raise
    sync_directory(directory)


def _set_attributes(path: str, uid: int, gid: int, mode: int) -> None:
    # Through a descriptor, so that nobody can put a link there in between.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        # The owner first: changing it clears setuid bits.
        os.fchown(descriptor, uid, gid)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def sync_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
