# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cloudflared as a program: how it is called, and what of its answers stops a change."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared import program
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.program import refuse_what_it_refuses
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import Refused, Rule

HOSTNAME = "erp-db.bestviable.com"
PATH = "/etc/cloudflared/config.yml"
CONTENT = f"ingress:\n- hostname: {HOSTNAME}\n  service: http://x\n- service: http_status:404\n".encode()
RULES: list[Rule] = [{"hostname": HOSTNAME, "service": "http://x"}, {"service": "http_status:404"}]


def script(directory: Path, body: str) -> program.Program:
    """A program that says what it shall; $5 is validate or rule, $6 the URL."""
    path = directory / "cloudflared"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return program.executable(str(path))


def ask(asked: program.Program, before: bytes | None = CONTENT) -> None:
    refuse_what_it_refuses(asked, PATH, before, CONTENT, RULES, HOSTNAME)


def test_it_reads_a_private_copy_and_gets_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNNEL_TOKEN", "secret")
    log = tmp_path / "log"
    body = 'echo "$@"; stat -c %a "$3" "$(dirname "$3")"; cat "$3"; env'
    ask(script(tmp_path, f'({body}) >>{log}; echo "Matched rule #0"'))
    told = log.read_text()
    assert "tunnel --config /" in told and "/config.yml ingress validate\n400\n700\ningress:" in told
    assert f"ingress rule https://{HOSTNAME}/" in told and "TUNNEL_TOKEN" not in told
    # Nothing is left behind.
    assert not Path(told.split()[2]).exists()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (
            "echo; echo 'Validation failed: x http://u:pw@h'; exit 1",
            r"\(Validation failed: x http://\*\*\*@h\); correct",
        ),
        ("exit 3", r"refuses the new /etc/cloudflared/config.yml \(it says nothing\); "),
        ("echo 'Matched rule #1'", "would answer erp-db.bestviable.com by rule 2 of the new .*, not by rule 1; "),
        ("true", "would answer erp-db.bestviable.com by no rule of the new "),
    ],
)
def test_what_it_does_not_like_stops_the_change(body: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=sentence):
        ask(script(tmp_path, body))


def test_a_key_that_it_does_not_know_stops_the_change_only_where_it_is_new(tmp_path: Path) -> None:
    warning = "echo 'Your configuration file has unused keys: [pathh]'; echo 'Matched rule #0'"
    ask(script(tmp_path, warning))
    with pytest.raises(Refused, match=r"does not know a key of the new .* \(Your configuration .* \[pathh\]\); use a"):
        ask(script(tmp_path, warning), before=None)
    new = f'if grep -q erp-db "$3"; then {warning}; fi'
    with pytest.raises(Refused, match="does not know a key"):
        ask(script(tmp_path, new), before=b"ingress:\n- service: http_status:404\n")


@pytest.mark.parametrize("path", ["/nowhere/cloudflared", "/etc/passwd"])
def test_a_program_that_cannot_be_run_is_named(path: str) -> None:
    with pytest.raises(Refused, match=rf"^{path} cannot check the configuration \([A-Z][a-z ]+\); "):
        ask(program.executable(path))


def test_a_program_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "TIMEOUT", 0.2)
    with pytest.raises(Refused, match="no answer within"):
        ask(script(tmp_path, "exec sleep 5"))


def test_an_image_that_is_not_there_is_not_pulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/log; [ "$2" = inspect ] && exit 1; exit 0\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert program.image("cloudflare/cloudflared:1") is None
    assert (tmp_path / "log").read_text() == "image inspect cloudflare/cloudflared:1\n"


def test_an_image_runs_without_network_and_privileges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "$DOCKER_HOST $@" >>{tmp_path}/log; echo "Matched rule #0"\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere")
    found = program.image("cloudflare/cloudflared:1")
    assert found is not None
    ask(found)
    call = (tmp_path / "log").read_text().splitlines()[1]
    assert call.startswith(
        "unix:///var/run/docker.sock run --rm --pull never --network none --read-only --cap-drop ALL "
    )
    assert "--config /etc/cloudflared/config.yml ingress validate" in call and "pw" not in call
    assert sys.executable not in call


def test_hosts_that_are_asked_for() -> None:
    rules: list[Rule] = [
        {"hostname": "a.b.com"},
        {"hostname": "A.b.com"},
        {"hostname": "*.w.com"},
        {"hostname": "*x"},
        {"hostname": HOSTNAME},
        {"hostname": "p.b.com", "path": "/"},
        {"hostname": "late.b.com"},
        {"service": "http_status:404"},
    ]
    assert program.hosts(rules, HOSTNAME) == [HOSTNAME, "a.b.com", "portfolio-check.w.com"]
    assert program.hosts(rules[:2], HOSTNAME) == ["a.b.com"]
