"""What a Traefik of somebody else was told, in each of the three ways, and nothing more of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.server.traefik import describe

FILE = b"""
api: {dashboard: true, insecure: true}
entryPoints:
  plainHttp:
    address: ":80"
    forwardedHeaders: {trustedIPs: [10.0.0.1/32, 0.0.0.0/0]}
    http: {aliasHeadersStrategy: delete}
  secure: {address: ":443"}
certificatesResolvers: {le: {acme: {eab: {hmacEncoded: geheim-5f2a}}}}
"""
ARGUMENTS = [
    "traefik",
    "--api.insecure",
    "--entrypoints.plainHttp.address=:80",
    "--entryPoints.plainHttp.forwardedHeaders.trustedIPs=10.0.0.1/32,0.0.0.0/0",
    "--entrypoints.plainHttp.http.aliasHeadersStrategy",
    "delete",
    "--entrypoints.secure.address=:443",
    "--certificatesresolvers.le.acme.eab.hmacencoded=geheim-5f2a",
]
ENVIRONMENT = [
    "PATH=/bin",
    "TRAEFIK_API_INSECURE=true",
    "TRAEFIK_ENTRYPOINTS_plainhttp_ADDRESS=:80",
    "TRAEFIK_ENTRYPOINTS_PLAINHTTP_FORWARDEDHEADERS_TRUSTEDIPS=10.0.0.1/32,0.0.0.0/0",
    "TRAEFIK_ENTRYPOINTS_PLAINHTTP_HTTP_ALIASHEADERSSTRATEGY=delete",
    "TRAEFIK_ENTRYPOINTS_SECURE_ADDRESS=:443",
    "TRAEFIK_CERTIFICATESRESOLVERS_LE_ACME_EAB_HMACENCODED=geheim-5f2a",
]


def described(
    files: dict[str, bytes] | None = None,
    image: str = "traefik:v3.7.15",
    mounts: list[dict[str, str]] | None = None,
    **config: Any,
) -> dict[str, Any]:
    answer = {"Name": "/edge", "Config": {"Image": image, **config}, "Mounts": mounts}
    found = describe(answer, lambda path: (files or {}).get(path))
    assert "geheim" not in str(found)
    return found


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("plainHttp", {"files": {"/etc/traefik/traefik.yaml": FILE}}),
        ("plainHttp", {"files": {"/srv/traefik.yml": FILE}, "WorkingDir": "/srv/"}),
        # The file counts, whatever else is said.
        ("plainHttp", {"files": {"/a.yml": FILE}, "Cmd": ["--configFile=/a.yml", "--entrypoints.other.address=:81"]}),
        ("plainHttp", {"Cmd": ARGUMENTS}),
        ("plainHttp", {"Entrypoint": ["/entrypoint.sh"], "Cmd": ARGUMENTS[1:], "Env": ["TRAEFIK_API_INSECURE=false"]}),
        ("plainhttp", {"Cmd": ["traefik"], "Env": ENVIRONMENT}),
    ],
)
def test_each_way_says_the_same(name: str, given: dict[str, Any]) -> None:
    assert described(**given) == {
        "name": "edge",
        "version": "3.7.15",
        "socket": False,
        "unread": "",
        "insecure_api": True,
        "open_dashboard": False,
        "entry_points": {
            name: {"port": 80, "believes_all": True, "aliases": "delete", "redirects": False},
            "secure": {"port": 443, "believes_all": False, "aliases": "keep", "redirects": False},
        },
    }


def test_nothing_said_is_one_entry_point() -> None:
    assert described()["entry_points"] == {
        "http": {"port": 80, "believes_all": False, "aliases": "keep", "redirects": False}
    }


@pytest.mark.parametrize(
    ("arguments", "key", "value"),
    [
        (["--entrypoints.a.address=10.0.0.1:80/tcp"], "port", 80),
        (["--entrypoints.a.address=:80/udp"], "port", None),
        (["--entrypoints.a.address"], "port", None),
        (["--entrypoints.a.forwardedheaders.insecure"], "believes_all", True),
        (["--entrypoints.a.forwardedheaders.insecure=false"], "believes_all", False),
        (["--entrypoints.a.forwardedheaders.trustedips[0]=::/0"], "believes_all", True),
        (["--entrypoints.a.forwardedheaders.trustedips=10.0.0.0/8"], "believes_all", False),
        (["--entrypoints.a.http.redirections.entrypoint.to=b"], "redirects", True),
        (["--entrypoints.a.http.aliasheadersstrategy=reject"], "aliases", "reject"),
    ],
)
def test_an_entry_point(arguments: list[str], key: str, value: object) -> None:
    assert described(Cmd=arguments)["entry_points"]["a"][key] == value


@pytest.mark.parametrize(
    ("files", "arguments", "words"),
    [
        ({"/etc/traefik/traefik.toml": b"[api]"}, [], "/etc/traefik/traefik.toml is TOML"),
        ({"/etc/traefik/traefik.yml": b"a: [geheim"}, [], "/etc/traefik/traefik.yml is not valid YAML"),
        ({"/etc/traefik/traefik.yml": b"\xff\xfe\x00"}, [], "is not valid YAML"),
        ({"/etc/traefik/traefik.yml": b"a: &a [*a]"}, [], "is not valid YAML"),
        ({}, ["--configfile", "/nothing.yml"], "/nothing.yml is not in its container"),
    ],
)
def test_what_cannot_be_read_is_said(files: dict[str, bytes], arguments: list[str], words: str) -> None:
    found = described(files, Cmd=arguments)
    assert words in found["unread"]
    assert (found["entry_points"], found["insecure_api"]) == ({}, False)


@pytest.mark.parametrize(
    ("labels", "arguments", "shown"),
    [
        ({"traefik.http.routers.d.service": "api@internal"}, ["--api"], True),
        ({"traefik.http.Routers.d.Service": "dashboard@internal"}, ["--api=true"], True),
        (
            {"traefik.http.routers.d.service": "api@internal", "traefik.http.routers.d.middlewares": "auth"},
            ["--api"],
            False,
        ),
        ({"traefik.http.routers.d.service": "api@internal"}, ["--api.dashboard=false"], False),
        ({"traefik.http.routers.d.service": "api@internal"}, [], False),
        ({"traefik.http.routers.d.service": "shop"}, ["--api"], False),
    ],
)
def test_a_dashboard_without_a_door(labels: dict[str, str], arguments: list[str], shown: bool) -> None:
    assert described(Labels=labels, Cmd=arguments)["open_dashboard"] == shown


@pytest.mark.parametrize(
    ("image", "label", "version"),
    [
        ("traefik:v3.7.15", "", "3.7.15"),
        ("traefik:latest", "v3.6.2", "3.6.2"),
        ("registry.example:5000/traefik:2.11", "2.11.9-rc1", "2.11.9"),
        ("traefik:v3.7", "", None),
        ("traefik@sha256:12", "", None),
    ],
)
def test_its_version(image: str, label: str, version: str | None) -> None:
    assert described(image=image, Labels={"org.opencontainers.image.version": label})["version"] == version


def test_dockers_socket() -> None:
    assert described(mounts=[{"Source": "/var/run/docker.sock"}])["socket"]
    assert not described(mounts=[{"Source": "/srv/conf"}, {}])["socket"]
