"""run_lease through Ansible: two runs, one of which lives, is killed, or falls silent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.ansible_task import ROOT, run_module, run_task

HOLD = """
- hosts: localhost
  gather_facts: false
  tasks:
    - bestviable.portfolio.run_lease:
    - ansible.builtin.pause: {seconds: 120}
"""


def take(path: Path, run_id: str, *, check: bool = False, state: str = "present") -> dict[str, Any]:
    environment = {"PORTFOLIO_LEASE_FILE": str(path), "PORTFOLIO_RUN_ID": run_id}
    return run_task("run_lease", {"state": state}, check=check, environment=environment)


@contextmanager
def another_run(tmp_path: Path, lease: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A second ansible-playbook that took the lease and is busy."""
    playbook = tmp_path / "hold.yml"
    playbook.write_text(HOLD)
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "ansible-playbook"), "-c", "local", "-i", "localhost,", str(playbook)],
        cwd=ROOT,
        env={**os.environ, "PORTFOLIO_LEASE_FILE": str(lease), "PORTFOLIO_RUN_ID": "other"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not lease.exists():
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def lease(tmp_path: Path) -> Path:
    return tmp_path / "run" / "lease.json"


def test_check_takes_none_a_run_takes_it_and_gives_it_up(lease: Path) -> None:
    assert take(lease, "a", check=True)["changed"] is False
    assert not lease.parent.exists()
    taken = take(lease, "a")
    # The lease is no part of the server's configuration: a run that only took it changed nothing.
    assert taken["changed"] is False
    assert json.loads(lease.read_text()) == taken["lease"]
    again = take(lease, "a")
    assert again["lease"]["since"] == taken["lease"]["since"]
    assert again["lease"]["renewed"] > taken["lease"]["renewed"]
    assert take(lease, "a", check=True, state="absent")["lease"] == again["lease"]
    assert lease.exists()
    assert take(lease, "a", state="absent")["lease"] is None
    assert not lease.exists()
    assert "failed" not in take(lease, "a", state="absent")


def test_a_living_run_is_refused_and_a_killed_one_taken_over_at_once(tmp_path: Path, lease: Path) -> None:
    with another_run(tmp_path, lease) as process:
        before = lease.read_text()
        for check in (True, False):
            refused = take(lease, "mine", check=check)
            assert refused["failed"]
            assert "has been changing this server since" in refused["msg"]
            assert "(run other)" in refused["msg"]
            assert refused["msg"].endswith("Nothing was changed.")
        # Nor does anybody else give it up.
        assert take(lease, "mine", state="absent")["lease"]["run_id"] == "other"
        assert lease.read_text() == before
        process.kill()
        process.wait()
        assert json.loads(before)["holder"]["pid"] == process.pid
        checked = take(lease, "mine", check=True)
        assert "failed" not in checked
        assert lease.read_text() == before
        taken = take(lease, "mine")
        assert "did not end properly, and its lease is taken over" in taken["warnings"][0]
        assert json.loads(lease.read_text())["run_id"] == "mine"


def test_a_run_of_another_machine_is_waited_for_ten_minutes(lease: Path) -> None:
    lease.parent.mkdir()
    holder = {"who": "eve@far", "host": "far", "machine": "x", "boot": "y", "namespace": "z", "pid": 1, "started": "1"}
    held = {"run_id": "far", "who": "eve@far", "since": 1.0, "holder": holder}
    lease.write_text(json.dumps({**held, "renewed": time.time() - 590}))
    assert take(lease, "mine")["msg"].startswith(
        "eve@far has been changing this server since 1970-01-01 00:00:01 UTC (run far)"
    )
    lease.write_text(json.dumps({**held, "renewed": time.time() - 601}))
    assert "eve@far" in take(lease, "mine")["warnings"][0]


def test_other_modules_renew_it(tmp_path: Path, lease: Path) -> None:
    taken = take(lease, "a")["lease"]
    environment = {"PORTFOLIO_LEASE_FILE": str(lease), "PORTFOLIO_RUN_ID": "a"}
    run_module("config_files", {}, check=True, environment=environment)
    assert json.loads(lease.read_text()) == taken
    run_module("config_files", {}, environment=environment)
    assert json.loads(lease.read_text())["renewed"] > taken["renewed"]


def test_a_task_without_a_run_is_told_where_to_set_it(lease: Path) -> None:
    result = run_module("run_lease", {}, environment={"PORTFOLIO_LEASE_FILE": str(lease), "PORTFOLIO_RUN_ID": ""})
    assert "PORTFOLIO_RUN_ID is not set" in result["msg"]


def test_a_place_that_cannot_hold_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environment = {"PORTFOLIO_LEASE_FILE": str(tmp_path / "file" / "lease.json"), "PORTFOLIO_RUN_ID": "a"}
    assert "cannot be kept" in run_module("run_lease", {}, environment=environment)["msg"]
