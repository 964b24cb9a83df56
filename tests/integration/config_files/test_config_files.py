"""config_files on a real disk: the six steps, the refusals, the secrets."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.ansible_task import NAMESPACE, ROOT, ansible, run_module, run_task

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other users")
ROOTS = {"owner": "root", "group": "root"}
GIVEN = "given-5f2a\"'\n\\secret"


def arguments(base: Path, content: str = "port: 3000\nname: ä\n") -> dict[str, Any]:
    return {
        "directories": [
            {"path": f"{base}/api", "mode": "0755", **ROOTS},
            {"path": f"{base}/api/secrets", "mode": "0500", "owner": "10001", "group": "10001"},
        ],
        "secrets": [
            {"name": "login", "path": f"{base}/api/login", **ROOTS},
            {"name": "given", "path": f"{base}/api/given", "value": GIVEN, "mode": "0600", **ROOTS},
        ],
        "files": [
            {"path": f"{base}/api/settings.yml", "mode": "0644", "content": content, **ROOTS},
            {
                "path": f"{base}/api/secrets/db_uri", "mode": "0400", "owner": "10001", "group": "10001",
                "secret": True, "content": "postgres://u:@SECRET:login@@host\nmore hidden\n",
            },
        ],
        "watched": [f"{base}/api/secrets"],
    }  # fmt: skip


def tree(base: Path) -> dict[str, tuple[int, int, int, int, bytes]]:
    """Everything that could have changed, to the nanosecond."""
    found = {}
    for path in sorted(base.rglob("*")):
        there = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (there.st_mode, there.st_uid, there.st_ctime_ns, there.st_mtime_ns, content)
    return found


def changed_paths(result: dict[str, Any]) -> list[str]:
    return [entry["after_header"].removesuffix(" (absent)") for entry in result["diff"]]


def test_the_six_steps(tmp_path: Path) -> None:
    base = tmp_path / "not" / "there" / "yet"
    first, other = arguments(base), arguments(base, "port: 3001\n")
    steps = []
    for wanted, check in ((first, True), (first, False), (first, True), (first, False), (other, True), (other, False)):
        before = tree(tmp_path)
        result = run_task("config_files", wanted, check=check)
        assert "failed" not in result, result
        assert (tree(tmp_path) == before) == (check or not result["changed"])
        steps.append(result)
    assert [step["changed"] for step in steps] == [True, True, False, False, True, True]
    # What check mode says is what the run then does.
    assert steps[0]["diff"] == steps[1]["diff"]
    assert steps[4]["diff"] == steps[5]["diff"]
    assert changed_paths(steps[0])[:3] == [str(tmp_path / "not"), str(tmp_path / "not" / "there"), str(base)]
    assert steps[4]["diff"] == [
        {
            "before": "port: 3000\nname: ä\n",
            "after": "port: 3001\n",
            "before_header": f"{base}/api/settings.yml",
            "after_header": f"{base}/api/settings.yml",
        }
    ]
    assert [step["generated"] for step in steps] == [["login"], ["login"], [], [], [], []]
    settings = [step["files"][f"{base}/api/settings.yml"] for step in steps]
    assert settings[0] == settings[4] == {"changed": True, "content_changed": True, "mtime": None}
    assert settings[1]["mtime"] == settings[2]["mtime"] == settings[3]["mtime"] < settings[5]["mtime"]
    assert settings[5]["mtime"] == (base / "api" / "settings.yml").stat().st_mtime


def test_what_is_on_the_disk_afterwards(tmp_path: Path) -> None:
    run_module("config_files", arguments(tmp_path))
    api = tmp_path / "api"
    login = (api / "login").read_text()
    assert re.fullmatch(r"[0-9a-f]{48}", login)
    assert (api / "given").read_text() == GIVEN
    assert (api / "settings.yml").read_bytes() == "port: 3000\nname: ä\n".encode()
    assert (api / "secrets" / "db_uri").read_text() == f"postgres://u:{login}@host\nmore hidden\n"
    assert {
        str(path.relative_to(tmp_path)): (f"{stat.S_IMODE(path.stat().st_mode):04o}", path.stat().st_uid)
        for path in tmp_path.rglob("*")
    } == {
        "api": ("0755", 0),
        "api/login": ("0400", 0),
        "api/given": ("0600", 0),
        "api/settings.yml": ("0644", 0),
        "api/secrets": ("0500", 10001),
        "api/secrets/db_uri": ("0400", 10001),
    }


def test_owner_and_mode_are_put_right_without_touching_content_or_time(tmp_path: Path) -> None:
    run_module("config_files", arguments(tmp_path))
    settings = tmp_path / "api" / "settings.yml"
    settings.chmod(0o600)
    os.chown(settings, 1234, 0)
    before = settings.stat()
    predicted = run_module("config_files", arguments(tmp_path), check=True)
    assert settings.stat().st_uid == 1234
    done = run_module("config_files", arguments(tmp_path))
    assert predicted == done
    assert done["diff"][0]["before"] == "owner: 1234\nmode: 0600\n"
    assert done["diff"][0]["after"] == "owner: root\nmode: 0644\n"
    assert done["files"][str(settings)] == {"changed": True, "content_changed": False, "mtime": before.st_mtime}
    assert (settings.stat().st_uid, settings.stat().st_ino) == (0, before.st_ino)


def test_a_secret_is_never_generated_again(tmp_path: Path) -> None:
    run_module("config_files", arguments(tmp_path))
    first = tree(tmp_path)
    again = run_module("config_files", arguments(tmp_path))
    assert not again["changed"]
    assert tree(tmp_path) == first
    # A value that the inventory gives later replaces it, and the file that refers to it.
    wanted = arguments(tmp_path)
    wanted["secrets"][0]["value"] = "from-the-inventory"
    result = run_module("config_files", wanted)
    assert changed_paths(result) == [f"{tmp_path}/api/login", f"{tmp_path}/api/secrets/db_uri"]
    assert "from-the-inventory" in (tmp_path / "api" / "secrets" / "db_uri").read_text()
    assert "from-the-inventory" not in json.dumps(result)


BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "relative": ("files", {"path": "api/x", "content": "x"}, "'api/x' is not a full path"),
    "owner": ("files", {"path": "BASE/api/x", "content": "x", "owner": "nobody-here"}, "owner nobody-here"),
    "group": ("files", {"path": "BASE/api/x", "content": "x", "group": "nobody-here"}, "group nobody-here"),
    "mode": ("files", {"path": "BASE/api/x", "content": "x", "mode": 420}, "octal number in quotes"),
    "directory": ("files", {"path": "BASE/api/secrets2", "content": "x"}, "is a directory, not a file"),
    "link": ("files", {"path": "BASE/link", "content": "x"}, "is a symbolic link"),
    "parent": ("files", {"path": "BASE/nowhere/x", "content": "x"}, "add BASE/nowhere to directories"),
    "unknown": ("files", {"path": "BASE/api/x", "content": "@SECRET:nope@", "secret": True}, "unknown secret nope"),
    "open": ("files", {"path": "BASE/api/x", "content": "@SECRET:login@"}, "mark it with secret: true"),
    "literal": ("files", {"path": "BASE/api/x", "content": f"x{GIVEN}"}, "mark it with secret: true"),
    "data": ("files", {"path": "BASE/api/x", "content": {"a": 1}}, "is not a string"),
    "twice": ("files", {"path": "BASE/api/settings.yml", "content": "x"}, "listed twice"),
    "short": ("secrets", {"name": "x", "path": "BASE/api/x", "value": "kurz"}, "less than 8 characters"),
    "empty": ("secrets", {"name": "x", "path": "BASE/empty"}, "is empty"),
    "dir_file": ("directories", {"path": "BASE/empty"}, "is a file, not a directory"),
}


@pytest.mark.parametrize("case", BAD)
def test_one_bad_entry_and_nothing_is_written(tmp_path: Path, case: str) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "empty").touch()
    (tmp_path / "api" / "secrets2").mkdir(parents=True)
    kind, entry, sentence = BAD[case]
    entry = json.loads(json.dumps({"mode": "0600", **ROOTS, **entry}).replace("BASE", str(tmp_path)))
    wanted = arguments(tmp_path)
    wanted[kind].append(entry)
    before = tree(tmp_path)
    result = run_module("config_files", wanted)
    assert result["failed"]
    assert sentence.replace("BASE", str(tmp_path)) in result["msg"]
    assert result["msg"].endswith("Nothing was written.")
    assert len(result["problems"]) == 1
    assert tree(tmp_path) == before
    assert "geheim" not in json.dumps(result)
    # Check mode refuses the same, but for users that an earlier task may make.
    checked = run_module("config_files", wanted, check=True)
    if case in ("owner", "group"):
        assert checked["changed"]
        assert sentence in checked["warnings"][0]
    else:
        assert checked["msg"] == result["msg"]


def test_a_missing_owner_is_an_argument_error(tmp_path: Path) -> None:
    entry = {"path": f"{tmp_path}/x", "content": "x" * 20, "group": "root", "mode": "0644"}
    result = run_module("config_files", {"files": [entry]})
    assert result["failed"]
    assert "owner" in result["msg"]
    assert list(tmp_path.iterdir()) == []


def test_the_remains_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    run_module("config_files", arguments(tmp_path))
    leftover = tmp_path / "api" / ".portfolio-0123456789abcdef.tmp"
    leftover.write_text("half a fi")
    predicted = run_module("config_files", arguments(tmp_path), check=True)
    assert leftover.exists()
    done = run_module("config_files", arguments(tmp_path))
    assert predicted == done
    assert done["changed"]
    assert changed_paths(done) == [str(leftover)]
    assert not leftover.exists()
    assert not run_module("config_files", arguments(tmp_path))["changed"]


def test_unknown_files_in_a_watched_directory_are_named(tmp_path: Path) -> None:
    run_module("config_files", arguments(tmp_path))
    stranger = tmp_path / "api" / "secrets" / "old.yml"
    stranger.touch()
    result = run_module("config_files", arguments(tmp_path))
    assert (result["changed"], result["unknown"]) == (False, [str(stranger)])
    assert str(stranger) in result["warnings"][0]
    assert [(each["effect"], each["object"]) for each in result["effects"]] == [("left", str(stranger))]
    assert stranger.exists()


def test_a_full_disk_says_how_far_it_came(tmp_path: Path) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "portfolio-test", str(mount)], check=True)
    try:
        entries = [{"path": f"{mount}/{name}", "mode": "0644", "content": content, **ROOTS} for name, content in
                   (("a", "small"), ("b", "x" * 200_000))]  # fmt: skip
        result = run_module("config_files", {"files": entries})
        assert "No space left on device; 1 of 2 changes were made" in result["msg"]
        assert [path.name for path in mount.iterdir()] == ["a"]
    finally:
        subprocess.run(["umount", str(mount)], check=True)


@pytest.mark.parametrize("check", [True, False])
def test_no_secret_comes_out_at_the_highest_verbosity(tmp_path: Path, check: bool) -> None:
    wanted = arguments(tmp_path)
    hidden = [GIVEN, json.dumps(GIVEN)[1:-1], "given-5f2a", "more hidden"]
    flags = ["--diff", "-vvvvv", *(["--check"] if check else [])]
    # As variables of the inventory: on the command line everybody could read them.
    variables = tmp_path / "variables.json"
    variables.write_text(json.dumps(wanted))
    references = json.dumps({name: f"{{{{ {name} }}}}" for name in wanted})
    for _ in range(2):
        outcome = ansible(
            *("-m", "bestviable.portfolio.config_files", "-a", references, "-e", f"@{variables}"),
            *flags,
        )
        output = outcome.stdout + outcome.stderr
        assert outcome.returncode == 0, output
        assert "module_args" in output
        login = tmp_path / "api" / "login"
        for text in [*hidden, *([login.read_text()] if login.exists() else [])]:
            assert text not in output


def test_no_secret_reaches_the_system_log(tmp_path: Path) -> None:
    args = tmp_path / "arguments.json"
    args.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": arguments(tmp_path)}))
    code = (
        "import runpy, sys, syslog\n"
        "syslog.syslog = lambda *message: print('LOGGED', message, file=sys.stderr)\n"
        f"runpy.run_module('{NAMESPACE}.config_files', run_name='__main__')\n"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", code, str(args)],
        env={**os.environ, "PYTHONPATH": str(ROOT / ".collections")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "LOGGED" in outcome.stderr
    for text in ("given-5f2a", "more hidden"):
        assert text not in outcome.stderr


def test_a_hidden_content_too_short_for_ansible_to_mask_is_not_shown(tmp_path: Path) -> None:
    entry = {"path": f"{tmp_path}/pin", "mode": "0400", "secret": True, "content": "#7Qz", **ROOTS}
    result = run_module("config_files", {"files": [entry]})
    assert (tmp_path / "pin").read_text() == "#7Qz"
    assert "#7Qz" not in json.dumps(result)


def test_a_failure_shows_no_secret_either(tmp_path: Path) -> None:
    wanted = arguments(tmp_path)
    wanted["files"].append({"path": "relative", "mode": "0600", "content": "x", **ROOTS})
    result = run_module("config_files", wanted)
    assert result["failed"]
    assert result["invocation"]["module_args"]["secrets"][1]["value"] == "<given>"
    for text in ("given-5f2a", "more hidden"):
        assert text not in json.dumps(result)


def test_a_run_that_lost_the_server_writes_nothing(tmp_path: Path) -> None:
    lease = tmp_path / "lease.json"
    held = {"run_id": "other", "who": "eve@far", "since": 1.0, "renewed": time.time()}
    lease.write_text(json.dumps(held))
    environment = {"PORTFOLIO_RUN_ID": "mine", "PORTFOLIO_LEASE_FILE": str(lease)}
    result = run_module("config_files", arguments(tmp_path), environment=environment)
    assert "This run has lost the server: eve@far" in result["msg"]
    assert not (tmp_path / "api").exists()
