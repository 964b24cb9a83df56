"""What /proc and os-release say, from recorded files."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.bestviable.portfolio.plugins.module_utils.server import host_parse

RECORDED = Path(__file__).parent / "recorded"

DEBIAN = """PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
"""
UBUNTU = """PRETTY_NAME="Ubuntu 24.04.1 LTS"
VERSION_ID="24.04"
VERSION_CODENAME=noble
ID=ubuntu
ID_LIKE=debian
"""
# No code name, a comment, an empty line, single quotes, an unclosed quote.
ALPINE = """NAME='Alpine Linux'
ID=alpine

# a comment=of somebody
VERSION_ID=3.22.0
PRETTY_NAME='Alpine Linux v3.22'
BUG_REPORT_URL="unclosed
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DEBIAN, ("debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)")),
        (UBUNTU, ("ubuntu", "24.04", "noble", "Ubuntu 24.04.1 LTS")),
        (ALPINE, ("alpine", "3.22.0", None, "Alpine Linux v3.22")),
        ("", (None, None, None, None)),
    ],
    ids=["debian", "ubuntu", "alpine", "none"],
)
def test_os_release(text: str, expected: tuple[str | None, ...]) -> None:
    found = host_parse.parse_os_release(text)
    assert tuple(found[key] for key in ("id", "version_id", "codename", "name")) == expected


def test_meminfo() -> None:
    text = (RECORDED / "meminfo").read_text()
    assert host_parse.parse_meminfo(text) == {"total_mb": 24105, "available_mb": 22901}


def test_meminfo_that_is_missing() -> None:
    assert host_parse.parse_meminfo("") == {"total_mb": None, "available_mb": None}


def test_routes_as_cidr() -> None:
    routes = host_parse.parse_routes((RECORDED / "route").read_text())
    assert {"destination": "0.0.0.0/0", "interface": "eth0"} in routes
    assert {"destination": "172.17.0.0/16", "interface": "docker0"} in routes
    assert {"destination": "172.28.10.0/24", "interface": "br-bfd310907df4"} in routes


def test_a_route_that_is_down_is_left_out() -> None:
    head = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
    assert host_parse.parse_routes(head + "eth1 00000A0A 00000000 0000 0 0 0 00FFFFFF 0 0 0\n") == []


def test_only_listening_sockets_count() -> None:
    listeners = host_parse.parse_listeners((RECORDED / "tcp").read_text())
    assert [(listener.address, listener.port, listener.inode) for listener in listeners] == [
        ("127.0.0.1", 2322, "99300"),
        ("127.0.0.1", 3005, "197113"),
        ("0.0.0.0", 2024, "1576"),  # noqa: S104
    ]


def test_listeners_of_ipv6() -> None:
    listeners = host_parse.parse_listeners((RECORDED / "tcp6").read_text())
    assert [(listener.address, listener.port, listener.inode) for listener in listeners] == [
        ("::", 22, "21894"),
        ("::1", 3306, "33141"),
        ("::ffff:7f00:1", 8080, "33999"),
    ]


def test_system_identifier_is_read_as_pg_controldata_reads_it() -> None:
    assert host_parse.parse_system_identifier(bytes.fromhex("10f0bbde4235046b") + b"rest") == "7711347023286104080"


@pytest.mark.parametrize("content", [b"", b"1234567"])
def test_a_short_pg_control_has_no_identifier(content: bytes) -> None:
    assert host_parse.parse_system_identifier(content) is None


UNITS = """Id=a.timer
LoadState=loaded
ActiveState=active
UnitFileState=enabled
NeedDaemonReload=no

Id=b.timer
LoadState=not-found
ActiveState=inactive
UnitFileState=
NeedDaemonReload=no

Id=c.service
LoadState=loaded
ActiveState=inactive
UnitFileState=static
NeedDaemonReload=yes
"""


def test_units() -> None:
    assert host_parse.parse_units(UNITS) == {
        "a.timer": {"enabled": True, "active": True, "stale": False},
        "b.timer": None,
        "c.service": {"enabled": False, "active": False, "stale": True},
    }
    assert host_parse.parse_units("") == {}
