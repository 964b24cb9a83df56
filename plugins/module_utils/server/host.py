# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the machine: files, /proc, disk. Nothing here fails for something that is not there."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import pwd
import stat
import subprocess
from collections.abc import Iterable
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.server import host_parse

MARKER_LIMIT = 65536
LIBRARIES = ("psycopg2", "yaml", "requests", "apt")
# Where PGDATA is inside the data volume (decision 11), and what a file system puts beside it by itself.
PGDATA = "pgdata"
# Beside it: space that a full disk gets back (roles/postgres_erp/tasks/ballast.yml).
BALLAST = "ballast"
NOT_DATA = {"lost+found", BALLAST}
DATA_KEYS = ("empty", "pg_version", "system_identifier", "path", "total_mb", "free_mb", "ballast_mb")
FILE_TYPES = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link"}


def read_bytes(path: str, limit: int = -1) -> bytes:
    with open(path, "rb") as handle:
        return handle.read(limit)


def read_text(path: str) -> str:
    """A file of the kernel or the distribution; empty where there is none."""
    try:
        return read_bytes(path).decode(errors="replace")
    except OSError:
        return ""


def distribution() -> dict[str, str | None]:
    return host_parse.parse_os_release(read_text("/etc/os-release") or read_text("/usr/lib/os-release"))


def init_system() -> str:
    """systemd's own test for being booted with it."""
    return "systemd" if os.path.isdir("/run/systemd/system") else "none"


def units(names: list[str]) -> dict[str, dict[str, bool] | None]:
    """What systemd says about units, in one question."""
    if not names or init_system() != "systemd":
        return dict.fromkeys(names)
    command = ["systemctl", "show", f"--property={','.join(host_parse.UNIT_PROPERTIES)}", *names]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    return dict.fromkeys(names) | host_parse.parse_units(said)


def libraries() -> dict[str, bool]:
    return {name: importlib.util.find_spec(name) is not None for name in LIBRARIES}


def home() -> str:
    """Where the CLI of this user looks for its settings; root's home for a user that the server does not know."""
    try:
        return os.environ.get("HOME") or pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        return "/root"


def disk(path: str) -> dict[str, Any]:
    """The file system that holds `path`, or its nearest parent that exists."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    figures = os.statvfs(path)
    return {
        "path": path,
        "total_mb": figures.f_blocks * figures.f_frsize // 2**20,
        "free_mb": figures.f_bavail * figures.f_frsize // 2**20,
    }


def allocated_mb(path: str) -> int:
    """What a file takes on its disk, which a file with holes does not; a link leads nowhere here."""
    try:
        return os.lstat(path).st_blocks * 512 // 2**20
    except OSError:
        return 0


def describe_file(path: str) -> dict[str, Any] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return {
        "type": FILE_TYPES.get(stat.S_IFMT(found.st_mode), "other"),
        "uid": found.st_uid,
        "gid": found.st_gid,
        "mode": f"{stat.S_IMODE(found.st_mode):04o}",
        "mtime": found.st_mtime,
    }


def checksum(path: str) -> dict[str, Any] | None:
    """What tells whether an ordinary file is as it shall be."""
    found = describe_file(path)
    if found is None or found["type"] != "file":
        return None
    try:
        content = read_bytes(path)
    except OSError:
        return None
    return {"sha256": hashlib.sha256(content).hexdigest(), **{key: found[key] for key in ("uid", "gid", "mode")}}


def read_marker(path: str) -> dict[str, Any] | None:
    """A small JSON object; a file that is none is an error to be shown, never the same as no file."""
    try:
        found = json.loads(read_bytes(path, MARKER_LIMIT))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return {"error": f"{path} cannot be read: {error.strerror}"}
    except ValueError:
        return {"error": f"{path} does not hold JSON"}
    return found if isinstance(found, dict) else {"error": f"{path} does not hold a JSON object"}


def data_directory(mountpoint: str | None) -> dict[str, Any]:
    """What the data volume holds, read from outside: the server may be stopped, and its image may be missing."""
    described: dict[str, Any] = dict.fromkeys(DATA_KEYS)
    if mountpoint is None:
        return described
    try:
        described["empty"] = not set(os.listdir(mountpoint)) - NOT_DATA
    except OSError:
        return described
    figures = disk(mountpoint)
    described |= {"path": figures["path"], "free_mb": figures["free_mb"], "total_mb": figures["total_mb"]}
    described["ballast_mb"] = allocated_mb(os.path.join(mountpoint, BALLAST))
    pgdata = os.path.join(mountpoint, PGDATA)
    described["pg_version"] = read_text(os.path.join(pgdata, "PG_VERSION")).strip() or None
    try:
        control = read_bytes(os.path.join(pgdata, "global", "pg_control"), 8)
    except OSError:
        return described
    described["system_identifier"] = host_parse.parse_system_identifier(control)
    return described


def ports(wanted: Iterable[int], publishers: list[dict[str, Any]]) -> dict[str, dict[str, Any] | None]:
    """Who listens on each port: a process, and the container if Docker publishes it (with or without its proxy)."""
    listeners = [
        listener
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for listener in host_parse.parse_listeners(read_text(table))
    ]
    holders = {port: [listener for listener in listeners if listener.port == port] for port in wanted}
    pids = _owners({listener.inode for group in holders.values() for listener in group})
    return {str(port): _occupant(port, group, pids, publishers) for port, group in holders.items()}


def _occupant(
    port: int, listeners: list[host_parse.Listener], pids: dict[str, int], publishers: list[dict[str, Any]]
) -> dict[str, Any] | None:
    published = next((row for row in publishers if row["host_port"] == port), None)
    container = published["container"] if published else None
    if listeners:
        pid = pids.get(listeners[0].inode)
        process = None if pid is None else read_text(f"/proc/{pid}/comm").strip() or None
        return {"address": listeners[0].address, "process": process, "pid": pid, "container": container}
    if published:
        return {"address": published["host_ip"], "process": None, "pid": None, "container": container}
    return None


def _owners(inodes: set[str]) -> dict[str, int]:
    """The process of each socket: every open file of every process is looked at, so only when a socket was found."""
    owners: dict[str, int] = {}
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    if not wanted:
        return owners
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            links = [os.readlink(descriptor.path) for descriptor in os.scandir(f"/proc/{entry}/fd")]
        except OSError:
            # Ended meanwhile, or somebody else's and we are not root.
            continue
        for link in links:
            if link in wanted:
                owners.setdefault(wanted[link], int(entry))
        if len(owners) == len(wanted):
            break
    return owners
