# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must stand in no file: secrets, moving tags, the hosts of package registries, leftovers."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib

from tests.consistency.repository import ROLES, ROOT, defaults, read, tracked

# How this machine's package clients say where they fetch from; a recipe takes it from them, and no file names it.
CLIENTS = (
    ("apt-get", "indextargets", "--format", "$(SITE)"),
    ("pip", "config", "get", "global.index-url"),
    ("npm", "config", "get", "registry"),
    ("go", "env", "GOPROXY"),
)


def registries() -> set[str]:
    """Host names of the package registries as this machine is set up."""
    said = ""
    for command in CLIENTS:
        if shutil.which(command[0]):
            said += subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return set(re.findall(r"\b(?:[a-z0-9-]+\.)+[a-z]{2,}\b", said))


SECRETS = {
    "private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s*\n?\s*[A-Za-z0-9+/]{20}"),
    "token": re.compile(r"\beyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}"),
    "password": re.compile(
        r"(?i)\b\w*(?:password|passwd|secret_key|api_key)\s*[:=]\s*[\"']?(?![{\"'<$\s])[A-Za-z0-9+/]{8,}[\"']?\s*$",
        re.M,
    ),
    "key of a cloud": re.compile(r"\b(?:AKIA|dop_v1_|ghp_)[A-Za-z0-9]{16,}"),
}
LEFTOVERS = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)) + r")\b")
TEXTS = tuple(
    name for name in tracked() if name != "LICENSE" and not name.startswith((".collections/", "requirements/"))
)


def lines(name: str) -> list[tuple[int, str]]:
    try:
        return list(enumerate(read(name).splitlines(), 1))
    except UnicodeDecodeError:
        return []


def test_no_registry_is_named() -> None:
    hosts = registries()
    found = [
        f"{name}:{number} {host}" for name in TEXTS for number, line in lines(name) for host in hosts if host in line
    ]
    assert found == []


def test_dockers_own_repository_is_named_in_one_default_only() -> None:
    host = "download." + "docker.com"
    assert [
        name
        for name in TEXTS
        if host in "".join(line for _number, line in lines(name)) and not name.startswith("roles/docker_host/")
    ] == []


def test_no_secret_is_written_down() -> None:
    found = []
    for name in TEXTS:
        # Tests sign with keys of their own, which open nothing.
        if not name.startswith("tests/") and lines(name):
            found += [f"{name}: {what}" for what, pattern in SECRETS.items() if pattern.search(read(name))]
    assert found == []


def test_no_image_has_a_moving_tag() -> None:
    moving = re.compile(r"(?:image|FROM)\S*\s*[:=]?\s*\S+:(?:latest|stable|edge|main)\b")
    found = [
        f"{name}:{number}"
        for name in TEXTS
        if not name.startswith("tests/")
        for number, line in lines(name)
        if moving.search(line)
    ]
    assert found == []
    for source in defaults("portfolio")["portfolio_images"].values():
        assert all(re.search(r":v?\d+", image) for image in source.values())


def test_images_of_a_registry_are_pinned_to_an_exact_version() -> None:
    images = defaults("portfolio")["portfolio_images"]["registry"]
    assert all(re.search(r":v?\d+\.\d+", image) for image in images.values())


def test_the_images_that_are_built_are_the_images_that_roles_ask_for() -> None:
    tags = re.search(r"tags=\((.*)\)", read("images/build"))
    assert tags
    built = {f"portfolio.local/{name}:{tag}" for name, tag in re.findall(r"\[(\w+)\]=(\S+)", tags[1])}
    assert set(defaults("portfolio")["portfolio_images"]["build"].values()) <= built


def test_no_leftovers() -> None:
    assert [f"{name}:{number}" for name in TEXTS for number, line in lines(name) if LEFTOVERS.search(line)] == []


def length(name: str) -> int:
    """The lines that have to be read in one go; the documentation in a module is not."""
    text = re.sub(r'^(?:DOCUMENTATION|EXAMPLES|RETURN) = r?""".*?"""', "", read(name), flags=re.M | re.S)
    return len(text.splitlines())


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    endings = (".py", ".yml", ".sh", ".j2", "/build", "/run", "/droplet")
    # Looked up in, not read.
    columns = "tests/integration/drift_coverage/catalog_columns.yml"
    tables = {"sql/assertions.yml", "molecule/drift/vars/cases.yml", columns}
    found = {name: length(name) for name in TEXTS if name.endswith(endings) and name not in tables}
    # A test file is a list of cases: one is read at a time.
    assert {name: n for name, n in found.items() if n > (400 if name.startswith("tests/") else 320)} == {}


def test_python_says_whose_it_is() -> None:
    heads = {
        name: read(name)[:400] for name in ("portfolio", *tracked("cli/*.py", "plugins/*.py")) if read(name).strip()
    }
    assert [name for name, head in heads.items() if "SPDX-License-Identifier: GPL-3.0-or-later" not in head] == []


def test_every_python_program_is_checked() -> None:
    """Ruff and mypy find *.py by themselves; the other programs stand in one list for both."""
    first = {name: next((line for _, line in lines(name)), "") for name in tracked() if not name.endswith(".py")}
    programs = [name for name, line in first.items() if re.match(r"#!.*python", line)]
    assert tomllib.loads(read("pyproject.toml"))["tool"]["ruff"]["extend-include"] == sorted(programs)


def test_every_scenario_is_run() -> None:
    names = {name.split("/")[1] for name in tracked("molecule/*/molecule.yml")}
    listed = re.search(r"^SCENARIOS = \{(.*)\}$", read("tests/run"), re.M)
    assert listed and set(re.findall(r'"(\w+)":', listed[1])) == names


def test_the_two_versions_are_one() -> None:
    version = re.search(r"^version: (\S+)$", read("galaxy.yml"), re.M)
    project = re.search(r'^version = "(\S+)"$', read("pyproject.toml"), re.M)
    assert version and project and version[1] == project[1]
    least = [re.findall(r'min_ansible_version: "(\S+)"', read(f"roles/{role}/meta/main.yml")) for role in ROLES]
    assert least == [["2.19"]] * len(ROLES)
    assert 'requires_ansible: ">=2.19.0"' in read("meta/runtime.yml")


def test_the_link_for_names_in_a_clone_is_there() -> None:
    link = ROOT / ".collections" / "ansible_collections" / "bestviable" / "portfolio"
    assert link.is_symlink() and link.resolve() == ROOT
