# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alarms: when one is due, what it says, and that a receiver which does not take it is asked again."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring import alarm

Json = dict[str, Any]
BAD = {"name": "disk", "level": "fail", "what": "the disk is full", "remedy": "make room"}
WELL = {"name": "token", "level": "ok", "what": "", "remedy": ""}
OWN = {"name": "alarm", "level": "warn", "what": "not delivered", "remedy": "correct it"}
NOW = 1000.0


@contextmanager
def receiver(*answers: int) -> Iterator[tuple[str, list[Json]]]:
    """Answers each request with the next of these, the last one for ever."""
    taken: list[Json] = []
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(left.pop(0) if len(left) > 1 else left[0])
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            taken.append({"followed": self.path})
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            """Nothing to say."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/alarm?token=of-a-test", taken
        server.shutdown()


def test_one_is_due_when_it_differs_from_what_was_said() -> None:
    said = {"posted": {"disk": "fail"}, "at": NOW - 60}
    assert not alarm.due({}, {}, None, NOW)
    assert alarm.due({}, {"disk": "fail"}, None, NOW)
    assert not alarm.due(said, {"disk": "fail"}, None, NOW)
    assert alarm.due(said, {"disk": "warn"}, None, NOW)
    assert alarm.due(said, {"disk": "fail", "memory": "warn"}, None, NOW)
    assert alarm.due(said, {}, None, NOW)
    assert not alarm.due(said | {"at": NOW - 50}, {}, None, NOW), "two within one minute"


def test_a_run_at_work_restarts_things_and_is_waited_for_but_not_for_ever() -> None:
    assert not alarm.due({}, {"disk": "fail"}, {"renewed": NOW - 119}, NOW)
    assert alarm.due({}, {"disk": "fail"}, {"renewed": NOW - 120}, NOW)


def test_what_cannot_be_delivered_is_no_alarm_of_its_own() -> None:
    assert alarm.bad([BAD, WELL, OWN]) == {"disk": "fail"}


def test_the_message_says_what_is_bad_and_what_is_well_again() -> None:
    found = alarm.message("erp-db", "2026-11-28T21:00:00Z", [BAD, WELL, OWN], {"token": "warn", "disk": "fail"})
    assert (found["level"], found["well"], found["numbers"]) == ("fail", ["token"], [BAD])
    assert found["text"] == "portfolio on erp-db: fail\n- the disk is full; make room\nwell again: token"
    assert alarm.message("erp-db", "", [WELL], {"disk": "fail"})["text"] == "portfolio on erp-db: ok\nwell again: disk"


def test_it_is_posted_once_and_again_where_it_was_not_taken() -> None:
    waited: list[float] = []
    with receiver(500, 204) as (url, taken):
        assert alarm.post(url, {"version": 1}, waited.append) == ""
    assert (taken, waited) == ([{"version": 1}] * 2, [alarm.PAUSE])
    with receiver(503) as (url, taken):
        assert alarm.post(url, {}, waited.append) == "it answered 503"
    assert len(taken) == alarm.TRIES
    # Its port is closed now.
    assert "refused" in alarm.post(url, {}, waited.append)


def test_a_receiver_that_sends_elsewhere_has_not_taken_it() -> None:
    with receiver(302) as (url, taken):
        assert alarm.post(url, {"version": 1}, lambda _seconds: None) == "it answered 302"
    assert taken == [{"version": 1}] * alarm.TRIES


def test_a_reason_never_holds_the_address() -> None:
    for url in ("http://[of-a-test", "nothing", "https://of-a-test.invalid/x"):
        error = alarm.post(url, {}, lambda _seconds: None)
        assert error and "of-a-test" not in error


def test_what_did_not_arrive_is_tried_again() -> None:
    failed = alarm.remembered({"posted": {}}, {"disk": "fail"}, "it answered 500", NOW)
    assert (failed["posted"], failed["error"]) == ({}, "it answered 500")
    assert alarm.due(failed, {"disk": "fail"}, None, NOW + 60)
    done = alarm.remembered(failed, {"disk": "fail"}, "", NOW + 60)
    assert done == {"posted": {"disk": "fail"}, "at": NOW + 60, "error": ""}
