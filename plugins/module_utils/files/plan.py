# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what is wanted and what is there to one list of changes: it feeds report, check mode and writing alike. Pure."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ansible_collections.bestviable.portfolio.plugins.module_utils.files.model import (
    ABSENT,
    DIRECTORY,
    FILE,
    SHORTEST_SECRET,
    Found,
    Wanted,
)

REFERENCE = re.compile(rb"@SECRET:([A-Za-z0-9_.-]+)@")
REFERENCE_START = b"@SECRET:"
KINDS = {"link": "a symbolic link", DIRECTORY: "a directory", FILE: "a file", "other": "no ordinary file"}


@dataclass(frozen=True)
class Change:
    """One entry beside what is there. `uid` or `gid` is None where the name is not known (yet)."""

    wanted: Wanted
    found: Found
    uid: int | None
    gid: int | None

    @property
    def created(self) -> bool:
        return self.found.kind == ABSENT

    @property
    def content_changed(self) -> bool:
        return not self.wanted.is_directory and self.found.content != self.wanted.content

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes that differ; all of them where nothing is there yet."""
        if self.wanted.implied and not self.created:
            return ()
        pairs = {
            "owner": (self.found.uid, self.uid),
            "group": (self.found.gid, self.gid),
            "mode": (self.found.mode, self.wanted.mode),
        }
        return tuple(name for name, (before, after) in pairs.items() if self.created or before != after)

    @property
    def changed(self) -> bool:
        return self.content_changed or bool(self.attributes)


def problems(wanted: list[Wanted], found: Mapping[str, Found], parents: Mapping[str, bool]) -> list[str]:
    """One sentence for each entry that cannot be made. `parents` says which parent directories are there."""
    directories = {item.path for item in wanted if item.is_directory}
    names = {item.name for item in wanted if item.name}
    given = [item.content for item in wanted if item.name and item.content]
    sentences: list[str] = []
    for item in wanted:
        sentences += _place_problems(item, found[item.path], directories, parents)
        if item.content is not None and not item.name:
            sentences += _content_problems(item, names, given)
    return sentences


def _place_problems(item: Wanted, there: Found, directories: set[str], parents: Mapping[str, bool]) -> list[str]:
    expected = DIRECTORY if item.is_directory else FILE
    if there.error:
        return [f"{item.path} cannot be read ({there.error}); run as root or correct its parents"]
    if there.kind not in (ABSENT, expected):
        # Somebody may have moved the directory and left a link: following one that is not ours is not safe.
        if item.implied and there.kind == "link" and parents.get(item.path):
            return []
        return [f"{item.path} is {KINDS[there.kind]}, not {KINDS[expected]}; move it away or give another path"]
    if item.name and there.content is not None and not there.content.strip() and item.content is None:
        return [f"{item.path} of secret {item.name} is empty; remove it to have a new one generated, or restore it"]
    parent = os.path.dirname(item.path)
    if parent != "/" and parent not in directories and not parents.get(parent):
        return [f"the directory of {item.path} does not exist; add {parent} to directories"]
    return []


def _content_problems(item: Wanted, names: set[str], given: list[bytes]) -> list[str]:
    content = item.content or b""
    referred = [name.decode() for name in REFERENCE.findall(content)]
    unknown = sorted(set(referred) - names)
    if unknown:
        return [f"{item.path} refers to the unknown secret {unknown[0]}; add it to secrets or correct the name"]
    if REFERENCE_START in REFERENCE.sub(b"", content):
        return [f"{item.path} has a reference to a secret that is not closed; write it as @SECRET:name@"]
    if not item.secret and (referred or any(value in content for value in given)):
        return [f"{item.path} holds a secret; mark it with secret: true"]
    return []


def resolve(
    wanted: list[Wanted], found: Mapping[str, Found], generate: Callable[[int], str]
) -> tuple[list[Wanted], list[str]]:
    """Fill in the secrets: given, else kept, else generated; returns the entries and the generated names."""
    values: dict[str, bytes] = {}
    generated: list[str] = []
    complete: list[Wanted] = []
    for item in wanted:
        if item.name:
            content = item.content or found[item.path].content
            if content is None:
                content = generate(item.length).encode()
                generated.append(item.name)
            # An editor's final newline is not part of a secret.
            values[item.name] = content.rstrip(b"\r\n")
            item = replace(item, content=content)
        complete.append(item)
    return [_substituted(item, values) for item in complete], generated


def secret_values(complete: list[Wanted], found: Mapping[str, Found]) -> set[str]:
    """Every secret of this call, old and new, as Ansible shall mask it."""
    contents = [content for item in complete if item.name for content in (item.content, found[item.path].content)]
    texts = {content.decode(errors="replace").rstrip("\r\n") for content in contents if content}
    return {text for text in texts if len(text) >= SHORTEST_SECRET}


def _substituted(item: Wanted, values: Mapping[str, bytes]) -> Wanted:
    if item.content is None or item.name:
        return item
    return replace(item, content=REFERENCE.sub(lambda match: values[match.group(1).decode()], item.content))
