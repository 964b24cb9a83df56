# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup file: is there room, how it is written, and that it has its name only once it was read to its end."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.errors import MigrationError
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.session import Target

# What stays free for everything else on that disk, the server's own write-ahead log first.
MARGIN = 100 * 1024 * 1024
_MB = 1024 * 1024
# A long dump must not look like a run that is gone (the run's lease lives for ten minutes).
_RENEWAL = 60.0
_PARTIAL = ".partial"
_TABLE_DATA = re.compile(r"^\d+; \d+ \d+ TABLE DATA (\S+) (.+) \S+$", re.MULTILINE)


@dataclass(frozen=True)
class Client:
    """PostgreSQL's own programs, where the server has them, in its container; or beside us, for one far away."""

    # What stands before the program: how it is run.
    prefix: tuple[str, ...]
    user: str
    database: str
    # Called now and then while a program runs.
    alive: Callable[[], None]
    # The server that is far away, where the programs log in as the owner of the schemas and nobody is a superuser.
    address: str | None = None

    def words(self, program: str, *options: str) -> list[str]:
        """The command line of one program."""
        return [*self.prefix, program, *options]

    def login(self) -> list[str]:
        """Not by a password: the container's own user, over the socket. One of the address stands in its passfile."""
        if self.address is not None:
            return ["--dbname", self.address, "--no-password"]
        return ["--username", self.user, "--dbname", self.database, "--no-password"]

    def run(self, words: Sequence[str], given: IO[bytes] | int, taken: IO[bytes] | int) -> tuple[int, str]:
        """Exit code and what it said, at its end."""
        with tempfile.TemporaryFile() as said:
            try:
                process = subprocess.Popen(words, stdin=given, stdout=taken, stderr=said)
            except OSError as error:
                raise MigrationError(
                    f"{words[0]} cannot be run: {error.strerror}; nothing was changed; install it"
                ) from None
            self.wait(process)
            return process.returncode, told(said)

    def wait(self, process: subprocess.Popen[bytes]) -> None:
        """Until its end, however long that takes; what `alive` raises ends it."""
        try:
            while True:
                try:
                    process.wait(_RENEWAL)
                    return
                except subprocess.TimeoutExpired:
                    self.alive()
        except BaseException:
            process.kill()
            process.wait()
            raise


def address_of(target: Target, passfile: Path) -> str:
    """As libpq reads it; the password goes into a file, for a command line can be read by everybody."""
    kept = target.passfile if target.password is None else None
    parts = {
        "host": target.host,
        "port": str(target.port),
        "user": target.user,
        "dbname": target.database,
        "sslmode": target.ssl_mode,
        "sslrootcert": target.ca_cert,
        "passfile": kept or str(passfile),
    }
    if kept is None:
        password = re.sub(r"([\\:])", r"\\\1", target.password or "")
        passfile.touch(mode=0o600)
        passfile.write_text(f"*:*:*:*:{password}\n", encoding="utf-8")
    quoted = {name: re.sub(r"(['\\])", r"\\\1", value) for name, value in parts.items() if value}
    return " ".join(f"{name}='{value}'" for name, value in quoted.items())


def told(said: IO[bytes]) -> str:
    """What a program wrote, as one line."""
    said.seek(0)
    return " ".join(said.read().decode(errors="replace").split())[:1000]


def name_of(database: str, run: str, now: float) -> str:
    """`portfolio-20260101T120000Z-0b7e1c2d.dump`: sorted by time, with the beginning of the run's id."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    return f"{database}-{stamp}-{re.sub(r'[^A-Za-z0-9]', '', run)[:8]}.dump"


def room(directory: Path) -> int:
    """Free bytes where the file is to be, also before its directory is there."""
    while not directory.exists():
        directory = directory.parent
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def refuse_no_room(directory: Path, size: int, free: int) -> None:
    """A compressed dump is smaller than the database that it is of; how much smaller nobody knows before."""
    if free < size + MARGIN:
        raise MigrationError(
            f"{directory} has {free // _MB} MB free, and a backup needs up to {(size + MARGIN) // _MB} MB "
            f"(the database has {size // _MB} MB, {MARGIN // _MB} MB stay free); nothing was changed; "
            "free disk space there and run again"
        )


def tables_of(listing: str) -> set[tuple[str, str]]:
    """Schema and name of each table whose rows are in a backup, from `pg_restore --list`."""
    return set(_TABLE_DATA.findall(listing))


def read_listing(client: Client, path: Path) -> set[tuple[str, str]]:
    """The tables whose rows the file says it has."""
    with path.open("rb") as file, tempfile.TemporaryFile() as listing:
        code, said = client.run(client.words("pg_restore", "--list"), file, listing)
        if code:
            raise MigrationError(
                f"{path} is no backup that can be read ({said}); nothing was changed; give another file"
            )
        listing.seek(0)
        return tables_of(listing.read().decode(errors="replace"))


def _verify(client: Client, path: Path, tables: Iterable[tuple[str, str]]) -> None:
    # The list stands at the file's beginning; only who reads to the end knows that the rows are there too.
    with path.open("rb") as file:
        code, said = client.run(client.words("pg_restore", "--file=/dev/null"), file, subprocess.DEVNULL)
    if code:
        raise MigrationError(f"the backup cannot be read to its end ({said}); nothing was changed; run again")
    missing = sorted(set(tables) - read_listing(client, path))
    if missing:
        raise MigrationError(f"the backup lacks the rows of {'.'.join(missing[0])}; nothing was changed; run again")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _dump(client: Client, path: Path, only: Iterable[str]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        schemas = [f"--schema={schema}" for schema in only]
        words = client.words("pg_dump", "--format=custom", "--lock-wait-timeout=10s", *schemas, *client.login())
        code, said = client.run(words, subprocess.DEVNULL, file)
    if code:
        raise MigrationError(
            f"the backup could not be written ({said}); nothing was changed; correct that and run again"
        )


def write(client: Client, path: Path, tables: Iterable[tuple[str, str]], only: Iterable[str] = ()) -> int:
    """Write the file, read it again, give it its name for good; its size. Leaves nothing behind when it fails.

    `only`: schemas, where the whole database is not for this login to read.
    """
    path.parent.mkdir(mode=0o700, exist_ok=True)
    for leftover in path.parent.glob(f".*{_PARTIAL}"):  # of a killed run
        leftover.unlink()
    partial = path.with_name(f".{path.name}{_PARTIAL}")
    try:
        _dump(client, partial, only)
        _sync(partial)
        _verify(client, partial, tables)
        partial.rename(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync(path.parent)
    _sync(path.parent.parent)
    return path.stat().st_size
