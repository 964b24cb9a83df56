# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stand-in makes of an assertion of Access, which a library has signed."""

from __future__ import annotations

import jwt
import pytest

from tests.lab.cloudflared import access
from tests.lab.edge.team import KEY, Team

TEAM, STRANGER = Team("bestviable"), Team("bestviable")
DEMANDED = {"required": True, "teamName": "bestviable", "audTag": ["a", "b"]}


def refused(assertion: str, demanded: dict[str, object] | None = None) -> bool:
    return access.refused(DEMANDED if demanded is None else demanded, assertion, TEAM.key_sets())


def test_who_was_let_in_passes() -> None:
    assert not refused(TEAM.assertion("a", "client"))
    # Nothing is demanded.
    assert not refused("", {}) and not refused("", {"required": False, "audTag": ["a"]})


@pytest.mark.parametrize("assertion", ["", TEAM.assertion("c", "client")])
def test_nobodys_and_another_applications_is_refused(assertion: str) -> None:
    assert refused(assertion)
    assert refused(TEAM.assertion("a", "client"), {**DEMANDED, "audTag": []})


@pytest.mark.parametrize(
    "assertion",
    [
        "no.jwt.at-all",
        "no jwt",
        STRANGER.assertion("a", "client"),
        TEAM.assertion("a", "client")[:-4] + "AAAA",
        Team("other", TEAM.key).assertion("a", "client"),
        jwt.encode({"aud": ["a"], "iss": TEAM.issuer, "exp": 1}, TEAM.key, algorithm="RS256", headers={"kid": KEY}),
        jwt.encode({"aud": ["a"], "iss": TEAM.issuer}, TEAM.key, algorithm="RS256", headers={"kid": KEY}),
    ],
)
def test_what_the_team_did_not_sign_for_now_fails_the_request(assertion: str) -> None:
    with pytest.raises(access.UnverifiedError):
        refused(assertion)
