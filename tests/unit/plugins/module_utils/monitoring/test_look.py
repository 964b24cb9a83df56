# Copyright: (c) 2026, Best Viable
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking: whatever is gone or hangs is an answer within the time that it has, and the file is written whole."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

from ansible_collections.bestviable.portfolio.plugins.module_utils.monitoring import collect, look

Json = dict[str, Any]


def test_a_question_that_hangs_does_not_hold_up_the_others() -> None:
    hang = threading.Event()
    began = time.monotonic()
    answers = look.together({"hangs": hang.wait, "well": lambda: 1}, seconds=0.2)
    hang.set()
    assert answers == {"hangs": None, "well": 1}
    assert time.monotonic() - began < 30, "it waited for the one that hangs"


def test_an_engine_that_is_gone_says_why(tmp_path: Path) -> None:
    config = {"docker_socket": str(tmp_path / "docker.sock"), "containers": [{"name": "x"}]}
    found = look.engine(config)
    assert not found["docker"]["reachable"] and "No such file" in found["docker"]["error"]


def test_an_address_where_nobody_listens_says_why() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert look.ask("127.0.0.1", port, "/", "token") == {"msg": "Connection refused"}


def test_a_disk_that_is_not_there_yet_is_that_of_its_parent(tmp_path: Path) -> None:
    assert look.disk(str(tmp_path / "a" / "b"))["path"] == str(tmp_path)


def test_what_the_backup_wrote_down_is_read_tolerantly(tmp_path: Path) -> None:
    nothing = dict.fromkeys(look.STATES)
    assert look.backup(f"{tmp_path}/state", f"{tmp_path}/spool") == (nothing, None)
    for name in ("state", "spool"):
        (tmp_path / name).mkdir()
    (tmp_path / "state" / "dump.json").write_text("{")
    (tmp_path / "state" / "backup.json").write_text('{"ok": true}')
    (tmp_path / "spool" / "000000010000000000000001").write_bytes(b"12345")
    states, spool = look.backup(f"{tmp_path}/state", f"{tmp_path}/spool")
    assert states["backup"] == {"ok": True} and "does not hold JSON" in (states["dump"] or {})["error"]
    assert spool and (spool["files"], spool["bytes"]) == (1, 5) and spool["since"] is not None


def token(claims: Json) -> str:
    return "x." + base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=") + ".y"


def test_when_a_token_ends() -> None:
    assert look.ends(token({"exp": 1795900000})) == 1795900000.0
    assert [look.ends(each) for each in ("", "x", "x.y.z", "x.!.z", token({}))] == [None] * 5


def config(tmp_path: Path) -> Json:
    for name in ("run", "monitoring"):
        (tmp_path / name).mkdir(exist_ok=True)
    return {"runtime": str(tmp_path / "run"), "directory": str(tmp_path / "monitoring")}


def test_the_file_lies_in_memory_and_on_the_disk_is_a_link_to_it(tmp_path: Path) -> None:
    place = config(tmp_path)
    for level in ("ok", "fail"):
        collect.publish(place, {"level": level})
        link = tmp_path / "monitoring" / "status.json"
        assert link.is_symlink() and json.loads(link.read_text()) == {"level": level}
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["status.json"]


def test_what_is_counted_outlives_the_machine_and_is_written_only_when_it_is_new(tmp_path: Path) -> None:
    place = config(tmp_path)
    collect.keep(place, {"counters": {"a": 1}})
    disk = tmp_path / "monitoring" / "state.json"
    written = disk.stat().st_ino
    collect.keep(place, {"counters": {"a": 1}})
    assert disk.stat().st_ino == written
    (tmp_path / "run" / "state.json").unlink()
    assert collect.remembered(place) == {"counters": {"a": 1}}
    collect.keep(place, {"counters": {"a": 2}})
    assert json.loads(disk.read_text()) == collect.remembered(place) == {"counters": {"a": 2}}
    disk.write_text("{")
    (tmp_path / "run" / "state.json").unlink()
    assert collect.remembered(place) == {}


def test_a_disk_that_takes_nothing_stops_nothing(tmp_path: Path) -> None:
    place = config(tmp_path) | {"directory": str(tmp_path / "gone")}
    collect.keep(place, {"counters": {}})
    collect.publish(place, {"level": "fail"})
    assert (tmp_path / "run" / "status.json").exists()
