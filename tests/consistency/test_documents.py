# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents repeat facts that have their home elsewhere; here both are compared. Links lead somewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.consistency.repository import ROLES, ROOT, defaults, load, read, tracked
from tests.contract import COUNT
from tests.documents.examples import examples, same
from tests.generate import agents

SERVICES = "docs/SERVICE_DATABASE_INTEGRATION.md"
GALAXY = ["Description", "Requirements", "Installation", "Included content", "Use"]
GALAXY_END = ["Release notes", "Support", "Licence"]
DOCUMENTS = tracked("*.md")


def test_agents_md_is_made_from_the_verbs() -> None:
    assert agents.generate(agents.script().VERBS) == read("AGENTS.md"), "run: make docs"


def test_every_verb_says_what_it_changes() -> None:
    verbs = agents.script().VERBS
    assert [name for name, verb in verbs.items() if not verb.changes] == []
    # Whoever is told that nothing is changed will run it without asking.
    assert {"deploy", "destroy", "seed"} & {name for name, verb in verbs.items() if verb.changes == "nothing"} == set()
    assert agents.generate({"plan": verbs["plan"]}) != read("AGENTS.md")


def test_the_readme_has_the_headings_that_galaxy_shows() -> None:
    headings = re.findall(r"^## (.*)$", read("README.md"), re.M)
    assert headings[-3:] == GALAXY_END
    assert [heading for heading in headings if heading in GALAXY] == GALAXY


def test_the_readme_names_all_that_is_included() -> None:
    section = read("README.md").split("\n## Included content\n")[1].split("\n## ")[0]
    plugins = {
        Path(name).stem
        for kind in ("modules", "filter", "lookup", "callback")
        for name in tracked(f"plugins/{kind}/*.py")
    }
    playbooks = {Path(name).stem for name in tracked("playbooks/*.yml")}
    wanted = {*plugins, *playbooks, *ROLES} - {"__init__"}
    assert wanted - set(re.findall(r"`(\w+)`", section)) == set()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_to_files(name: str) -> None:
    there = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", read(name))
    assert [link for link in there if not (ROOT / name).parent.joinpath(link).exists()] == []


def test_the_execution_environment_has_the_libraries_of_the_control_node() -> None:
    path = load("meta/execution-environment.yml")["dependencies"]["python"]
    listed = {line for line in read(path).splitlines() if not line.startswith("#")}
    project = tomllib.loads(read("pyproject.toml"))["project"]["dependencies"]
    assert listed == {name for name in project if not name.startswith("ansible")}


def test_the_limits_of_logins_are_those_of_the_database() -> None:
    text = read(SERVICES)
    declared = {
        name: role["connection_limit"] for name, role in load("sql/access/roles.yml")["roles"].items() if role["login"]
    }
    told = {name: int(limit) for name, limit in re.findall(r"^\| `(\w+)` \| (\d+) \|", text, re.M)}
    assert told == declared
    [login] = yaml.safe_load(examples(ROOT / SERVICES)["login"].text)["postgres_erp_services"]
    [(name, most, free, every)] = re.findall(
        r"`([\w-]+)` may have (\d+) at once.* Keep (\d+) free .*\nhold (\d+)\.", text
    )
    assert (name, int(most)) == (login["name"], login["connection_limit"]) and int(most) == int(every) + int(free)
    assert f"user={name}\n" in text and f"/secrets/{name}" in text


def test_the_settings_that_services_rely_on_are_the_servers() -> None:
    text = read(SERVICES)
    settings, api = defaults("postgres_erp")["postgres_erp_settings"], defaults("postgrest_erp")
    assert f"The server takes {settings['max_connections']} in all" in text
    assert f"idles in a transaction for {settings['idle_in_transaction_session_timeout'].replace('s', ' s')}" in text
    assert f"at most {api['postgrest_erp_max_rows']} rows" in text
    assert f"{api['postgrest_erp_in_flight']} requests at the same time" in text
    assert f"{api['postgrest_erp_rate']['average']} a second" in text
    assert f"{api['postgrest_erp_in_flight_large']} with a body of 8000 bytes" in text
    assert f"bigger than {api['postgrest_erp_max_body_bytes'] >> 10} KiB" in text
    assert f"`https://{defaults('portfolio')['portfolio_hostname']}`" in text
    assert "sslmode=require" not in text


def test_the_number_of_tables_is_that_of_the_contract() -> None:
    assert re.findall(r"table_schema IN \('erp','agent'\)\"  # (\d+)$", read("README.md"), re.M) == [str(COUNT)]


def test_the_roles_of_tokens_are_all_told() -> None:
    members = load("sql/access/roles.yml")["roles"]["portfolio_authenticator"]["member_of"]
    # The monitor is the run's own.
    told = re.findall(r"^\| `([a-z_]+)` \| [^|\d]+ \| [^|]+ \|$", read(SERVICES), re.M)
    assert set(told) == set(members) - {"erp_monitor"}


def test_every_example_is_application_named_or_has_no_session() -> None:
    for example in examples(ROOT / SERVICES).values():
        if example.language in ("python", "typescript"):
            assert re.search(r"application_name|DATABASE_URL|SQLALCHEMY_URL", example.text), example.name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x\n\n```sh\ntrue\n```\n", "no mark above"),
        ("<!-- example: a -->\n```sh\ntrue\n```\n<!-- example: a -->\n```sh\ntrue\n```\n", "two examples"),
        ("<!-- example: a -->\n```sh\ntrue\n```\n<!-- prints: b -->\n```text\n1\n```\n", "does not stand below"),
    ],
)
def test_a_block_that_nobody_would_run_is_an_error(tmp_path: Path, text: str, words: str) -> None:
    document = tmp_path / "document.md"
    document.write_text(text)
    with pytest.raises(ValueError, match=words):
        examples(document)


def test_what_is_printed_is_compared_to_the_letter_unless_it_is_json() -> None:
    assert same("a\n", "a") and same('[{"a":1}]', '[{"a": 1}]\n')
    assert not same("a b", "a  b") and not same('[{"a":1}]', '[{"a":2}]')
