# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No request of any size, shape or number, by any role, kills anything or shuts others out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPException

import pytest

from tests.consistency.repository import defaults
from tests.security.beside import Configuration, api_beside, api_restarts, proxy_beside
from tests.security.chain import HOSTNAME, Answer, Chain, Door
from tests.waiting import until

API = defaults("postgrest_erp")
ROWS: int = API["postgrest_erp_max_rows"]
BIGGEST: int = API["postgrest_erp_max_body_bytes"]
PLACES: int = API["postgrest_erp_in_flight"]
JSON = {"Content-Type": "application/json"}
Request = Callable[[int], Answer]


def nested(size: int) -> bytes:
    """What costs PostgREST most to read: as many lists in one another as fit."""
    depth = (size - len('{"nothing":}')) // 2
    return b'{"nothing":' + b"[" * depth + b"]" * depth + b"}"


def numbers(size: int) -> bytes:
    return b'{"nothing":[' + b",".join([b"1"] * ((size - 20) // 2)) + b"]}"


def at_once(count: int, request: Request) -> Counter[int]:
    """How often each status came to so many clients that ask at the same time."""
    with ThreadPoolExecutor(count) as clients:
        return Counter(answer.status for answer in clients.map(request, range(count)))


def for_seconds(seconds: float, count: int, request: Request) -> Counter[int]:
    """The same, each client again and again; one that is told 429 waits a moment."""
    seen: Counter[int] = Counter()
    end = time.monotonic() + seconds

    def client(number: int) -> None:
        while time.monotonic() < end:
            status = request(number).status
            seen[status] += 1
            if status == 429:
                time.sleep(0.05)

    with ThreadPoolExecutor(count) as clients:
        list(clients.map(client, range(count)))
    return seen


@contextmanager
def rows(chain: Chain, count: int, kilobytes: float) -> Iterator[str]:
    """So many people with notes of that length; the filter that finds them."""
    chain.sql(
        "INSERT INTO erp.people (full_name, notes) "
        f"SELECT 'wide' || i, repeat(md5(i::text), {int(kilobytes * 32)}) FROM generate_series(1, {count}) AS i"
    )
    try:
        yield "full_name=like.wide*"
    finally:
        chain.sql("DELETE FROM erp.people WHERE full_name LIKE 'wide%'")


@contextmanager
def sleeper(chain: Chain, role: str, timeout: str) -> Iterator[str]:
    """A function that sleeps three seconds, and a time-out of its caller's role; the path that calls it."""
    before = chain.sql(
        "SELECT split_part(c, '=', 2) FROM pg_roles, unnest(rolconfig) AS c "
        f"WHERE rolname = '{role}' AND c LIKE 'statement_timeout=%'"
    )
    chain.sql(
        "CREATE FUNCTION erp.sleeper() RETURNS INT LANGUAGE sql STABLE AS 'SELECT 1 FROM pg_sleep(3)';"
        f"GRANT EXECUTE ON FUNCTION erp.sleeper() TO {role};"
        f"ALTER ROLE {role} SET statement_timeout = '{timeout}';"
        "NOTIFY pgrst, 'reload config'; NOTIFY pgrst, 'reload schema'"
    )
    try:
        path = "/rpc/sleeper"
        until(lambda: chain.ask("GET", "/erp" + path, chain.token(role)).status != 404)
        yield path
    finally:
        chain.sql(
            f"DROP FUNCTION erp.sleeper(); ALTER ROLE {role} "
            + (f"SET statement_timeout = '{before}'" if before else "RESET statement_timeout")
            + "; NOTIFY pgrst, 'reload config'; NOTIFY pgrst, 'reload schema'"
        )


def test_a_roles_time_out_holds(chain: Chain) -> None:
    """T30: and without the setting that reads the roles' settings it does not."""
    with sleeper(chain, "erp_reader", "500ms") as path:
        answer = chain.ask("GET", f"/erp{path}", chain.token("erp_reader"))
        assert answer.status >= 500
        assert answer.json()["code"] == "57014"
        with api_beside(chain, PGRST_DB_CONFIG="false") as api:
            assert chain.ask("GET", path, chain.token("erp_reader"), via=api).status == 200


def test_every_request_has_a_time_out(chain: Chain) -> None:
    """T30: a role that sets none has the login's."""
    found = chain.sql("SELECT unnest(rolconfig) FROM pg_roles WHERE rolname = 'portfolio_authenticator'")
    assert "statement_timeout=" in found


@pytest.mark.parametrize("asked", ["", "&limit=5000", "&limit=5000&offset=1"])
def test_rows_of_an_answer(chain: Chain, asked: str) -> None:
    """T31: whatever is asked for, by Range too."""
    with rows(chain, ROWS + 20, 0.1) as found:
        answer = chain.ask(
            "GET", f"/erp/people?select=id&{found}{asked}", chain.token("erp_reader"), headers={"Range": "0-9999"}
        )
        assert len(answer.json()) == ROWS


def test_rows_of_an_embed(chain: Chain) -> None:
    """T31: at each level."""
    with organisation(chain, ROWS + 20):
        path = "/erp/organizations?select=id,engagements(id)&name=eq.wide"
        assert [len(one["engagements"]) for one in chain.ask("GET", path, chain.token("erp_reader")).json()] == [ROWS]


@contextmanager
def organisation(chain: Chain, count: int, filler: int = 0) -> Iterator[None]:
    """One with so many engagements, and each of these with tasks, the longest of them filled."""
    chain.sql(
        f"""
        WITH o AS (INSERT INTO erp.organizations (name) VALUES ('wide') RETURNING id)
        INSERT INTO erp.engagements (client_org_id, name, notes)
        SELECT o.id, 'wide' || i, repeat('x', {filler}) FROM o, generate_series(1, {count}) AS i;
        INSERT INTO erp.tasks (engagement_id, title, description)
        SELECT e.id, 'wide', repeat('y', {filler})
        FROM erp.engagements AS e, generate_series(1, {count if filler else 0}) WHERE e.name LIKE 'wide%';
        ANALYZE erp.engagements, erp.tasks"""
    )
    try:
        yield
    finally:
        chain.sql(
            "DELETE FROM erp.tasks WHERE title = 'wide'; DELETE FROM erp.engagements WHERE name LIKE 'wide%';"
            "DELETE FROM erp.organizations WHERE name = 'wide'"
        )


def test_one_client_alone_is_slowed_down(chain: Chain) -> None:
    """T32: by the public name, however often it calls itself another one."""

    def other_names(number: int) -> Answer:
        names = dict.fromkeys(("X-Forwarded-For", "Cf-Connecting-Ip", "X-Real-Ip"), f"203.0.113.{number % 250}")
        return chain.ask("GET", "/erp/people", headers=names)

    count = API["postgrest_erp_rate"]["burst"] * 4
    with ThreadPoolExecutor(20) as clients:
        seen = Counter(answer.status for answer in clients.map(other_names, range(count)))
        assert set(seen) == {401, 429}
        # The one on the server itself is not counted.
        assert set(Counter(a.status for a in clients.map(lambda _: ask_locally(chain), range(count)))) == {401}
    until(lambda: chain.ask("GET", "/erp/people").status == 401)


def ask_locally(chain: Chain) -> Answer:
    return chain.ask("GET", "/erp/people", via="local")


def test_control_a_header_as_the_clients_name(chain: Chain) -> None:
    """T32, control: counted by a header, a client that rotates it has no limit."""

    def by_header(_static: Configuration, http: Configuration) -> None:
        http["middlewares"]["erp-db-rate"]["rateLimit"]["sourceCriterion"] = {"requestHeaderName": "Cf-Connecting-Ip"}

    with proxy_beside(chain, by_header) as proxy, ThreadPoolExecutor(20) as clients:
        seen = clients.map(
            lambda number: (
                chain.ask("GET", "/erp/people", via=proxy, headers={"Cf-Connecting-Ip": f"n{number}"}).status
            ),
            range(API["postgrest_erp_rate"]["burst"] * 4),
        )
        assert set(seen) == {401}


@pytest.mark.parametrize("body", [nested, numbers])
def test_bodies_that_are_dear_to_read(chain: Chain, body: Callable[[int], bytes]) -> None:
    """T40: the biggest that come through, from everywhere at once; two are read at a time, whatever way they come."""
    doors: list[tuple[Door, str]] = [("public", HOSTNAME), ("local", "localhost"), ("local", "127.0.0.1:3000")]
    token = chain.token("erp_writer")

    def request(number: int) -> Answer:
        via, host = doors[number % 3]
        path = ("/erp/people", "/agent/sessions", "/view/events")[number % 2]
        headers = {**JSON, "Host": host, "Cookie": f"a={number}"}
        return chain.ask("POST", path, token, via, headers, body(BIGGEST))

    assert not set(at_once(20, request)) - {400, 403, 404, 429}
    small = for_seconds(1, PLACES, lambda _: chain.ask("POST", "/erp/people", token, "local", JSON, body(7900)))
    assert not set(small) - {400, 429}


def test_control_bodies_of_a_mebibyte(chain: Chain) -> None:
    """T40, control: past the proxy's limits, four requests of a writer kill the API."""
    headers = {**JSON, "Content-Profile": "erp"}
    with api_beside(chain) as api, suppress(OSError, HTTPException):
        at_once(4, lambda _: chain.ask("POST", "/people", chain.token("erp_writer"), api, headers, nested(1 << 20)))
        until(lambda: api_restarts(chain) > 0)


@pytest.mark.parametrize(
    "kilobytes", [11, 500, pytest.param(6, marks=pytest.mark.long), pytest.param(14, marks=pytest.mark.long)]
)
def test_answers_that_are_large(chain: Chain, kilobytes: int) -> None:
    """T40: together with dear bodies; one that the database cannot hold is refused by it, and that alone."""
    reader, writer = chain.token("erp_reader"), chain.token("erp_writer")
    with rows(chain, ROWS, kilobytes) as found:

        def request(number: int) -> Answer:
            if number % 10 == 0:
                return chain.ask("POST", "/erp/people", writer, "local", JSON, nested(BIGGEST))
            if number % 10 < 3:
                return chain.ask("POST", "/erp/people", writer, "local", JSON, nested(7900))
            return chain.ask("GET", f"/erp/people?{found}", reader, "local")

        seen = for_seconds(4, PLACES + 10, request)
    # 503: the answer is too large (53200); 504: no connection of the pool was free in time.
    assert not set(seen) - {200, 400, 429, 503, 504}
    assert (503 in seen) or kilobytes < 500
    assert chain.ask("GET", "/erp/people?limit=1", reader).status == 200


def test_the_worst_embed(chain: Chain) -> None:
    """T40: levels of as many rows as there may be, by many at once; nothing falls and the next one is served."""
    token = chain.token("erp_reader")
    path = "/erp/organizations?select=*,engagements(*,tasks(*,engagements(*,organizations(*))))&name=eq.wide"
    with organisation(chain, ROWS, 100):
        seen = at_once(8, lambda _: chain.ask("GET", path, token, "local"))
        assert not set(seen) - {200, 500, 503, 504}
        until(lambda: chain.ask("GET", "/erp/people?limit=1", token).status == 200)


def test_who_sends_slowly_shuts_nobody_out(chain: Chain) -> None:
    """T40: more bodies that never come than there are places, of either kind."""
    token = chain.token("erp_writer")
    with ExitStack() as stack:
        for number in range(PLACES + 10):
            length = 100 if number % 2 else 100000
            head = f"POST /erp/people HTTP/1.1\r\nHost: {HOSTNAME}\r\nContent-Length: {length}\r\n\r\n"
            stack.enter_context(chain.connect("public")).sendall(head.encode())
        assert chain.ask("GET", "/erp/people?limit=1", token).status == 200
        assert chain.ask("POST", "/erp/people", token, headers=JSON, body=nested(9000)).status == 400


def test_who_reads_slowly_shuts_nobody_out(chain: Chain) -> None:
    """T40: large answers that nobody takes."""
    token = chain.token("erp_reader")
    with rows(chain, ROWS, 5) as found, ExitStack() as stack:
        head = f"GET /erp/people?{found} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
        for _ in range(PLACES):
            stack.enter_context(chain.connect("local")).sendall(head.encode())
        until(lambda: chain.ask("GET", "/erp/people?limit=1", token).status == 200)


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_write_after_a_head(chain: Chain, method: str) -> None:
    """T40: no connection to the API is left in a state that the next client suffers from."""
    token = chain.token("erp_writer")
    seen: Counter[int] = Counter()
    for _ in range(20):
        chain.ask("HEAD", "/erp/people?limit=1", token, via="local")
        body = {"title": "x"} if method == "PATCH" else None
        seen[chain.ask(method, "/erp/tasks?id=eq.0", token, via="local", body=body).status] += 1
    assert set(seen) == {204}


def test_control_a_head_spoils_its_connection(chain: Chain) -> None:
    """T40, control: over connections that are kept after a HEAD, some of the next writes fail (12.0.2).

    The proxy sees what spoils a connection if it has a moment, so the write comes in the same packet (one of 30 fails).
    """

    def kept(_static: Configuration, http: Configuration) -> None:
        http["services"]["erp-db-head"]["loadBalancer"]["serversTransport"] = "erp-db"
        # All of it comes from one client.
        http["middlewares"]["erp-db-rate"]["rateLimit"] |= {"average": 10000, "burst": 10000}

    common = f"Host: {HOSTNAME}\r\nAuthorization: Bearer {chain.token('erp_writer')}\r\n"
    head = f"HEAD /erp/people?limit=1 HTTP/1.1\r\n{common}\r\n"
    write = f"DELETE /erp/tasks?id=eq.0 HTTP/1.1\r\n{common}\r\n"
    last = f"GET / HTTP/1.1\r\n{common}Connection: close\r\n\r\n"
    pairs = ((head + write) * 20 + last).encode()
    with proxy_beside(chain, kept) as proxy:
        until(lambda: b"HTTP/1.1 502" in chain.raw(pairs, proxy), "a connection that is spoilt", 60)


def test_small_requests_of_many(chain: Chain) -> None:
    """T40: as many clients as the API is made for, and each is answered."""
    token = chain.token("erp_reader")
    seen = for_seconds(2, 32, lambda _: chain.ask("GET", "/erp/people?limit=1", token, "local"))
    assert set(seen) == {200}


def test_refused_bodies_are_refused_clearly(chain: Chain) -> None:
    """T40: a body that the API does not even read is a 401 and no broken connection, but for one of 200 (12.0.2)."""
    seen = for_seconds(2, 2, lambda _: chain.ask("POST", "/erp/people", via="local", headers=JSON, body=b"x" * BIGGEST))
    assert not set(seen) - {401, 502}
    assert seen[502] <= 5 + seen[401] // 20
