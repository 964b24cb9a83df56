# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `upgrade` refuses before anything is asked of a server."""

from __future__ import annotations

import pytest

from cli.call import Call, Refused
from cli.upgrade import upgrade


@pytest.mark.parametrize(
    ("confirm", "told"),
    [
        ("Portfolio", "CONFIRM=Portfolio is not the database's name, nothing was changed; give CONFIRM=portfolio"),
        ("", "nobody can be asked here; add CONFIRM=portfolio if that is wanted"),
    ],
)
def test_a_refusal_needs_no_server(monkeypatch: pytest.MonkeyPatch, confirm: str, told: str) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    # An inventory that is not there: whoever came that far would refuse that instead.
    with pytest.raises(Refused) as refused:
        upgrade(Call("upgrade", {"INVENTORY": "nowhere", "CONFIRM": confirm}, ()))
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
