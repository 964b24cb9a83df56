# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands on the screen at the end: it fits, it says enough, and its commands exist."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from cli import screen
from cli.ansible import Host
from cli.call import ROOT
from cli.converge import coloured, service_of
from cli.place import where
from cli.report import INTERRUPTED, Effect, Failure, Part, Report, effects_of
from cli.words import refusals
from tests import last_screen
from tests.unit.cli.runs import recorded

HERE = screen.Place("", "http://localhost:3000", "http://localhost:3000", "")
DROPLET = screen.Place(
    "203.0.113.10", "https://erp-db.bestviable.com", "http://localhost:3000", " INVENTORY=inventories/droplet"
)
BARE = screen.Place("203.0.113.10", "", "http://localhost:3000", " INVENTORY=inventories/droplet")
SERVED = replace(DROPLET, service="planner-api")
RESTART = Effect("restart", "postgres-erp", "its memory is 200 MB instead of 300 MB")
LEFT = Effect("left", "role stranger", "is a superuser", 'run: make psql SQL="DROP ROLE stranger"')


def report(*effects: Effect, **fields: object) -> Report:
    values: dict[str, object] = {"verb": "deploy", "host": "erp-db", "check": False, "exit": 0, "seconds": 41.2}
    return Report(**{**values, **fields, "effects": effects})  # type: ignore[arg-type]  # as they are given


def refused(message: str, inventory: Path, **fields: object) -> list[str]:
    found, outcome = refusals(message)
    parts = tuple(Part(each.what, where(f"{each.what} {each.remedy}", inventory) or "t", each.remedy) for each in found)
    return screen.failed(report(failure=Failure(message, "t", "", parts, outcome), **fields))


@pytest.mark.parametrize("place", [HERE, DROPLET, BARE, SERVED])
@pytest.mark.parametrize("many", [0, 1, 60])
def test_the_last_screen_fits(place: screen.Place, many: int) -> None:
    effects = [
        Effect(kind, f"/a/{'x' * 90}{n}", "y" * 50) for n in range(many) for kind in ("change", "restart", "left")
    ]
    lines = screen.up(report(*effects, host="h" * (3 * many + 1)), place)
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert bool(re.search(r"and \d+ more$", "\n".join(lines), re.M)) == (many > 20)


def test_the_last_screen_says_what_happened() -> None:
    lines = screen.up(
        report(Effect("change", "/opt/a", "content"), Effect("reload", "postgres-erp"), RESTART, LEFT), HERE
    )
    assert lines[0] == f"portfolio is up on erp-db{'2 changed · 1 restarted · 41 s':>55}"
    assert lines[1:5] == [
        "  changed     /opt/a: content",
        "              postgres-erp has read its configuration again",
        "  restarted   postgres-erp: its memory is 200 MB instead of 300 MB",
        "  left        role stranger: is a superuser",
    ]


def test_a_recorded_deploy_fits_too() -> None:
    lines = screen.up(report(*effects_of(recorded("deploy"))), DROPLET)
    assert len(lines) <= 24 and max(map(len, lines)) <= 80
    assert last_screen.numbers("\n".join(lines)) == (12, 0)


@pytest.mark.parametrize("place", [HERE, DROPLET, BARE, SERVED])
def test_every_command_on_it_is_a_verb_for_the_same_server(place: screen.Place) -> None:
    found = last_screen.commands("\n".join(screen.up(report(), place)))
    verbs = set(re.findall(r'^    "(\w+)": Verb\(', (ROOT / "portfolio").read_text(), re.M)) | {"help"}
    assert len(found) == 1 + len(place.connect) + len(screen.NEXT)
    for command in found:
        typed = re.search(r"\bmake (?:-s )?(\w+)", command)
        assert typed and typed[1] in verbs, command
        assert command.count("\n") == command.count(" \\\n")
        assert typed[1] == "help" or place.again in " ".join(command.replace("\\\n", " ").split()).replace("  ", " ")


def test_a_services_login_is_what_one_connects_with() -> None:
    assert SERVED.connect == ["psql", "tunnel SERVICE=planner-api", "connect SERVICE=planner-api"]
    assert replace(HERE, service="planner-api").connect == ["psql", "connect SERVICE=planner-api"]
    assert replace(SERVED, external=True).connect == ["psql", "connect SERVICE=planner-api"]


@pytest.mark.parametrize(
    ("services", "name"),
    [
        ([{"name": "planner-api"}, {"name": "other"}], "planner-api"),
        (None, ""),
        ([], ""),
        ("{{ others }}", ""),
        ([{"name": "{{ other }}"}, "x", {}], ""),
    ],
)
def test_a_service_is_taken_from_the_inventory_where_it_stands_in_plain_words(services: object, name: str) -> None:
    assert service_of(Host("erp-db", {"postgres_erp_services": services})) == name


def test_no_name_of_a_server_can_move_the_cursor() -> None:
    lines = screen.up(report(Effect("change", "/opt/\udcff\x1b[2J", "a\nb"), host="h\r"), HERE)
    assert all(line.isprintable() for line in lines)
    lines = screen.plan(
        report(Effect("left", "\udcff", "x\x07", "y\x1b"), check=True), HERE, "+\x1b[2J\n", "make deploy"
    )
    assert all(line.isprintable() for line in lines)


def test_a_plan_has_three_groups_and_then_the_files() -> None:
    effects = (Effect("change", "/opt/a", "mode 0666 instead of 0644"), Effect("reload", "postgres-erp"), RESTART, LEFT)
    text = "\n".join(screen.plan(report(*effects, check=True), HERE, "--- a\n+++ a\n-# by hand\n\n", "make deploy"))
    assert text.splitlines()[0].endswith("1 to change · 1 to restart · 1 left to you")
    assert text.partition("\n\n")[2] == (
        "will change\n"
        "  /opt/a: mode 0666 instead of 0644\n"
        "\n"
        "will restart\n"
        "  postgres-erp will read its configuration again\n"
        "  postgres-erp: its memory is 200 MB instead of 300 MB\n"
        "\n"
        "left to you\n"
        "  role stranger: is a superuser\n"
        '    do: run: make psql SQL="DROP ROLE stranger"\n'
        "\n"
        "in the files\n"
        "  --- a\n"
        "  +++ a\n"
        "  -# by hand\n"
        "\n"
        "to do it: make deploy"
    )


def test_a_plan_with_nothing_to_do_is_one_line() -> None:
    assert screen.plan(report(check=True), DROPLET, "", "x") == ["plan: nothing to do on erp-db (203.0.113.10), 41 s"]


def test_a_plan_that_only_leaves_something_proposes_no_run() -> None:
    assert "make deploy" not in "\n".join(screen.plan(report(LEFT, check=True), HERE, "", "make deploy"))


def test_a_refusal_has_its_place_in_the_inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "group_vars" / "all"
    settings.mkdir(parents=True)
    (settings / "main.yml").write_text(
        "---\n# traefik_local_port: 1\nxtraefik_local_port: 2\ntraefik_local_port: 3000\n"
    )
    (settings / "vault.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\ntraefik_local_port: 1\n")
    monkeypatch.chdir(tmp_path)
    message = (
        "traefik: Port 3000 of erp-db is taken by container a; set traefik_local_port to a free port, or stop it. "
        "Nothing was changed."
    )
    assert refused(message, tmp_path) == [
        "refused: port 3000 of erp-db is taken by container a.",
        "  where: traefik_local_port in group_vars/all/main.yml:4",
        "  do:    set traefik_local_port to a free port, or stop it",
        "  Nothing was changed.",
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hosts.json", '{"all": {"hosts": {"a": {"some_thing": 1}}}}'),
        ("hosts", "a some_thing=1"),
        ("x.yaml", "some_thing: 1"),
    ],
)
def test_a_variable_is_found_in_every_kind_of_inventory(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    for inventory in (tmp_path, tmp_path / name):
        assert where("other_thing, some_thing", inventory).endswith(f"{name}:1")
    assert where("something else", tmp_path) == ""


def test_what_was_not_refused_has_failed_and_says_how_to_go_on(tmp_path: Path) -> None:
    lines = refused("the API did not start; read its log and run: make deploy INVENTORY=x. Then look.", tmp_path)
    assert lines == [
        "failed: the API did not start.",
        "  where: t",
        "  do:    read its log and run: make deploy INVENTORY=x",
        "         Then look",
    ]


def test_a_long_command_of_a_remedy_can_still_be_pasted(tmp_path: Path) -> None:
    message = f"it is so; run: ssh {'-o Option=value ' * 8}host true. Nothing was changed."
    lines = refused(message, tmp_path)
    assert max(map(len, lines)) <= 80
    pasted = "\n".join(lines[3:-1]).replace("\\\n", " ").split()
    assert " ".join(pasted) == f"ssh {'-o Option=value ' * 8}host true"


def test_an_interrupted_run_is_called_that(tmp_path: Path) -> None:
    assert (
        refused("plan was stopped. Nothing was changed.", tmp_path, exit=INTERRUPTED)[0]
        == "interrupted: plan was stopped."
    )


@pytest.mark.parametrize(("terminal", "no_color", "wanted"), [(True, "", True), (True, "1", False), (False, "", False)])
def test_a_diff_is_coloured_where_that_is_wanted(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, no_color: str, wanted: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setattr("cli.run.sys.stdout.isatty", lambda: terminal)
    lines = ["  -not a diff", screen.DIFF, "  -gone", "  +new", "   same"]
    coloured_lines = ["  -not a diff", screen.DIFF, "\x1b[31m  -gone\x1b[0m", "\x1b[32m  +new\x1b[0m", "   same"]
    assert coloured(lines) == (coloured_lines if wanted else lines)
