# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""README's commands on this machine, from a fresh clone: the one test that touches the machine's own Docker Engine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import contract, last_screen

ROOT = Path(__file__).resolve().parents[2]
DIRECTORY = Path("/opt/portfolio")
CONTAINERS = ("postgres-erp", "postgrest-erp", "traefik")
DOCKER = "docker --host unix:///var/run/docker.sock"
COUNT = (
    "docker exec postgres-erp psql -U erp_admin -d portfolio -tAc "
    "\"SELECT count(*) FROM information_schema.tables WHERE table_schema IN ('erp','agent')\""
)
CURL = 'curl -sS -w "\\n%{http_code}" -H "Authorization: Bearer $(make -s token ROLE=erp_reader)" http://localhost:3000/erp/people'


def shell(command: str, cwd: Path, minutes: float = 5) -> subprocess.CompletedProcess[str]:
    """A command as somebody types it; no terminal, no answer to a question."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "VIRTUAL_ENV"))}
    # The venv of the tests must not help the clone, which makes its own.
    path = ":".join(part for part in os.environ["PATH"].split(":") if not part.startswith(str(ROOT)))
    environment = {**inherited, "PATH": path, "no_proxy": "localhost,127.0.0.1"}
    result = subprocess.run(
        ["bash", "-c", command], cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=minutes * 60, check=False,
    )  # fmt: skip
    print(f"$ {command}\n{result.stdout}{result.stderr}")
    return result


def inspected(*what: str) -> list[dict[str, object]]:
    if not shutil.which("docker"):  # a bare machine, before the first deploy
        return []
    result = subprocess.run([*DOCKER.split(), "inspect", *what], capture_output=True, text=True, check=False)
    return list(json.loads(result.stdout or "[]"))


def lives() -> dict[str, tuple[object, object]]:
    """For each container its id and its start: what a restart or a new container would change."""
    return {str(each["Name"]): (each["Id"], each["State"]["StartedAt"]) for each in inspected(*CONTAINERS)}  # type: ignore[index]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`git clone` of what is here, committed or not; the platform is removed from the machine at the end."""
    if inspected(*CONTAINERS, "postgres-erp-data") or DIRECTORY.exists():
        pytest.fail(
            f"this machine has a deployment ({DIRECTORY} or a container of that name), which this test would remove; "
            "if it may go, run: ./portfolio destroy DATA=yes"
        )
    origin, copy = tmp_path_factory.mktemp("origin"), tmp_path_factory.mktemp("clone") / "portfolio"
    listing = shell("git ls-files --cached --others --exclude-standard", ROOT).stdout
    for name in listing.splitlines():
        if os.path.lexists(ROOT / name):
            (origin / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, origin / name, follow_symlinks=False)
    commit = "git -c user.name=test -c user.email=test@localhost commit -q -m copy"
    assert shell(f"git init -q && git add -A && {commit} && git clone -q {origin} {copy}", origin).returncode == 0
    yield copy
    shell("./portfolio destroy DATA=yes YES=1", copy)


@pytest.fixture(scope="module")
def first(clone: Path) -> str:
    """The output of the first deploy; everything else stands on it."""
    result = shell("make deploy", clone, minutes=15)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    return result.stdout


def test_the_first_deploy_sets_everything_up(first: str) -> None:
    assert last_screen.numbers(first)[0] > 0
    assert set(lives()) == {f"/{name}" for name in CONTAINERS}
    assert first.startswith("portfolio is up on")


def test_the_second_deploy_changes_and_restarts_nothing(first: str, clone: Path) -> None:
    before = lives()
    result = shell("make deploy", clone)
    assert result.returncode == 0
    assert last_screen.numbers(result.stdout) == (0, 0)
    assert lives() == before


def test_every_command_on_the_last_screen_works_when_pasted(first: str, clone: Path) -> None:
    lines = last_screen.screen(first)
    assert len(lines) <= 24 and max(map(len, lines)) <= 80
    found = last_screen.commands(first)
    assert len(found) >= 5
    for command in found:
        assert shell(command, clone).returncode == 0, command
    asked = next(command for command in found if command.startswith("curl"))
    assert json.loads(shell(asked, clone).stdout) == []


def test_the_commands_of_the_readme_work_as_they_stand_there(first: str, clone: Path) -> None:
    """The two commands are this file's subject; what README shows to be done then is run line by line."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert [line.split("#")[0].strip() for line in blocks[0].splitlines()] == ["make deploy", "make test"]
    count, *requests = (line.split("  # ")[0].strip() for line in blocks[1].splitlines())
    assert count == COUNT
    assert shell(count, clone).stdout.strip() == str(contract.COUNT)
    assert len(requests) == 2
    for request in requests:
        assert json.loads(shell(request, clone).stdout) == []


def test_a_row_comes_over_http(first: str, clone: Path) -> None:
    insert = shell("""make -s psql SQL="INSERT INTO erp.people (full_name) VALUES ('Ada O''Neill')" """, clone)
    assert insert.returncode == 0
    body, _newline, status = shell(CURL, clone).stdout.rpartition("\n")
    assert status == "200"
    assert [person["full_name"] for person in json.loads(body)] == ["Ada O'Neill"]


def test_the_agents_schema_answers_too(first: str, clone: Path) -> None:
    command = CURL.replace("erp_reader", "agent_viewer").replace("/erp/people", "/agent/sessions")
    assert shell(command, clone).stdout.rpartition("\n")[2] == "200"


def test_without_a_token_there_is_no_answer(first: str, clone: Path) -> None:
    result = shell("curl -sS -o /dev/null -w '%{http_code}' http://localhost:3000/erp/people", clone)
    assert result.stdout == "401"


def test_the_token_stands_alone_on_standard_output(first: str, clone: Path) -> None:
    result = shell("make -s token ROLE=erp_reader DAYS=1", clone)
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", result.stdout)
    assert shell("make -s token ROLE=nobody", clone).stdout == ""


def test_the_plan_has_nothing_to_do(first: str, clone: Path) -> None:
    result = shell("./portfolio plan", clone)
    assert result.returncode == 0
    assert result.stdout.startswith("plan: nothing to do")
    report = json.loads(shell("make -s plan FORMAT=json", clone).stdout)
    assert (report["version"], report["exit"], report["effects"], report["failure"]) == (1, 0, [], None)


def test_the_plan_sees_what_is_changed_by_hand(first: str, clone: Path) -> None:
    compose = DIRECTORY / "traefik" / "docker-compose.yml"
    written = compose.read_text()
    compose.write_text(written + "# by hand\n")
    try:
        result = shell("./portfolio plan", clone)
    finally:
        compose.write_text(written)
    assert result.returncode == 2
    assert re.search(r"^will change\n", result.stdout, re.M)
    assert "-# by hand" in result.stdout


def test_logs_and_psql_reach_the_container(first: str, clone: Path) -> None:
    logs = shell("make -s logs S=postgres-erp LINES=5", clone)
    assert logs.returncode == 0
    assert logs.stdout + logs.stderr
    assert shell('make -s psql SQL="SELECT 1"', clone).returncode == 0


def test_destroy_asks_and_then_removes_everything_of_ours(first: str, clone: Path) -> None:
    unasked = shell("./portfolio destroy DATA=yes", clone)
    assert unasked.returncode == 1
    assert "YES=1" in unasked.stderr
    assert len(lives()) == len(CONTAINERS)
    result = shell("./portfolio destroy YES=1", clone)
    assert result.returncode == 0
    assert not lives()
    assert inspected("postgres-erp-data"), "without DATA=yes the data stay"
    assert (DIRECTORY / "postgres-erp" / "marker.json").exists()
    assert shell("./portfolio destroy DATA=yes YES=1", clone).returncode == 0
    assert not inspected("postgres-erp-data", "portfolio-network", "docker_proxy")
    assert not DIRECTORY.exists()
