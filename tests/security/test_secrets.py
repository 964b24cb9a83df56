# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where secrets are not, beside what tests/system/test_04_secrets.py looks at: tokens in use, the key, images, logs."""

from __future__ import annotations

import base64
import json
import re

import pytest

from tests.security.chain import Chain
from tests.server import DIRECTORY

API = f"{DIRECTORY}/postgrest-erp"
FILES = f"{DIRECTORY}/postgres-erp/secrets/* {API}/secrets/db_uri {API}/monitor_token"
# What a filter may hold is nobody's business either.
PERSONAL = "mara.secret@example.com"


@pytest.fixture(scope="module")
def secrets(chain: Chain) -> list[str]:
    """Every secret of the server, in the forms in which it could be written down."""
    found = set(re.findall(r"[\w.-]{24,}", chain.droplet.shell(f"for f in {FILES}; do cat $f; echo; done")))
    assert len(found) >= 3
    return sorted(found | {base64.b64encode(one.encode()).decode().rstrip("=") for one in found})


@pytest.fixture(scope="module")
def used(chain: Chain) -> list[str]:
    """Tokens that were used, by every door and in every way that ends in an error as well."""
    good, expired = chain.token("erp_reader"), chain.token("erp_reader", exp=1)
    forged, foreign = good[:-8] + "AAAAAAAA", chain.token("postgres")
    for token in (good, expired, forged, foreign):
        for via in ("public", "local", "direct"):
            for path in ("/erp/people", "/agent/sessions", "/erp/nothing", "/nothing"):
                chain.ask("GET", f"{path}?email=eq.{PERSONAL}", token, via=via)
        chain.ask("POST", "/erp/people", token, body={"nothing": PERSONAL})
    # An error of the database is logged there, with its statement.
    chain.ask("GET", "/erp/people?id=eq.x", good)
    return [token.rsplit(".", 1)[1] for token in (good, expired, forged, foreign)]


def test_no_secret_and_no_token_in_any_log(chain: Chain, secrets: list[str], used: list[str]) -> None:
    """T36: of the containers, of the engine, of the server."""
    logs = chain.droplet.shell(
        "for c in $(docker ps -aq); do docker logs $c 2>&1; done; journalctl --no-pager -o cat 2>/dev/null;"
        " cat /var/log/*.log 2>/dev/null; true"
    )
    assert "/erp/people" in logs
    for secret in [*secrets, *used, PERSONAL]:
        assert secret not in logs
    assert "Bearer" not in logs
    assert "authorization" not in logs.lower()


def test_the_log_of_requests_says_what_was_asked_for(chain: Chain) -> None:
    """T36: the path without its question, and who asked."""
    chain.ask("GET", f"/erp/people?email=eq.{PERSONAL}", chain.token("erp_reader"), headers={"User-Agent": "the-suite"})
    lines = chain.droplet.shell("docker logs --tail 20 traefik 2>/dev/null").splitlines()
    [entry] = [line for line in map(json.loads, lines) if line.get("request_User-Agent") == "the-suite"][-1:]
    assert entry["RequestPath"] == "/erp/people"
    assert entry["DownstreamStatus"] == 200


def test_the_signing_key_is_not_on_the_server(chain: Chain) -> None:
    """T36: whoever has the server cannot make tokens."""
    body = chain.key.splitlines()[1]
    places = "/etc /home /opt /root /run /srv /tmp /usr/local /var/lib/docker/volumes /var/log /var/tmp"
    found = chain.droplet.shell(f"grep -rlF -D skip -- '{body}' {places} 2>/dev/null", check=False)
    assert not found
    assert '"d"' not in chain.droplet.shell(f"cat {DIRECTORY}/postgrest-erp/secrets/jwks.json")


def test_no_secret_in_an_image(chain: Chain, secrets: list[str]) -> None:
    """T36: in no layer of any."""
    patterns = "\n".join(secrets)
    counted = chain.droplet.shell(
        "cat > /tmp/patterns; docker save $(docker images -q | sort -u) | grep -acF -f /tmp/patterns; rm /tmp/patterns",
        check=False,
        given=patterns,
    )
    assert counted == "0"


def test_no_secret_in_an_environment(chain: Chain, secrets: list[str]) -> None:
    """T36: of any process on the server, or among what Docker knows."""
    shown = chain.droplet.shell(
        "cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr '\\0' '\\n'; docker inspect $(docker ps -aq);"
        " docker network inspect $(docker network ls -q); docker volume inspect $(docker volume ls -q)",
        check=False,
    )
    for secret in secrets:
        assert secret not in shown


def test_files_with_secrets(chain: Chain) -> None:
    """T36: whoever may read the one may not read the other, and nobody else may either."""
    for line in chain.droplet.shell(f"stat -c '%a %u %n' {FILES}").splitlines():
        mode, owner, path = line.split(" ", 2)
        assert mode in {"400", "600"}, path
        assert owner in {"0", "10001"}, path
    [state] = chain.droplet.shell(f"stat -c '%a' {DIRECTORY}/postgres-erp/secrets").split()
    assert state == "700"
