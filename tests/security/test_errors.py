# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every error that docs/DATA_API.md tells of is provoked, and is as it is told there."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.security.chain import Answer, Chain
from tests.server import ROOT

TEXT = (ROOT / "docs" / "DATA_API.md").read_text()
TOLD = [
    (int(status), set(re.findall(r"\w+", codes)))
    for status, codes in re.findall(r"^\| `(\d{3})` \| ([\w, ]+?) \| ", TEXT, re.M)
]
ONE = {"Accept": "application/vnd.pgrst.object+json"}
# Provoked in test_limits.py and test_access.py, where it takes many or something large.
ELSEWHERE = {"57014", "53200", "PGRST003", "PT400"}


def reads(path: str, headers: dict[str, str] | None = None) -> Callable[[Chain], Answer]:
    return lambda chain: chain.ask("GET", path, chain.token("erp_reader"), headers=headers)


def writes(path: str, body: object, method: str = "POST") -> Callable[[Chain], Answer]:
    return lambda chain: chain.ask(method, path, chain.token("erp_writer"), body=body)


PROVOKED: dict[str, Callable[[Chain], Answer]] = {
    "PGRST302": lambda chain: chain.ask("GET", "/erp/people"),
    "PGRST301": lambda chain: chain.ask("GET", "/erp/people", chain.token("erp_reader", exp=1)),
    "PT401": lambda chain: chain.ask("GET", "/erp/people", chain.token("erp_reader", jti=None)),
    "42501": reads("/agent/sessions"),
    "42P01": reads("/erp/nothing"),
    "PGRST202": reads("/erp/rpc/nothing"),
    "42703": reads("/erp/people?select=nothing"),
    "PGRST204": writes("/erp/people", {"nothing": 1}),
    "PGRST100": reads("/erp/people?id=nothing"),
    "PGRST102": writes("/erp/people", "{"),
    "PGRST200": reads("/erp/people?select=*,nothing(*)"),
    "PGRST116": reads("/erp/people", ONE),
    "22P02": reads("/erp/people?id=eq.x"),
    "23502": writes("/erp/people", {"email": "x@example.com"}),
    "23503": writes("/erp/tasks", {"title": "x", "project_id": 0}),
    "23505": writes("/erp/people", {"full_name": "x", "global_id": "person_mara_lindqvist"}),
    "23514": writes("/erp/people", {"full_name": "x", "global_id": "with spaces"}),
    "PGRST103": reads("/erp/people?offset=100000", {"Prefer": "count=exact"}),
}


def test_every_code_of_the_table_is_provoked() -> None:
    for status, codes in TOLD:
        assert codes & (PROVOKED.keys() | ELSEWHERE), (status, codes)


@pytest.mark.parametrize("code", PROVOKED)
def test_the_error_is_as_it_is_told(chain: Chain, code: str) -> None:
    """Which of a row's codes comes depends on the version."""
    answer = PROVOKED[code](chain)
    [(status, codes)] = [(status, codes) for status, codes in TOLD if code in codes]
    assert answer.status == status
    assert answer.json()["code"] in codes
