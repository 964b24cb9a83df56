# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who stands before the door, and what it says to those whom it does not let in."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tests.consistency.repository import defaults
from tests.security.beside import Configuration, api_beside, api_restarts, proxy_beside
from tests.security.chain import HOSTNAME, Chain, Door
from tests.waiting import until

BIGGEST: int = defaults("postgrest_erp")["postgrest_erp_max_body_bytes"]
# Spellings of the two headers that choose a schema, and ways to get rid of what the proxy puts there.
SMUGGLED = [
    {"Accept-Profile": "erp", "Content-Profile": "erp"},
    {"accept-profile": "erp", "CONTENT-PROFILE": "erp"},
    {"Accept_Profile": "erp", "Content_Profile": "erp"},
    {"Connection": "close, Accept-Profile, Content-Profile"},
    {"Connection": "Accept-Profile", "Accept-Profile": "erp"},
    {"X-Forwarded-Prefix": "/erp", "X-HTTP-Method-Override": "GET", "X-Original-URL": "/erp/people"},
]


@pytest.mark.parametrize("via", ["public", "local"])
@pytest.mark.parametrize(
    "path", ["/erp/people", "/agent/sessions", "/view/events", "/view/rpc/health", "/agent/rpc/nothing", "/erp/nothing"]
)
def test_without_a_token(chain: Chain, via: Door, path: str) -> None:
    """T1: the same 401 for what is there and what is not."""
    answer = chain.ask("GET", path, via=via)
    assert answer.status == 401
    assert answer.body == chain.ask("GET", "/erp/people", via=via).body
    assert not any(word in answer.text for word in ("people", "sessions", "erp", "agent", "health", "nothing"))


@pytest.mark.parametrize("method", ["HEAD", "POST", "PATCH", "PUT", "DELETE"])
def test_without_a_token_by_any_method(chain: Chain, method: str) -> None:
    """T1: nor is anything written."""
    before = chain.count("erp.people")
    assert chain.ask(method, "/erp/people", body={"full_name": "x"}).status == 401
    assert chain.count("erp.people") == before


def test_control_with_an_anonymous_role_the_inside_shows(chain: Chain) -> None:
    """T1, control: what is there answers otherwise than what is not."""
    with api_beside(chain, PGRST_DB_ANON_ROLE="erp_reader", PGRST_DB_PRE_REQUEST="") as api:
        assert chain.ask("GET", "/people", via=api).status == 200
        assert chain.ask("GET", "/nothing", via=api).status == 404


@pytest.mark.parametrize("via", ["public", "local"])
@pytest.mark.parametrize(
    "path",
    ["/", "/people", "/erpfoo", "/agentsessions", "/ERP/people", "/erp%2fpeople", "/api_view/events", "/private"],
)
def test_no_way_but_the_prefixes(chain: Chain, via: Door, path: str) -> None:
    """T2: 404 or 400, with a token too, and nothing of the API in it."""
    answer = chain.ask("GET", path, chain.token("erp_reader"), via=via)
    assert answer.status in {400, 404}
    assert "PGRST" not in answer.text


@pytest.mark.parametrize("host", ["example.com", "localhost", "127.0.0.1", f"x.{HOSTNAME}", f"{HOSTNAME}.example.com"])
def test_no_way_by_another_name(chain: Chain, host: str) -> None:
    """T2: the public door knows one name."""
    assert chain.ask("GET", "/erp/people", chain.token("erp_reader"), headers={"Host": host}).status == 404


def test_the_public_name_is_not_the_local_doors(chain: Chain) -> None:
    """T2: where no client is counted, only who is on the server comes in."""
    answer = chain.ask("GET", "/erp/people", chain.token("erp_reader"), via="local", headers={"Host": HOSTNAME})
    assert answer.status == 404


def test_reader_sees_every_row(chain: Chain) -> None:
    """T3: 200, and as many rows as there are."""
    answer = chain.ask("GET", "/erp/people?select=id", chain.token("erp_reader"))
    assert answer.status == 200
    assert len(answer.json()) == chain.count("erp.people") > 0


@pytest.mark.parametrize("headers", SMUGGLED, ids=lambda headers: " ".join(headers))
def test_a_client_does_not_choose_the_schema(chain: Chain, headers: dict[str, str]) -> None:
    """T21: reading and writing through /agent stay in agent, whatever is asked for."""
    token = chain.token("erp_writer")
    before = chain.count("erp.people")
    assert chain.ask("GET", "/agent/people", token, headers=headers).status in {403, 404}
    assert chain.ask("POST", "/agent/people", token, headers=headers, body={"full_name": "x"}).status in {403, 404}
    assert chain.count("erp.people") == before


def test_a_client_does_not_choose_the_schema_by_saying_it_twice(chain: Chain) -> None:
    """T21: two lines of the same header."""
    head = (
        f"GET /agent/people HTTP/1.1\r\nHost: {HOSTNAME}\r\nAuthorization: Bearer {chain.token('erp_reader')}\r\n"
        "Accept-Profile: erp\r\nAccept-Profile: erp\r\nConnection: close\r\n\r\n"
    )
    assert chain.raw_answer(head.encode()).status in {403, 404}


def test_control_one_header_of_the_two_is_not_enough(chain: Chain) -> None:
    """T21, control: without Content-Profile a client writes erp through /agent."""

    def reading_only(_static: Configuration, http: Configuration) -> None:
        del http["middlewares"]["erp-db-profile-agent"]["headers"]["customRequestHeaders"]["Content-Profile"]

    with proxy_beside(chain, reading_only) as proxy:
        answer = chain.ask(
            "POST",
            "/agent/people",
            chain.token("erp_writer"),
            via=proxy,
            headers={"Content-Profile": "erp", "Prefer": "return=representation"},
            body={"full_name": "smuggled"},
        )
        assert answer.status == 201
    chain.sql("DELETE FROM erp.people WHERE full_name = 'smuggled'")


@pytest.mark.parametrize(
    "path",
    [
        "/erp/../agent/sessions",
        "/erp/%2e%2e/agent/sessions",
        "/erp/..%2fagent/sessions",
        "/erp/..%5cagent/sessions",
        "//agent/sessions",
        "/erp//..//agent/sessions",
        "/erp/people%00",
        "/erp/people%3b",
        "/erp/people;/../../agent/sessions",
        "/erp/people%23",
        "/erp/people%3fselect=id",
        "/erp/%25%32%65%25%32%65/agent/sessions",
        f"http://{HOSTNAME}/agent/sessions",
        "http://example.com/erp/people",
        "/erp/rpc/../people/../../agent/sessions",
    ],
)
@pytest.mark.parametrize("via", ["public", "local"])
def test_path_tricks(chain: Chain, via: Door, path: str) -> None:
    """T22: never rows of agent for a reader of erp, and never 500; the grants are the boundary, not the prefix."""
    host = chain.host(via)
    token = chain.token("erp_reader")
    head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    answer = chain.raw_answer(head.encode(), via)
    assert 400 <= answer.status < 500
    assert "session_type" not in answer.text


def test_control_encoded_characters_reach_the_api(chain: Chain) -> None:
    """T22, control: by Traefik's default a null character gets through and is a 500."""

    def by_default(static: Configuration, _http: Configuration) -> None:
        for entry_point in ("web", "local"):
            static["entryPoints"][entry_point]["http"]["encodedCharacters"]["allowEncodedNullCharacter"] = True

    with proxy_beside(chain, by_default) as proxy:
        assert chain.ask("GET", "/erp/people%00", chain.token("erp_reader"), via=proxy).status == 500


@pytest.mark.parametrize("via", ["public", "local"])
def test_what_no_browser_would_send(chain: Chain, via: Door) -> None:
    """T22: two lengths, a length and chunks, broken lines, a huge head: refused, and the next one is answered."""
    host, token = chain.host(via), chain.token("erp_writer")
    start = f"POST /erp/people HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
    smuggled = f"GET /agent/sessions HTTP/1.1\r\nHost: {host}\r\n\r\n"
    before = chain.count("erp.people")
    for rest in (
        f"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{smuggled}",
        f"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}",
        f"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{smuggled}",
        f"Transfer-Encoding: xchunked\r\n\r\n{smuggled}",
        "Content-Length: -1\r\n\r\n",
        "X:\0\r\n\r\n",
        f"X-Long: {'x' * 70000}\r\n\r\n",
    ):
        answer = chain.raw((start + rest).encode(), via, timeout=3)
        assert b" 200 OK" not in answer
        assert b" 500 " not in answer
        assert b"session_type" not in answer
    assert chain.count("erp.people") == before
    assert chain.ask("GET", "/erp/people?limit=1", token, via=via).status == 200


@pytest.mark.parametrize("via", ["public", "local"])
@pytest.mark.parametrize("size", [BIGGEST + 1, 30 << 20])
@pytest.mark.parametrize("way", ["length", "chunks"])
def test_too_big_a_body(chain: Chain, via: Door, size: int, way: str) -> None:
    """T23: 413, however the size is told; with a writer's token too."""
    body = b"x" * size if way == "length" else iter([b"x" * 65536] * (size // 65536 + 1))
    try:
        answer = chain.ask("POST", "/erp/people", chain.token("erp_writer"), via=via, body=body)
    except (BrokenPipeError, ConnectionResetError):
        return  # hung up on, while the body was still on its way
    assert answer.status == 413


def test_the_biggest_body_comes_through(chain: Chain) -> None:
    """T23: up to the limit a body is the API's business."""
    name = "x" * (BIGGEST - len('{"full_name": ""}'))
    assert chain.ask("POST", "/erp/people", chain.token("erp_writer"), body={"full_name": name}).status == 201
    chain.sql("DELETE FROM erp.people WHERE length(full_name) > 100000")


def test_control_big_bodies_kill_the_api(chain: Chain) -> None:
    """T23, control: past the proxy, 30 MB without a token end an API that has an anonymous role."""
    with api_beside(chain, PGRST_DB_ANON_ROLE="erp_writer", PGRST_DB_PRE_REQUEST="") as api:
        body = b'{"full_name":"' + b"x" * (30 << 20) + b'"}'
        with suppress(OSError):
            chain.ask("POST", "/people", via=api, headers={"Content-Type": "application/json"}, body=body)
        until(lambda: api_restarts(chain) > 0)


def test_headers_of_answers(chain: Chain) -> None:
    """T33: nothing of who answers; what keeps browsers out is there, on refusals too."""
    for path, token in (("/erp/people", chain.token("erp_reader")), ("/erp/people", None), ("/erp/nothing", None)):
        headers = chain.ask("GET", path, token).headers
        assert "Server" not in headers
        assert not any("postgrest" in value.lower() or "traefik" in value.lower() for value in headers.values())
        assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"


def test_pages_of_others_may_not_read_answers(chain: Chain) -> None:
    """T33: a page of another origin gets no leave, that of the configured one does."""
    # A browser asks first, and without the token.
    first = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    for origin, allowed in (("https://evil.example", None), (f"https://{HOSTNAME}", f"https://{HOSTNAME}")):
        asked = chain.ask("OPTIONS", "/erp/people", headers={"Origin": origin, **first})
        answered = chain.ask("GET", "/erp/people", chain.token("erp_reader"), headers={"Origin": origin})
        assert asked.headers["Access-Control-Allow-Origin"] == allowed
        assert answered.headers["Access-Control-Allow-Origin"] == allowed


def test_control_by_default_any_page_reads(chain: Chain) -> None:
    """T33, control: without the setting every origin is told that it may."""
    with api_beside(chain, PGRST_SERVER_CORS_ALLOWED_ORIGINS="") as api:
        answer = chain.ask(
            "GET", "/people", chain.token("erp_reader"), via=api, headers={"Origin": "https://evil.example"}
        )
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_the_api_describes_itself_to_nobody(chain: Chain) -> None:
    """T1, T22: no OpenAPI, no plan of a query, no sums over whole tables."""
    token = chain.token("erp_reader")
    assert chain.ask("GET", "/erp/", token).status == 404
    plan = chain.ask("GET", "/erp/people", token, headers={"Accept": "application/vnd.pgrst.plan+json"})
    assert 400 <= plan.status < 500
    assert 400 <= chain.ask("GET", "/erp/people?select=id.sum()", token).status < 500
