# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tunnel's parts without a server: what is refused, who answers, what SSH said, what only its owner reads."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cli import tunnel
from cli.ansible import Host
from cli.call import Call, Refused
from cli.connect import Login

LOGIN = Login("planner-api", "127.0.0.1", 15432, "portfolio", "planner-api-tunnel", "/opt/s", "/run/portfolio-x/pgpass")
HOST = Host("erp-db", {"ansible_host": "203.0.113.10", "ansible_port": 2222, "ansible_user": "david"})


def call(**settings: str) -> Call:
    return Call("tunnel", settings, ())


@contextmanager
def listening(answer: bytes | None) -> Iterator[int]:
    """A port where somebody answers so, or closes at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            way, _peer = server.accept()
            with way:
                if answer is not None:
                    way.recv(8)
                    way.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is run in the place of ssh."""
    path = tmp_path / "bin" / "ssh"
    path.parent.mkdir()
    monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")
    return path


def fake(program: Path, text: str) -> None:
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


@pytest.mark.parametrize("text", ["0", "65536", "abc", "-1", "", "١٢"])
def test_a_port_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="set it to the number of a free port"):
        tunnel.local_port(call(LOCAL_PORT=text))


def test_the_port_is_the_one_that_is_asked_for() -> None:
    assert (tunnel.local_port(call()), tunnel.local_port(call(LOCAL_PORT="25432"))) == (15432, 25432)


def test_a_port_that_somebody_has_is_refused_with_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(Refused, match=rf"run: make tunnel SERVICE=a LOCAL_PORT=({port + 1}|15432)"):
            tunnel.refuse_taken(port, "a", call())
    tunnel.refuse_taken(port, "a", call())


@pytest.mark.parametrize(("said", "who"), [(b"N", "database"), (b"S", "database"), (b"H", "ssh"), (None, "ssh")])
def test_who_answers_is_told_by_the_protocols_first_word(said: bytes | None, who: str) -> None:
    with listening(said) as port:
        assert tunnel.answer(port) == who


def test_nobody_answers_at_a_port_that_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert tunnel.answer(port) == ""


def test_what_ssh_says_is_the_reason(program: Path, tmp_path: Path) -> None:
    fake(program, "echo 'warning: first' >&2; echo 'david@203.0.113.10: Permission denied (publickey).' >&2; exit 255")
    said = r"opens no tunnel \(david@203.0.113.10: Permission denied \(publickey\)\);"
    with (
        tunnel.forwarding(HOST, "127.0.0.1:1:127.0.0.1:1", tmp_path / "log") as ssh,
        pytest.raises(Refused, match=said),
    ):
        tunnel.wait_for_answer(ssh, replace(LOGIN, port=1), HOST, "")


def test_a_database_that_says_nothing_is_not_waited_for_for_ever(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tunnel, "PATIENCE", 0.2)
    monkeypatch.setattr(tunnel, "answer", lambda _port: "ssh")
    fake(program, "exec sleep 60")
    with (
        tunnel.forwarding(HOST, "127.0.0.1:1:127.0.0.1:1", tmp_path / "log") as ssh,
        pytest.raises(Refused, match=r"gives no answer through the tunnel .* run: make status"),
    ):
        tunnel.wait_for_answer(ssh, LOGIN, HOST, "")
    assert ssh.wait(timeout=10) != 0


def test_ssh_is_called_as_the_inventory_says_and_shares_no_connection(program: Path, tmp_path: Path) -> None:
    fake(program, f'printf "%s\\n" "$@" > {tmp_path}/arguments')
    with tunnel.forwarding(HOST, "127.0.0.1:15432:172.28.10.2:5432", tmp_path / "log") as ssh:
        ssh.wait()
    found = (tmp_path / "arguments").read_text().splitlines()
    assert found[-1] == "203.0.113.10"
    assert [found[found.index(option) + 1] for option in ("-L", "-p", "-l")] == [
        "127.0.0.1:15432:172.28.10.2:5432",
        "2222",
        "david",
    ]
    assert {"ControlMaster=no", "ControlPath=none", "ExitOnForwardFailure=yes"} <= set(found)


def test_nobody_else_reads_the_password_and_it_goes_with_the_tunnel() -> None:
    with tunnel.private_directory() as directory:
        tunnel.write(directory / "pgpass", "a:b:c:d:secret")
        assert directory.stat().st_mode & 0o777 == 0o700
        assert (directory / "pgpass").stat().st_mode & 0o777 == 0o600
    assert not directory.exists()


def test_the_texts_hold_no_password_and_name_the_login() -> None:
    shown = "\n".join(tunnel.opened(LOGIN, HOST, Path("/run/portfolio-x"), ""))
    assert shown.startswith("tunnel: 127.0.0.1:15432 is portfolio on erp-db, as planner-api; Ctrl-C closes it\n")
    pasted = " ".join(shown.replace("\\\n", " ").split())
    assert "PGSERVICEFILE=/run/portfolio-x/pg_service.conf psql service=portfolio" in pasted
    here = "\n".join(tunnel.beside(replace(LOGIN, host="172.28.10.2", port=5432)))
    assert here.startswith("tunnel: none is needed, portfolio runs on this machine and answers at 172.28.10.2:5432\n")
    assert '"$(cat /opt/s)"' in here
