# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/INGRESS.md and the module's own examples: what they show is run, what they say is compared."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare import errors, model
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflare.plan import CLASHING
from ansible_collections.bestviable.portfolio.plugins.modules import cloudflare_tunnel

from tests.ansible_task import ROOT
from tests.integration.cloudflare_tunnel.driver import Driver
from tests.integration.cloudflare_tunnel.test_faults import ACCESS
from tests.lab.cloudflare.fake import TOKEN

PAGE = (ROOT / "docs/INGRESS.md").read_text(encoding="utf-8")
MODULE = "bestviable.portfolio.cloudflare_tunnel"


def task(mark: str) -> dict[str, Any]:
    [found] = re.findall(rf"<!-- task: {mark} -->\n```yaml\n(.*?)```\n", PAGE, re.DOTALL)
    options: dict[str, Any] = yaml.safe_load(found)[0][MODULE]
    return options


def tried(driver: Driver, shown: dict[str, Any]) -> list[str]:
    """A task as somebody would have it, against the fake: only the paths and the zone are the test's."""
    driver.fake.state.zones[0]["name"] = ".".join(shown["hostname"].split(".")[-2:])
    own = {name: value for name, value in shown.items() if name not in ("record_file", "api_token", "api_token_file")}
    assert shown["record_file"].startswith("inventories/")
    actions: list[str] = driver.good(**own)["actions"]
    driver.nothing_to_do(**own)
    return actions


def test_the_tasks_of_the_page(driver: Driver) -> None:
    assert tried(driver, task("publish")) == ["create_tunnel", "create_record"]
    assert tried(driver, task("protect")) == ["create_service_token", "create_policy", "create_app"]


def test_the_token_that_the_page_has_put_into_a_file(driver: Driver, tmp_path: Path) -> None:
    [command] = re.findall(r"`(\(umask .*?\))`", PAGE)
    file = tmp_path / command.split()[-1].rstrip(")")
    file.parent.mkdir(parents=True)
    subprocess.run(["bash", "-c", command], cwd=tmp_path, input=f"{TOKEN}\n", text=True, check=True)
    assert driver.process(api_token=None, api_token_file=str(file))["changed"]


def test_the_examples_of_the_module(driver: Driver) -> None:
    publish, protect, remove = (entry[MODULE] for entry in yaml.safe_load(cloudflare_tunnel.EXAMPLES))
    assert tried(driver, publish) == ["create_tunnel", "create_record"]
    assert "create_app" in tried(driver, protect) and "delete_tunnel" in tried(driver, remove)


def test_the_permissions_are_those_that_messages_name() -> None:
    table = PAGE.split("| permission | what for |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `(.*?)` \|", table, re.M)) == {name for _, name in errors.PERMISSIONS}


def test_the_number_of_calls(driver: Driver) -> None:
    assert (
        "sends three GETs" in PAGE
        and "One more for a tunnel that is managed in" in PAGE
        and "two more with Access" in PAGE
    )
    driver.good()
    assert len(driver.nothing_to_do()["calls"]) == 3
    driver.good(**ACCESS)
    assert len(driver.nothing_to_do(**ACCESS)["calls"]) == 5


def test_what_stands_in_the_way_is_told() -> None:
    table = PAGE.split("### What stands in the way at Cloudflare")[1]
    told = re.search(r"records of type ([\w, ]+) or (\w+)", table)
    assert told and {*told[1].split(", "), told[2]} == CLASHING
    options = set(re.findall(r"`(\w+)(?:: \w+)?`", table))
    assert options - {"api_token"} <= set(cloudflare_tunnel.ARGUMENTS) and TOKEN not in PAGE


def test_the_defaults_are_told_once() -> None:
    documented = yaml.safe_load(cloudflare_tunnel.DOCUMENTATION)["options"]
    assert documented.keys() == cloudflare_tunnel.ARGUMENTS.keys()
    for name, spec in cloudflare_tunnel.ARGUMENTS.items():
        shown = {key: documented[name].get(key) for key in ("default", "type", "choices")}
        assert shown == {key: spec.get(key) for key in ("default", "type", "choices")}, name
    assert model.Access("t").duration == documented["access_duration"]["default"]
    assert model.Access("t").overlap_hours == documented["access_rotation_overlap"]["default"]


@pytest.mark.parametrize("name", sorted(set(re.findall(r"inventories/droplet/\.\w[\w.]*", PAGE))))
def test_git_does_not_take_the_secrets(name: str) -> None:
    assert subprocess.run(["git", "check-ignore", "-q", name], cwd=ROOT, check=False).returncode == 0
