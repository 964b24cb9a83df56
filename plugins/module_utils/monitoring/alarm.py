# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alarms: one POST of JSON when something becomes bad or well again; what fails is tried again each minute."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring.numbers import OK, worst

Json = dict[str, Any]
TIMEOUT = 4.0
TRIES = 2
PAUSE = 1.0
# Alarms never come faster than the timer, whose minutes are not all of the same length.
BETWEEN = 55.0
# A run that was killed does not hold them back for long.
PATIENCE = 120.0
# About the alarm itself: it could not be delivered.
OWN = "alarm"


def bad(numbers: Iterable[Json]) -> dict[str, str]:
    """What is not well, with its level."""
    return {each["name"]: each["level"] for each in numbers if each["level"] != OK and each["name"] != OWN}


def due(state: Json, now_bad: dict[str, str], lease: Json | None, now: float) -> bool:
    """Whether to say something: it differs from what was said last, and no run is just restarting things."""
    at_work = lease is not None and abs(now - float(lease["renewed"])) < PATIENCE
    return now_bad != state.get("posted", {}) and not at_work and now - state.get("at", 0) >= BETWEEN


def message(host: str, at: str, numbers: list[Json], before: dict[str, str]) -> Json:
    """What is posted: `text` for people, the rest for programs. It holds nothing that the status file does not."""
    wrong = [each for each in numbers if each["level"] != OK and each["name"] != OWN]
    well = sorted(set(before) - {each["name"] for each in wrong})
    text = f"portfolio on {host}: {worst(wrong)}"
    text += "".join(f"\n- {each['what']}; {each['remedy']}" for each in wrong)
    text += f"\nwell again: {', '.join(well)}" if well else ""
    return {"version": 1, "host": host, "at": at, "level": worst(wrong), "numbers": wrong, "well": well, "text": text}


def post(url: str, body: Json, wait: Callable[[float], None] = time.sleep) -> str:
    """Empty when it was taken; else why not, without the address, which may hold a secret."""
    error = ""
    for attempt in range(TRIES):
        if attempt:
            wait(PAUSE)
        error = _once(url, json.dumps(body).encode())
        if not error:
            break
    return error


class _Straight(urllib.request.HTTPRedirectHandler):
    """A receiver that sends elsewhere has not taken it: the second request would be a GET."""

    def redirect_request(self, *_request: Any) -> None:
        return None


def _once(url: str, body: bytes) -> str:
    try:
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="POST")  # noqa: S310 - role monitoring refuses other schemes
        with urllib.request.build_opener(_Straight).open(request, timeout=TIMEOUT):
            return ""
    except urllib.error.HTTPError as error:
        return f"it answered {error.code}"
    except urllib.error.URLError as error:
        return str(getattr(error.reason, "strerror", None) or type(error.reason).__name__)
    except (OSError, ValueError) as error:
        return type(error).__name__


def remembered(state: Json, now_bad: dict[str, str], error: str, now: float) -> Json:
    """What is kept of it: of a message that did not arrive, only why."""
    if error:
        return {**state, "at": now, "error": error}
    return {"posted": now_bad, "at": now, "error": ""}
