# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the route lets through, changes and refuses, each with the guard taken out once.

What needs the API behind it (who gets rows, bodies that are dear to read) is asked in tests/security.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.consistency.repository import defaults
from tests.integration.traefik.conftest import Start, unlimited
from tests.integration.traefik.proxy import HOSTNAME, STRANGER, Behind, Configuration, Proxy
from tests.waiting import until

API = defaults("postgrest_erp")
BIGGEST: int = API["postgrest_erp_max_body_bytes"]
PLACES: int = API["postgrest_erp_in_flight"]
SENT = {
    "Accept-Profile": "private",
    "Content-Profile": "private",
    "Accept_Profile": "private",
    "Accept.Profile": "private",
    "Cookie": "a=b",
    "Cf-Access-Jwt-Assertion": "assertion",
    "Cf-Access-Client-Id": "id",
    "Cf-Access-Client-Secret": "secret",
    "Authorization": "Bearer token",
}
ENCODED = ["%2f", "%00", "%5c", "%3b", "%25", "%23", "%3f"]


@pytest.fixture(scope="module")
def open_wide(start: Start) -> Iterator[Proxy]:
    """The same without its guards, for the controls."""

    def guards_out(static: Configuration, http: Configuration) -> None:
        unlimited(static, http)
        del static["entryPoints"]["web"]["http"]
        http["middlewares"]["erp-db-headers"]["headers"] = {"customRequestHeaders": {"X-Nothing": ""}}
        for service in http["services"].values():
            service["middlewares"] = []
        for router in http["routers"].values():
            router["rule"] = router["rule"].replace("/`)", "`)")

    with start(guards_out) as running:
        yield running


def reached(proxy: Proxy, path: str = "/erp/people") -> Counter[tuple[str, str]]:
    """The headers that the server behind got, those that were sent in any spelling."""
    seen = proxy.ask(path, headers=SENT).seen
    names = {name.lower().replace("_", "-").replace(".", "-") for name in SENT}
    return Counter((n, v) for n, v in seen["headers"] if n.lower().replace("_", "-").replace(".", "-") in names)


@pytest.mark.parametrize(("prefix", "schema"), [("erp", "erp"), ("agent", "agent"), ("view", "api_view")])
def test_what_reaches_the_api(traefik: Proxy, prefix: str, schema: str) -> None:
    """The schema is the prefix's, once; cookies and what Access sends end here, the token goes on."""
    assert reached(traefik, f"/{prefix}/people") == Counter(
        [("Accept-Profile", schema), ("Content-Profile", schema), ("Authorization", "Bearer token")]
    )
    assert traefik.ask(f"/{prefix}/people?id=eq.1").seen["path"] == "/people?id=eq.1"


def test_control_headers_reach_the_api(open_wide: Proxy) -> None:
    assert {name.lower() for name, _value in reached(open_wide)} == {name.lower() for name in SENT}


@pytest.mark.parametrize("host", [HOSTNAME.upper(), f"{HOSTNAME}:443"])
def test_spellings_of_the_name(traefik: Proxy, host: str) -> None:
    assert traefik.ask("/erp/people", headers={"Host": host}).status == 200


@pytest.mark.parametrize("path", ["/", "/people", "/erpfoo", "/ERP/x", "/agentsessions", "/-/route/1"])
def test_no_route(traefik: Proxy, path: str) -> None:
    assert traefik.ask(path).status == 404


def test_no_route_by_address(traefik: Proxy) -> None:
    assert traefik.ask("/erp/people", headers={"Host": "127.0.0.1"}).status == 404
    assert traefik.ask("/erp/people", via="local").status == 200
    assert traefik.ask("/erp/people", via="local", headers={"Host": HOSTNAME}).status == 404


def test_control_a_prefix_without_its_slash(open_wide: Proxy) -> None:
    assert open_wide.ask("/erpfoo").status == 200


@pytest.mark.parametrize("encoded", ENCODED)
def test_encoded_characters(traefik: Proxy, encoded: str) -> None:
    assert traefik.ask(f"/erp/people{encoded}x").status == 400


def test_control_encoded_characters_pass(open_wide: Proxy) -> None:
    assert {open_wide.ask(f"/erp/people{encoded}x").status for encoded in ENCODED} == {200}


def test_what_may_be_in_a_path_and_a_query(traefik: Proxy) -> None:
    assert traefik.ask("/erp/people;x").status == 200
    assert traefik.ask("/erp/people?name=eq.a%2Fb").seen["path"] == "/people?name=eq.a%2Fb"


@pytest.mark.parametrize(
    ("path", "schema", "behind"),
    [("//erp/people", "erp", "/people"), ("/erp/../agent/sessions", "agent", "/sessions")],
)
def test_a_path_is_cleaned_before_it_is_routed(traefik: Proxy, path: str, schema: str, behind: str) -> None:
    seen = traefik.ask(path).seen
    assert seen["path"] == behind
    assert ["Accept-Profile", schema] in seen["headers"]


@pytest.mark.parametrize("way", ["length", "chunks"])
@pytest.mark.parametrize(("size", "status"), [(BIGGEST, 200), (BIGGEST + 1, 413)])
def test_bodies(traefik: Proxy, way: str, size: int, status: int) -> None:
    body = b"x" * size if way == "length" else iter([b"x" * (size - 1), b"x"])
    assert traefik.ask("/erp/people", "POST", body=body).status == status


def test_control_a_big_body_passes(open_wide: Proxy) -> None:
    answer = open_wide.ask("/erp/people", "POST", body=b"x" * (BIGGEST + 1))
    assert (answer.status, answer.seen["length"]) == (200, BIGGEST + 1)


def test_a_big_head(traefik: Proxy) -> None:
    assert traefik.ask("/erp/people", headers={"X-Long": "x" * 40000}).status == 431


def test_control_a_big_head_passes(open_wide: Proxy) -> None:
    assert open_wide.ask("/erp/people", headers={"X-Long": "x" * 40000}).status == 200


def test_headers_of_answers(traefik: Proxy) -> None:
    headers = traefik.ask("/erp/people").headers
    assert "Server" not in headers
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert (headers["X-Content-Type-Options"], headers["X-Frame-Options"]) == ("nosniff", "DENY")
    assert (headers["Referrer-Policy"], headers["Cache-Control"]) == ("no-referrer", "no-store")


def test_control_who_answers_is_told(open_wide: Proxy) -> None:
    headers = open_wide.ask("/erp/people").headers
    assert headers["Server"].startswith("Secret/1.0")
    assert "Strict-Transport-Security" not in headers


def waiters(proxy: Proxy, count: int, held: int) -> Counter[int]:
    """How so many requests fare while the server behind holds those that come through to it."""
    Behind.hold()
    with ThreadPoolExecutor(count) as clients:
        asked = [clients.submit(proxy.ask, "/erp/wait") for _ in range(count)]
        for _ in range(held):
            assert Behind.waiting.acquire(timeout=30)
        # Who is refused is told at once, whoever waits.
        until(lambda: sum(one.done() for one in asked) == count - held)
        Behind.go.set()
        return Counter(one.result().status for one in asked)


def test_places(traefik: Proxy) -> None:
    """As many at a time as the API works on."""
    assert waiters(traefik, PLACES + 5, PLACES) == {200: PLACES, 429: 5}


def test_control_places(open_wide: Proxy) -> None:
    assert waiters(open_wide, PLACES + 5, PLACES + 5) == {200: PLACES + 5}


def few(_static: Configuration, http: Configuration) -> None:
    http["middlewares"]["erp-db-rate"]["rateLimit"] |= {"average": 1, "period": "1m", "burst": 5}


def names(proxy: Proxy, texts: list[str], source: str = "127.0.0.1") -> Counter[int]:
    """How requests fare whose X-Forwarded-For says these."""
    return Counter(
        proxy.ask("/erp/people", headers={"X-Forwarded-For": text, "Cf-Connecting-Ip": text}, source=source).status
        for text in texts
    )


def test_clients_are_counted_by_what_a_connector_says(start: Start) -> None:
    """Each for itself; what a client writes further left counts for nothing, nor what others than a connector say."""
    each = [f"203.0.113.{number}" for number in range(20)]
    with start(few, believed=["127.0.0.1"]) as proxy:
        assert names(proxy, each) == {200: 20}
        assert names(proxy, [f"{text}, 198.51.100.1" for text in each]) == {200: 5, 429: 15}
        # Some were asked for without a word about the client when it started; a stranger's word is none.
        assert names(proxy, each, STRANGER)[429] >= 15


def test_control_without_a_connectors_word_all_are_one(start: Start) -> None:
    with start(few) as proxy:
        assert names(proxy, [f"203.0.113.{number}" for number in range(20)])[429] >= 15


def test_control_everybody_believed_is_nobody_counted(start: Start) -> None:
    def believing(static: Configuration, http: Configuration) -> None:
        few(static, http)
        static["entryPoints"]["web"]["forwardedHeaders"] = {"insecure": True}

    with start(believing) as proxy:
        assert names(proxy, [f"203.0.113.{number}" for number in range(20)], STRANGER) == {200: 20}
