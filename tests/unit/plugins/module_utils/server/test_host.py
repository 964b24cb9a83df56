"""Reading the machine, on files made for it."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.server import host

EMPTY = dict.fromkeys(host.DATA_KEYS)


def test_disk_of_the_nearest_parent(tmp_path: Path) -> None:
    assert host.disk(str(tmp_path / "not" / "there"))["path"] == str(tmp_path)
    assert host.disk("/")["total_mb"] >= host.disk("/")["free_mb"] > 0


def test_files_are_described_without_following_links(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "file").chmod(0o640)
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    described = {
        name: host.describe_file(str(tmp_path / name)) for name in ("file", "link", "pipe", "nothing", "file/x")
    }
    assert {name: found and found["type"] for name, found in described.items()} == {
        "file": "file", "link": "link", "pipe": "other", "nothing": None, "file/x": None,
    }  # fmt: skip
    assert described["file"] is not None
    assert (described["file"]["mode"], described["file"]["uid"]) == ("0640", os.geteuid())
    assert described["file"]["mtime"] == (tmp_path / "file").stat().st_mtime


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"image": "x"}', {"image": "x"}),
        (b"{", "does not hold JSON"),
        (b"\xff\xfe", "does not hold JSON"),
        (b"[1]", "does not hold a JSON object"),
        (b"", "does not hold JSON"),
        (b'{"a": "' + b"x" * host.MARKER_LIMIT + b'"}', "does not hold JSON"),
    ],
    ids=["good", "cut", "binary", "list", "empty", "huge"],
)
def test_marker(tmp_path: Path, content: bytes, expected: object) -> None:
    path = tmp_path / "marker.json"
    path.write_bytes(content)
    found = host.read_marker(str(path))
    assert found == expected if isinstance(expected, dict) else found and str(expected) in found["error"]


def test_no_marker_is_not_a_broken_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert host.read_marker(str(tmp_path / "nothing")) is None
    assert host.read_marker(str(tmp_path / "file" / "below")) is None
    assert "cannot be read" in (host.read_marker(str(tmp_path)) or {})["error"]


def test_data_volume(tmp_path: Path) -> None:
    assert host.data_directory(None) == EMPTY
    assert host.data_directory(str(tmp_path / "gone")) == EMPTY
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "ballast").write_bytes(b"x" * (3 * 2**20))
    found = host.data_directory(str(tmp_path))
    assert (found["empty"], found["ballast_mb"], found["path"]) == (True, 3, str(tmp_path))
    assert found["total_mb"] > found["free_mb"] > 0
    (tmp_path / "pgdata" / "global").mkdir(parents=True)
    (tmp_path / "pgdata" / "PG_VERSION").write_text("15\n")
    found = host.data_directory(str(tmp_path))
    assert (found["empty"], found["pg_version"], found["system_identifier"]) == (False, "15", None)
    (tmp_path / "pgdata" / "global" / "pg_control").write_bytes(struct.pack("<Q", 7711347023286104080) + bytes(8184))
    assert host.data_directory(str(tmp_path))["system_identifier"] == "7711347023286104080"


def test_the_data_of_somebody_else_are_not_empty(tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("16\n")
    found = host.data_directory(str(tmp_path))
    assert (found["empty"], found["pg_version"], found["system_identifier"]) == (False, None, None)


def test_a_ballast_with_holes_is_none(tmp_path: Path) -> None:
    with (tmp_path / "ballast").open("wb") as file:
        file.truncate(64 * 2**20)
    assert host.data_directory(str(tmp_path))["ballast_mb"] == 0


def test_a_listening_port_names_its_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        comm = Path("/proc/self/comm").read_text().strip()
        assert host.ports([port], []) == {
            str(port): {"address": "127.0.0.1", "process": comm, "pid": os.getpid(), "container": None}
        }
        published = [{"container": "traefik", "host_ip": "127.0.0.1", "host_port": port, "container_port": 3000}]
        assert (host.ports([port], published)[str(port)] or {})["container"] == "traefik"
    assert host.ports([port], []) == {str(port): None}


def test_a_port_that_docker_publishes_without_a_proxy_is_taken() -> None:
    published = [{"container": "stranger", "host_ip": "0.0.0.0", "host_port": 1, "container_port": 80}]  # noqa: S104
    assert host.ports([1], published)["1"] == {
        "address": "0.0.0.0", "process": None, "pid": None, "container": "stranger",  # noqa: S104
    }  # fmt: skip
