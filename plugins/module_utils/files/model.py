# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted on the disk and what is there, as values. Pure."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

ABSENT = "absent"
DIRECTORY = "directory"
FILE = "file"
LINK = "link"
OTHER = "other"

SHORTEST_SECRET = 8
SECRET_BYTES = range(16, 65)
NAME = re.compile(r"[A-Za-z0-9_.-]+")
MODE = re.compile(r"[0-7]{3,4}")
IMPLIED_MODE = 0o755


@dataclass(frozen=True)
class Wanted:
    """One directory or file as it shall be. A secret without content is kept or generated."""

    path: str
    owner: str
    group: str
    mode: int
    is_directory: bool = False
    content: bytes | None = None
    secret: bool = False
    name: str | None = None
    length: int = 0
    implied: bool = False


@dataclass(frozen=True)
class Found:
    """What is at a path now. `error` says why it could not be read."""

    kind: str = ABSENT
    uid: int = -1
    gid: int = -1
    mode: int = 0
    mtime: float | None = None
    content: bytes | None = None
    error: str | None = None


def read(params: dict[str, Any]) -> tuple[list[Wanted], list[str]]:
    """The entries in the order in which they are made, and one sentence for each that cannot be understood."""
    wanted: list[Wanted] = []
    problems: list[str] = []
    for kind in ("directories", "secrets", "files"):
        for entry in params[kind]:
            found = _entry_problems(kind, entry)
            problems += found
            if not found:
                wanted.append(_entry(kind, entry))
    seen: set[str] = set()
    for item in wanted:
        if item.path in seen:
            problems.append(f"{item.path} is listed twice; keep one of the entries")
        seen.add(item.path)
    names = [item.name for item in wanted if item.name]
    doubled = sorted({name for name in names if names.count(name) > 1})
    problems += [f"secret {name} is listed twice; keep one of the entries" for name in doubled]
    directories = implied_directories(wanted) + [item for item in wanted if item.is_directory]
    # A parent's path is shorter than its child's.
    directories.sort(key=lambda item: len(item.path))
    return directories + [item for item in wanted if not item.is_directory], problems


def implied_directories(wanted: list[Wanted]) -> list[Wanted]:
    """Parents of the listed directories that are not listed themselves; they are only made, never changed."""
    listed = {item.path for item in wanted if item.is_directory}
    parents: set[str] = set()
    for path in listed:
        parent = os.path.dirname(path)
        while parent not in ("/", ""):
            parents.add(parent)
            parent = os.path.dirname(parent)
    made = sorted(parents - listed)
    return [Wanted(path, "root", "root", IMPLIED_MODE, is_directory=True, implied=True) for path in made]


def path_problem(path: str) -> str | None:
    if (
        not path.startswith("/")
        or path.startswith("//")
        or "\0" in path
        or os.path.normpath(path) != path
        or path == "/"
    ):
        return f"{path!r} is not a full path; write it from / on, without '..', doubled or final slashes"
    return None


def _entry_problems(kind: str, entry: dict[str, Any]) -> list[str]:
    path, mode = entry["path"], entry["mode"]
    problems = [problem for problem in [path_problem(path)] if problem]
    # YAML reads 0644 as the number 420, and nobody can tell which of the two was meant.
    if not isinstance(mode, str) or not MODE.fullmatch(mode):
        problems.append(f"the mode {mode!r} of {path} is not an octal number in quotes; write it like '0644'")
    problems += [f"{path} has no {key}; name one" for key in ("owner", "group") if not entry[key].strip()]
    if kind == "directories":
        return problems
    text = entry["content" if kind == "files" else "value"]
    if text is not None and not isinstance(text, str):
        problems.append(f"the content of {path} is not a string; use quotes, or a filter like to_nice_json")
        return problems
    if text and _encoded(text) is None:
        problems.append(f"the content of {path} is not UTF-8 text; write it as such")
    return problems + (_secret_problems(entry) if kind == "secrets" else [])


def _secret_problems(entry: dict[str, Any]) -> list[str]:
    problems = []
    name, value = entry["name"], entry["value"]
    if not NAME.fullmatch(name):
        problems.append(f"the secret name {name!r} is not made of letters, digits, '_', '.' and '-'; rename it")
    if value and len(value) < SHORTEST_SECRET:
        problems.append(f"the value of secret {name} has less than {SHORTEST_SECRET} characters; take a longer one")
    if entry["bytes"] not in SECRET_BYTES:
        limits = f"{SECRET_BYTES.start} to {SECRET_BYTES.stop - 1}"
        problems.append(f"secret {name} cannot have {entry['bytes']} bytes; take {limits}")
    return problems


def _entry(kind: str, entry: dict[str, Any]) -> Wanted:
    common = {"path": entry["path"], "owner": entry["owner"], "group": entry["group"], "mode": int(entry["mode"], 8)}
    if kind == "directories":
        return Wanted(**common, is_directory=True)
    if kind == "files":
        return Wanted(**common, content=_encoded(entry["content"]), secret=entry["secret"])
    # An empty value is an unset variable of the inventory: the secret is kept or generated.
    value = _encoded(entry["value"]) if entry["value"] else None
    return Wanted(**common, content=value, secret=True, name=entry["name"], length=entry["bytes"])


def _encoded(text: str) -> bytes | None:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None
