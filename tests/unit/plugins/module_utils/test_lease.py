"""The lease: who may have the server, and that a run keeps what it has."""

from __future__ import annotations

import json
import multiprocessing
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils import lease

NOW = 1_800_000_000.0


def held(run_id: str = "a", renewed: float = NOW) -> dict[str, Any]:
    return {"run_id": run_id, "who": "david@laptop", "since": NOW - 60, "renewed": renewed, "holder": {}}


@pytest.mark.parametrize(
    ("current", "take_over", "verdict"),
    [
        (None, None, lease.FREE),
        (held("b"), None, lease.OURS),
        (held("b", NOW - 3600), None, lease.OURS),
        (held(), None, lease.REFUSED),
        (held(renewed=NOW - lease.LIFETIME + 1), None, lease.REFUSED),
        (held(renewed=NOW - lease.LIFETIME), None, lease.TAKEN_OVER),
        (held(), "a", lease.TAKEN_OVER),
        (held(), "some other run", lease.REFUSED),
        # The clock was set back: a lease from the far future must not hold for ever.
        (held(renewed=NOW + 86400), None, lease.TAKEN_OVER),
    ],
)
def test_judge(current: dict[str, Any] | None, take_over: str | None, verdict: str) -> None:
    assert lease.judge(current, "b", take_over, NOW) == verdict


def test_a_lease_of_our_own_keeps_its_beginning() -> None:
    again = lease.renewed(held("b"), lease.OURS, "b", {"who": "david@laptop"}, NOW)
    assert (again["since"], again["renewed"]) == (NOW - 60, NOW)
    new = lease.renewed(held("a"), lease.TAKEN_OVER, "b", {}, NOW)
    assert (new["since"], new["who"]) == (NOW, "somebody")


def test_the_sentence_names_who_and_since_when() -> None:
    assert lease.held_sentence(held()).startswith(
        "david@laptop has been changing this server since 2027-01-15 07:59:00 UTC (run a);"
    )


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"run_id": "a", "who": "x", "since": 1}', '{"renewed": "soon"}']
)
def test_a_broken_lease_protects_nobody(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lease.json"
    path.write_text(text)
    assert lease.read(str(path)) is None


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(lease.FILE_VARIABLE, str(tmp_path / "lease.json"))
    monkeypatch.setenv(lease.RUN_VARIABLE, "a")
    return tmp_path / "lease.json"


def test_renewing_keeps_all_but_the_time(path: Path) -> None:
    lease.write(str(path), held())
    lease.renew_from_environment()
    found = json.loads(path.read_text())
    assert abs(found.pop("renewed") - time.time()) < 60
    assert found == {key: value for key, value in held().items() if key != "renewed"}


def test_nothing_is_renewed_in_check_mode_nor_without_a_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lease.write(str(path), held())
    lease.renew_from_environment(check_mode=True)
    monkeypatch.delenv(lease.RUN_VARIABLE)
    lease.renew_from_environment()
    assert json.loads(path.read_text()) == held()


def test_where_there_is_no_lease_none_is_made(path: Path) -> None:
    lease.renew_from_environment()
    assert list(path.parent.iterdir()) == []


def test_a_run_that_lost_the_server_stops(path: Path) -> None:
    lease.write(str(path), held("b", time.time()))
    with pytest.raises(lease.LeaseError, match="This run has lost the server: david@laptop"):
        lease.renew_from_environment()
    lease.write(str(path), held("b", time.time() - 3600))
    lease.renew_from_environment()
    assert json.loads(path.read_text())["run_id"] == "b"


def test_a_lock_that_is_held_is_waited_for_and_then_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "LOCK_WAIT", 0.1)
    lease.write(str(path), held())
    with lease.locked(str(path)), pytest.raises(lease.LeaseError, match=r"lease\.json\.lock stays locked"):
        lease.renew_from_environment()


def _take(path: str, run_id: str, won: Any) -> None:
    with lease.locked(path):
        current, now = lease.read(path), time.time()
        verdict = lease.judge(current, run_id, None, now)
        if verdict != lease.REFUSED:
            lease.write(path, lease.renewed(current, verdict, run_id, {}, now))
            won.put(run_id)


def test_of_ten_runs_at_once_one_wins(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    won = context.Queue()
    runs = [context.Process(target=_take, args=(str(path), str(number), won)) for number in range(10)]
    for run in runs:
        run.start()
    winner = won.get(timeout=30)
    for run in runs:
        run.join()
    assert won.empty()
    assert json.loads(path.read_text())["run_id"] == winner
