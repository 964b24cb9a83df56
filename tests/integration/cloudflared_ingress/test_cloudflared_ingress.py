# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cloudflared_ingress on a real disk, through Ansible: the six steps, the file's life, the refusals, the secrets."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.ansible_task import ROOT, ansible, run_module, run_task

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other users")
HOSTNAME, SERVICE = "erp-db.bestviable.com", "http://traefik:80"
TUNNEL, OTHER = "6ff42ae2-765d-4adf-8112-31c55c1551ef", "00000000-765d-4adf-8112-31c55c1551ef"
TOKEN = "eyJhIjoiYWJjZGVmZ2hpamtsbW5vcCJ9"
FILE = f"""\
# The shop's tunnel
tunnel: {TUNNEL}
credentials-file: /etc/cloudflared/{TUNNEL}.json
token: {TOKEN}

ingress:
  - hostname: shop.bestviable.com   # since 2021
    service: http://clerk:pa55word@shop:8080
  # everything else of ours
  - hostname: "*.bestviable.com"
    service: http://traefik:80
  - service: http_status:404
"""
OURS = f"  - hostname: {HOSTNAME}  # managed by bestviable.portfolio\n    service: {SERVICE}\n"
WITH_OURS = FILE.replace("  # everything", OURS + "  # everything")
INITIAL = f"tunnel: {TUNNEL}\ningress:\n- service: http_status:404\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yml"
    path.write_text(FILE)
    os.chown(path, 65532, 65532)
    path.chmod(0o640)
    return path


@pytest.fixture
def cloudflared(tmp_path: Path) -> Path:
    """The stand-in, as an executable of the server."""
    path = tmp_path / "bin" / "cloudflared"
    path.parent.mkdir()
    stand_in = ROOT / "tests" / "lab" / "cloudflared" / "stand_in.py"
    path.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT}/.collections:{ROOT} exec {sys.executable} {stand_in} "$@"\n')
    path.chmod(0o755)
    return path


def arguments(path: Path, **more: Any) -> dict[str, Any]:
    return {"path": str(path), "hostname": HOSTNAME, "service": SERVICE, **more}


def tree(path: Path) -> dict[str, tuple[int, int, int, int, int, bytes]]:
    """Everything that could have changed, to the nanosecond."""
    found = {}
    for entry in sorted(path.rglob("*")):
        there = entry.lstat()
        content = entry.read_bytes() if entry.is_file() else b""
        found[str(entry)] = (there.st_ino, there.st_mode, there.st_uid, there.st_ctime_ns, there.st_mtime_ns, content)
    return found


def test_the_six_steps(tmp_path: Path, config: Path, cloudflared: Path) -> None:
    first = arguments(config, executable=str(cloudflared))
    other = {**first, "service": "http://traefik:81"}
    steps: list[dict[str, Any]] = []
    for wanted, check in ((first, True), (first, False), (first, True), (first, False), (other, True), (other, False)):
        before = tree(config.parent)
        # Ansible itself has its part in the first two; the rest is the module's alone.
        result = (run_task if len(steps) < 2 else run_module)("cloudflared_ingress", wanted, check=check)
        assert "failed" not in result, result
        assert (tree(config.parent) == before) == (check or not result["changed"])
        steps.append(result)
    assert [step["changed"] for step in steps] == [True, True, False, False, True, True]
    # What check mode says is what the run then does.
    for predicted, done in ((steps[0], steps[1]), (steps[4], steps[5])):
        assert predicted["diff"] == done["diff"] and predicted["effects"] == done["effects"]
        assert predicted["rules"] == done["rules"] and predicted["mtime"] is None
        assert predicted["checked_by"] == done["checked_by"] == str(cloudflared)
    assert steps[1]["effects"] == [
        {"effect": "change", "object": str(config), "detail": f"rule for {HOSTNAME} added above rule 2"}
    ]
    assert steps[2]["mtime"] == steps[3]["mtime"] == steps[1]["mtime"] < steps[5]["mtime"] == config.stat().st_mtime
    assert config.read_text() == WITH_OURS.replace(OURS, OURS.replace(":80", ":81"))
    assert (config.stat().st_uid, config.stat().st_mode & 0o777) == (65532, 0o640)
    assert [Path(step["backup"]).read_text() for step in steps if step["backup"]] == [FILE, WITH_OURS]


def test_away_again_and_once_more(config: Path) -> None:
    run_module("cloudflared_ingress", arguments(config))
    assert config.read_text() == WITH_OURS
    away = {"path": str(config), "hostname": HOSTNAME, "state": "absent"}
    predicted = run_module("cloudflared_ingress", away, check=True)
    done = run_module("cloudflared_ingress", away)
    assert predicted["diff"] == done["diff"] and done["changed"]
    assert config.read_text() == FILE
    again = run_module("cloudflared_ingress", away)
    assert not again["changed"] and again["effects"] == []
    config.unlink()
    assert not run_module("cloudflared_ingress", away)["changed"]


def test_a_file_of_our_own_comes_and_goes(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    wanted = arguments(path, initial=INITIAL, owner="65532", group="65532", mode="0440")
    before = tree(tmp_path)
    predicted = run_module("cloudflared_ingress", wanted, check=True)
    assert tree(tmp_path) == before
    done = run_module("cloudflared_ingress", wanted)
    assert predicted["diff"] == done["diff"] and done["effects"][0]["detail"] == "missing" and done["backup"] is None
    assert (path.stat().st_uid, path.stat().st_gid, path.stat().st_mode & 0o777) == (65532, 65532, 0o440)
    assert not run_module("cloudflared_ingress", wanted)["changed"]
    # Somebody else's rule keeps the file, later.
    path.write_text(path.read_text().replace("ingress:\n", "ingress:\n- hostname: a.b.com\n  service: http://x\n"))
    away = {**wanted, "state": "absent"}
    assert run_module("cloudflared_ingress", away)["changed"] and path.exists()
    path.write_text(INITIAL)
    assert run_module("cloudflared_ingress", away, check=True)["changed"] and path.exists()
    gone = run_module("cloudflared_ingress", away)
    assert gone["changed"] and list(tmp_path.iterdir()) == []
    assert gone["effects"][-1]["detail"] == "removed, as only our own part was left"
    assert not run_module("cloudflared_ingress", away)["changed"]


def refused(config: Path, **more: Any) -> str:
    before = tree(config.parent)
    result = run_module("cloudflared_ingress", arguments(config, **more))
    assert result["failed"] and tree(config.parent) == before
    message: str = result["msg"]
    assert message.endswith(". Nothing was changed.") and "; " in message and "\n" not in message
    return message


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (FILE + "---\na: b\n", "holds 2 YAML documents"),
        (FILE.replace("service: http_status", "\tservice: http_status"), "is not valid YAML"),
        (FILE + "tunnel: x\n", "has the key 'tunnel' twice"),
        (FILE.replace("  - service: http_status:404\n", ""), "the last one, must match all URLs"),
        (WITH_OURS.replace(OURS, OURS + OURS), f"has 2 rules for {HOSTNAME}"),
        (WITH_OURS.replace(SERVICE, "http://x").replace("  # managed by", "  # made by"), "set takeover to true"),
        ("", "is empty"),
        (b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_a_file_that_is_refused_stays(content: str | bytes, sentence: str, config: Path) -> None:
    config.write_bytes(content if isinstance(content, bytes) else content.encode())
    message = refused(config)
    assert message.startswith(str(config)) and sentence in message


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"hostname": "Erp-db.bestviable.com"}, "use lower case"),
        ({"zone": "example.com"}, "is not in the zone example.com"),
        ({"service": "htp://traefik"}, "write it as http://HOST:PORT"),
        ({"service": "http://traefik/"}, "remove the path"),
        ({"former_hostnames": [HOSTNAME]}, "former_hostnames lists"),
        ({"backup_keep": -1}, "backup_keep is -1"),
        ({"config_src": "cloudflare"}, "managed in the dashboard"),
        ({"tunnel_id": OTHER}, f"runs the tunnel {TUNNEL}, and the API knows {OTHER}"),
        ({"credentials_file": "/nowhere.json"}, "/nowhere.json is not there"),
        ({"executable": "/nowhere/cloudflared"}, "cannot check the configuration (No such file or directory)"),
        ({"access": {"team_name": "a.cloudflareaccess.com", "aud_tags": ["abcdef01"]}}, "without its domain"),
        ({"access": {"team_name": "team", "aud_tags": []}}, "and one tag"),
        ({"access": {"team_name": "team", "aud_tags": ['"]\nx: y']}}, "not hexadecimal"),
    ],
)
def test_arguments_that_are_refused(more: dict[str, Any], sentence: str, config: Path) -> None:
    assert sentence in refused(config, **more)


def test_a_path_that_is_refused(config: Path) -> None:
    assert "is not there; correct the path" in refused(config.with_name("other.yml"))
    assert "is not a file" in refused(config.parent)


def test_credentials_of_another_tunnel(config: Path) -> None:
    held = config.with_name(f"{TUNNEL}.json")
    held.write_text(json.dumps({"AccountTag": "a", "TunnelSecret": "hidden-secret", "TunnelID": OTHER}))
    message = refused(config)
    assert f"names the tunnel {TUNNEL}, but {held} belongs to {OTHER}" in message and "hidden-secret" not in message
    held.write_text("hidden-secret")
    assert f"{held} is not the JSON" in refused(config)


def test_no_secret_is_said(config: Path, cloudflared: Path) -> None:
    (config.with_name(f"{TUNNEL}.json")).write_text(json.dumps({"TunnelSecret": "hidden-secret", "TunnelID": TUNNEL}))
    wanted = json.dumps(arguments(config, executable=str(cloudflared)))
    said = ansible("-m", "bestviable.portfolio.cloudflared_ingress", "-a", wanted, "--diff", "-vvv")
    assert "CHANGED" in said.stdout and "***@shop:8080" in said.stdout
    assert not any(secret in said.stdout + said.stderr for secret in (TOKEN, "pa55word", "hidden-secret"))
    assert config.read_text() == WITH_OURS


def test_a_link_is_followed(config: Path) -> None:
    link = config.with_name("link.yml")
    link.symlink_to(config)
    assert run_module("cloudflared_ingress", arguments(link))["path"] == str(config)
    assert link.is_symlink() and config.read_text() == WITH_OURS


def test_former_names_are_reported_and_removed_when_listed(config: Path) -> None:
    config.write_text(WITH_OURS.replace(HOSTNAME, "old.bestviable.com"))
    done = run_module("cloudflared_ingress", arguments(config))
    assert {"effect": "left", "object": str(config), "detail": "rule of ours for old.bestviable.com"}.items() <= (
        done["effects"][1].items()
    )
    assert "still has a rule of ours for old.bestviable.com; add it to former_hostnames" in done["warnings"][0]
    gone = run_module("cloudflared_ingress", arguments(config, former_hostnames=["old.bestviable.com"]))
    assert gone["changed"] and config.read_text() == WITH_OURS and "warnings" not in gone


def test_without_the_image_our_own_rules_check(config: Path) -> None:
    done = run_module("cloudflared_ingress", arguments(config, image="cloudflare/cloudflared:0"))
    assert done["changed"] and done["checked_by"] is None
    assert "The image cloudflare/cloudflared:0 is not on this server" in done["warnings"][0]


def test_a_server_without_the_yaml_library(config: Path, tmp_path: Path) -> None:
    """The first run installs it, so that a dry run before it can only say that it does not know."""
    (tmp_path / "yaml.py").write_text("raise ImportError('no yaml')\n")
    environment = {"PYTHONPATH": f"{tmp_path}:{ROOT / '.collections'}"}
    predicted = run_module("cloudflared_ingress", arguments(config), check=True, environment=environment)
    assert predicted["changed"] and "is not known while python3-yaml is missing" in predicted["warnings"][0]
    done = run_module("cloudflared_ingress", arguments(config), environment=environment)
    assert done["failed"] and "PyYAML" in done["msg"] and config.read_text() == FILE
