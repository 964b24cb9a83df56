# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of verify: the broken link first, with a remedy that can be pasted; a whole chain fits a screen."""

from __future__ import annotations

from typing import Any

from cli.verify import lines

Json = dict[str, Any]
LINKS = [
    {"name": "server", "at": "erp-db", "state": "ok", "detail": "Docker Engine 20.10.24"},
    {"name": "API", "at": "port 3000 of postgrest-erp", "state": "ok", "detail": "401 without a token; 200 with one"},
    {"name": "tunnel", "at": "https://erp-db.bestviable.com", "state": "not set up", "detail": "does not answer"},
]


def report(status: str, links: list[Json], broken: Json | None = None) -> Json:
    return {"host": "erp-db", "status": status, "broken": broken, "links": links}


def test_a_whole_chain_is_told_in_one_line_and_each_link_in_its_own() -> None:
    text = list(lines(report("ok", LINKS)))
    assert text[0] == "chain of erp-db: ok, 2 links answer"
    assert text[1] == "  ok           server       erp-db: Docker Engine 20.10.24"
    assert "  not set up   tunnel       https://erp-db.bestviable.com: does not answer" in text
    assert max(map(len, text)) <= 80


def test_the_broken_link_comes_first_with_its_remedy() -> None:
    broken = {"object": "API", "what": "API at port 3000: answers 503", "remedy": "correct it, run: make deploy"}
    links = [LINKS[0], LINKS[1] | {"state": "broken", "detail": "answers 503"}]
    text = list(lines(report("broken", links, broken)))
    assert text[:3] == [
        "chain of erp-db: broken at API",
        "  API at port 3000: answers 503;",
        "    correct it, run: make deploy",
    ]
    assert text[-1] == "  broken       API          port 3000 of postgrest-erp"


def test_a_server_that_says_nothing_and_one_that_has_nothing() -> None:
    wrong = {"object": "erp-db", "what": "w", "remedy": "r"}
    assert next(lines(report("unknown", [], wrong))) == "chain of erp-db: it could not be found out"
    assert next(lines(report("bare", [], wrong))) == "chain of erp-db: there is none"
