"""restore_facts: what pgBackRest's answer and a wanted moment mean."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.filter.restore_facts import restore_facts


def backup(stop: int, size: int, database: int = 1) -> dict[str, Any]:
    return {"timestamp": {"start": stop - 5, "stop": stop}, "info": {"size": size}, "database": {"id": database}}


def answer(*backups: dict[str, Any], databases: int = 1) -> str:
    known = [{"id": number, "system-id": 7000 + number} for number in range(1, databases + 1)]
    return json.dumps([{"name": "postgres-erp", "db": known, "backup": list(backups)}])


def test_a_repository_with_backups() -> None:
    facts = restore_facts(answer(backup(1795899014, 10 << 20), backup(1795999014, 35 << 20)))
    assert facts["backups"] == 2
    assert facts["system_identifier"] == "7001"
    assert (facts["first"], facts["first_said"]) == (1795899014, "2026-11-28 20:50:14 UTC")
    assert facts["size_mb"] == 35
    assert (facts["moment"], facts["target"]) == (None, "")


def test_backups_of_an_older_database_do_not_count() -> None:
    facts = restore_facts(answer(backup(1, 1, database=1), backup(2000, 1, database=2), databases=2))
    assert (facts["backups"], facts["first"], facts["system_identifier"]) == (1, 2000, "7002")


@pytest.mark.parametrize("said", ["", "[]", "[{}]", "ERROR: [037]: no", "null", answer()])
def test_nothing_to_restore(said: str) -> None:
    facts = restore_facts(said)
    assert (facts["backups"], facts["first"], facts["first_said"], facts["size_mb"]) == (0, 0, "", 0)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("2026-11-28 14:05", "2026-11-28 14:05:00.000000+00"),
        ("2026-11-28T14:05:00Z", "2026-11-28 14:05:00.000000+00"),
        ("2026-11-28 14:05:00.25+00", "2026-11-28 14:05:00.250000+00"),
        (" 2026-11-28 14:05:00+02:00 ", "2026-11-28 12:05:00.000000+00"),
        ("2026-11-28 00:30:00+01", "2026-11-27 23:30:00.000000+00"),
    ],
)
def test_a_moment(text: str, target: str) -> None:
    assert restore_facts(answer(), text)["target"] == target


@pytest.mark.parametrize("text", ["yesterday", "14:05", "2026-13-01 00:00", "2026-02-30"])
def test_no_moment(text: str) -> None:
    facts = restore_facts(answer(), text)
    assert (facts["moment"], facts["target"], facts["said"]) == (None, "", "")
