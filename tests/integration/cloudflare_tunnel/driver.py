# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module against the fake: in this process, where every call can be stopped, or as a process of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare import manager
from ansible_collections.bestviable.portfolio.plugins.modules.cloudflare_tunnel import ARGUMENTS

from tests.ansible_task import run_module
from tests.lab.cloudflare.fake import TOKEN, Fake

HOST = "erp-db.example.com"
Result = dict[str, Any]


class EndedError(Exception):
    """exit_json or fail_json."""

    def __init__(self, result: Result) -> None:
        super().__init__(str(result))
        self.result = result


class Module:
    """As much of AnsibleModule as the manager uses."""

    def __init__(self, params: Result, check: bool) -> None:
        self.params = {name: spec.get("default") for name, spec in ARGUMENTS.items()} | params
        self.check_mode = check
        self.no_log_values: set[str] = set()
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def exit_json(self, **result: Any) -> NoReturn:
        raise EndedError({**result, "warnings": self.warnings})

    def fail_json(self, **result: Any) -> NoReturn:
        raise EndedError({**result, "failed": True, "warnings": self.warnings})


@dataclass
class Driver:
    fake: Fake
    record: Path
    slept: list[float] = field(default_factory=list)
    last: Module | None = None

    def options(self, **options: Any) -> Result:
        return {
            "hostname": HOST,
            "record_file": str(self.record),
            "api_token": TOKEN,
            "api_url": self.fake.url,
            "api_timeout": 1,
            **options,
        }

    def run(self, check: bool = False, **options: Any) -> Result:
        self.last = Module(self.options(**options), check)
        try:
            manager.CloudflareTunnel(self.last).run()  # type: ignore[arg-type]
        except EndedError as ended:
            return ended.result

    def good(self, check: bool = False, **options: Any) -> Result:
        result = self.run(check, **options)
        assert "failed" not in result, result
        return result

    def refused(self, **options: Any) -> str:
        """Refused in check mode as in the run, and nothing was sent that changes anything."""
        before = self.held()
        told = set()
        for check in (True, False):
            start = len(self.fake.log)
            result = self.run(check, **options)
            assert result.get("failed"), result
            assert {item.method for item in self.fake.log[start:]} <= {"GET"}
            told.add(result["msg"])
        assert len(told) == 1 and self.held() == before
        message: str = told.pop()
        assert message.endswith(". Nothing was changed.") and "\n" not in message
        return message

    def refused_once(self, **options: Any) -> str:
        result = self.run(**options)
        assert result.get("failed"), result
        message: str = result["msg"]
        return message

    def process(self, check: bool = False, environment: dict[str, str] | None = None, **options: Any) -> Result:
        return run_module("cloudflare_tunnel", self.options(**options), check=check, environment=environment)

    def held(self) -> Any:
        return json.loads(self.record.read_text()) if self.record.exists() else None

    def nothing_to_do(self, **options: Any) -> Result:
        """A second run: unchanged, GETs only."""
        start = len(self.fake.log)
        result = self.good(**options)
        assert not result["changed"] and result["actions"] == [], result
        assert {item.method for item in self.fake.log[start:]} <= {"GET"}
        return result
