# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of ./portfolio, the targets of the Makefile and what the README tells people to type are the same words."""

from __future__ import annotations

import re
import subprocess

from cli import backup
from tests.consistency.repository import ROOT, defaults, load, read, tracked


def verbs() -> set[str]:
    return set(re.findall(r'^    "(\w+)": Verb\(', read("portfolio"), re.M))


def targets() -> set[str]:
    listed = re.search(r"^VERBS = (.*)$", read("Makefile"), re.M)
    phony = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", read("Makefile"), re.M)
    assert listed and phony
    return {*listed[1].split(), *(word for word in phony[1].split() if word not in ("\\", "$(VERBS)"))}


def typed() -> set[str]:
    """The words after `make` and `./portfolio` in code of the documentation."""
    places = ("README.md", "CONTRIBUTING.md", "AGENTS.md", "docs/*.md", "roles/*/README.md", "*/README.md")
    texts = [read(name) for name in tracked(*places)]
    code = [part for text in texts for part in re.findall(r"```.*?```|`[^`\n]+`", text, re.S)]
    return {word for part in code for word in re.findall(r"(?:\bmake|\./portfolio)\s+(?:-s\s+)?([a-z][a-z-]*)", part)}


def test_the_makefile_has_a_target_for_each_verb() -> None:
    listed = re.search(r"^VERBS = (.*)$", read("Makefile"), re.M)
    assert listed and set(listed[1].split()) == verbs()


def test_the_makefile_passes_on_every_setting() -> None:
    known = set(re.findall(r'"([A-Z_]+)"', read("portfolio")))
    listed = re.search(r"^SETTINGS = (.*)$", read("Makefile"), re.M)
    assert listed and set(listed[1].split()) == known | {"INVENTORY"}


def test_what_the_documentation_types_exists() -> None:
    assert typed() - targets() - {"alone"} == set()


def test_the_readme_shows_every_verb() -> None:
    assert verbs() - typed() - {"setup"} == set()  # every verb does that by itself


def test_make_alone_and_the_script_alone_are_the_same_help() -> None:
    script = subprocess.run(["./portfolio"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    make = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert make == script
    assert all(f"make {verb}" in script for verb in verbs())
    assert max(map(len, script.splitlines())) <= 104


def test_names_in_the_script_are_those_of_the_roles() -> None:
    names = load("roles/portfolio/vars/main.yml")
    text = read("cli/verbs.py")
    assert f'DATABASE = "{names["_portfolio_containers"]["database"]}"' in text
    assert f"unix://{names['_portfolio_docker_socket']}" in text
    assert all(container in read("portfolio") for container in names["_portfolio_containers"].values())
    assert str(defaults("traefik")["traefik_local_port"]) not in text


def test_the_verb_knows_the_jobs_of_the_backup() -> None:
    """It refuses the others before Ansible starts, so it has a list of its own."""
    assert list(load("roles/portfolio/vars/main.yml")["_portfolio_backup_jobs"]) == list(backup.JOBS)
