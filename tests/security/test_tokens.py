# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tokens open the door, and that revoking one or rotating the key closes it, while nobody else has to wait."""

from __future__ import annotations

import base64
import dataclasses
import hmac
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from ansible_collections.bestviable.portfolio.plugins.plugin_utils import signing_keys, token_register, tokens

from tests.security.beside import api_beside
from tests.security.chain import Address, Answer, Chain
from tests.security.load import Load
from tests.server import MOST_EXECUTIONS, ROOT
from tests.waiting import until

PEOPLE = "/erp/people?limit=1"
# What no answer may hold: words of what is inside, and anything of the token.
INSIDE = ("people", "postgres", "schema", "function", "eyJ")
PLAIN = "a secret of more than 64 characters, as HS512 wants them to be, and 32 would do for HS256"


def refused(answer: Answer, *statuses: int) -> None:
    """A 4xx that tells nothing."""
    assert answer.status in (statuses or (401,)), answer.text
    assert [word for word in INSIDE if word in answer.text] == []


def read(chain: Chain, api: Address, token: str) -> int:
    """The status with which an API beside the real one answers."""
    return chain.ask("GET", "/people?limit=1", token, via=api, headers={"Accept-Profile": "erp"}).status


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def part(value: Any) -> str:
    return base64url(json.dumps(value).encode())


def hmac_token(header: dict[str, Any], claims: dict[str, Any], secret: str) -> str:
    """As somebody makes it who has no library that refuses to."""
    signed = f"{part(header)}.{part(claims)}"
    digest = f"sha{header['alg'].removeprefix('HS')}"
    return f"{signed}.{base64url(hmac.digest(secret.encode(), signed.encode(), digest))}"


def now() -> int:
    return int(time.time())


@pytest.fixture(autouse=True)
def _the_usual_token_is_good(chain: Chain) -> None:
    """Without it a test that expects a refusal would pass whatever was asked."""
    answer = chain.ask("GET", PEOPLE, chain.token("erp_reader"))
    assert (answer.status, len(answer.json())) == (200, 1)


def test_expired(chain: Chain) -> None:
    """T4: past its end by more than the 30 s that clocks may differ."""
    refused(chain.ask("GET", PEOPLE, chain.token("erp_reader", iat=now() - 3600, exp=now() - 40)))
    # The negative control: with an end to come the same token is good.
    assert chain.ask("GET", PEOPLE, chain.token("erp_reader", iat=now() - 3600, exp=now() + 40)).status == 200


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_not_yet_valid(chain: Chain, claim: str) -> None:
    """T5."""
    ahead: Any = {claim: now() + 3600}
    refused(chain.ask("GET", PEOPLE, chain.token("erp_reader", **ahead)))
    past: Any = {claim: now() - 3600}
    assert chain.ask("GET", PEOPLE, chain.token("erp_reader", **past)).status == 200


def test_of_another_key(chain: Chain) -> None:
    """T6: also where it names the right one."""
    other = tokens.new_key()
    refused(chain.ask("GET", PEOPLE, chain.token("erp_reader", key=other)))
    refused(chain.ask("GET", PEOPLE, chain.token("erp_reader", key=other, headers={"kid": tokens.kid_of(chain.key)})))


def test_tampered_payload(chain: Chain) -> None:
    """T7: a reader who makes himself a writer; and one letter of the signature."""
    token = chain.token("erp_reader")
    head, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    refused(chain.ask("GET", PEOPLE, ".".join((head, part({**claims, "role": "erp_writer"}), signature))))
    swapped = ("A" if signature[0] != "A" else "B") + signature[1:]
    refused(chain.ask("GET", PEOPLE, ".".join((head, payload, swapped))))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("signature", ["", "AAAA"])
def test_without_a_signature(chain: Chain, algorithm: str, signature: str) -> None:
    """T8."""
    payload = chain.token("erp_reader").split(".")[1]
    refused(chain.ask("GET", PEOPLE, f"{part({'alg': algorithm, 'typ': 'JWT'})}.{payload}.{signature}"))


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_signed_with_what_is_public(chain: Chain, algorithm: str) -> None:
    """T9: the published key taken for a secret, as whoever has read it could try in each of its forms."""
    published = chain.droplet.shell("cat /home/david/services/postgrest-erp/secrets/jwks.json")
    [key] = json.loads(published)["keys"]
    claims = jwt.decode(chain.token("erp_reader"), options={"verify_signature": False})
    for secret in (published, published + "\n", key["x"], json.dumps(key), key["kid"]):
        refused(chain.ask("GET", PEOPLE, hmac_token({"alg": algorithm, "kid": key["kid"]}, claims, secret)))


def test_a_plain_secret_would_take_any_length_of_it(chain: Chain) -> None:
    """T9, the negative control: an API with a plain secret and no named algorithm accepts HS512."""
    claims = jwt.decode(chain.token("erp_reader"), options={"verify_signature": False})
    token = jwt.encode(claims, PLAIN, algorithm="HS512")
    with api_beside(chain, PGRST_JWT_SECRET=PLAIN) as api:
        # It refuses other tokens before it has read the schemas.
        until(lambda: read(chain, api, token) == 200)


INCOMPLETE: dict[str, Callable[[Chain], str]] = {
    "no exp": lambda chain: chain.token("erp_reader", exp=None),
    "no aud": lambda chain: chain.token("erp_reader", aud=None),
    "empty aud": lambda chain: chain.token("erp_reader", aud=[]),
    "no iss": lambda chain: chain.token("erp_reader", iss=None),
    "other iss": lambda chain: chain.token("erp_reader", iss="somebody"),
    "no jti": lambda chain: chain.token("erp_reader", jti=None),
    "empty jti": lambda chain: chain.token("erp_reader", jti=""),
    "jti that is no text": lambda chain: chain.token("erp_reader", jti=7),
    "no sub": lambda chain: chain.token("erp_reader", sub=None),
    # T11: 91 days, also by an iat that lies ahead as far as clocks may differ, or was left out.
    "lives too long": lambda chain: chain.token("erp_reader", exp=now() + 91 * tokens.DAY),
    "lives too long without iat": lambda chain: chain.token("erp_reader", iat=None, exp=now() + 91 * tokens.DAY),
    "lived too long": lambda chain: chain.token("erp_reader", iat=now() - 80 * tokens.DAY, exp=now() + 11 * tokens.DAY),
    # T14
    "role alone": lambda chain: jwt.encode(
        {"role": "erp_reader"}, chain.key, algorithm="EdDSA", headers={"kid": tokens.kid_of(chain.key)}
    ),
}


@pytest.mark.parametrize("name", INCOMPLETE)
def test_incomplete(chain: Chain, name: str) -> None:
    """T10, T11 and T14: what PostgREST itself would take."""
    refused(chain.ask("GET", PEOPLE, INCOMPLETE[name](chain)))


def test_without_the_check_incomplete_ones_would_be_good(chain: Chain) -> None:
    """T10, T11, T14, the negative control: an API without the pre-request check takes them all."""
    with api_beside(chain, PGRST_DB_PRE_REQUEST="") as api:
        found = {name: read(chain, api, make(chain)) for name, make in INCOMPLETE.items()}
    # Which PostgREST refuses by itself.
    assert {name for name, status in found.items() if status != 200} <= {"empty aud", "jti that is no text"}, found


def test_of_another_audience(chain: Chain) -> None:
    """T10: a token for another service of the same owner."""
    refused(chain.ask("GET", PEOPLE, chain.token("erp_reader", aud="other.example.com")))
    refused(chain.ask("GET", PEOPLE, chain.token("erp_reader", aud=["other.example.com"])))


@pytest.mark.parametrize(
    "role",
    [
        "nobody",
        "postgres",
        "erp_admin",
        "portfolio_authenticator",
        "pg_read_all_data",
        "pg_monitor",
        "none",
        "",
        7,
        None,
    ],
)
@pytest.mark.parametrize("path", [PEOPLE, "/view/rpc/health"])
def test_of_a_role_that_nobody_may_be(chain: Chain, role: Any, path: str) -> None:
    """T13: never 2xx; PostgREST tells the role's name, and nothing else."""
    answer = chain.ask("GET", path, chain.token(role))
    assert 400 <= answer.status < 500, answer.text
    assert "full_name" not in answer.text and "server_time" not in answer.text


@pytest.mark.parametrize("value", ["Basic", "Bearer", "Bearer ", "bearer {}x", "Token {}", "{}"])
def test_other_kinds_of_authorization(chain: Chain, value: str) -> None:
    """T1: what is no bearer token is none."""
    token = chain.token("erp_reader")
    refused(chain.ask("GET", PEOPLE, headers={"Authorization": value.format(token)}))


def handed_out(chain: Chain, sub: str, *more: str) -> str:
    """A token as an operator hands it out."""
    done = chain.droplet.verb("token", "ROLE=erp_reader", f"SUB={sub}", *more)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_scoped(chain: Chain) -> None:
    """A token for one client, as an operator hands it out, sees this client's rows; without a client it sees none."""
    chain.sql("INSERT INTO agent.working_state (client_id, state_key) VALUES ('acme', 'scope'), ('other', 'scope')")
    try:
        done = chain.droplet.verb("token", "ROLE=agent_client", "SUB=bot", "CLIENT_ID=acme")
        assert done.returncode == 0, done.stderr
        path = "/agent/working_state?select=client_id&state_key=eq.scope"
        assert chain.ask("GET", path, done.stdout.strip()).json() == [{"client_id": "acme"}]
        assert chain.ask("GET", path, chain.token("agent_client")).json() == []
        # The negative control: both rows are there for whoever may see them.
        assert len(chain.ask("GET", path, chain.token("agent_service")).json()) == 2
    finally:
        chain.sql("DELETE FROM agent.working_state WHERE state_key = 'scope'")


def jti_of(token: str) -> str:
    claims = jwt.decode(token, options={"verify_signature": False})
    return str(claims["jti"])


def status(chain: Chain, token: str) -> int:
    return chain.ask("GET", PEOPLE, token, via="local").status


def test_revoked(chain: Chain) -> None:
    """T12: the one that was lost is refused at once, its sibling is not; what undoes that by hand is undone."""
    lost, kept, also = (handed_out(chain, sub) for sub in ("lost", "kept", "also"))
    assert [status(chain, token) for token in (lost, kept, also)] == [200, 200, 200]
    done = chain.droplet.verb("revoke", f"JTI={jti_of(lost)}")
    assert (done.returncode, "refuses 1 token from now on" in done.stdout) == (0, True), done.stderr
    refused(chain.ask("GET", PEOPLE, lost))
    assert status(chain, kept) == 200
    assert chain.droplet.verb("revoke", "SUB=also").returncode == 0
    assert [status(chain, token) for token in (lost, kept, also)] == [401, 200, 401]

    # The negative control: it is the list that refuses them.
    chain.sql("DELETE FROM private.revoked_tokens")
    assert [status(chain, token) for token in (lost, also)] == [200, 200]
    run = chain.droplet.run()
    assert (run.returncode, run.changed_tasks) == (0, [MIGRATE]), run.output
    assert len(run.executions) <= MOST_EXECUTIONS
    assert [status(chain, token) for token in (lost, kept, also)] == [401, 200, 401]
    listed = json.loads(chain.droplet.verb("tokens", "FORMAT=json").stdout)
    told = {entry["sub"]: entry["state"] for entry in listed["tokens"]}
    assert {sub: told[sub] for sub in ("lost", "kept", "also")} == {
        "lost": "revoked",
        "kept": "live",
        "also": "revoked",
    }


def test_the_commands_of_the_page(chain: Chain) -> None:
    """As they stand in docs/TOKENS.md, in their order; the rotation's are the next test."""
    page = (ROOT / "docs" / "TOKENS.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| [^|]+ \| `make (?:-s )?((?:tokens?|revoke)\b[^`]*)` \|", page, re.M)
    assert len(shown) == 5
    for command in shown:
        done = chain.droplet.verb(*command.split())
        assert done.returncode == 0, f"{command}: {done.stderr}"


MIGRATE = "bestviable.portfolio.postgres_erp : Migrate the database and assert its schema"


@pytest.fixture
def rotating(chain: Chain) -> Iterator[Chain]:
    """Afterwards the tokens of other tests are signed with the key that is in force then."""
    yield chain
    chain.__dict__.pop("key", None)


def test_rotated(rotating: Chain) -> None:
    """T15: the old key's tokens are good until the end of the rotation, and no longer, with 20 requests a second."""
    chain = rotating
    # Users of the tests before would hold its end up.
    register = str(chain.droplet.inventory / ".token_register.json")
    token_register.change(register, lambda found: dataclasses.replace(found, issued=()))
    old = handed_out(chain, "tool")
    first = Load(lambda: status(chain, old))
    with first.running():
        begun = chain.droplet.verb("rotate")
        assert begun.returncode == 0, begun.stdout + begun.stderr
    assert set(first.found) == {"200"} and first.found["200"] > 20, first.found

    refused_end = chain.droplet.verb("rotate", "STEP=finish")
    assert (refused_end.returncode, "tool (erp_reader)" in refused_end.stderr) == (1, True), refused_end.stderr
    new = handed_out(chain, "tool")
    assert jwt.get_unverified_header(new)["kid"] != jwt.get_unverified_header(old)["kid"]
    assert [status(chain, token) for token in (old, new)] == [200, 200]

    # An API that keeps what it has once found good, as 12.0.2 can be told to: the negative control.
    # Two connections, so that they fit beside the real one's.
    with api_beside(chain, PGRST_JWT_CACHE_MAX_LIFETIME="3600", PGRST_DB_POOL="2") as cached:
        assert read(chain, cached, old) == 200
        second = Load(lambda: status(chain, new))
        with second.running():
            # Used just before its end, so that a cache would hold it.
            assert status(chain, old) == 200
            finished = chain.droplet.verb("rotate", "STEP=finish")
            assert finished.returncode == 0, finished.stdout + finished.stderr
        assert set(second.found) == {"200"} and second.found["200"] > 20, second.found
        refused(chain.ask("GET", PEOPLE, old))
        assert status(chain, new) == 200
        if VERSION == 12:
            assert read(chain, cached, old) == 200

    path = chain.droplet.inventory / ".token_signing_key.pem"
    assert list(signing_keys.there(str(path))) == ["signing"]
    settled = chain.droplet.run()
    assert (settled.returncode, settled.recap["changed"]) == (0, 0), settled.output


# What is tested here (README, "Not tested here"); 14 empties its cache when it reads its keys again.
VERSION = 12


@pytest.mark.long
@pytest.mark.parametrize("half", ["begin", "finish"])
def test_a_rotation_killed_anywhere_goes_on(rotating: Chain, half: str) -> None:
    """After each kill the key that signs is accepted, and one that ended is not, before and after site.yml."""
    chain = rotating
    path = chain.droplet.inventory / ".token_signing_key.pem"
    playbook, options = "playbooks/rotate.yml", ("-e", f"rotate_step={half}", "-e", "rotate_confirmed=true")

    def signed(state: str) -> str:
        key = tokens.read_key(str(signing_keys.place(str(path), state)))
        return chain.token("erp_reader", key=key)

    def prepared() -> None:
        done = chain.droplet.verb("rotate", "STEP=finish", "YES=1")
        done = chain.droplet.verb("rotate") if half == "finish" else done
        assert done.returncode == 0, done.stderr

    prepared()
    whole = chain.droplet.run(*options, playbook=playbook)
    assert whole.returncode == 0, whole.output
    for execution in range(1, len(whole.executions) + 1):
        prepared()
        before = signed("signing")
        chain.droplet.killed_at(execution, *options, playbook=playbook)
        assert status(chain, signed("signing")) == 200, execution
        assert status(chain, before) == 200, execution
        if execution % 3 == 0:
            site = chain.droplet.run()
            assert site.returncode == 0, site.output
            assert status(chain, signed("signing")) == 200, execution
            if "retired" in signing_keys.there(str(path)):
                assert status(chain, signed("retired")) == 401, execution
        ended = signing_keys.there(str(path)).get("old") if half == "finish" else None
        old = signed("old") if ended else None
        goes_on = chain.droplet.run(*options, playbook=playbook)
        assert goes_on.returncode == 0, goes_on.output
        if old:
            assert status(chain, old) == 401, execution
        assert status(chain, signed("signing")) == 200, execution
