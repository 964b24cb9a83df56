# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret leaves the record, and bad input is one sentence (cases 28 and 36). The module as Ansible runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.ansible_task import ansible
from tests.integration.cloudflare_tunnel.driver import HOST, Driver
from tests.integration.cloudflare_tunnel.test_faults import REMOTE
from tests.lab.cloudflare.fake import TOKEN, Fault


def test_36_no_secret_is_said(driver: Driver) -> None:
    """Not by a run, a second one, a rotation, a failure, a dry run or a removal; two of them through Ansible and with
    -vvv, which shows all that it knows.
    """
    said = ""
    secrets = {TOKEN}
    failing = Fault("status", "PATCH", "", 9, status=400)
    for check, wholly, options in (
        (False, True, REMOTE),
        (False, False, REMOTE),
        (False, False, {**REMOTE, "access_rotation": "2"}),
        (True, False, {**REMOTE, "access_rotation": "3"}),
        (False, True, {**REMOTE, "access_rotation": "3"}),
        (False, False, {"state": "absent"}),
    ):
        if options.get("access_rotation") == "3" and not check:
            next(iter(driver.fake.state.records.values()))["proxied"] = False
            driver.fake.faults = [failing]
        if wholly:
            arguments = json.dumps(driver.options(**options))
            done = ansible("-m", "bestviable.portfolio.cloudflare_tunnel", "-a", arguments, "-vvv", "--diff")
            said += done.stdout + done.stderr
        else:
            said += json.dumps(driver.process(check, **options))
        held = driver.held() or {}
        secrets |= {held[name] for name in ("tunnel_secret", "client_secret") if held.get(name)}
        secrets |= {item["client_secret"] for item in driver.fake.state.service_tokens.values()}
    assert failing.times < 9 and "is refused by the API (400: 10400 a fault of the tests)" in said
    assert len(secrets) >= 5 and "DNS record" in said and "(new).cfargotunnel.com" in said
    assert [secret for secret in secrets if secret in said] == []


def test_the_token_comes_from_a_file_or_the_environment(driver: Driver, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    given: dict[str, Any] = {"api_token": None, "api_token_file": str(file)}
    assert driver.process(environment={"CLOUDFLARE_API_TOKEN": "wrong"}, **given)["changed"]
    options: dict[str, Any] = {"api_token": None, "api_url": None}
    environment = {"CLOUDFLARE_API_TOKEN": TOKEN, "CLOUDFLARE_BASE_URL": driver.fake.url}
    assert driver.process(environment=environment, **options)["changed"] is False
    file.chmod(0o640)
    assert f"api_token_file {file} can be read by others; run: chmod 600 {file}" in driver.process(**given)["msg"]
    file.unlink()
    assert (
        f"api_token_file {file} cannot be read (No such file or directory); correct" in driver.process(**given)["msg"]
    )


@pytest.mark.parametrize(("method", "path"), [("POST", "/cfd_tunnel$"), ("GET", "/zones$")])
def test_36_an_api_that_says_what_it_was_sent(driver: Driver, tmp_path: Path, method: str, path: str) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o600)
    driver.fake.faults = [Fault("echo", method, path, status=400)]
    result = driver.process(api_token=None, api_token_file=str(file))
    assert "is refused by the API (400: 1002 Bearer ***" in result["msg"].replace("*" * 8, "***")
    assert TOKEN not in str(result) and str((driver.held() or {}).get("tunnel_secret", "none")) not in str(result)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        *(
            ({"hostname": name, "zone": "example.com"}, "is no name in lower-case letters")
            for name in (
                "",
                "erp-db.example.com.",
                "ERP-db.example.com",
                "erp-db.example.com:443",
                "*.example.com",
                "-a.example.com",
                "a..example.com",
                "erp db.example.com",
                "bücher.example.com",
                "../x.example.com",
                f"{'a' * 64}.example.com",
                f"{'a.' * 120}aa.example.com",
                "192.0.2.1",
            )
        ),
        ({"hostname": "erp-db.other.com", "zone": "example.com"}, "is not in the zone example.com; set zone"),
        ({"hostname": "example.com"}, "is not in the zone example.com; set zone"),
        ({"former_hostnames": ["Old.example.com"]}, "hostname 'Old.example.com' is no name"),
        ({"former_hostnames": [HOST]}, "former_hostnames holds the hostname"),
        *(
            ({"service": service}, "is not scheme, host and port alone; write it like")
            for service in ("traefik:80", "htp://traefik", "http://traefik/", "http://u:p@traefik", "http://", "")
        ),
        ({"tunnel_name": " "}, "is no name; set tunnel_name"),
        ({"zone_id": "x"}, "zone_id 'x' is not 32 hexadecimal digits"),
        ({"account_id": "../" * 11}, "is not 32 hexadecimal digits"),
        ({"access": True}, "access_team '' is not the first part of"),
        ({"access": True, "access_team": "a.b"}, "access_team 'a.b' is not"),
        ({"access": True, "access_team": "a", "access_duration": "1y"}, "access_duration '1y' is no number of hours"),
        ({"access": True, "access_team": "a", "access_rotation_overlap": -1}, "access_rotation_overlap is -1; set it"),
        ({"api_url": "http://api.example.com"}, "would carry the API token unencrypted; write it with https"),
        ({"api_url": "file:///etc/passwd"}, "would carry the API token unencrypted"),
        ({"api_url": "http://[::1"}, "is no address; write it like"),
        ({"api_timeout": 0}, "api_timeout is 0; set it"),
        ({"api_token": ""}, "There is no API token; set api_token"),
        ({"api_token": "a b"}, "api_token holds characters that no API token has"),
        ({"api_token": "a\nHost: x"}, "api_token holds characters that no API token has"),
        ({"api_token": "ä"}, "api_token holds characters that no API token has"),
    ],
)
def test_28_bad_input(driver: Driver, options: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLOUDFLARE_API_TOKEN", raising=False)
    message = driver.refused(**options)
    assert words in message and "; " in message and driver.fake.log == []


def test_28_names_that_are_none_of_the_obvious(driver: Driver) -> None:
    """Punycode, digits and four labels are names like others."""
    for name in ("xn--bcher-kva.example.com", "1.example.com", "a.b.c.example.com", f"{'a.' * 121}example.com"):
        driver.record.unlink(missing_ok=True)
        driver.good(hostname=name, zone="example.com")


def test_nobody_listens(driver: Driver) -> None:
    message = driver.refused(api_url="http://127.0.0.1:9/client/v4")
    assert "GET /user/tokens/verify got no usable answer (Connection refused, 4 tries)" in message


def test_a_redirection_is_not_followed(driver: Driver) -> None:
    driver.fake.faults = [Fault("status", "GET", "/zones$", 9, status=302, headers={"Location": driver.fake.url})]
    assert "GET /zones was not answered as Cloudflare's API answers (302: " in driver.refused()
    assert driver.fake.sent() == ["GET /user/tokens/verify"] * 2


def test_a_netrc_does_not_replace_the_token(driver: Driver, tmp_path: Path) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    assert driver.process(environment={"HOME": str(tmp_path), "NETRC": str(netrc)})["changed"]


def test_an_answer_that_drips_has_an_end(driver: Driver) -> None:
    """One byte now and then would keep a socket's time-out from ever ending."""
    driver.fake.faults = [Fault("drip", "GET", "/zones$", 9)]
    assert "no answer within 1 s" in driver.refused_once()


def test_an_answer_that_does_not_end_is_cut(driver: Driver) -> None:
    driver.fake.faults = [Fault("flood", "GET", "/zones$", 9)]
    assert "the answer is too long" in driver.refused_once()
