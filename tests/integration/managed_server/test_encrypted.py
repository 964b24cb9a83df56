# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A managed server by the URI that its provider shows and its CA certificate: nothing is said to anybody else."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.ansible_task import run_module
from tests.contract import COUNT as TABLES
from tests.documents.examples import examples
from tests.integration.managed_server.certificates import Authority
from tests.integration.managed_server.conftest import ADMIN, DATABASE, PASSWORD, managed
from tests.integration.postgresql_migration.driver import ROOT, Project, Result, interpreter
from tests.integration.postgresql_migration.test_migration_shipped import COUNT

HOST = "localhost"


@dataclass
class Encrypted:
    project: Project
    authority: Authority
    # Where the server has its certificate.
    directory: Path
    ca_cert: Path
    # The name or address by which it is known.
    host: str = HOST

    def uri(self, more: str = "sslmode=require") -> str:
        port = self.project.cluster.port
        return f"postgresql://{ADMIN}:{quote(PASSWORD, safe='')}@{self.host}:{port}/{DATABASE}?{more}"

    def run(self, check: bool = False, **options: Any) -> Result:
        by_uri = dict.fromkeys(("login_unix_socket", "login_port", "admin_user", "admin_password", "maintenance_db"))
        return self.project.run(check, **{**by_uri, "login_uri": self.uri(), "ca_cert": str(self.ca_cert), **options})

    def show(self, authority: Authority, host: str | None = None, days: int = 30) -> None:
        """The server has another certificate from now on."""
        authority.sign(self.directory, host or self.host, days)
        if os.geteuid() == 0:
            shutil.chown(self.directory / "server.key", "postgres")
        (self.directory / "server.key").chmod(0o600)


@contextlib.contextmanager
def encrypted(work: Path, major: int, host: str = HOST, listen: str = "127.0.0.1") -> Iterator[Encrypted]:
    authority = Authority("The provider's CA")
    with tempfile.TemporaryDirectory(prefix="portfolio-tls-") as place:
        directory = Path(place)
        directory.chmod(0o755)
        found = Encrypted(None, authority, directory, authority.write(work / "ca.crt"), host)  # type: ignore[arg-type]
        found.show(authority)
        files = {"ssl_cert_file": str(directory / "server.crt"), "ssl_key_file": str(directory / "server.key")}
        with managed(work, major, settings={"ssl": "on", **files}, tcp=True, listen=listen) as found.project:
            yield found


@pytest.fixture(scope="module", params=[15, pytest.param(17, marks=pytest.mark.long)])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    with encrypted(tmp_path_factory.mktemp("encrypted"), request.param) as found:
        yield found


def test_from_nothing_by_uri_and_ca(server: Encrypted) -> None:
    foreseen, first = server.run(check=True), server.run()
    assert first.rc == 0 and first.data["effects"] == foreseen.data["effects"] != [], first.text
    again = server.run()
    assert not again.changed and again.data["effects"] == [] and again.warnings == []
    # The owner's is among the passwords that are kept.
    of_its_own = server.run(login_password=None)
    assert of_its_own.rc == 0 and of_its_own.data["effects"] == [], of_its_own.text
    assert PASSWORD not in first.text + foreseen.text and quote(PASSWORD, safe="") not in first.text


def test_other_modules_come_in_the_same_way(server: Encrypted) -> None:
    server.run()
    login = {"login_user": "erp_admin", "login_db": "portfolio", "ca_cert": str(server.ca_cert)}
    login |= {"login_password": server.project.options["login_password"], "login_uri": server.uri()}
    done = run_module("revoked_tokens", {**login, "tokens": []})
    assert done["changed"] is False and done["effects"] == [], done
    plain = run_module("revoked_tokens", {**login, "login_uri": server.uri("channel_binding=require"), "tokens": []})
    assert plain["msg"] == (
        "login_uri has the parameter channel_binding, which is not used here; nothing was changed; take it out"
    )
    assert PASSWORD not in str(done) + str(plain)


def test_the_owner_comes_in_with_a_password_file(server: Encrypted, tmp_path: Path) -> None:
    """As the roles log in: no password is an argument, and no administrator is needed to look."""
    server.run()
    file, port = tmp_path / "pgpass", server.project.cluster.port
    login = {"login_user": "erp_admin", "login_db": "portfolio", "login_host": HOST, "login_port": port}
    login |= {"ca_cert": str(server.ca_cert), "passfile": str(file), "tokens": []}
    assert "no password supplied" in run_module("revoked_tokens", login)["msg"]
    file.touch(mode=0o600)
    file.write_text(f"{HOST}:{port}:*:erp_admin:{server.project.options['login_password']}\n", encoding="utf-8")
    assert run_module("revoked_tokens", login)["effects"] == []


@pytest.mark.long
def test_the_playbook_of_the_page(tmp_path: Path) -> None:
    """docs/MANAGED_SERVER.md, from nothing and once more, through Ansible."""
    playbook = tmp_path / "managed.yml"
    playbook.write_text(examples(ROOT / "docs/MANAGED_SERVER.md")["managed"].text, encoding="utf-8")
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    with encrypted(secrets, 17) as server:
        variables = {
            "managed_uri": server.uri(),
            "managed_ca": str(server.ca_cert),
            "managed_secrets": str(secrets),
            "managed_sql": str(ROOT / "sql"),
            "managed_major": 17,
            "ansible_python_interpreter": interpreter(),
        }
        given = tmp_path / "given.json"
        given.write_text(json.dumps(variables), encoding="utf-8")
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local"]
        for flags, recap in ((["--check"], "changed=1 "), ([], "changed=1 "), ([], "changed=0 ")):
            done = subprocess.run(
                [*command, "-vvv", "-e", f"@{given}", *flags, str(playbook)],
                env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0 and recap in done.stdout, done.stdout + done.stderr
            for secret in (PASSWORD, quote(PASSWORD, safe=""), server.project.options["login_password"]):
                assert secret not in done.stdout + done.stderr
        assert server.project.query(COUNT) == [(TABLES,)]


def test_a_remedy_reaches_the_server_as_the_module_did(server: Encrypted) -> None:
    server.run()
    server.project.query("CREATE ROLE eve")
    server.project.query(f"SET ROLE {ADMIN}; GRANT erp_reader TO eve")
    [left] = server.run().data["effects"]
    assert left["object"] == "role eve"
    command = left["remedy"].removeprefix("run: ")
    assert command.startswith(f"PGSSLMODE=verify-full PGSSLROOTCERT={server.ca_cert} psql -h {HOST} ")
    binaries = server.project.cluster.binaries
    given = {"PATH": f"{binaries}:{os.environ['PATH']}", "PGPASSWORD": PASSWORD}
    done = subprocess.run(["bash", "-c", command], env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert server.run().data["effects"] == []


def refused(server: Encrypted, **options: Any) -> str:
    """What a dry run and a run say, which is the same."""
    foreseen, failed = server.run(check=True, **options), server.run(**options)
    assert failed.rc and failed.message == foreseen.message, failed.text + foreseen.text
    assert "\n" not in failed.message and PASSWORD not in failed.text and failed.data["left"] == "unchanged"
    head = f"cannot log in to database {DATABASE} at {HOST}:{server.project.cluster.port} as {ADMIN}: "
    assert failed.message.startswith(head)
    return failed.message.removeprefix(head)


def anew(server: Encrypted) -> None:
    server.project.cluster.halt()
    server.project.cluster.start()


@contextlib.contextmanager
def showing(server: Encrypted, authority: Authority, **options: Any) -> Iterator[None]:
    server.show(authority, **options)
    anew(server)
    yield
    server.show(server.authority)
    anew(server)


@pytest.mark.parametrize("name", ["The provider's CA", "Somebody else's CA"])
def test_a_certificate_of_another_ca(server: Encrypted, name: str) -> None:
    """It may even call itself the same."""
    with showing(server, Authority(name)):
        assert refused(server) == (
            f"the certificate of {HOST} is not signed by one of {server.ca_cert}; nothing was changed; "
            "write the CA certificate of this very server there"
        )


def test_a_certificate_for_another_name(server: Encrypted) -> None:
    with showing(server, server.authority, host="db.example"):
        assert refused(server) == (
            "the certificate of localhost is for db.example; nothing was changed; connect by the name that it is for"
        )
        assert refused(server, ca_cert=None, login_uri=server.uri(f"sslrootcert={server.ca_cert}")) == refused(server)
        # The operator's own decision, and in no other way.
        assert server.run(check=True, ssl_mode="verify-ca").rc == 0


def test_a_certificate_that_has_expired(server: Encrypted) -> None:
    with showing(server, server.authority, days=-1):
        assert refused(server) == (
            "the certificate of localhost has expired; nothing was changed; "
            "let the provider renew it, and see that the clock is right here"
        )


def test_no_ca_certificate(server: Encrypted, tmp_path: Path) -> None:
    assert refused(server, ca_cert=None) == (
        "no certificate is given that localhost is known by; nothing was changed; "
        "give ca_cert, the provider's CA certificate"
    )
    missing, text = tmp_path / "missing", tmp_path / "text"
    text.write_text("hello", encoding="ascii")
    # A dry run may come before the file, as it may before those of passwords.
    foreseen = server.run(check=True, ca_cert=str(missing))
    assert foreseen.rc == 0 and foreseen.data["reachable"] is False, foreseen.text
    assert server.run(ca_cert=str(missing)).message.endswith(
        f"the CA certificate {missing} is not there; nothing was changed; write the provider's CA certificate there"
    )
    assert refused(server, ca_cert=str(text)) == (
        f"{text} holds no certificate; nothing was changed; write the provider's CA certificate there, as PEM"
    )


def test_nobody_answers(server: Encrypted) -> None:
    """An address that is given is not a server that is yet to be made."""
    server.project.cluster.halt()
    assert "Connection refused" in refused(server)
    server.project.cluster.start()


def test_a_server_that_does_not_encrypt(server: Encrypted) -> None:
    cluster = server.project.cluster
    cluster.halt()
    options = (cluster.data / "postgresql.conf").read_text(encoding="utf-8")
    (cluster.data / "postgresql.conf").write_text(f"{options}ssl = off\n", encoding="utf-8")
    cluster.start()
    assert refused(server) == (
        "localhost does not encrypt connections; nothing was changed; "
        "connect to where it does, or set ssl_mode to disable in a safe network"
    )
