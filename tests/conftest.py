# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For all tests: no command that a test runs shows a traceback; what tests have to say comes at the end."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

# In the background of a script SIGINT is ignored, and would be by everything that a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
TRACEBACK = "Traceback (most recent call last)"


@pytest.fixture(autouse=True)
def no_traceback(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What commands said is seen here although a test keeps it for itself; `@pytest.mark.traceback` allows it."""
    found: list[str] = []
    communicate = subprocess.Popen.communicate

    def watched(process: subprocess.Popen[Any], *arguments: Any, **options: Any) -> tuple[Any, Any]:
        said = communicate(process, *arguments, **options)
        for text in said:
            shown = text.decode(errors="replace") if isinstance(text, bytes) else text or ""
            if TRACEBACK in shown:
                found.append(f"{process.args!r}: {shown[shown.index(TRACEBACK) :][:2000]}")
        return said

    monkeypatch.setattr(subprocess.Popen, "communicate", watched)
    yield
    if found and not request.node.get_closest_marker("traceback"):
        pytest.fail("\n".join(found))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests recorded as their `summary`, whichever process ran them."""
    for report in (report for reports in terminalreporter.stats.values() for report in reports):
        if getattr(report, "when", None) == "call":
            for name, value in report.user_properties:
                if name == "summary":
                    terminalreporter.write_line(str(value))
