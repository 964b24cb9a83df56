# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A traceback in the output of a step fails it, whatever the step itself says."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]
TRACEBACK = "Traceback (most recent call last):"


@pytest.fixture(scope="module")
def suite() -> ModuleType:
    """tests/run as a module; it has no .py at its end."""
    loader = SourceFileLoader("portfolio_suite", str(ROOT / "tests" / "run"))
    spec = importlib.util.spec_from_loader("portfolio_suite", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    sys.modules["portfolio_suite"] = module  # dataclasses look their module up
    loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("script", "failed"),
    [
        ("echo fine", 0),
        ("exit 3", 1),
        (f"echo '{TRACEBACK}'", 1),
        # In two pieces, and where errors go.
        (f"printf '{TRACEBACK[:20]}' >&2; sleep 0.2; echo '{TRACEBACK[20:]}' >&2", 1),
        # What is left running does not hold the step up.
        ("sleep 5 & echo fine", 0),
    ],
)
def test_a_step_with_a_traceback_fails(
    suite: ModuleType, capfdbinary: pytest.CaptureFixture[bytes], script: str, failed: int
) -> None:
    verdict = suite.run(suite.Step("a step", ("sh", "-c", script)), False, suite.Printer().begin())
    assert (verdict.passed > 0, verdict.failed) == (not failed or TRACEBACK[:20] in script, failed)
    assert (b"there is a traceback in its output" in capfdbinary.readouterr().out) == (TRACEBACK[:20] in script)


def test_parts_beside_each_other_print_one_after_the_other(
    suite: ModuleType, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The first part cannot end before the second has begun."""
    first = f"until [ -e {tmp_path}/second ]; do sleep 0.05; done; echo of the first"
    second = f"echo of the second; touch {tmp_path}/second"
    parts = {"alone": "echo alone", "system": first, "molecule": second}
    steps = {name: [suite.Step(name, ("sh", "-c", script))] for name, script in parts.items()}
    monkeypatch.setattr(suite, "PARTS", {name: lambda name=name: steps[name] for name in steps})
    verdicts = suite.run_parts(list(parts), False)
    assert [(name, verdict.passed) for name, verdict in verdicts.items()] == [(name, 1) for name in parts]
    said = [line for line in capfdbinary.readouterr().out.decode().splitlines() if not line.startswith(("=", "-"))]
    assert [line for line in said if line] == ["alone", "of the first", "of the second"]


REPORT = """<testsuites><testsuite errors="1" failures="1" skipped="0" tests="3">
<testcase classname="tests.a" name="test_well"/>
<testcase classname="tests.a" name="test_ill">
<failure message="assert 3 == 2&#10; +  where 3 = len">long</failure></testcase>
<testcase classname="tests.b" name="test_set_up"><error message="failed on setup">longer</error></testcase>
</testsuite></testsuites>
"""


def test_what_failed_is_named_with_its_reason(suite: ModuleType, tmp_path: Path) -> None:
    """Only the end of a log may be left of a run."""
    (tmp_path / "report.xml").write_text(REPORT)
    verdict = suite.counted(tmp_path / "report.xml", 1, "pytest")
    assert (verdict.passed, verdict.failed) == (1, 2)
    assert verdict.failures == (
        "tests.a::test_ill: assert 3 == 2 + where 3 = len",
        "tests.b::test_set_up: failed on setup",
    )


COMMAND = """
import subprocess, sys, pytest
{mark}
def test_a_command():
    subprocess.run([sys.executable, "-c", "1 / 0"], capture_output=True, check=False)
"""


@pytest.mark.traceback
@pytest.mark.parametrize(("mark", "failed"), [("", 1), ("@pytest.mark.traceback", 0)])
def test_a_test_whose_command_shows_a_traceback_fails(tmp_path: Path, mark: str, failed: int) -> None:
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_it.py").write_text(COMMAND.format(mark=mark))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", str(tmp_path), str(tmp_path)],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == failed, done.stdout
    assert ("ZeroDivisionError" in done.stdout) == bool(failed)
