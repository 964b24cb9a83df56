"""Connectors of somebody else, told from what starts them; what is secret there is not told."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.server import cloudflared

TOKEN = "eyJhIjoic2VjcmV0In0="
MOUNTED = [{"Type": "bind", "Source": "/srv/tunnel", "Destination": "/etc/cloudflared"}]
CONFIG = "/srv/tunnel/config.yml"


def answer(arguments: list[str], **more: Any) -> dict[str, Any]:
    return {
        "Name": "/shop-tunnel",
        "Path": "cloudflared",
        "Args": arguments,
        "Config": {"Env": more.get("env", [])},
        "Mounts": more.get("mounts", MOUNTED),
        "State": {"StartedAt": "2026-11-23T12:44:53.923748503Z"},
        "NetworkSettings": {"Networks": {"docker_proxy": {}, "backend": {}}},
    }


def told(arguments: list[str], there: tuple[str, ...] = (CONFIG,), **more: Any) -> dict[str, Any]:
    found = cloudflared.container(answer(arguments, **more), there.__contains__)
    assert found is not None
    assert TOKEN not in str(found)
    return found


def test_a_container_with_its_configuration() -> None:
    assert told(["--no-autoupdate", "tunnel", "--config", "/etc/cloudflared/config.yml", "run"]) == {
        "kind": "docker",
        "name": "shop-tunnel",
        "config": CONFIG,
        "file_mounted": False,
        "token": False,
        "started_at": "2026-11-23T12:44:53.923748503Z",
        "networks": ["backend", "docker_proxy"],
    }


@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        (["tunnel", "run", "--token", TOKEN], []),
        (["tunnel", "run", f"--token={TOKEN}"], []),
        (["tunnel", "run", "--token-file", "/run/token"], []),
        (["tunnel", "run"], [f"TUNNEL_TOKEN={TOKEN}"]),
    ],
)
def test_a_token_is_seen_and_not_told(arguments: list[str], env: list[str]) -> None:
    found = told(arguments, there=(), env=env)
    assert (found["token"], found["config"]) == (True, None)


@pytest.mark.parametrize("written", [["--config=/x/c.yml"], ["-config", "/x/c.yml"], ["--config", "/x/c.yml"]])
def test_the_configuration_however_it_is_written(written: list[str]) -> None:
    mounts = [{"Source": "/srv", "Destination": "/x"}]
    assert told(["tunnel", *written, "run"], there=("/srv/c.yml",), mounts=mounts)["config"] == "/srv/c.yml"


@pytest.mark.parametrize(
    ("there", "env", "mounts", "config"),
    [
        (("/srv/tunnel/config.yaml",), [], MOUNTED, "/srv/tunnel/config.yaml"),
        (("/srv/home/config.yml",), [], [{"Source": "/srv/home", "Destination": "/home/nonroot/.cloudflared"}], None),
        (("/srv/a/config.yml",), ["HOME=/app"], [{"Source": "/srv/a", "Destination": "/app/.cloudflared/"}], None),
        ((), [], MOUNTED, ""),
        ((CONFIG,), [], [], ""),
    ],
)
def test_without_a_flag_it_is_looked_for_where_the_program_looks(
    there: tuple[str, ...], env: list[str], mounts: list[dict[str, str]], config: str | None
) -> None:
    wanted = there[0] if config is None else config or None
    assert told(["tunnel", "run"], there=there, env=env, mounts=mounts)["config"] == wanted


def test_just_the_file_is_mounted() -> None:
    """The innermost mount counts; what is replaced beside it is not seen inside."""
    mounts = [*MOUNTED, {"Source": "/srv/one.yml", "Destination": "/etc/cloudflared/config.yml"}]
    found = told(["tunnel", "--config", "/etc/cloudflared/config.yml", "run"], there=("/srv/one.yml",), mounts=mounts)
    assert (found["config"], found["file_mounted"]) == ("/srv/one.yml", True)


def test_a_neighbour_of_a_mount_is_not_in_it() -> None:
    assert cloudflared.on_host("/etc/cloudflared2/config.yml", MOUNTED) is None


@pytest.mark.parametrize("arguments", [["version"], ["access", "tcp"], ["update"]])
def test_a_container_that_runs_no_tunnel(arguments: list[str]) -> None:
    assert cloudflared.container(answer(arguments), lambda path: True) is None


SHOWN = """\
Id=cloudflared.service
ActiveState=active
ExecMainStartTimestampMonotonic=2500000
Environment=
ExecStart={ path=/usr/bin/cloudflared ; argv[]=/usr/bin/cloudflared --no-autoupdate --config \
/etc/cloudflared/config.yml tunnel run ; ignore_errors=no ; start_time=[n/a] ; pid=7 ; code=(null) ; status=0/0 }

Id=cloudflared-update.service
ActiveState=inactive
ExecStart={ path=/bin/bash ; argv[]=/bin/bash -c /usr/bin/cloudflared update ; ignore_errors=no ; pid=0 }

Id=cloudflared-shop.service
ActiveState=active
ExecMainStartTimestampMonotonic=0
ExecStart={ path=/usr/bin/cloudflared ; argv[]=/usr/bin/cloudflared tunnel run --token TOKEN ; ignore_errors=no }
"""


def test_units() -> None:
    blocks = list(cloudflared.blocks(SHOWN.replace("TOKEN", TOKEN)))
    first, update, shop = (
        cloudflared.unit(block, 1000.0, {"/etc/cloudflared/config.yml"}.__contains__) for block in blocks
    )
    assert update is None
    assert first == {
        "kind": "systemd",
        "name": "cloudflared",
        "config": "/etc/cloudflared/config.yml",
        "file_mounted": False,
        "token": False,
        "started_at": "1970-01-01T00:16:42.500000Z",
        "networks": [],
    }
    assert shop is not None and shop["token"]
    assert TOKEN not in str(shop)


def test_a_unit_that_does_not_run_is_none() -> None:
    [block, *_rest] = cloudflared.blocks(SHOWN.replace("=active", "=failed"))
    assert cloudflared.unit(block, 0.0, lambda path: True) is None
