"""Writing: as a whole or not at all, whenever the process is killed."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.files import disk
from ansible_collections.bestviable.portfolio.plugins.module_utils.files.model import Wanted
from ansible_collections.bestviable.portfolio.plugins.module_utils.files.plan import Change

# Every call by which a change reaches the disk.
STEPS = ("open", "fchown", "fchmod", "fsync", "rename", "mkdir")
OLD, NEW = b"old " * 5000, b"new " * 5000


def wanted(path: Path, content: bytes = NEW, mode: int = 0o640) -> Change:
    item = Wanted(str(path), "root", "root", mode, content=content)
    return Change(item, disk.look(str(path)), os.geteuid(), os.getegid())


def directory(path: Path) -> Change:
    item = Wanted(str(path), "root", "root", 0o750, is_directory=True)
    return Change(item, disk.look(str(path)), os.geteuid(), os.getegid())


def test_look(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\0\xff")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    kinds = {name: disk.look(str(tmp_path / name)) for name in ("file", "link", "pipe", ".", "nothing", "file/x")}
    assert [found.kind for found in kinds.values()] == ["file", "link", "other", "directory", "absent", "other"]
    assert (kinds["file"].content, kinds["link"].content) == (b"\0\xff", None)
    assert kinds["file/x"].error == "Not a directory"


def test_content_and_mode_and_a_second_time_nothing(tmp_path: Path) -> None:
    disk.apply(directory(tmp_path / "d"))
    disk.apply(wanted(tmp_path / "d" / "f", "ä\n".encode(), 0o400))
    assert (tmp_path / "d" / "f").read_bytes() == "ä\n".encode()
    assert stat.S_IMODE((tmp_path / "d" / "f").stat().st_mode) == 0o400
    assert stat.S_IMODE((tmp_path / "d").stat().st_mode) == 0o750
    assert not wanted(tmp_path / "d" / "f", "ä\n".encode(), 0o400).changed
    assert not directory(tmp_path / "d").changed


def test_a_new_mode_keeps_the_time_and_the_inode(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(NEW)
    os.utime(path, (1000, 1000))
    before = path.stat()
    disk.apply(wanted(path, NEW, 0o600))
    assert (path.stat().st_mtime, path.stat().st_ino) == (before.st_mtime, before.st_ino)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f"
    path.write_bytes(OLD)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        disk.apply(wanted(path))
    assert path.read_bytes() == OLD
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_only_our_own_leftovers_are_found(tmp_path: Path) -> None:
    ours = ".portfolio-0123456789abcdef.tmp"
    for name in (ours, ".portfolio-0123.tmp", "x.portfolio-0123456789abcdef.tmp", "f.tmp"):
        (tmp_path / name).touch()
    assert disk.leftovers({str(tmp_path), "/nowhere"}) == [str(tmp_path / ours)]


def killed_at(step: int, work: Callable[[], None]) -> bool:
    """Run `work` in a process that kills itself before its step number `step`; whether it came that far."""
    child = os.fork()
    if child == 0:
        count = 0

        def guarded(original: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any, **named: Any) -> Any:
                nonlocal count
                count += 1
                if count == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return original(*arguments, **named)

            return call

        for name in STEPS:
            setattr(os, name, guarded(getattr(os, name)))
        work()
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize("existing", [True, False])
def test_killed_before_every_step_the_file_is_whole_and_the_next_run_heals(tmp_path: Path, existing: bool) -> None:
    whole: list[bool] = []
    killed = True
    while killed:
        base = tmp_path / str(len(whole))
        path = base / "d" / "f"
        base.mkdir()
        if existing:
            path.parent.mkdir(mode=0o700)
            path.write_bytes(OLD)

        def work(parent: Path = path.parent, path: Path = path) -> None:
            if directory(parent).changed:
                disk.apply(directory(parent))
            if wanted(path).changed:
                disk.apply(wanted(path))

        killed = killed_at(len(whole) + 1, work)
        found = disk.look(str(path))
        assert found.content in (OLD if existing else None, NEW)
        whole.append(found.content == NEW)
        # Never the new content with another mode.
        assert found.content != NEW or found.mode == 0o640
        for leftover in disk.leftovers({str(path.parent)}):
            disk.remove(leftover)
        work()
        assert path.read_bytes() == NEW
        assert [entry.name for entry in path.parent.iterdir()] == ["f"]
        assert not wanted(path).changed
        assert not directory(path.parent).changed
    # Killed often enough to mean something, before and after the moment that counts.
    assert whole == sorted(whole)
    assert whole.count(False) > 5
    assert whole.count(True) > 2


@pytest.mark.parametrize(("name", "expected"), [("root", 0), ("0", 0), ("10001", 10001), ("no-such-user", None)])
def test_names_and_numbers(name: str, expected: int | None) -> None:
    assert disk.user_id(name) == expected
    assert disk.group_id(name) == expected


def test_numbers_without_a_name_are_shown_as_numbers() -> None:
    assert (disk.user_name(0), disk.group_name(0)) == ("root", "root")
    assert (disk.user_name(4294967), disk.group_name(4294967)) == ("4294967", "4294967")
