# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes as Ansible shows them: one entry a file, and never a byte of a secret. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ansible_collections.bestviable.portfolio.plugins.module_utils.files.plan import Change

Namer = Callable[[int], str]
NOT_OURS = "is not ours, but is read with our files"
UNKNOWN_REMEDY = "remove it if it is not there on purpose"


def diff_entry(change: Change, user_name: Namer, group_name: Namer) -> dict[str, str]:
    """Attributes that differ as lines before the content; the content only where it differs."""
    wanted, found = change.wanted, change.found
    lines = {
        "owner": (user_name(found.uid), wanted.owner),
        "group": (group_name(found.gid), wanted.group),
        "mode": (f"{found.mode:04o}", f"{wanted.mode:04o}"),
    }
    before, after = "", ""
    for name in change.attributes:
        old, new = lines[name]
        before += "" if change.created else f"{name}: {old}\n"
        after += f"{name}: {new}\n"
    if not wanted.is_directory:
        old_content, new_content = _contents(change)
        before += old_content
        after += new_content
    absent = f"{wanted.path} (absent)"
    return {
        "before": before,
        "after": after,
        "before_header": absent if change.created else wanted.path,
        "after_header": wanted.path,
    }


def effects(
    changes: Iterable[Change], leftovers: Iterable[str], unknown: Iterable[str], user_name: Namer, group_name: Namer
) -> list[dict[str, str]]:
    """The same for a plan: one entry a path, as module `effect` describes it."""
    found = [_effect(path, "left over from an interrupted run") for path in leftovers]
    found += [
        _effect(change.wanted.path, _difference(change, user_name, group_name)) for change in changes if change.changed
    ]
    return found + [{**_effect(path, NOT_OURS), "effect": "left", "remedy": UNKNOWN_REMEDY} for path in unknown]


def _effect(path: str, detail: str) -> dict[str, str]:
    return {"effect": "change", "object": path, "detail": detail}


def _difference(change: Change, user_name: Namer, group_name: Namer) -> str:
    if change.created:
        return "missing"
    wanted, found = change.wanted, change.found
    phrases = {
        "owner": f"owner {user_name(found.uid)} instead of {wanted.owner}",
        "group": f"group {group_name(found.gid)} instead of {wanted.group}",
        "mode": f"mode {found.mode:04o} instead of {wanted.mode:04o}",
    }
    return ", ".join((["content"] if change.content_changed else []) + [phrases[name] for name in change.attributes])


def leftover_entry(path: str) -> dict[str, str]:
    return {
        "before": "left over from an interrupted run\n",
        "after": "",
        "before_header": path,
        "after_header": f"{path} (absent)",
    }


def _contents(change: Change) -> tuple[str, str]:
    if change.wanted.secret:
        if not change.content_changed:
            return "<secret, unchanged>\n", "<secret, unchanged>\n"
        return ("" if change.created else "<secret, old>\n"), "<secret, new>\n"
    if not change.content_changed:
        return "", ""
    return _text(change.found.content), _text(change.wanted.content)


def _text(content: bytes | None) -> str:
    try:
        return (content or b"").decode()
    except UnicodeDecodeError:
        return f"<{len(content or b'')} bytes that are not text>\n"
