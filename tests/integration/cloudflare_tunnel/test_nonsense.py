# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each value of each answer becomes something else: a sentence or success, no traceback; whole again afterwards."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.cloudflare_tunnel.driver import Driver
from tests.integration.cloudflare_tunnel.test_faults import REMOTE, forget, is_sentence, reached
from tests.lab.cloudflare.fake import Exchange

JUNK: list[Any] = [None, 5, "x", [5], {"id": 5}]
SAMPLE = 60
Place = tuple[str | int, ...]


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Every value in a document, by the way to it."""
    if place:
        yield place
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield from places(inner, (*place, key))


def replaced(document: Any, place: Place, value: Any) -> Any:
    made = inner = copy.deepcopy(document)
    try:
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value
    except (KeyError, IndexError, TypeError):
        return document  # another answer of this call has less
    return made


def cases(log: list[Exchange]) -> list[tuple[tuple[str, str], Place, Any]]:
    seen = {(item.call, place) for item in log for place in places(item.document)}
    return [(call, place, value) for call, place in sorted(seen, key=str) for value in JUNK]


def tried(driver: Driver, found: list[tuple[tuple[str, str], Place, Any]]) -> None:
    for call, place, value in found:
        forget(driver)
        driver.fake.mangle = lambda one, document, call=call, place=place, value=value: (  # type: ignore[misc]
            replaced(document, place, value) if one == call else document
        )
        result = driver.run(**REMOTE)
        assert not result.get("failed") or is_sentence(result), (call, place, value, result)
        driver.fake.mangle = lambda call, document: document
    # Others' rules are sent back as they came, nonsense too.
    driver.fake.violations.clear()


def everything(driver: Driver) -> list[tuple[tuple[str, str], Place, Any]]:
    driver.good(**REMOTE)
    driver.nothing_to_do(**REMOTE)
    return cases(driver.fake.log)


def test_18_a_sample(driver: Driver) -> None:
    tried(driver, random.Random(7).sample(everything(driver), SAMPLE))
    forget(driver)
    driver.good(**REMOTE)
    reached(driver)


@pytest.mark.long
def test_18_all(driver: Driver, record_property: Callable[[str, object], None]) -> None:
    found = everything(driver)
    tried(driver, found)
    record_property("summary", f"cloudflare_tunnel: {len(found)} answers with one wrong value each")
