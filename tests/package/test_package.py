# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as an artefact: what is in it, and that it works where there is no clone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
WANTED_DIRECTORIES = {"docs", "meta", "playbooks", "plugins", "roles", "sql"}
WANTED_FILES = {"CHANGELOG.rst", "CONTRIBUTING.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md", "site.yml"}


def run(*command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    # Nothing of this clone may help: neither its configuration nor its link to itself.
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHONPATH"))}
    variables = {**clean, "LC_ALL": "C.UTF-8", "PATH": f"{BIN}:{os.environ['PATH']}", **environment}
    return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)


def built(source: Path, out: Path) -> Path:
    result = run("ansible-galaxy", "collection", "build", "--output-path", str(out), cwd=source)
    assert result.returncode == 0, result.stdout + result.stderr
    (archive,) = out.glob("bestviable-portfolio-*.tar.gz")
    return archive


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository's files with the litter of a used working directory in it."""
    copy = tmp_path_factory.mktemp("source")
    listing = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, run(*listing, cwd=ROOT).stdout.split("\0")):
        if (ROOT / name).exists() or (ROOT / name).is_symlink():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
    for litter in (
        ".venv/lib/left.py",
        ".mypy_cache/left.json",
        ".ansible/left",
        "plugins/modules/__pycache__/left.cpython-311.pyc",
        "bestviable-portfolio-0.0.1.tar.gz",
        "inventories/droplet/.token_signing_key.pem",
        "inventories/droplet/.vault_password",
    ):
        (copy / litter).parent.mkdir(parents=True, exist_ok=True)
        (copy / litter).write_text("left over")
    return copy


@pytest.fixture(scope="module")
def artefact(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(source, tmp_path_factory.mktemp("artefact"))


@pytest.fixture(scope="module")
def installed(artefact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collections path with the artefact in it; the other collections are those of PyPI's ansible."""
    path = tmp_path_factory.mktemp("collections")
    install = ("ansible-galaxy", "collection", "install", "--offline", "--no-deps", "-p", str(path), str(artefact))
    result = run(*install, cwd=path)
    assert result.returncode == 0, result.stdout + result.stderr
    return path


def members(artefact: Path) -> list[tarfile.TarInfo]:
    with tarfile.open(artefact) as archive:
        return archive.getmembers()


def test_the_artefact_holds_what_a_user_needs_and_nothing_else(artefact: Path) -> None:
    names = [member.name for member in members(artefact) if member.isfile()]
    assert {name for name in names if "/" not in name} == WANTED_FILES
    assert {name.partition("/")[0] for name in names if "/" in name} == WANTED_DIRECTORIES
    tracked = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).stdout.splitlines()
    assert set(names) - {"FILES.json", "MANIFEST.json"} <= set(tracked), "left over from somewhere"
    assert not [member.name for member in members(artefact) if member.issym() or member.islnk()]


def test_the_artefact_is_small(artefact: Path) -> None:
    assert artefact.stat().st_size < 1_000_000


def test_every_sql_file_and_role_is_in_it(artefact: Path) -> None:
    names = {member.name for member in members(artefact)}
    for pattern in ("sql/**/*", "roles/*/**/*.yml", "roles/*/**/*.j2", "plugins/**/*.py", "playbooks/*.yml"):
        here = {str(path.relative_to(ROOT)) for path in ROOT.glob(pattern) if path.is_file()}
        assert here <= names


def test_the_public_server_would_take_it(source: Path, tmp_path: Path) -> None:
    """galaxy-importer, what such a server runs over an upload: without an error and without a warning."""
    # It wants an address of the repository, which has none yet; everything else is the artefact as it is.
    copy = shutil.copytree(source, tmp_path / "source", symlinks=True)
    with (copy / "galaxy.yml").open("a") as galaxy:
        galaxy.write("repository: https://repository.invalid/bestviable/portfolio\n")
    archive = built(copy, tmp_path)
    done = run(sys.executable, "-m", "galaxy_importer.main", str(archive), cwd=tmp_path)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "ansible-lint run complete" in said
    assert [line for line in said.splitlines() if re.match(r"WARNING|ERROR", line)] == []
    found = json.loads((tmp_path / "importer_result.json").read_text())
    roles = {entry["name"] for entry in found["contents"] if entry["content_type"] == "role"}
    assert roles == {path.name for path in (ROOT / "roles").iterdir()}


def test_the_manifest_names_what_it_depends_on(artefact: Path) -> None:
    with tarfile.open(artefact) as archive:
        manifest = archive.extractfile("MANIFEST.json")
        assert manifest is not None
        info = json.load(manifest)["collection_info"]
    assert (info["namespace"], info["name"], info["license_file"]) == ("bestviable", "portfolio", "LICENSE")
    assert "community.docker" in info["dependencies"]


@pytest.mark.parametrize("playbook", sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml")))
def test_playbooks_are_found_by_name_from_another_directory(installed: Path, tmp_path: Path, playbook: str) -> None:
    command = ("ansible-playbook", f"bestviable.portfolio.{playbook}", "--syntax-check", "-i", "server,")
    result = run(*command, cwd=tmp_path, ANSIBLE_COLLECTIONS_PATH=str(installed))
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_dependencies_are_enough(installed: Path) -> None:
    """Every collection that is called is named in galaxy.yml, or comes with ansible-core."""
    root = installed / "ansible_collections" / "bestviable" / "portfolio"
    manifest = json.loads((root / "MANIFEST.json").read_text())["collection_info"]["dependencies"]
    text = "\n".join(path.read_text() for path in [*root.glob("roles/**/*.yml"), *root.glob("playbooks/*.yml")])
    called = set(re.findall(r"^\s*(community\.\w+|ansible\.posix)\.\w+:", text, re.MULTILINE))
    assert called == set(manifest)


def test_a_module_runs_from_the_installed_collection(installed: Path, tmp_path: Path) -> None:
    """What it imports is in the artefact, not in the clone."""
    inventory = tmp_path / "hosts.yml"
    variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory.write_text(json.dumps({"portfolio": {"hosts": {"localhost": variables}}}))
    command = (
        "ansible",
        "-i",
        str(inventory),
        "portfolio",
        "-m",
        "bestviable.portfolio.server_info",
        "-a",
        "ports=3000",
    )
    result = run(*command, cwd=tmp_path, ANSIBLE_COLLECTIONS_PATH=str(installed))
    assert result.returncode == 0, result.stdout + result.stderr
    assert '"distribution"' in result.stdout


def test_documentation_of_every_plugin_can_be_read(installed: Path, tmp_path: Path) -> None:
    command = ("ansible-doc", "--type", "module", "--list", "bestviable.portfolio", "--json")
    listing = run(*command, cwd=tmp_path, ANSIBLE_COLLECTIONS_PATH=str(installed))
    assert listing.returncode == 0, listing.stderr
    here = {f"bestviable.portfolio.{path.stem}" for path in (ROOT / "plugins" / "modules").glob("*.py")}
    assert set(json.loads(listing.stdout)) == here


def test_the_reference_has_a_page_for_every_module_and_role(installed: Path, tmp_path: Path) -> None:
    """By the command of `make reference`."""
    [command] = re.findall(r"antsibull-docs (collection .*?) --dest-dir docs/reference (.*)$", makefile(), re.M)
    words = [*command[0].split(), "--dest-dir", str(tmp_path), command[1]]
    result = run("antsibull-docs", *words, cwd=tmp_path, ANSIBLE_COLLECTIONS_PATH=str(installed))
    assert result.returncode == 0, result.stdout + result.stderr
    wanted = {f"{path.stem}_module.rst" for path in (ROOT / "plugins" / "modules").glob("*.py")}
    wanted |= {f"{path.name}_role.rst" for path in (ROOT / "roles").iterdir()}
    assert wanted | {"index.rst"} <= {path.name for path in tmp_path.glob("*.rst")}


def makefile() -> str:
    """With its continued lines joined."""
    return re.sub(r"\\\n\s*", "", (ROOT / "Makefile").read_text())
