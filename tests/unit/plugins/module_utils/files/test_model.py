"""Arguments become entries, or one sentence for each that cannot."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.files import model

OWNED = {"owner": "root", "group": "root", "mode": "0644"}
FILE: dict[str, Any] = {"path": "/d/f", "content": "x", "secret": False, **OWNED}
SECRET: dict[str, Any] = {"name": "s", "path": "/d/s", "value": None, "bytes": 24, **OWNED}
DIRECTORY: dict[str, Any] = {"path": "/d", **OWNED}


def params(**lists: Any) -> dict[str, Any]:
    return {"directories": [], "secrets": [], "files": [], **lists}


@pytest.mark.parametrize(
    ("kind", "change", "sentence"),
    [
        ("files", {"path": "d/f"}, "'d/f' is not a full path"),
        ("files", {"path": "/d/../f"}, "not a full path"),
        ("files", {"path": "/d/f/"}, "not a full path"),
        ("files", {"path": "//d/f"}, "not a full path"),
        ("files", {"path": "/"}, "not a full path"),
        ("files", {"path": "/d/\0"}, "not a full path"),
        ("directories", {"path": ""}, "not a full path"),
        ("files", {"mode": 420}, "the mode 420 of /d/f is not an octal number in quotes"),
        ("files", {"mode": "u=rw"}, "octal"),
        ("files", {"mode": "0648"}, "octal"),
        ("files", {"mode": "64"}, "octal"),
        ("files", {"mode": "0644\n"}, "octal"),
        ("files", {"owner": " "}, "/d/f has no owner"),
        ("secrets", {"group": ""}, "/d/s has no group"),
        ("files", {"content": {"a": 1}}, "the content of /d/f is not a string"),
        ("secrets", {"value": 1234567890}, "the content of /d/s is not a string"),
        ("files", {"content": "\udcff"}, "the content of /d/f is not UTF-8"),
        ("secrets", {"name": "a b"}, "the secret name 'a b'"),
        ("secrets", {"value": "short"}, "the value of secret s has less than 8"),
        ("secrets", {"bytes": 8}, "cannot have 8 bytes; take 16 to 64"),
        ("secrets", {"bytes": 65}, "cannot have 65 bytes"),
    ],
)
def test_bad_input(kind: str, change: dict[str, Any], sentence: str) -> None:
    entry = {"files": FILE, "secrets": SECRET, "directories": DIRECTORY}[kind]
    wanted, problems = model.read(params(**{kind: [{**entry, **change}]}))
    assert len(problems) == 1
    assert sentence in problems[0]
    assert wanted == []


def test_a_value_never_stands_in_a_sentence() -> None:
    _wanted, problems = model.read(params(secrets=[{**SECRET, "value": "kurz"}]))
    assert "kurz" not in problems[0]


@pytest.mark.parametrize(
    ("lists", "sentence"),
    [
        ({"files": [FILE, FILE]}, "/d/f is listed twice"),
        ({"files": [{**FILE, "path": "/d"}], "directories": [DIRECTORY]}, "/d is listed twice"),
        ({"secrets": [SECRET, {**SECRET, "path": "/d/t"}]}, "secret s is listed twice"),
    ],
)
def test_twice(lists: dict[str, Any], sentence: str) -> None:
    _wanted, problems = model.read(params(**lists))
    assert [sentence in problem for problem in problems] == [True]


def test_order_directories_by_depth_then_secrets_then_files() -> None:
    directories = [{**DIRECTORY, "path": "/a/b/c"}, {**DIRECTORY, "path": "/a/b"}]
    wanted, problems = model.read(params(directories=directories, files=[FILE], secrets=[SECRET]))
    assert problems == []
    assert [(item.path, item.implied) for item in wanted] == [
        ("/a", True),
        ("/a/b", False),
        ("/a/b/c", False),
        ("/d/s", False),
        ("/d/f", False),
    ]


def test_values() -> None:
    wanted, _problems = model.read(params(files=[{**FILE, "content": "ä\n"}], secrets=[{**SECRET, "value": ""}]))
    secret, file = wanted
    assert (file.content, file.mode, file.secret) == ("ä\n".encode(), 0o644, False)
    # An empty variable of the inventory is no secret.
    assert (secret.content, secret.secret, secret.length) == (None, True, 24)
