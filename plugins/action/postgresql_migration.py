# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the SQL files on the control node as bytes: every other way there strips, decodes or templates them."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import shipped
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.packing import FILES, packed

# The one that is written in C is seven times faster, and not everywhere.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _unreadable(option: str, path: Path, error: OSError) -> AnsibleActionFail:
    return AnsibleActionFail(
        f"{option}: {path} cannot be read: {error.strerror}; nothing was changed; correct its mode or owner"
    )


def _readable(option: str, path: Path, want_directory: bool) -> Path:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        mode = 0
    except OSError as error:
        raise _unreadable(option, path, error) from None
    if want_directory and not stat.S_ISDIR(mode):
        raise AnsibleActionFail(
            f"{option}: {path} is not a directory on the control node; nothing was changed; "
            "give the one with the *.sql files"
        )
    if not want_directory and not stat.S_ISREG(mode):
        raise AnsibleActionFail(
            f"{option}: {path} is not a file on the control node; nothing was changed; write it or correct the path"
        )
    return path


def _bytes(option: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(option, path, error) from None


def sql_files(option: str, directory: Path) -> list[dict[str, str]]:
    """Each SQL file of a directory as {name, packed content}; 003_x.SQL too, or nobody would miss it."""
    folder = _readable(option, directory, want_directory=True)
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".sql")
    except OSError as error:
        raise _unreadable(option, folder, error) from None
    return [{"name": path.name, "content": packed(_bytes(option, path))} for path in paths]


def _twice(node: yaml.Node | None) -> yaml.ScalarNode | None:
    """The first key that its mapping already has: the content of the one before would be lost without a word."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, _value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                return key
            seen.add(str(key.value))
    below = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else []
    below += node.value if isinstance(node, yaml.SequenceNode) else []
    return next((found for found in map(_twice, below) if found is not None), None)


def yaml_file(option: str, path: Path) -> Any:
    raw = _bytes(option, _readable(option, path, want_directory=False))
    try:
        loader = _Loader(raw)
        node = loader.get_single_node()
        twice = _twice(node)
        if twice is None:
            return None if node is None else loader.construct_document(node)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise AnsibleActionFail(
            f"{option}: {path} is not YAML: {' '.join(str(error).split())}; nothing was changed; correct the file"
        ) from None
    line = twice.start_mark.line + 1
    raise AnsibleActionFail(
        f"{option}: {path}:{line}: {twice.value} is there twice in one mapping; nothing was changed; "
        "put the two together"
    )


def access_files(directory: Path) -> dict[str, Any]:
    roles = directory / "roles.yml"
    found: dict[str, Any] = {"files": sql_files("access", directory)}
    if roles.exists():
        found["roles"] = yaml_file("access", roles)
    return found


def json_file(option: str, path: Path) -> dict[str, Any]:
    """The shipped state, packed: unlike the others it is large and hardly ever looked into."""
    try:
        return shipped.pack(json.loads(_bytes(option, _readable(option, path, want_directory=False))))
    except ValueError as error:
        raise AnsibleActionFail(
            f"{option}: {path} is not JSON: {error}; nothing was changed; run: make expected"
        ) from None
    except MigrationError as error:
        raise AnsibleActionFail(f"{path}: {error}") from None


def read_option(option: str, path: Path) -> Any:
    """What the module is sent in place of a path."""
    if option == "migrations":
        return sql_files(option, path)
    if option == "access":
        return access_files(path)
    return json_file(option, path) if option == "expected" else yaml_file(option, path)


class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        given = dict(self._task.args)
        sent = dict(given)
        for option in FILES:
            value = given.get(option)
            if value is None:
                continue
            if not isinstance(value, str):
                raise AnsibleActionFail(
                    f"{option} is a {type(value).__name__}, not a path; give a path on the control node"
                )
            sent[option] = read_option(option, Path(self._loader.path_dwim(value)))
        result.update(self._execute_module(module_args=sent, task_vars=task_vars))
        # The files themselves would fill every log.
        arguments = result.get("invocation", {}).get("module_args")
        if arguments:
            arguments.update({option: given[option] for option in FILES if option in given})
        return result
