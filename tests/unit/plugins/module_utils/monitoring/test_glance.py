# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A glance: it says what a full look says where all is well, and nothing where it takes one to say what is wrong."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring import glance, look
from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring.report import status_report

from tests.unit.plugins.filter.test_status_report import HEALTHY as FACTS
from tests.unit.plugins.filter.test_status_report import numbers

Json = dict[str, Any]
LINKS = [link for link in FACTS["chain"] if not link["unasked"]]
CONFIG: Json = {
    "host": FACTS["host"],
    "containers": FACTS["containers"],
    "networks": FACTS["networks"],
    "tables": list(FACTS["tables"].items()),
    "links": LINKS,
    "chain": [{key: link[key] for key in ("name", "at", "unasked")} for link in FACTS["chain"]],
    "full_mb": 32,
}
FOUND: Json = {
    "engine": {"docker": {"reachable": True, "error": None}, "containers": FACTS["server"]["containers"]},
    "answers": {"database": {"reachable": True}, "API": {"status": 200}, "proxy": {"status": 200}},
    "schema": {"version": "002", "tables": FACTS["schema"]["tables"], "drift": False},
}
BESIDE: Json = {
    "version": FACTS["server"]["docker"]["version"],
    "networks": FACTS["server"]["networks"],
    "free_mb": 20000,
}


def reported(change: Callable[[Json, Json, Json], object] = lambda *_parts: None) -> Json | None:
    found, beside, seen = copy.deepcopy((FOUND, BESIDE, numbers()))
    change(found, beside, seen)
    return glance.reported(CONFIG, found, beside, seen["status"], seen["now"])


def test_where_all_is_well_it_is_the_report_of_a_full_look() -> None:
    assert reported() == status_report(FACTS | {"monitoring": numbers()})


def test_what_is_only_warned_of_is_in_it() -> None:
    warned = numbers(("token", "warn"))
    report = glance.reported(CONFIG, FOUND, BESIDE, warned["status"], warned["now"])
    assert report and [each["object"] for each in report["warnings"]] == ["token"]


def failing(_found: Json, _beside: Json, seen: Json) -> None:
    seen.update(numbers(("disk", "fail")))


def silent(_found: Json, _beside: Json, seen: Json) -> None:
    seen["now"] += 181


UNWELL: dict[str, Callable[[Json, Json, Json], object]] = {
    "a container that ended": lambda found, _b, _s: found["engine"]["containers"]["traefik"].update(state="exited"),
    "a container that is ill": lambda found, _b, _s: found["engine"]["containers"]["traefik"].update(
        health="unhealthy"
    ),
    "a container that is gone": lambda found, _b, _s: found["engine"]["containers"].update(traefik=None),
    "a network that is gone": lambda _f, beside, _s: beside["networks"].update(docker_proxy=None),
    "a link that answers something else": lambda found, _b, _s: found["answers"].update(API={"status": 503}),
    "a link that does not answer": lambda found, _b, _s: found["answers"].update(proxy={"msg": "Connection refused"}),
    "a link that was not asked": lambda found, _b, _s: found["answers"].update(database=None),
    "a schema that was changed": lambda found, _b, _s: found["schema"].update(drift=True),
    "a schema of which nothing is recorded": lambda found, _b, _s: found["schema"].update(drift=None),
    "a schema that cannot be read": lambda found, _b, _s: found.update(schema={"error": "no answer within 8 s"}),
    "a table too few": lambda found, _b, _s: found["schema"]["tables"].update(erp=13),
    "a full disk": lambda _f, beside, _s: beside.update(free_mb=31),
    "no data": lambda _f, beside, _s: beside.update(free_mb=None),
    "a number that fails": failing,
    "a collector that is silent": silent,
}


@pytest.mark.parametrize("case", UNWELL)
def test_what_is_wrong_is_left_to_a_full_look(case: str) -> None:
    assert reported(UNWELL[case]) is None


def test_an_engine_that_does_not_answer_is_left_to_a_full_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "everything", lambda _config: FOUND)
    config = CONFIG | {"docker_socket": str(tmp_path / "docker.sock"), "data_volume": "x"}
    assert glance.glance(config) == {"mark": None, "report": None}


def test_every_file_counts_but_what_programs_write_by_themselves(tmp_path: Path) -> None:
    directories = [str(tmp_path / name) for name in ("postgres-erp", "monitoring", "traefik")]
    by_itself = ("postgres-erp/run/.s.PGSQL.5432.lock", "monitoring/state.json.tmp")
    for name in ("postgres-erp/marker.json", "somebody/else", *by_itself):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    marker = tmp_path / "postgres-erp" / "marker.json"
    before = list(glance.files(directories))
    assert [each[0] for each in before] == [str(marker)]
    os.utime(marker, ns=(1, 1))
    assert list(glance.files(directories)) != before
