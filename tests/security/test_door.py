# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who stands before the door, and what it says to those whom it does not let in."""

from __future__ import annotations

import pytest

from tests.security.chain import Chain, Door

# Names that an answer without a token must not hold: nothing of what is behind the door.
INSIDE = ("people", "sessions", "erp", "agent", "postgres", "schema", "relation", "function", "hint", "pgrst")


@pytest.mark.parametrize("via", ["public", "local"])
@pytest.mark.parametrize(
    "path", ["/erp/people", "/agent/sessions", "/view/events", "/view/rpc/health", "/agent/rpc/nothing", "/erp/nothing"]
)
def test_without_a_token(chain: Chain, via: Door, path: str) -> None:
    """T1: the same 401 for what is there and what is not."""
    answer = chain.ask("GET", path, via=via)
    assert answer.status == 401
    assert answer.body == chain.ask("GET", "/erp/people", via=via).body


def test_reader_sees_every_row(chain: Chain) -> None:
    """T3: 200, and as many rows as there are."""
    answer = chain.ask("GET", "/erp/people?select=id", chain.token("erp_reader"))
    assert answer.status == 200
    assert len(answer.json()) == chain.count("erp.people") > 0
