# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run is killed on both sides of each call and of each writing of its record; the next one makes it good."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare import client, record

from tests.ansible_task import NAMESPACE, ROOT
from tests.integration.cloudflare_tunnel.driver import Driver
from tests.integration.cloudflare_tunnel.test_faults import REMOTE, forget, reached, single


class KilledError(BaseException):
    """Nothing in the module may catch it."""


class Guillotine:
    """Stops a run at its n-th step: a step is each side of a call and of a writing."""

    def __init__(self) -> None:
        self.passed, self.at = 0, -1

    def step(self) -> None:
        self.passed += 1
        if self.passed == self.at:
            raise KilledError

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            self.step()
            result = function(*arguments, **options)
            self.step()
            return result

        return watched

    def start(self, at: int) -> None:
        self.passed, self.at = 0, at


@pytest.fixture
def guillotine(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> Guillotine:
    made = Guillotine()
    monkeypatch.setattr(client.Client, "_once", made.around(client.Client._once))
    monkeypatch.setattr(record, "write", made.around(record.write))
    monkeypatch.setattr(record, "remove", made.around(record.remove))
    return made


def killed_everywhere(driver: Driver, guillotine: Guillotine, ready: Callable[[], None], **options: Any) -> int:
    """Kill it at its first step, at its second, … until it ends by itself; each time another run follows."""
    at = 0
    while True:
        at += 1
        ready()
        guillotine.start(at)
        try:
            driver.good(**options)
        except KilledError:
            single(driver)
            guillotine.start(-1)
            driver.good(**options)
            driver.nothing_to_do(**options)
            assert driver.held()["rotating"] is False
            if options.get("access"):
                reached(driver)
        else:
            guillotine.start(-1)
            return at - 1


def test_12_a_first_run_with_everything(
    driver: Driver, guillotine: Guillotine, record_property: Callable[[str, object], None]
) -> None:
    steps = killed_everywhere(driver, guillotine, lambda: forget(driver), **REMOTE)
    assert steps > 40
    record_property("summary", f"cloudflare_tunnel: a first run was killed at {steps} places")


def test_12_a_first_run_of_a_local_tunnel(driver: Driver, guillotine: Guillotine) -> None:
    def check() -> None:
        forget(driver)

    assert killed_everywhere(driver, guillotine, check) > 12
    assert driver.held()["made"] is True


def test_12_a_tunnel_of_a_killed_run_is_known_as_ours(driver: Driver, guillotine: Guillotine) -> None:
    """Wherever the first run is killed, the tunnel can be removed again as one that we made."""
    for at in range(1, 100):
        forget(driver)
        guillotine.start(at)
        try:
            driver.good()
            break
        except KilledError:
            guillotine.start(-1)
            driver.good()
            assert driver.held()["made"] is True, at
            assert driver.good(state="absent")["actions"] == ["delete_record", "delete_tunnel"]


def test_a_rotation(driver: Driver, guillotine: Guillotine) -> None:
    def ready() -> None:
        guillotine.start(-1)
        forget(driver)
        driver.good(**REMOTE)

    assert killed_everywhere(driver, guillotine, ready, **REMOTE, access_rotation="2") > 6


def test_a_rotation_that_nobody_asks_for_any_more(driver: Driver, guillotine: Guillotine) -> None:
    """Killed after the call that made the new secret, which nobody has: there must be another, whatever is asked."""
    driver.good(**REMOTE)

    def kill(number: int) -> None:
        if driver.fake.log[number - 1].path.endswith("/rotate"):
            guillotine.at = guillotine.passed + 1

    driver.fake.hook = kill
    guillotine.start(-1)
    with pytest.raises(KilledError):
        driver.run(**REMOTE, access_rotation="2")
    driver.fake.hook = lambda number: None
    guillotine.start(-1)
    assert driver.good(**REMOTE)["actions"] == ["rotate_service_token"]
    reached(driver)


def test_a_removal(driver: Driver, guillotine: Guillotine) -> None:
    def ready() -> None:
        guillotine.start(-1)
        forget(driver)
        driver.good(**REMOTE)

    def gone() -> None:
        state = driver.fake.state
        assert [state.live("portfolio"), *map(dict, (state.records, state.apps, state.policies))] == [[], {}, {}, {}]
        assert state.service_tokens == {} and driver.held() is None

    at = 0
    while True:
        at += 1
        ready()
        guillotine.start(at)
        try:
            driver.good(state="absent")
        except KilledError:
            guillotine.start(-1)
            driver.good(state="absent")
            gone()
            driver.nothing_to_do(state="absent")
        else:
            break
    gone()
    assert at > 20


@pytest.mark.parametrize("call", [8, 9, 12])
def test_12_a_process_that_is_killed(driver: Driver, call: int) -> None:
    """For real, with the call done and unanswered."""
    arguments = driver.options(**REMOTE, api_timeout=30)
    process: list[subprocess.Popen[bytes]] = []

    def kill(number: int) -> None:
        if number == call:
            os.kill(process[0].pid, signal.SIGKILL)
            process[0].wait()

    driver.fake.hook = kill
    process.append(
        subprocess.Popen(
            [sys.executable, "-m", f"{NAMESPACE}.cloudflare_tunnel"],
            env={**os.environ, "PYTHONPATH": str(ROOT / ".collections")},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
    )
    process[0].stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())  # type: ignore[union-attr]
    process[0].stdin.close()  # type: ignore[union-attr]
    assert process[0].wait(60) == -signal.SIGKILL
    single(driver)
    driver.fake.hook = lambda number: None
    driver.good(**REMOTE)
    reached(driver)
    driver.nothing_to_do(**REMOTE)
