"""Which engine the CLI would talk to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.server import docker_client

META = "/home/david/.docker/contexts/meta/{}/meta.json"


def reader(files: dict[str, Any]) -> Callable[[str], bytes]:
    def read(path: str) -> bytes:
        if path not in files:
            raise FileNotFoundError(path)
        content = files[path]
        return content if isinstance(content, bytes) else json.dumps(content).encode()

    return read


def meta(name: str, host: str) -> dict[str, Any]:
    path = META.format(hashlib.sha256(name.encode()).hexdigest())
    return {path: {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}}}}


CURRENT = {"/home/david/.docker/config.json": {"currentContext": "far", "auths": {}}}
FAR = meta("far", "ssh://david@far")
NEAR = meta("rootless", "unix:///run/user/1000/docker.sock")


@pytest.mark.parametrize(
    ("environment", "files", "expected"),
    [
        ({}, {}, docker_client.DEFAULT_ENDPOINT),
        ({"DOCKER_HOST": "tcp://10.0.0.5:2376", "DOCKER_CONTEXT": "far"}, CURRENT | FAR, "tcp://10.0.0.5:2376"),
        ({}, CURRENT | FAR, "ssh://david@far"),
        ({"DOCKER_CONTEXT": "rootless"}, CURRENT | FAR | NEAR, "unix:///run/user/1000/docker.sock"),
        ({"DOCKER_CONTEXT": "default"}, CURRENT | FAR, docker_client.DEFAULT_ENDPOINT),
        ({"DOCKER_HOST": ""}, {"/home/david/.docker/config.json": {"auths": {}}}, docker_client.DEFAULT_ENDPOINT),
        ({}, CURRENT, "context:far"),
        ({}, {"/home/david/.docker/config.json": b"{ not json"}, docker_client.DEFAULT_ENDPOINT),
        ({"DOCKER_CONFIG": "/etc/d"}, {"/etc/d/config.json": {"currentContext": "x"}}, "context:x"),
    ],
    ids=["nothing", "host", "current", "variable", "default", "empty", "lost", "broken", "elsewhere"],
)
def test_endpoint(environment: dict[str, str], files: dict[str, Any], expected: str) -> None:
    assert docker_client.endpoint(environment, "/home/david", reader(files)) == expected
