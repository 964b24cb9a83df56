"""server_info on this machine: bare, and with a real engine that holds things of known shape."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.server.host import DATA_KEYS

from tests.ansible_task import run_module, run_task

SOCKET = "/var/run/docker.sock"
KEYS = {
    "uid", "distribution", "architecture", "init", "time", "memory", "disk", "libraries", "docker", "networks",
    "routes", "volumes",
    "containers", "publishers", "traefiks", "cloudflareds", "data_users", "images", "ports", "files", "markers",
    "units", "checksums", "data_volume",
}  # fmt: skip


def test_a_bare_server_is_no_failure(tmp_path: Path) -> None:
    asked = {
        "docker_socket": str(tmp_path / "docker.sock"),
        "containers": ["postgres-erp"],
        "networks": ["portfolio-network"],
        "volumes": ["other"],
        "images": ["postgres:15.20-alpine"],
        "ports": [1],
        "files": [str(tmp_path / "nothing")],
        "markers": {"data": str(tmp_path / "marker.json")},
        "data_volume": "no-such-volume",
    }
    results = [run_task("server_info", asked, check=check) for check in (True, False)]
    for result in results:
        server = result["server"]
        assert not result["changed"]
        assert set(server) == KEYS
        assert (server["docker"]["reachable"], server["docker"]["version"]) == (False, None)
        assert str(tmp_path / "docker.sock") in server["docker"]["error"]
        for kind, name in (("containers", "postgres-erp"), ("networks", "portfolio-network"), ("volumes", "other"),
                           ("images", "postgres:15.20-alpine"), ("ports", "1"), ("markers", "data")):  # fmt: skip
            assert server[kind] == {name: None}
        assert server["files"] == {str(tmp_path / "nothing"): None}
        assert server["publishers"] == []
        assert server["data_volume"] == {"exists": False, "labels": {}, **dict.fromkeys(DATA_KEYS)}
        assert server["memory"]["total_mb"] > server["memory"]["available_mb"] > 0
        assert server["disk"]["total_mb"] > server["disk"]["free_mb"] > 0
    first, second = (result["server"] for result in results)
    for key in ("distribution", "architecture", "init", "libraries", "docker"):
        assert first[key] == second[key]


def test_nothing_asked_is_answered_too() -> None:
    server = run_module("server_info", {"docker_socket": "/nowhere/docker.sock"})["server"]
    assert set(server) == KEYS
    assert server["data_volume"] is None


def test_something_else_behind_the_socket(tmp_path: Path) -> None:
    (tmp_path / "docker.sock").write_text("a file")
    server = run_module("server_info", {"docker_socket": str(tmp_path / "docker.sock")})["server"]
    assert "Connection refused" in server["docker"]["error"]


def docker(*arguments: str, content: bytes | None = None) -> str:
    command = ["docker", "--host", f"unix://{SOCKET}", *arguments]
    return subprocess.run(command, input=content, capture_output=True, check=True).stdout.decode().strip()


def archive() -> bytes:
    """A file system with one empty file: an image that needs no registry."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("nothing"))
    return stream.getvalue()


@pytest.fixture(scope="module")
def engine() -> Iterator[str]:
    """The name that everything of this test bears on the engine of this machine; all of it is removed at the end."""
    if not Path(SOCKET).is_socket() or os.geteuid():
        pytest.skip("there is no engine on this machine, or no right to ask it")
    name = f"portfolio-test-{uuid.uuid4().hex[:8]}"
    try:
        docker("import", "--change", "USER 70:70", "--change", "ENV PG_MAJOR=15", "-", f"{name}:1", content=archive())
        docker("volume", "create", "--label", "bestviable.portfolio=postgres-erp", name)
        docker("network", "create", "--internal", "--subnet", "198.51.100.0/28", "--label", "a=b", name)
        docker("create", "--name", name, "--network", name, "--memory", "64m", "--memory-swap", "64m", "--cpus", "0.25",
               "--publish", "127.0.0.1:39871:5432", "--volume", f"{name}:/data", "--env", "PASSWORD=geheim-5f2a",
               f"{name}:1", "/nothing")  # fmt: skip
        docker(
            "create", "--name", f"{name}-ours", "--label", "bestviable.portfolio=cloudflared", f"{name}:1", "/nothing"
        )
        yield name
    finally:
        for remove in (
            f"rm --force {name}-ours {name}",
            f"network rm {name}",
            f"volume rm {name}",
            f"image rm {name}:1",
        ):
            command = ["docker", "--host", f"unix://{SOCKET}", *remove.split()]
            subprocess.run(command, capture_output=True, check=False)


def ask(name: str, **environment: str) -> dict[str, Any]:
    asked = {
        "containers": [name],
        "networks": [name],
        "volumes": [name],
        "images": [f"{name}:1", f"{name}:2"],
        "data_volume": name,
    }
    result = run_module("server_info", asked, environment=environment)
    assert "geheim" not in str(result)
    server: dict[str, Any] = result["server"]
    return server


def test_a_container_of_ours_is_told_unasked(engine: str) -> None:
    ours = ask(engine)["containers"][f"{engine}-ours"]
    assert (ours["state"], ours["labels"]["bestviable.portfolio"]) == ("created", "cloudflared")


def test_what_the_engine_holds(engine: str) -> None:
    server = ask(engine)
    assert server["docker"]["reachable"]
    assert server["docker"]["error"] is None
    assert server["docker"]["version"] == docker("version", "--format", "{{.Server.Version}}")
    container = server["containers"][engine]
    assert (container["state"], container["health"], container["started_at"]) == ("created", None, None)
    assert (container["memory"], container["memory_swap"], container["nano_cpus"]) == (
        64 * 2**20,
        64 * 2**20,
        250_000_000,
    )
    assert container["ports"] == [
        {"host_ip": "127.0.0.1", "host_port": 39871, "container_port": 5432, "protocol": "tcp"}
    ]
    assert [mount["name"] for mount in container["mounts"]] == [engine]
    network = server["networks"][engine]
    assert (network["internal"], network["subnets"], network["labels"]) == (True, ["198.51.100.0/28"], {"a": "b"})
    image = server["images"][f"{engine}:1"]
    assert (image["user"], image["env"]["PG_MAJOR"]) == ("70:70", "15")
    assert image["id"] == container["image_id"]
    assert server["images"][f"{engine}:2"] is None
    # A container that does not run publishes nothing yet.
    assert engine not in [row["container"] for row in server["publishers"]]


def test_the_data_volume_before_and_after_a_server_lived_in_it(engine: str) -> None:
    found = ask(engine)
    volume = found["data_volume"]
    assert (volume["exists"], volume["labels"]) == (True, {"bestviable.portfolio": "postgres-erp"})
    assert (volume["empty"], volume["pg_version"], volume["system_identifier"]) == (True, None, None)
    assert volume["total_mb"] > volume["free_mb"] > volume["ballast_mb"] == 0
    pgdata = Path(found["volumes"][engine]["mountpoint"]) / "pgdata"
    (pgdata / "global").mkdir(parents=True)
    (pgdata / "PG_VERSION").write_text("14\n")
    (pgdata / "global" / "pg_control").write_bytes(struct.pack("<Q", 2**64 - 1))
    found = ask(engine)["data_volume"]
    assert (found["empty"], found["pg_version"]) == (False, "14")
    assert found["system_identifier"] == "18446744073709551615"


def test_the_local_engine_is_asked_wherever_the_context_leads(engine: str) -> None:
    server = ask(engine, DOCKER_HOST="tcp://192.0.2.1:2376")
    assert server["docker"]["context"] == "tcp://192.0.2.1:2376"
    assert server["containers"][engine] is not None
    assert ask(engine, DOCKER_HOST="", DOCKER_CONTEXT="lost")["docker"]["context"] == "context:lost"
