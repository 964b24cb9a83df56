# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A throwaway PostgreSQL server: its own directory, its own socket, gone after `stop()`."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg2
from psycopg2 import extensions

# The major version that the product runs on; a whole part of the tests can be run on the other one.
MAJOR = int(os.environ.get("PORTFOLIO_TEST_PG_MAJOR", "15"))
START_TIMEOUT = 30.0
TRUST = "local all all trust\nhost all all 127.0.0.1/32 trust\n"
# Nothing here outlives a test, so nothing has to survive a power cut.
THROWAWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "40",
    "autovacuum": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@cache
def binaries(major: int) -> Path:
    """The programs of this machine's own PostgreSQL 15, or of a 17, which the lab brings where it is not there yet."""
    if major == 15:
        return Path(os.environ.get("PORTFOLIO_TEST_PG_BIN", "/usr/lib/postgresql/15/bin"))
    script = Path(__file__).parent / "lab" / f"postgresql{major}"
    return Path(subprocess.run([script], check=True, stdout=subprocess.PIPE, text=True).stdout.strip())


BINARIES = binaries(MAJOR)


def as_server_user() -> list[str]:
    """The command prefix under which a server starts: PostgreSQL refuses to run as root."""
    # The death signal ends the server with the test process, even when that one is killed.
    prefix = ["setpriv", "--pdeathsig=INT"]
    if os.geteuid() == 0:
        prefix += ["--reuid=postgres", "--regid=postgres", "--clear-groups"]
    return [*prefix, "--"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Cluster:
    """initdb and postgres in a temporary directory; superuser `postgres`; starts on creation.

    settings: server settings over THROWAWAY; hba: the whole of pg_hba.conf; ident: the whole of pg_ident.conf;
    tcp: listen as well, on 127.0.0.1 or the address `listen`; checksums: data checksums as on the real server;
    standby_of: a hot standby of another cluster, which has to let replication in; major: of PostgreSQL.
    """

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        hba: str = TRUST,
        ident: str = "",
        tcp: bool = False,
        checksums: bool = False,
        standby_of: Cluster | None = None,
        major: int = MAJOR,
        listen: str = "127.0.0.1",
    ) -> None:
        self.major = major
        self.binaries = binaries(major)
        # Not below pytest's own directory: a socket's path may have 107 characters.
        self.directory = Path(tempfile.mkdtemp(prefix="portfolio-pg-"))
        self.data = self.directory / "data"
        self.log = self.directory / "server.log"
        self.port = free_port() if tcp else 5432
        self.tcp = tcp
        self.listen = listen
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            shutil.chown(self.directory, "postgres", "postgres")
        try:
            if standby_of is None:
                self._initdb(checksums)
            else:
                self._copy(standby_of)
            self.configure({**THROWAWAY, **(settings or {})}, hba, ident)
            self.start()
        except BaseException:
            self.stop()
            raise

    @property
    def socket_directory(self) -> str:
        return str(self.directory)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("the server is not running: call start() first")
        return self._process.pid

    def _initdb(self, checksums: bool) -> None:
        command = [
            *as_server_user(),
            str(self.binaries / "initdb"),
            "--pgdata",
            str(self.data),
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "--no-instructions",
        ]
        self._make(command + (["--data-checksums"] if checksums else []))
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as handle:
            handle.write("include 'test.conf'\n")

    def _copy(self, primary: Cluster) -> None:
        source = ["--dbname", primary.dsn(), "--pgdata", str(self.data)]
        how = ["--write-recovery-conf", "--checkpoint=fast", "--no-sync"]
        self._make([*as_server_user(), str(self.binaries / "pg_basebackup"), *source, *how])

    def _make(self, command: list[str]) -> None:
        result = subprocess.run(
            command, cwd="/", check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if result.returncode:
            raise RuntimeError(f"no data directory was made in {self.data}: {result.stdout[-2000:]}")

    def configure(self, settings: Mapping[str, str], hba: str = TRUST, ident: str = "") -> None:
        """Write the three configuration files; a running server reads them at its next start or reload."""
        fixed = {
            "listen_addresses": self.listen if self.tcp else "",
            "port": str(self.port),
            "unix_socket_directories": self.socket_directory,
        }
        lines = [f"{name} = '{value}'\n" for name, value in {**settings, **fixed}.items()]
        # Beside initdb's postgresql.conf; postgresql.auto.conf stays empty, it belongs to ALTER SYSTEM.
        for name, content in (("test.conf", "".join(lines)), ("pg_hba.conf", hba), ("pg_ident.conf", ident)):
            (self.data / name).write_text(content, encoding="utf-8")

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*as_server_user(), str(self.binaries / "postgres"), "-D", str(self.data)],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_TIMEOUT
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                tail = self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise RuntimeError(f"the test server in {self.directory} did not start: {tail}")
            time.sleep(0.02)

    def _ready(self) -> bool:
        # The last line of postmaster.pid is what pg_ctl waits for; it needs no login, whatever pg_hba.conf says.
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="ascii").splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def reload(self) -> None:
        os.kill(self.pid, signal.SIGHUP)

    def halt(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server and keep its data (SIGINT fast, SIGQUIT immediate: recovery at the next start)."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            self._process.wait(timeout=START_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def stop(self) -> None:
        """Stop the server and remove everything; safe to call twice."""
        self.halt(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)

    def dsn(self, user: str = "postgres", dbname: str = "postgres", **options: str | int) -> str:
        """A libpq connection string over the socket; give host="127.0.0.1" for TCP."""
        parts = {"host": self.socket_directory, "port": self.port, "user": user, "dbname": dbname, **options}
        return extensions.make_dsn(**{name: str(value) for name, value in parts.items()})

    def connect(
        self, user: str = "postgres", dbname: str = "postgres", autocommit: bool = False, **options: str | int
    ) -> extensions.connection:
        connection = psycopg2.connect(self.dsn(user, dbname, **options))
        connection.autocommit = autocommit
        return connection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
