"""Comparing, refusing, resolving and showing: pure, on values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.files import plan, report
from ansible_collections.bestviable.portfolio.plugins.module_utils.files.model import Found, Wanted

DIRECTORY = Wanted("/d", "root", "root", 0o755, is_directory=True)
FILE = Wanted("/d/f", "root", "root", 0o644, content=b"new\n")
SECRET = Wanted("/d/s", "root", "root", 0o400, secret=True, name="s", length=24)
THERE = Found("file", 0, 0, 0o644, 1.0, b"old\n")
PARENTS = {"/d": True, "/": True}


def problems(*wanted: Wanted, parents: Any = None, **found: Found) -> list[str]:
    looked = {item.path: found.get(item.path.strip("/").replace("/", "_"), Found()) for item in wanted}
    return plan.problems(list(wanted), looked, PARENTS if parents is None else parents)


def test_nothing_to_refuse() -> None:
    assert problems(DIRECTORY, SECRET, FILE, d=Found("directory"), d_f=THERE) == []


@pytest.mark.parametrize(
    ("wanted", "found", "sentence"),
    [
        (FILE, {"d_f": Found("directory")}, "/d/f is a directory, not a file"),
        (FILE, {"d_f": Found("link")}, "/d/f is a symbolic link, not a file"),
        (FILE, {"d_f": Found("other")}, "/d/f is no ordinary file, not a file"),
        (FILE, {"d_f": Found("other", error="Permission denied")}, "/d/f cannot be read (Permission denied)"),
        (DIRECTORY, {"d": THERE}, "/d is a file, not a directory"),
        (DIRECTORY, {"d": Found("link")}, "/d is a symbolic link, not a directory"),
        (SECRET, {"d_s": replace(THERE, content=b"\n")}, "/d/s of secret s is empty"),
        (replace(FILE, content=b"@SECRET:nope@", secret=True), {}, "refers to the unknown secret nope"),
        (replace(FILE, content=b"a@SECRET:b", secret=True), {}, "a reference to a secret that is not closed"),
        (replace(FILE, content=b"@SECRET:a b@", secret=True), {}, "a reference to a secret that is not closed"),
    ],
)
def test_refused(wanted: Wanted, found: dict[str, Found], sentence: str) -> None:
    (problem,) = problems(wanted, **found)
    assert sentence in problem


def test_a_reference_to_a_secret_makes_a_file_secret() -> None:
    refers = replace(FILE, content=b"@SECRET:s@")
    assert problems(SECRET, refers) == ["/d/f holds a secret; mark it with secret: true"]
    assert problems(SECRET, replace(refers, secret=True)) == []


def test_a_secret_written_out_makes_a_file_secret() -> None:
    given = replace(SECRET, content=b"geheim-5f2a")
    assert problems(given, replace(FILE, content=b"p: geheim-5f2a\n")) == [
        "/d/f holds a secret; mark it with secret: true"
    ]


def test_parent() -> None:
    assert problems(FILE, parents={"/d": False}) == ["the directory of /d/f does not exist; add /d to directories"]
    assert problems(DIRECTORY, FILE, parents={"/d": False}) == []


def test_a_link_above_our_directories_is_somebody_elses_business() -> None:
    implied = replace(DIRECTORY, implied=True)
    assert problems(implied, parents={"/d": True}, d=Found("link")) == []
    assert len(problems(implied, parents={"/d": False}, d=Found("link"))) == 1


def resolve(*wanted: Wanted, there: Found | None = None) -> tuple[dict[str, bytes | None], list[str]]:
    found = {item.path: Found() for item in wanted} | {"/d/s": there or Found()}
    complete, generated = plan.resolve(list(wanted), found, lambda length: f"generated{length}")
    return {item.path: item.content for item in complete}, generated


REFERS = replace(FILE, content=b"pg://u:@SECRET:s@@host @SECRET:s@\n", secret=True)


def test_a_secret_is_generated_once() -> None:
    contents, generated = resolve(SECRET, REFERS)
    assert generated == ["s"]
    assert contents == {"/d/s": b"generated24", "/d/f": b"pg://u:generated24@host generated24\n"}


def test_a_secret_is_kept_and_an_editors_newline_is_not_part_of_it() -> None:
    contents, generated = resolve(SECRET, REFERS, there=replace(THERE, content=b"kept\n"))
    assert generated == []
    assert contents == {"/d/s": b"kept\n", "/d/f": b"pg://u:kept@host kept\n"}


def test_a_given_secret_wins_and_is_not_read_again_for_references() -> None:
    contents, generated = resolve(replace(SECRET, content=b"@SECRET:s@"), REFERS, there=THERE)
    assert generated == []
    assert contents["/d/f"] == b"pg://u:@SECRET:s@@host @SECRET:s@\n"


def test_all_secrets_are_masked_old_and_new() -> None:
    new = replace(SECRET, content=b"new-secret")
    values = plan.secret_values([new, FILE], {"/d/s": replace(THERE, content=b"old-secret\n"), "/d/f": THERE})
    assert values == {"new-secret", "old-secret"}
    # A short one would garble every message.
    assert plan.secret_values([replace(SECRET, content=b"a")], {"/d/s": Found()}) == set()


def change(wanted: Wanted = FILE, found: Found = THERE, uid: int | None = 0, gid: int | None = 0) -> plan.Change:
    return plan.Change(wanted, found, uid, gid)


@pytest.mark.parametrize(
    ("entry", "content_changed", "attributes"),
    [
        (change(found=replace(THERE, content=b"new\n")), False, ()),
        (change(), True, ()),
        (change(found=replace(THERE, content=b"new\n", mode=0o600)), False, ("mode",)),
        (change(found=replace(THERE, content=b"new\n"), uid=70, gid=70), False, ("owner", "group")),
        (change(found=replace(THERE, content=b"new\n"), uid=None), False, ("owner",)),
        (change(found=Found()), True, ("owner", "group", "mode")),
        (change(replace(FILE, content=b""), Found()), True, ("owner", "group", "mode")),
        (change(DIRECTORY, Found("directory", 0, 0, 0o755)), False, ()),
        (change(DIRECTORY, Found()), False, ("owner", "group", "mode")),
        (change(replace(DIRECTORY, implied=True), Found("directory", 7, 7, 0o711)), False, ()),
        (change(replace(DIRECTORY, implied=True), Found()), False, ("owner", "group", "mode")),
    ],
)
def test_differences(entry: plan.Change, content_changed: bool, attributes: tuple[str, ...]) -> None:
    assert (entry.content_changed, entry.attributes) == (content_changed, attributes)
    assert entry.changed == (content_changed or bool(attributes))


def shown(entry: plan.Change) -> tuple[str, str, str]:
    found = report.diff_entry(entry, lambda uid: f"u{uid}", lambda gid: f"g{gid}")
    assert found["after_header"] == entry.wanted.path
    return found["before_header"], found["before"], found["after"]


HIDDEN = replace(FILE, secret=True, content=b"hidden-content")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (change(), ("/d/f", "old\n", "new\n")),
        (change(found=replace(THERE, mode=0o600)), ("/d/f", "mode: 0600\nold\n", "mode: 0644\nnew\n")),
        (change(found=replace(THERE, content=b"new\n"), uid=70), ("/d/f", "owner: u0\n", "owner: root\n")),
        (change(found=Found()), ("/d/f (absent)", "", "owner: root\ngroup: root\nmode: 0644\nnew\n")),
        (change(DIRECTORY, Found()), ("/d (absent)", "", "owner: root\ngroup: root\nmode: 0755\n")),
        (change(found=replace(THERE, content=b"\xff\xfe")), ("/d/f", "<2 bytes that are not text>\n", "new\n")),
        (change(HIDDEN), ("/d/f", "<secret, old>\n", "<secret, new>\n")),
        (
            change(HIDDEN, replace(THERE, content=b"hidden-content", mode=0o600)),
            ("/d/f", "mode: 0600\n<secret, unchanged>\n", "mode: 0644\n<secret, unchanged>\n"),
        ),
        (change(HIDDEN, Found()), ("/d/f (absent)", "", "owner: root\ngroup: root\nmode: 0644\n<secret, new>\n")),
    ],
)
def test_diff(entry: plan.Change, expected: tuple[str, str, str]) -> None:
    assert shown(entry) == expected


@pytest.mark.parametrize(
    ("entry", "detail"),
    [
        (change(found=Found()), "missing"),
        (change(), "content"),
        (change(found=replace(THERE, content=b"new\n", mode=0o666)), "mode 0666 instead of 0644"),
        (change(uid=70, gid=70), "content, owner u0 instead of root, group g0 instead of root"),
        (change(HIDDEN), "content"),
    ],
)
def test_effects(entry: plan.Change, detail: str) -> None:
    found = report.effects([entry], [], [], lambda uid: f"u{uid}", lambda gid: f"g{gid}")
    assert found == [{"effect": "change", "object": entry.wanted.path, "detail": detail}]


def test_what_is_not_ours_is_left() -> None:
    [left] = report.effects([change(found=replace(THERE, content=b"new\n"))], [], ["/d/x"], str, str)
    assert (left["effect"], left["object"], bool(left["remedy"])) == ("left", "/d/x", True)
