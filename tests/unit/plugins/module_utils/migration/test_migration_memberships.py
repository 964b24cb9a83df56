# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memberships as PostgreSQL 16 and newer keep them: whose each is, what its options are, and who may change it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration import memberships
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.memberships import Administrator
from ansible_collections.bestviable.portfolio.plugins.module_utils.migration.roles import Role

ROOT = Administrator("root")
PROVIDER = Administrator("provider", frozenset())
MEMBER = Role(inherit=False, member_of=("g",))


def grant(role: str = "g", grantor: str = "provider", **options: Any) -> dict[str, Any]:
    return {"role": role, "grantor": grantor, "admin": False, "inherit": False, "set": True, **options}


def compared(by: Administrator, *grants: dict[str, Any], wanted: Role = MEMBER) -> memberships.Memberships:
    return memberships.compare("m", wanted, {"grants": list(grants)}, by)


@pytest.mark.parametrize("by", [ROOT, PROVIDER])
def test_one_that_is_right_asks_for_nothing(by: Administrator) -> None:
    assert compared(by, grant(), grant(grantor="other")) == memberships.Memberships()


def test_one_that_is_missing_is_granted_later() -> None:
    found = compared(PROVIDER)
    assert (found.missing, found.statements, found.words) == (["g"], [], ["no member of g"])


@pytest.mark.parametrize(
    ("grants", "statements", "words"),
    [
        (
            [grant(), grant("x"), grant("x", "provider")],
            ['REVOKE "x" FROM "m" GRANTED BY "provider"'] * 2,
            ["extra member of x"],
        ),
        (
            [grant(admin=True, given_on=["eve"])],
            ['REVOKE ADMIN OPTION FOR "g" FROM "m" GRANTED BY "provider" CASCADE'],
            ["may make others members of g, and so are eve"],
        ),
        ([grant(inherit=True)], ['GRANT "g" TO "m" WITH INHERIT FALSE GRANTED BY "provider"'], ["inherits g"]),
        ([grant(set=False)], ['GRANT "g" TO "m" WITH SET TRUE'], ["may not become g"]),
    ],
)
def test_what_differs(grants: list[dict[str, Any]], statements: list[str], words: list[str]) -> None:
    found = compared(PROVIDER, *grants)
    assert (found.statements, found.words, found.stuck) == (statements, words, [])


def test_who_inherits_needs_one_membership_that_does() -> None:
    wanted = Role(member_of=("g",))
    assert compared(PROVIDER, grant(), wanted=wanted).statements == ['GRANT "g" TO "m" WITH INHERIT TRUE']
    assert compared(PROVIDER, grant(), grant(grantor="other", inherit=True), wanted=wanted).statements == []


@pytest.mark.parametrize("given", [grant("x", "other"), grant(grantor="other", inherit=True)])
def test_what_somebody_else_gave_is_for_a_superuser(given: dict[str, Any]) -> None:
    others = compared(PROVIDER, grant(), given)
    assert others.statements == [] and others.words == [] and len(others.stuck) == 1
    assert others.kept == (["x"] if given["role"] == "x" else [])
    assert compared(ROOT, grant(), given).statements[0].endswith('GRANTED BY "other"')


def test_before_16_nothing_is_known_of_a_membership_but_its_names() -> None:
    found = memberships.compare("m", MEMBER, {"grants": None, "member_of": ["g", "x"], "admin_of": ["g"]}, PROVIDER)
    assert found.statements == ['REVOKE "x" FROM "m"', 'REVOKE ADMIN OPTION FOR "g" FROM "m"']
