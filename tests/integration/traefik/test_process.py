# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Traefik itself does with its files, its log and its end, and why the roles write them as they do."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.integration.traefik.conftest import Start, unlimited
from tests.integration.traefik.proxy import HOSTNAME, Behind, Configuration, Proxy, behind, proxy, unchanged
from tests.waiting import until

BROKEN = "http: [not what belongs here"
UNKNOWN = '{"http": {"routers": {"mine": {"rule": "Path(`/mine`)", "service": "noop@internal", "colour": "blue"}}}}'


def eager(static: Configuration, http: Configuration) -> None:
    """Changes are taken at once; usually Traefik gathers them for two seconds."""
    unlimited(static, http)
    static["providers"]["providersThrottleDuration"] = "50ms"


@pytest.mark.parametrize("content", [BROKEN, UNKNOWN], ids=["broken", "unknown key"])
def test_a_bad_file_leaves_the_routes(start: Start, content: str) -> None:
    """It came by renaming, as the roles write files; Traefik goes on with what it had."""
    with start(eager) as traefik:
        traefik.write("erp-db.yml", content)
        until(lambda: "erp-db.yml" in traefik.log.partition("error")[2])
        assert traefik.well()


def test_control_a_file_written_in_place_is_seen_empty(start: Start) -> None:
    """All routes are gone until the rest is there: why the roles never write so."""
    with start(eager) as traefik:
        file = traefik.dynamic / "erp-db.yml"
        content = file.read_text()
        with file.open("w") as stream:
            stream.flush()
            until(lambda: traefik.ask("/erp/people").status == 404)
            stream.write(content)
        until(traefik.well)


def test_a_broken_file_of_another_application_stops_all_updates(start: Start) -> None:
    """Why a run waits until its own change has been read."""
    route = {"http": {"routers": {"new": {"rule": "Path(`/new`)", "service": "noop@internal"}}}}
    with start(eager) as traefik:
        traefik.write("other.yml", BROKEN)
        until(lambda: "other.yml" in traefik.log)
        seen = traefik.log.count("other.yml")
        traefik.write("new.yml", json.dumps(route))
        until(lambda: traefik.log.count("other.yml") > seen)
        assert traefik.ask("/new").status == 404
        (traefik.dynamic / "other.yml").unlink()
        until(lambda: traefik.ask("/new").status == 418)
        assert traefik.well()


def test_replacing_the_route_loses_no_request(start: Start) -> None:
    statuses, stop = list[int](), threading.Event()
    with start(eager) as traefik:

        def client() -> None:
            while not stop.is_set():
                statuses.append(traefik.ask("/erp/people").status)

        thread = threading.Thread(target=client)
        thread.start()
        try:
            for number in range(5):
                traefik.route["http"]["middlewares"]["erp-db-waiting"]["inFlightReq"]["amount"] = 100 + number
                version = {"mark": {"rule": f"Path(`/mark/{number}`)", "service": "noop@internal"}}
                traefik.write("erp-db.yml", json.dumps(traefik.route))
                traefik.write("mark.yml", json.dumps({"http": {"routers": version}}))
                until(lambda path=f"/mark/{number}": traefik.ask(path).status == 418)  # type: ignore[misc]
                # As many with each route, however slow the machine is.
                asked = len(statuses)
                until(lambda asked=asked: len(statuses) > asked + 4, "requests with the new route")  # type: ignore[misc]
        finally:
            stop.set()
            thread.join()
    assert len(statuses) > 20
    assert set(statuses) == {200}


def test_a_router_without_its_middleware_answers_nobody(start: Start) -> None:
    def misspelt(static: Configuration, http: Configuration) -> None:
        unlimited(static, http)
        http["routers"]["erp-db-agent"]["middlewares"].append("erp-db-nothing")

    with start(misspelt) as traefik:
        assert traefik.well()
        assert traefik.ask("/agent/sessions").status == 404


def test_a_misspelt_setting_ends_it(binary: Path, tmp_path: Path) -> None:
    (tmp_path / "traefik.yml").write_text(json.dumps({"entryPoints": {"web": {"adress": ":80"}}}))
    done = subprocess.run(
        [binary, f"--configFile={tmp_path}/traefik.yml"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "field not found" in done.stdout + done.stderr


def logged(traefik: Proxy) -> str:
    traefik.ask("/erp/people?email=eq.somebody@example.com", headers={"Authorization": "Bearer geheim-5f2a"})
    traefik.ask("/erp/marker")
    until(lambda: "/erp/marker" in traefik.log)
    return traefik.log


def test_neither_filters_nor_tokens_are_logged(start: Start) -> None:
    with start(unlimited) as traefik:
        log = logged(traefik)
    assert '"RequestPath":"/erp/people"' in log
    assert "somebody" not in log
    assert "geheim" not in log


def test_control_by_default_filters_and_by_wish_tokens_are_logged(start: Start) -> None:
    def talkative(static: Configuration, http: Configuration) -> None:
        unlimited(static, http)
        static["accessLog"]["fields"] = {"headers": {"defaultMode": "keep"}}

    with start(talkative) as traefik:
        log = logged(traefik)
    assert "somebody" in log
    assert "geheim" in log


def test_a_body_that_stalls(start: Start) -> None:
    """It holds its connection no longer than readTimeout; the log says 499, and the API never heard of it."""

    def hasty(static: Configuration, http: Configuration) -> None:
        unlimited(static, http)
        static["entryPoints"]["web"]["transport"]["respondingTimeouts"]["readTimeout"] = "1s"

    with start(hasty) as traefik, socket.create_connection(("127.0.0.1", traefik.ports["web"])) as connection:
        connection.sendall(f"POST /erp/stall HTTP/1.1\r\nHost: {HOSTNAME}\r\nContent-Length: 9\r\n\r\nx".encode())
        until(lambda: "/erp/stall" in traefik.log)
        [line] = [json.loads(line) for line in traefik.log.splitlines() if "/erp/stall" in line]
    assert (line["DownstreamStatus"], line["OriginStatus"]) == (499, 0)


def test_nothing_behind(binary: Path, tmp_path: Path) -> None:
    with behind() as port:
        pass
    with proxy(binary, tmp_path / "proxy", port, unlimited) as traefik:
        assert traefik.ask("/erp/people").status == 502


def ended(traefik: Proxy) -> bool:
    return traefik.process.poll() is not None


def test_it_answers_on_for_a_while_when_it_is_told_to_end(start: Start) -> None:
    def patient(static: Configuration, http: Configuration) -> None:
        unlimited(static, http)
        assert static["entryPoints"]["web"]["transport"]["lifeCycle"]["requestAcceptGraceTimeout"] == "2s"
        static["entryPoints"]["web"]["transport"]["lifeCycle"]["requestAcceptGraceTimeout"] = "60s"

    with start(patient) as traefik:
        traefik.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert traefik.well()


def test_who_is_being_served_is_served_to_the_end(start: Start) -> None:
    """Control of the one above: without the time nobody new gets in."""

    def hasty(static: Configuration, http: Configuration) -> None:
        unlimited(static, http)
        for point in static["entryPoints"].values():
            point.setdefault("transport", {}).setdefault("lifeCycle", {})["requestAcceptGraceTimeout"] = "0s"

    def refused(traefik: Proxy) -> bool:
        try:
            socket.create_connection(("127.0.0.1", traefik.ports["web"]), 5).close()
        except ConnectionRefusedError:
            return True
        return False

    Behind.hold()
    statuses = list[int]()
    with start(hasty) as traefik:
        thread = threading.Thread(target=lambda: statuses.append(traefik.ask("/erp/wait").status))
        thread.start()
        Behind.waiting.acquire(timeout=30)
        traefik.process.send_signal(signal.SIGTERM)
        until(lambda: refused(traefik))
        assert not ended(traefik)
        Behind.go.set()
        until(lambda: ended(traefik))
        thread.join()
        assert traefik.process.returncode == 0
    assert statuses == [200]


def test_the_roles_own_files_start_it(start: Start) -> None:
    """Without a change but the addresses; nothing in its log that it complains of."""
    with start(unchanged) as traefik:
        assert traefik.well()
        lines = [json.loads(line) for line in traefik.log.splitlines() if line.startswith("{")]
        plain = [line for line in traefik.log.splitlines() if not line.startswith("{")]
    assert [line for line in lines if line.get("level") in ("error", "warn", "fatal")] == []
    assert [line for line in plain if " ERR " in line or " WRN " in line] == []
