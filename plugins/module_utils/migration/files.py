# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQL files as they came from the control node: strict reading, checksum, order."""

from __future__ import annotations

import binascii
import hashlib
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import alone
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.packing import unpacked
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.refusals import refuse_any
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.splitter import Statement, split

ALGORITHM = "sha256-lf-1"
_NAME = re.compile(r"(?P<version>[0-9]{3})_(?P<name>[a-z0-9_]+)\.sql")
_BOM = "\ufeff"

Warn = Callable[[str], None]


@dataclass(frozen=True)
class Script:
    """One SQL file: its text after normalisation, the checksum of that text, its statements."""

    file: str
    text: str
    checksum: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class Migration(Script):
    version: str
    name: str
    # What the statement of a file without a transaction is about.
    subject: alone.Subject | None = None


def normalise(file: str, raw: bytes, warn: Warn) -> str:
    """Strict UTF-8; no BOM, LF, exactly one final newline. Nothing else is touched: comments and spaces count."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise MigrationError(
            f"{file}:{line}: not UTF-8 (byte 0x{raw[error.start]:02x} at offset {error.start}); "
            "nothing was changed; save the file as UTF-8 and run again",
            error={"file": file, "line": line, "offset": error.start},
        ) from None
    nul = text.find("\0")
    if nul >= 0:
        line = text.count("\n", 0, nul) + 1
        raise MigrationError(
            f"{file}:{line}: a NUL character cannot be part of SQL; nothing was changed; remove it and run again",
            error={"file": file, "line": line},
        )
    if text.startswith(_BOM):
        warn(f"{file} begins with a byte order mark, which is ignored; save it as UTF-8 without one")
        text = text[1:]
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"


def checksum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _entries(argument: Any, what: str) -> list[tuple[str, bytes]]:
    """Decode what the action plugin sent: a list of {name, packed content}."""
    if not isinstance(argument, list):
        raise MigrationError(
            f"{what} must be read on the control node; call the module through its action plugin, "
            "which ansible does by itself for bestviable.portfolio.postgresql_migration"
        )
    try:
        return [(str(entry["name"]), unpacked(entry["content"])) for entry in argument]
    except (KeyError, TypeError, binascii.Error, zlib.error):
        raise MigrationError(f"{what} is not a list of name and packed content; give the path of a directory") from None


def _script(file: str, raw: bytes, warn: Warn) -> Script:
    text = normalise(file, raw, warn)
    statements = split(file, text)
    if not statements:
        raise MigrationError(f"{file} holds no statement; nothing was changed; write one or remove the file")
    return Script(file, text, checksum(text), tuple(statements))


def _subject(script: Script, first: bool) -> alone.Subject | None:
    """None for a file that is part of the run's transaction; what such a file must not hold is refused."""
    if not alone.marked(script.file, script.text):
        refuse_any(script.file, script.text, list(script.statements))
        return None
    if first:
        raise MigrationError(
            f"{script.file} has to create what others work on, and that is part of the run's transaction; "
            "nothing was changed; remove its mark no-transaction"
        )
    return alone.subject_of(script.file, script.text, script.statements)


def migrations(argument: Any, warn: Warn) -> list[Migration]:
    """The migrations in order, complete from 001 on, or MigrationError."""
    result: list[Migration] = []
    for file, raw in sorted(_entries(argument, "migrations")):
        parts = _NAME.fullmatch(file)
        if parts is None:
            raise MigrationError(
                f"the name of migration {file} does not have the form 001_lower_case_name.sql; "
                "nothing was changed; rename it"
            )
        script = _script(file, raw, warn)
        subject = _subject(script, first=not result)
        result.append(Migration(**vars(script), version=parts["version"], name=parts["name"], subject=subject))
    _check_numbers(result)
    return result


def _check_numbers(found: list[Migration]) -> None:
    if not found:
        raise MigrationError(
            "the migrations directory holds no *.sql file; nothing was changed; give the directory that holds 001_….sql"
        )
    if found[0].version == "000":
        raise MigrationError(f"{found[0].file}: migrations are numbered from 001 on; nothing was changed; rename it")
    for number, migration in enumerate(found, start=1):
        if int(migration.version) == number:
            continue
        if int(migration.version) < number:
            raise MigrationError(
                f"{found[number - 2].file} and {migration.file} have the same number; "
                "nothing was changed; renumber one of them"
            )
        raise MigrationError(
            f"migration {number:03d} is missing: the next file is {migration.file}; "
            "nothing was changed; restore the missing file or renumber"
        )


def access_scripts(argument: Any, warn: Warn) -> list[Script]:
    """The convergent access files in the order of their names."""
    scripts = [_script(f"access/{file}", raw, warn) for file, raw in sorted(_entries(argument, "access"))]
    for script in scripts:
        refuse_any(script.file, script.text, list(script.statements))
    return scripts


def combined_checksum(scripts: list[Script]) -> str:
    return checksum("".join(f"{script.file} {script.checksum}\n" for script in scripts))
