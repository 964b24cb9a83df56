# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replacing the file: whole or not at all, owner, mode and attributes kept, copies counted, real faults."""

from __future__ import annotations

import os
import re
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared import credentials, disk
from ansible_collections.bestviable.portfolio.plugins.module_utils.cloudflared.rules import Refused

NEW = disk.Attributes(0, 0, 0o640)
OLD, TEXT = b"old\n", b"new\n"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other users")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yml"
    path.write_bytes(OLD)
    return path


def replace(path: Path, content: bytes = TEXT, keep: int = 5) -> str | None:
    return disk.replace(str(path), disk.look(str(path)), content, NEW, keep)


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.parent.iterdir())


@as_root
def test_owner_mode_and_attributes_stay(config: Path) -> None:
    os.chown(config, 65532, 1234)
    config.chmod(0o604)
    os.setxattr(config, "user.label", b"kept")
    os.utime(config, (1, 1))
    backup = replace(config)
    assert config.read_bytes() == TEXT and backup is not None and Path(backup).read_bytes() == OLD
    for path in (config, Path(backup)):
        there = path.stat()
        assert (there.st_uid, there.st_gid, there.st_mode & 0o7777) == (65532, 1234, 0o604)
        assert os.getxattr(path, "user.label") == b"kept"
    # Whoever compares it with the start of a process sees that it is new.
    assert config.stat().st_mtime > 1_000_000
    assert re.fullmatch(r"config\.yml\.\d{8}T\d{6}\.\d{6}Z\.bak", Path(backup).name)


@as_root
def test_a_new_file_gets_what_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    assert replace(path) is None
    assert (path.stat().st_mode & 0o7777, names(path)) == (0o640, ["config.yml"])


def test_five_copies_are_kept_and_nobody_elses_are_touched(config: Path) -> None:
    theirs = ["config.yml.bak", "config.yml.20260101T000000Z.bak", "other.yml.20260101T000000.000000Z.bak"]
    for name in theirs:
        (config.parent / name).write_text("theirs")
    for number in range(8):
        replace(config, f"{number}\n".encode())
    kept = [name for name in names(config) if name not in (*theirs, "config.yml")]
    assert [(config.parent / name).read_text() for name in kept] == [f"{number}\n" for number in range(2, 7)]
    assert set(theirs) <= set(names(config))
    before = names(config)
    replace(config, b"last\n", keep=0)
    assert names(config) == before and config.read_bytes() == b"last\n"


def test_a_link_is_followed(tmp_path: Path, config: Path) -> None:
    link = tmp_path / "link.yml"
    link.symlink_to(config)
    assert disk.real_path(str(link)) == str(config)
    with pytest.raises(Refused, match="not a full path"):
        disk.real_path("config.yml")


@contextmanager
def smaller_files(size: int) -> Iterator[None]:
    """What is written beyond the size fails, as on a full disk."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def test_a_write_that_fails_leaves_the_old_file(config: Path) -> None:
    with smaller_files(100), pytest.raises(Refused, match=r"config.yml cannot be written \(File too large\); correct"):
        replace(config, b"x" * 200)
    assert config.read_bytes() == OLD and not any("portfolio" in name for name in names(config))


@as_root
@pytest.mark.parametrize("kind", ["full", "read-only"])
def test_a_disk_that_takes_nothing(kind: str, tmp_path: Path) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", place], check=True)
    try:
        path = place / "config.yml"
        path.write_bytes(OLD)
        if kind == "read-only":
            subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        reason = "No space left on device" if kind == "full" else "Read-only file system"
        with pytest.raises(Refused, match=rf"cannot be written \({reason}\)"):
            replace(path, b"x" * 20_000)
        assert path.read_bytes() == OLD
        assert not any("tmp" in name for name in names(path))
    finally:
        subprocess.run(["umount", place], check=True)


def test_what_somebody_else_wrote_meanwhile_is_not_lost(config: Path) -> None:
    found = disk.look(str(config))
    assert found is not None
    config.write_bytes(b"theirs\n")
    with pytest.raises(Refused, match="was changed by somebody else in the meantime; run again"):
        disk.replace(str(config), found, TEXT, NEW, 0)
    with pytest.raises(Refused, match="was changed by somebody else in the meantime; run again"):
        disk.remove(str(config), found)
    with pytest.raises(Refused, match="was changed by somebody else"):
        disk.replace(str(config), None, TEXT, NEW, 0)
    assert config.read_bytes() == b"theirs\n"


def test_what_a_killed_run_left_is_removed(config: Path) -> None:
    (config.parent / ".portfolio-0123456789abcdef.tmp").write_text("half")
    replace(config, keep=0)
    assert names(config) == ["config.yml"]


def test_removing_takes_our_copies_along(config: Path) -> None:
    replace(config)
    found = disk.look(str(config))
    assert found is not None
    disk.remove(str(config), found)
    assert names(config) == []


@pytest.mark.parametrize("kind", ["directory", "pipe"])
def test_what_is_no_file_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    if kind == "directory":
        path.mkdir()
    else:
        os.mkfifo(path)
    with pytest.raises(Refused, match="is not a file; "):
        disk.look(str(path))


@pytest.mark.parametrize(("owner", "mode"), [("nobody-here", "0644"), ("0", "rw"), ("0", "0999"), ("0", "420,")])
def test_attributes_that_are_none(owner: str, mode: str) -> None:
    with pytest.raises(Refused, match=r"give a number|octal number in quotes"):
        disk.attributes(owner, "0", mode)


UUID, OTHER = "6ff42ae2-765d-4adf-8112-31c55c1551ef", "00000000-765d-4adf-8112-31c55c1551ef"


@pytest.mark.parametrize(
    ("setting", "held", "known", "sentence"),
    [
        (UUID, OTHER, None, f"names the tunnel {UUID}, but /c.json belongs to {OTHER}; correct"),
        (UUID, UUID.upper(), OTHER, f"runs the tunnel {UUID}, and the API knows {OTHER}; correct"),
        ("portfolio", OTHER, UUID, f"runs the tunnel {OTHER}, and the API knows {UUID}; correct"),
        (UUID, None, OTHER, f"runs the tunnel {UUID}, and the API knows {OTHER}; correct"),
        (UUID, UUID, UUID, ""),
        ("portfolio", None, UUID, ""),
        (None, None, None, ""),
    ],
)
def test_all_name_the_same_tunnel(setting: str | None, held: str | None, known: str | None, sentence: str) -> None:
    if not sentence:
        credentials.refuse_other_tunnel("/config.yml", setting, "/c.json", held, known)
        return
    with pytest.raises(Refused, match=sentence):
        credentials.refuse_other_tunnel("/config.yml", setting, "/c.json", held, known)


def test_credentials_tell_their_tunnel_only() -> None:
    secret = b'{"AccountTag": "a", "TunnelSecret": "hidden", "TunnelID": "%s"}' % UUID.encode()
    assert credentials.tunnel_id("/c.json", secret) == UUID
    assert credentials.tunnel_id("/c.json", b'{"TunnelSecret": "hidden"}') is None
    for content in (b"", b"hidden", b"[1]", b"\xff", b"[" * 100_000):
        with pytest.raises(Refused) as refused:
            credentials.tunnel_id("/c.json", content)
        assert "hidden" not in str(refused.value)


def test_a_containers_path_is_looked_for_beside_the_file(config: Path) -> None:
    there = config.parent / "x.json"
    there.write_text("{}")
    assert credentials.place(str(config), "/etc/cloudflared-in-a-container/x.json", None) == str(there)
    assert credentials.place(str(config), str(there), None) == str(there)
    assert credentials.place(str(config), "/x.json", "/given.json") == "/given.json"
    assert credentials.place(str(config), None, None) is None
